"""Members' names (R1.6): those that people see, looked up when nobody waits for them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.blocks.ids import ActionId
from bot.notifications.worker import SWEEP_INTERVAL
from bot.slack.member_directory import MemberDirectory
from domain.inputs import UserDraft
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.slack.harness import AMARA, BJORN, CHLOE, SlackHarness, files, reply
from tests.support.slack.modals import manage_modal, press

LOOK_UP = "users.info"
EVERY_MINUTE = SWEEP_INTERVAL + 3


def name_of(harness: SlackHarness, user_id: str) -> str:
    return harness.bot.service.get_user(user_id).name


def register(harness: SlackHarness, *user_ids: str) -> None:
    for user_id in user_ids:
        reply(harness.slack.command(user_id, RANDOM, "/register", "yoga"))


def exported_names(harness: SlackHarness) -> dict[str, str]:
    """Return the names in the exported file, by user id."""
    (file,) = files(harness, AMARA)
    assert file.content is not None
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    return {row[3]: row[2] for row in rows[1:]}


def export(harness: SlackHarness) -> None:
    manage_modal(harness, AMARA)
    press(harness, ActionId.EXPORT, AMARA)


def test_first_press_stores_the_id_and_asks_slack_nothing(harness: SlackHarness) -> None:
    """The payload has only the login handle, which people don't see."""
    harness.event()
    register(harness, BJORN)
    assert name_of(harness, BJORN) == BJORN
    assert harness.api.calls(LOOK_UP) == []


def test_name_is_looked_up_within_a_minute(harness: SlackHarness) -> None:
    harness.event()
    register(harness, BJORN)
    harness.deliver_due(EVERY_MINUTE)
    assert name_of(harness, BJORN) == "Björn Lindqvist"


def test_later_press_keeps_the_name_and_asks_slack_nothing(harness: SlackHarness) -> None:
    harness.event()
    register(harness, BJORN)
    harness.deliver_due(EVERY_MINUTE)
    harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    register(harness, BJORN)
    harness.deliver_due(EVERY_MINUTE)
    assert name_of(harness, BJORN) == "Björn Lindqvist"
    assert len(harness.api.calls(LOOK_UP)) == 1


@pytest.mark.parametrize(
    "fault", [Fault.rate_limited(30), Fault.server_error(), Fault.closed()], ids=str
)
def test_look_up_that_fails_is_tried_again(harness: SlackHarness, fault: Fault) -> None:
    harness.event()
    register(harness, BJORN, CHLOE)
    harness.api.fail_next(LOOK_UP, fault)
    harness.deliver_due(2 * EVERY_MINUTE)
    assert name_of(harness, BJORN) == "Björn Lindqvist"
    assert name_of(harness, CHLOE) == "Chloé Tremblay"


def test_name_that_a_crash_lost_comes_with_the_daily_comparison(harness: SlackHarness) -> None:
    """The id that stands for it shows that it is missing."""
    harness.event()
    harness.bot.service.ensure_user(harness.draft(BJORN).unnamed(BJORN))
    harness.clock.advance(timedelta(minutes=10))
    harness.deliver_due(3)
    assert name_of(harness, BJORN) == "Björn Lindqvist"
    assert harness.api.calls(LOOK_UP) == []


def test_export_has_names_that_are_not_stored_yet(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.deliver_due(0)
    register(harness, BJORN, CHLOE)
    export(harness)
    harness.deliver_due(5)
    assert exported_names(harness) == {BJORN: "Björn Lindqvist", CHLOE: "Chloé Tremblay"}


@pytest.mark.parametrize(
    "fault", [Fault.rate_limited(5), Fault.server_error(), Fault.closed()], ids=str
)
def test_export_waits_for_names_that_slack_can_not_tell_now(
    harness: SlackHarness, fault: Fault
) -> None:
    harness.event()
    harness.deliver_due(0)
    register(harness, BJORN, CHLOE)
    export(harness)
    harness.api.faults.enqueue(LOOK_UP, None, 1)
    harness.api.fail_next(LOOK_UP, fault)
    harness.deliver_due(20)
    assert exported_names(harness) == {BJORN: "Björn Lindqvist", CHLOE: "Chloé Tremblay"}
    assert len(harness.api.calls(LOOK_UP)) == 3


def test_export_leaves_out_the_name_of_a_member_whom_slack_does_not_know(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.bot.service.ensure_user(harness.draft("U0NOBODY"))
    harness.bot.service.register("yoga", "U0NOBODY")
    export(harness)
    harness.deliver_due(5)
    assert exported_names(harness) == {"U0NOBODY": ""}
    harness.workspace.refusals.clear()


def test_export_after_a_restriction_has_all_names(harness: SlackHarness) -> None:
    """A name that Slack refused to tell is asked for again. This process has not met the members."""
    harness.event()
    for user_id in (BJORN, CHLOE):
        harness.bot.service.register_ensuring_user("yoga", UserDraft.unnamed(user_id))
    export(harness)
    harness.api.faults.set_default(Fault.refused("accesslimited"))
    harness.deliver_due(30)
    harness.api.faults.clear()
    harness.deliver_due(200)
    assert exported_names(harness) == {BJORN: "Björn Lindqvist", CHLOE: "Chloé Tremblay"}


class FailsForBjorn(WebClient):
    """A client to which Slack does not tell who Björn is."""

    def users_info(self, *, user: str, **values: Any) -> SlackResponse:
        if user == BJORN:
            raise TimeoutError
        return super().users_info(user=user, **values)


def test_member_whom_slack_keeps_failing_to_look_up_delays_no_other(harness: SlackHarness) -> None:
    client = FailsForBjorn(token=harness.client.token, base_url=harness.client.base_url)
    directory = MemberDirectory(client, harness.clock, harness.workspace.team_id)
    directory.meet(BJORN)
    directory.meet(CHLOE)
    found = [member.id for _ in range(3) for member in directory.look_up_met()]
    assert found == [CHLOE]
