"""Member sync: new names, deactivated accounts, and an uninstalled app (R8.14)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.features.account.member_sync import reconcile
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
    answer,
)


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def test_deactivated_member_seat_is_promoted_and_organizers_notified(town: Town) -> None:
    yoga(town)
    town.slack.change_member(CHLOE, deleted=True)
    town.settle(5)
    assert town.sound().seated("yoga") == [DIEGO]
    with pytest.raises(UnknownUser):
        harness.bot.service.get_user(CHLOE)
    assert sentences.promoted() in harness.direct_messages(DIEGO)[0]
    for organizer in (BJORN, PRIYA):
        (told,) = harness.direct_messages(organizer)
        assert f"<@{CHLOE}> is no longer in this workspace" in told
        assert f"<@{DIEGO}> gets the seat." in told
        assert f"[{ActionId.MANAGE}]" in told


def test_deactivated_member_leaves_waitlist(town: Town) -> None:
    yoga(town)
    town.slack.change_member(DIEGO, deleted=True)
    town.settle(5)
    assert "was removed from the waitlist" in town.told(BJORN)[0]


def test_reactivated_member_can_register(town: Town) -> None:
    yoga(town)
    town.slack.change_member(CHLOE, deleted=True)
    town.slack.change_member(CHLOE, deleted=False)
    assert sentences.waitlisted(2) in answer(town.slack.command(CHLOE, RANDOM, "/register", "yoga"))
    town.sound()


def test_deactivation_delivered_twice_applies_once(town: Town) -> None:
    yoga(town)
    for _ in range(2):
        harness.slack.update_member(CHLOE, deleted=True)
    harness.deliver_due(5)
    assert len(harness.direct_messages(BJORN)) == 1


def test_deactivation_after_crash_is_finished_and_notified(town: Town) -> None:
    """The deletion id stores the reason for whoever finishes the deletion (R7.4)."""
    yoga(town)
    user = town.bot.service.get_user(CHLOE)
    town.store.start_user_deletion(CHLOE, "deactivated.m1", revision=user.revision)
    town.settle(65)
    assert "no longer in this workspace" in town.told(BJORN)[0]
    assert town.sound().seated("yoga") == [DIEGO]


def test_forget_me_notifies_no_organizer(town: Town) -> None:
    yoga(town)
    town.bot.service.delete_user(CHLOE)
    town.settle(5)
    assert town.told(BJORN) == []


def test_deactivation_after_event_notifies_no_one(town: Town) -> None:
    yoga(town)
    town.clock.advance(timedelta(days=3))
    town.slack.change_member(CHLOE, deleted=True)
    town.settle(5)
    assert town.told(BJORN) == []


def test_new_name_is_stored(town: Town) -> None:
    yoga(town)
    town.slack.change_member(CHLOE, name="chloe.t")
    assert town.bot.service.get_user(CHLOE).name == "chloe.t"


def test_status_change_writes_nothing(town: Town) -> None:
    """Slack sends the same event for each change of a member's status."""
    yoga(town)
    before = town.everything()
    town.slack.change_member(CHLOE, real_name="Chloé T.")
    assert town.everything() == before


def test_unknown_member_is_not_stored(town: Town) -> None:
    before = town.everything()
    town.slack.change_member(AMARA, name="amara.o")
    town.slack.change_member(AMARA, deleted=True)
    assert town.everything() == before


def test_daily_sync_applies_missed_changes(town: Town) -> None:
    yoga(town)
    change_unnoticed(town, CHLOE, deleted=True)
    change_unnoticed(town, HARUKI, name="haruki.s")
    assert reconcile(town.bot.service, town.client) == 2
    town.settle(5)
    assert town.sound().seated("yoga") == [DIEGO]
    assert town.bot.service.get_user(HARUKI).name == "haruki.s"
    assert "no longer in this workspace" in town.told(BJORN)[0]
    assert reconcile(town.bot.service, town.client) == 0


def change_unnoticed(town: Town, user_id: str, **changes: object) -> None:
    member = town.workspace.member(user_id)
    town.workspace.put_member(replace(member, **changes))  # type: ignore[arg-type]


def test_sync_runs_soon_after_start_then_daily(town: Town) -> None:
    yoga(town)
    change_unnoticed(town, CHLOE, deleted=True)
    town.clock.advance(timedelta(minutes=10))
    town.settle(3)
    assert town.sound().seated("yoga") == [DIEGO]
    calls = len(town.api.calls("users.list"))
    town.clock.advance(timedelta(hours=20))
    town.settle(3)
    assert len(town.api.calls("users.list")) == calls
    town.clock.advance(timedelta(hours=4))
    town.settle(3)
    assert len(town.api.calls("users.list")) == calls + 1


def test_sync_retries_within_hours_after_slack_fails(town: Town) -> None:
    yoga(town)
    change_unnoticed(town, CHLOE, deleted=True)
    town.api.fail_next("users.list", Fault.server_error())
    town.clock.advance(timedelta(minutes=10))
    town.settle(3)
    assert town.sound().seated("yoga") == [CHLOE]
    town.clock.advance(timedelta(hours=1))
    town.settle(3)
    assert town.sound().seated("yoga") == [DIEGO]


def test_sync_keeps_users_who_are_not_in_slack(town: Town) -> None:
    """API clients register users with ids of their own."""
    town.event()
    town.bot.service.create_user(UserDraft.of(user_id="emp-7", name="Ada"))
    town.bot.service.register("yoga", "emp-7")
    assert reconcile(town.bot.service, town.client) == 0
    assert town.sound().seated("yoga") == ["emp-7"]


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
    town: Town, caplog: pytest.LogCaptureFixture, event: dict[str, object], is_alarm: bool
) -> None:
    yoga(harness)
    before = harness.everything()
    with caplog.at_level(logging.CRITICAL):
        harness.slack.event(dict(event))
    assert bool(caplog.records) is is_alarm
    assert harness.everything() == before
