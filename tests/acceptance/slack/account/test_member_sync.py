"""When people change: a new name, an account that is gone, the app that is taken away (R8.14)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.features.account.member_sync import reconcile
from domain.errors import UnknownUser
from domain.inputs import UserDraft
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
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


def test_a_deactivated_members_seat_goes_to_the_next_and_organizers_are_told(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    harness.slack.update_member(CHLOE, deleted=True)
    harness.deliver_due(5)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]
    with pytest.raises(UnknownUser):
        harness.bot.service.get_user(CHLOE)
    assert "A seat came free" in harness.direct_messages(DIEGO)[0]
    for organizer in (BJORN, PRIYA):
        (told,) = harness.direct_messages(organizer)
        assert f"<@{CHLOE}> is no longer in this workspace, and gave up a seat in" in told
        assert f"<@{DIEGO}> has it now." in told
        assert "[Manage]" in told


def test_one_who_waited_gives_up_a_place_in_line(harness: SlackHarness) -> None:
    yoga(harness)
    harness.slack.update_member(DIEGO, deleted=True)
    harness.deliver_due(5)
    assert "gave up a place in line" in harness.direct_messages(BJORN)[0]


def test_one_who_comes_back_registers_as_anybody(harness: SlackHarness) -> None:
    yoga(harness)
    harness.slack.update_member(CHLOE, deleted=True)
    harness.slack.update_member(CHLOE, deleted=False)
    assert "You are 2nd in line" in answer(
        harness.slack.command(CHLOE, RANDOM, "/register", "yoga")
    )
    harness.assert_invariants()


def test_told_twice_it_happens_once(harness: SlackHarness) -> None:
    yoga(harness)
    for _ in range(2):
        harness.slack.update_member(CHLOE, deleted=True)
    harness.deliver_due(5)
    assert len(harness.direct_messages(BJORN)) == 1


def test_what_a_crash_interrupts_is_finished_with_organizers_told(harness: SlackHarness) -> None:
    """The reason stands in the mark, so that whoever finishes it knows it (R7.4)."""
    yoga(harness)
    user = harness.bot.service.get_user(CHLOE)
    harness.store.start_user_deletion(CHLOE, "deactivated.m1", revision=user.revision)
    harness.deliver_due(65)
    assert "no longer in this workspace" in harness.direct_messages(BJORN)[0]
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_one_who_asks_to_be_forgotten_is_nobodys_news(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.delete_user(CHLOE)
    harness.deliver_due(5)
    assert harness.direct_messages(BJORN) == []


def test_of_an_event_that_is_over_organizers_are_not_told(harness: SlackHarness) -> None:
    yoga(harness)
    harness.clock.advance(timedelta(days=3))
    harness.slack.update_member(CHLOE, deleted=True)
    harness.deliver_due(5)
    assert harness.direct_messages(BJORN) == []


def test_a_new_name_is_stored(harness: SlackHarness) -> None:
    yoga(harness)
    harness.slack.update_member(CHLOE, name="chloe.t")
    assert harness.bot.service.get_user(CHLOE).name == "chloe.t"


def test_a_new_status_writes_nothing(harness: SlackHarness) -> None:
    """Slack sends the same event for each change of a member's status."""
    yoga(harness)
    before = harness.everything()
    harness.slack.update_member(CHLOE, real_name="Chloé T.")
    assert harness.everything() == before


def test_somebody_who_never_registered_is_not_stored(harness: SlackHarness) -> None:
    before = harness.everything()
    harness.slack.update_member(AMARA, name="amara.o")
    harness.slack.update_member(AMARA, deleted=True)
    assert harness.everything() == before


def test_each_day_what_no_event_told_of_is_followed(harness: SlackHarness) -> None:
    yoga(harness)
    change_unnoticed(harness, CHLOE, deleted=True)
    change_unnoticed(harness, HARUKI, name="haruki.s")
    assert reconcile(harness.bot.service, harness.client) == 2
    harness.deliver_due(5)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]
    assert harness.bot.service.get_user(HARUKI).name == "haruki.s"
    assert "no longer in this workspace" in harness.direct_messages(BJORN)[0]
    assert reconcile(harness.bot.service, harness.client) == 0


def change_unnoticed(harness: SlackHarness, user_id: str, **changes: object) -> None:
    member = harness.workspace.member(user_id)
    harness.workspace.put_member(replace(member, **changes))  # type: ignore[arg-type]


def test_the_notifier_does_it_soon_after_its_start_and_then_daily(harness: SlackHarness) -> None:
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


def test_where_slack_fails_it_is_tried_again_within_hours(harness: SlackHarness) -> None:
    yoga(harness)
    change_unnoticed(harness, CHLOE, deleted=True)
    harness.api.fail_next("users.list", Fault.server_error())
    harness.clock.advance(timedelta(minutes=10))
    harness.deliver_due(3)
    assert harness.assert_invariants().seated("yoga") == [CHLOE]
    harness.clock.advance(timedelta(hours=1))
    harness.deliver_due(3)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_one_who_is_not_in_slack_at_all_stays(harness: SlackHarness) -> None:
    """Programs register people under ids of their own."""
    harness.event()
    harness.bot.service.create_user(UserDraft.of(user_id="emp-7", name="Ada"))
    harness.bot.service.register("yoga", "emp-7")
    assert reconcile(harness.bot.service, harness.client) == 0
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
def test_the_app_taken_away_is_an_alarm_and_everything_is_kept(
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
