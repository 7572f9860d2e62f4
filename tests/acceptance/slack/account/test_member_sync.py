"""Member sync: new names, deactivated accounts, and an uninstalled app (R8.14)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.features.account.member_sync import MemberComparison
from domain.errors import UnknownUser
from domain.inputs import UserDraft
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.slack import sentences
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    HARUKI,
    PRIYA,
    SlackHarness,
    reply,
)


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def test_deactivated_member_seat_is_promoted_and_organizers_notified(harness: SlackHarness) -> None:
    yoga(harness)
    harness.slack.update_member(CHLOE, deleted=True)
    harness.deliver_due(5)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]
    with pytest.raises(UnknownUser):
        harness.bot.service.get_user(CHLOE)
    assert sentences.promoted() in harness.direct_messages(DIEGO)[0]
    (to_bjorn,) = harness.direct_messages(BJORN)
    _, to_priya = harness.direct_messages(PRIYA)  # the first says that she organizes it
    for message in (to_bjorn, to_priya):
        assert f"<@{CHLOE}> is no longer in this workspace" in message
        assert f"<@{DIEGO}> gets the seat." in message
        assert f"[{ActionId.MANAGE}]" in message


def test_deactivated_member_leaves_waitlist(harness: SlackHarness) -> None:
    yoga(harness)
    harness.slack.update_member(DIEGO, deleted=True)
    harness.deliver_due(5)
    assert "was removed from the waitlist" in harness.direct_messages(BJORN)[0]


def test_reactivated_member_can_register(harness: SlackHarness) -> None:
    yoga(harness)
    harness.slack.update_member(CHLOE, deleted=True)
    harness.slack.update_member(CHLOE, deleted=False)
    assert sentences.waitlisted(2) in reply(
        harness.slack.command(CHLOE, RANDOM, "/register", "yoga")
    )
    harness.assert_invariants()


def test_deactivation_delivered_twice_applies_once(harness: SlackHarness) -> None:
    yoga(harness)
    for _ in range(2):
        harness.slack.update_member(CHLOE, deleted=True)
    harness.deliver_due(5)
    assert len(harness.direct_messages(BJORN)) == 1


def test_deactivation_after_crash_is_finished_and_notified(harness: SlackHarness) -> None:
    """The deletion id stores the reason for whoever finishes the deletion (R7.4)."""
    yoga(harness)
    user = harness.bot.service.get_user(CHLOE)
    harness.store.start_user_deletion(CHLOE, "deactivated.m1", revision=user.revision)
    harness.deliver_due(65)
    assert "no longer in this workspace" in harness.direct_messages(BJORN)[0]
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_forget_me_notifies_no_organizer(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.delete_user(CHLOE)
    harness.deliver_due(5)
    assert harness.direct_messages(BJORN) == []


def test_deactivation_after_event_notifies_no_one(harness: SlackHarness) -> None:
    yoga(harness)
    harness.clock.advance(timedelta(days=3))
    harness.slack.update_member(CHLOE, deleted=True)
    harness.deliver_due(5)
    assert harness.direct_messages(BJORN) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"display_name": "Chlo"}, "Chlo"),
        ({"display_name": "Chlo", "real_name": "Chloé T."}, "Chlo"),
        ({"display_name": " ", "real_name": "Chloé T."}, "Chloé T."),
        ({"name": "chloe.t"}, "Chloé Tremblay"),
    ],
    ids=["display name", "display name first", "real name", "login handle"],
)
def test_stored_name_is_the_one_shown_in_slack(
    harness: SlackHarness, changes: dict[str, str], name: str
) -> None:
    yoga(harness)
    harness.slack.update_member(CHLOE, **changes)
    assert harness.bot.service.get_user(CHLOE).name == name


def test_status_change_writes_nothing(harness: SlackHarness) -> None:
    """Slack sends the same event for each change of a member's status."""
    yoga(harness)
    before = harness.everything()
    harness.slack.update_member(CHLOE, locale="fr-FR")
    assert harness.everything() == before


def test_unknown_member_is_not_stored(harness: SlackHarness) -> None:
    before = harness.everything()
    harness.slack.update_member(AMARA, display_name="Amara O.")
    harness.slack.update_member(AMARA, deleted=True)
    assert harness.everything() == before


def test_daily_sync_applies_missed_changes(harness: SlackHarness) -> None:
    yoga(harness)
    change_unnoticed(harness, CHLOE, deleted=True)
    change_unnoticed(harness, HARUKI, display_name="Haru")
    assert compare(harness) == 2
    harness.deliver_due(5)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]
    assert harness.bot.service.get_user(HARUKI).name == "Haru"
    assert "no longer in this workspace" in harness.direct_messages(BJORN)[0]
    assert compare(harness) == 0


def compare(harness: SlackHarness) -> int:
    """Compare once with Slack's members; return how many users changed."""
    return MemberComparison(
        harness.bot.service, harness.store, harness.client, harness.clock, holder="this process"
    ).run()


def change_unnoticed(harness: SlackHarness, user_id: str, **changes: object) -> None:
    member = harness.workspace.member(user_id)
    harness.workspace.put_member(replace(member, **changes))  # type: ignore[arg-type]


def test_sync_runs_soon_after_start_then_daily(harness: SlackHarness) -> None:
    yoga(harness)
    change_unnoticed(harness, CHLOE, deleted=True)
    harness.clock.advance(timedelta(minutes=10))
    harness.deliver_due(3)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]
    calls = len(harness.api.calls("users.list"))
    harness.clock.advance(timedelta(hours=20))
    harness.deliver_due(3)
    assert len(harness.api.calls("users.list")) == calls
    harness.clock.advance(timedelta(hours=4))
    harness.deliver_due(3)
    assert len(harness.api.calls("users.list")) == calls + 1


def test_sync_retries_within_hours_after_slack_fails(harness: SlackHarness) -> None:
    yoga(harness)
    change_unnoticed(harness, CHLOE, deleted=True)
    harness.api.fail_next("users.list", Fault.server_error())
    harness.clock.advance(timedelta(minutes=10))
    harness.deliver_due(3)
    assert harness.assert_invariants().seated("yoga") == [CHLOE]
    harness.clock.advance(timedelta(hours=1))
    harness.deliver_due(3)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_sync_keeps_users_who_are_not_in_slack(harness: SlackHarness) -> None:
    """API clients register users with ids of their own."""
    harness.event()
    harness.bot.service.create_user(UserDraft.of(user_id="emp-7", name="Ada"))
    harness.bot.service.register("yoga", "emp-7")
    assert compare(harness) == 0
    assert harness.assert_invariants().seated("yoga") == ["emp-7"]


@pytest.mark.parametrize(
    ("event", "is_alarm"),
    [
        ({"type": "app_uninstalled"}, True),
        ({"type": "tokens_revoked", "tokens": {"bot": ["U0ROLLCALL"]}}, True),
        ({"type": "tokens_revoked", "tokens": {"oauth": [CHLOE]}}, False),
    ],
    ids=["app", "the bot's token", "a member's token"],
)
def test_uninstall_logs_alarm_and_keeps_data(
    harness: SlackHarness,
    caplog: pytest.LogCaptureFixture,
    event: dict[str, object],
    is_alarm: bool,
) -> None:
    yoga(harness)
    before = harness.everything()
    with caplog.at_level(logging.CRITICAL):
        harness.slack.event(dict(event))
    assert bool(caplog.records) is is_alarm
    assert harness.everything() == before
