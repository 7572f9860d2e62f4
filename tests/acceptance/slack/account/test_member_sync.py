"""When people change: a new name, an account that is gone, the app that is taken away (R8.14)."""

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
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, Town, answer


def yoga(town: Town) -> None:
    town.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=1)
    town.register(CHLOE, DIEGO, HARUKI)


def test_a_deactivated_members_seat_goes_to_the_next_and_organizers_are_told(town: Town) -> None:
    yoga(town)
    town.slack.change_member(CHLOE, deleted=True)
    town.settle(5)
    assert town.sound().seated("yoga") == [DIEGO]
    with pytest.raises(UnknownUser):
        town.bot.service.get_user(CHLOE)
    assert sentences.promoted() in town.told(DIEGO)[0]
    for organizer in (BJORN, PRIYA):
        (told,) = town.told(organizer)
        assert f"<@{CHLOE}> is no longer in this workspace" in told
        assert f"<@{DIEGO}> gets the seat." in told
        assert f"[{ActionId.MANAGE}]" in told


def test_one_who_waited_gives_up_a_place_in_line(town: Town) -> None:
    yoga(town)
    town.slack.change_member(DIEGO, deleted=True)
    town.settle(5)
    assert "was removed from the waitlist" in town.told(BJORN)[0]


def test_one_who_comes_back_registers_as_anybody(town: Town) -> None:
    yoga(town)
    town.slack.change_member(CHLOE, deleted=True)
    town.slack.change_member(CHLOE, deleted=False)
    assert sentences.waitlisted(2) in answer(town.slack.command(CHLOE, RANDOM, "/register", "yoga"))
    town.sound()


def test_told_twice_it_happens_once(town: Town) -> None:
    yoga(town)
    for _ in range(2):
        town.slack.change_member(CHLOE, deleted=True)
    town.settle(5)
    assert len(town.told(BJORN)) == 1


def test_what_a_crash_interrupts_is_finished_with_organizers_told(town: Town) -> None:
    """The reason stands in the mark, so that whoever finishes it knows it (R7.4)."""
    yoga(town)
    user = town.bot.service.get_user(CHLOE)
    town.store.start_user_deletion(CHLOE, "deactivated.m1", revision=user.revision)
    town.settle(65)
    assert "no longer in this workspace" in town.told(BJORN)[0]
    assert town.sound().seated("yoga") == [DIEGO]


def test_one_who_asks_to_be_forgotten_is_nobodys_news(town: Town) -> None:
    yoga(town)
    town.bot.service.delete_user(CHLOE)
    town.settle(5)
    assert town.told(BJORN) == []


def test_of_an_event_that_is_over_organizers_are_not_told(town: Town) -> None:
    yoga(town)
    town.clock.advance(timedelta(days=3))
    town.slack.change_member(CHLOE, deleted=True)
    town.settle(5)
    assert town.told(BJORN) == []


def test_a_new_name_is_stored(town: Town) -> None:
    yoga(town)
    town.slack.change_member(CHLOE, name="chloe.t")
    assert town.bot.service.get_user(CHLOE).name == "chloe.t"


def test_a_new_status_writes_nothing(town: Town) -> None:
    """Slack sends the same event for each change of a member's status."""
    yoga(town)
    before = town.everything()
    town.slack.change_member(CHLOE, real_name="Chloé T.")
    assert town.everything() == before


def test_somebody_who_never_registered_is_not_stored(town: Town) -> None:
    before = town.everything()
    town.slack.change_member(AMARA, name="amara.o")
    town.slack.change_member(AMARA, deleted=True)
    assert town.everything() == before


def test_each_day_what_no_event_told_of_is_followed(town: Town) -> None:
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


def test_the_notifier_does_it_soon_after_its_start_and_then_daily(town: Town) -> None:
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


def test_where_slack_fails_it_is_tried_again_within_hours(town: Town) -> None:
    yoga(town)
    change_unnoticed(town, CHLOE, deleted=True)
    town.api.fail_next("users.list", Fault.server_error())
    town.clock.advance(timedelta(minutes=10))
    town.settle(3)
    assert town.sound().seated("yoga") == [CHLOE]
    town.clock.advance(timedelta(hours=1))
    town.settle(3)
    assert town.sound().seated("yoga") == [DIEGO]


def test_one_who_is_not_in_slack_at_all_stays(town: Town) -> None:
    """Programs register people under ids of their own."""
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
def test_the_app_taken_away_is_an_alarm_and_everything_is_kept(
    town: Town, caplog: pytest.LogCaptureFixture, event: dict[str, object], is_alarm: bool
) -> None:
    yoga(town)
    before = town.everything()
    with caplog.at_level(logging.CRITICAL):
        town.slack.event(dict(event))
    assert bool(caplog.records) is is_alarm
    assert town.everything() == before
