"""A change that was made is reported as made, even if it can't be shown (R8.12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.slack.error_messages import SENTENCES
from bot.slack.refusals import RefreshFailed
from domain.enums import EventStatus
from domain.models import Page, Registration
from domain.planning.plan import Plan
from domain.ports import Unavailable
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.slack.harness import BJORN, SlackHarness, reply, run_bot

DONE = SENTENCES[RefreshFailed](None)
CAPACITY = (BlockId.CAPACITY, ActionId.INPUT)


class UnreadableRosterStore(SQLiteStore):
    """Fails to read rosters after its next commit, if `fails_after_commit`."""

    fails_after_commit = False
    is_unreadable = False

    def commit(self, plan: Plan) -> None:
        super().commit(plan)
        self.is_unreadable = self.fails_after_commit

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        if self.is_unreadable:
            raise Unavailable
        return super().list_roster(event_id, limit=limit, cursor=cursor)


@pytest.fixture
def harness(server: tuple[Any, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, UnreadableRosterStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


def fail_after_next_commit(harness: SlackHarness) -> None:
    assert isinstance(harness.store, UnreadableRosterStore)
    harness.store.fails_after_commit = True


def manage_modal(harness: SlackHarness) -> View:
    view = harness.slack.command(BJORN, RANDOM, "/event", "yoga").view
    assert view is not None
    return view


def confirming(harness: SlackHarness, capacity: str) -> View:
    """Return the form that asks whether to set the capacity."""
    harness.slack.click(BJORN, manage_modal(harness), ActionId.CHANGE_CAPACITY)
    harness.slack.submit(BJORN, harness.workspace.views.stack(BJORN)[-1].id, {CAPACITY: capacity})
    return harness.workspace.views.stack(BJORN)[-1]


def test_close_that_cannot_be_shown_is_reported_as_done(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=BJORN)
    view = manage_modal(harness)
    fail_after_next_commit(harness)
    assert DONE in reply(harness.slack.click(BJORN, view, ActionId.CLOSE))
    assert harness.bot.service.get_event("yoga").status is EventStatus.CLOSED


def test_new_capacity_that_cannot_be_shown_is_reported_as_done(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=BJORN)
    form = confirming(harness, "9")
    fail_after_next_commit(harness)
    assert DONE in reply(harness.slack.submit(BJORN, form.id))
    assert harness.workspace.views.stack(BJORN)[-1].title == "Done"
    assert harness.bot.service.get_event("yoga").capacity == 9


@pytest.mark.parametrize("fault", [Fault.closed(), Fault.server_error(503)], ids=repr)
def test_change_that_slack_does_not_show_is_reported_as_done(
    harness: SlackHarness, fault: Fault
) -> None:
    harness.event(organizer_id=BJORN)
    view = manage_modal(harness)
    harness.api.fail_next("views.update", fault)
    assert DONE in reply(harness.slack.click(BJORN, view, ActionId.CLOSE))
    assert harness.bot.service.get_event("yoga").status is EventStatus.CLOSED
