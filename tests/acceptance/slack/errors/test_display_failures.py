"""A change that was made is reported as made, even if it can't be shown (R8.12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.slack.error_messages import SENTENCES
from bot.slack.errors import RefreshFailed
from domain.enums import EventStatus
from domain.models import Page, Registration
from domain.planning.plan import Plan
from domain.ports import Unavailable
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from storage.sqlite.store import SQLiteStore
from tests.support.environment import at_once
from tests.support.slack.harness import BJORN, Town, answer, running

DONE = SENTENCES[RefreshFailed](None)
CAPACITY = (BlockId.CAPACITY, ActionId.INPUT)


class DimStore(SQLiteStore):
    """Fails to read rosters after its next commit, once `dimmed`."""

    dimmed = False
    dark = False

    def commit(self, plan: Plan) -> None:
        super().commit(plan)
        self.dark = self.dimmed

    def list_roster(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[Registration]:
        if self.dark:
            raise Unavailable
        return super().list_roster(event_id, limit=limit, cursor=cursor)


@pytest.fixture
def town(server: tuple[Any, str], tmp_path: Path) -> Iterator[Town]:
    with running(server, DimStore, tmp_path / "rollcall.sqlite", at_once) as town:
        yield town


def dim(town: Town) -> None:
    assert isinstance(town.store, DimStore)
    town.store.dimmed = True


def managed(town: Town) -> View:
    view = town.slack.command(BJORN, RANDOM, "/event", "yoga").view
    assert view is not None
    return view


def confirming(town: Town, capacity: str) -> View:
    """Return the form that asks whether to set the capacity."""
    town.slack.click(BJORN, managed(town), ActionId.CHANGE_CAPACITY)
    town.slack.submit(BJORN, town.workspace.views.stack(BJORN)[-1].id, {CAPACITY: capacity})
    return town.workspace.views.stack(BJORN)[-1]


def test_a_close_that_can_not_be_shown_is_not_said_to_have_changed_nothing(town: Town) -> None:
    town.event(organizer_id=BJORN)
    view = managed(town)
    dim(town)
    assert DONE in answer(town.slack.click(BJORN, view, ActionId.CLOSE))
    assert town.bot.service.get_event("yoga").status is EventStatus.CLOSED


def test_a_capacity_that_can_not_be_shown_is_not_said_to_have_changed_nothing(
    town: Town,
) -> None:
    town.event(organizer_id=BJORN)
    form = confirming(town, "9")
    dim(town)
    assert DONE in answer(town.slack.submit(BJORN, form.id))
    assert town.workspace.views.stack(BJORN)[-1].title == "Done"
    assert town.bot.service.get_event("yoga").capacity == 9


@pytest.mark.parametrize("fault", [Fault.closed(), Fault.server_error(503)], ids=repr)
def test_a_change_that_slack_does_not_show_is_said_to_be_done(town: Town, fault: Fault) -> None:
    town.event(organizer_id=BJORN)
    view = managed(town)
    town.api.fail_next("views.update", fault)
    assert DONE in answer(town.slack.click(BJORN, view, ActionId.CLOSE))
    assert town.bot.service.get_event("yoga").status is EventStatus.CLOSED
