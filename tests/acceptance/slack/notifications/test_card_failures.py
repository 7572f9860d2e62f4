"""Whatever Slack does to the update of a card: in the end it shows what is so, at most once a second (R8.3)."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.slack.api_errors import PAUSE
from domain.inputs import EventChanges
from domain.models import Event
from playground.demo.seed import EVENTS, GENERAL
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Message
from tests.support.notifications.delivery import POST, undelivered
from tests.support.notifications.slack_faults import (
    ANSWER_LOST,
    BUGS,
    LONG_ENOUGH,
    NOT_APPLIED,
    OURS,
)
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, Town, shown

UPDATE = "chat.update"
CARD_IS_GONE = ["message_not_found", "is_archived", "not_in_channel", "channel_not_found"]
PEOPLE = (BJORN, CHLOE, DIEGO, HARUKI, PRIYA)


def two_cards(town: Town) -> list[Message]:
    """Return an event's cards in two channels, shown and settled."""
    event = town.event(capacity=10)
    cards = [_card(town, event, channel_id) for channel_id in (EVENTS, GENERAL)]
    town.settle()
    return cards


def _card(town: Town, event: Event, channel_id: str) -> Message:
    town.bot.notification_worker.announce(event, channel_id)
    return town.workspace.messages(channel_id)[-1]


def now_shown(town: Town, card: Message) -> str:
    """Return the line of a card that counts its seats."""
    text = shown(town.workspace.message(card.channel_id, card.ts))
    line = next(line for line in text.splitlines() if " of " in line and " seat" in line)
    return line.removesuffix(f" · organized by <@{AMARA}>")


@pytest.mark.parametrize("position", [0, 3])
@pytest.mark.parametrize(
    "fault",
    [*NOT_APPLIED.values(), *ANSWER_LOST.values()],
    ids=[*NOT_APPLIED, *(f"answer lost: {name}" for name in ANSWER_LOST)],
)
def test_card_ends_at_the_truth_whatever_happens_to_its_updates(
    impatient: Town, fault: Fault, position: int
) -> None:
    """Five changes, one every two seconds, and one call that fails."""
    town = impatient
    cards = two_cards(town)
    town.api.faults.line_up(UPDATE, None, position)
    town.api.fail_next(UPDATE, fault)
    for user_id in PEOPLE:
        town.register(user_id)
        town.bot.notification_worker.wake("yoga")
        town.settle(1.5)
    town.settle(LONG_ENOUGH)
    assert [now_shown(town, card) for card in cards] == [sentences.taken(5, 10)] * 2
    assert undelivered(town) == ()
    assert len(town.api.calls(UPDATE)) <= 2 * len(PEOPLE) + 2


@pytest.mark.parametrize("error", OURS)
def test_our_own_failure_keeps_cards_for_later_with_one_alarm(
    town: Town, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    cards = two_cards(town)
    town.api.faults.stand(Fault.refused(error))
    town.register(*PEOPLE)
    with caplog.at_level(logging.WARNING):
        town.settle(3 * PAUSE.total_seconds())
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert len([call for call in town.api.calls(UPDATE) if call.fault]) <= 4
    town.api.faults.stand(None)
    town.settle(PAUSE.total_seconds() + 3)
    assert [now_shown(town, card) for card in cards] == [sentences.taken(5, 10)] * 2
    assert undelivered(town) == ()


@pytest.mark.parametrize("error", CARD_IS_GONE)
def test_card_that_is_gone_is_forgotten_and_the_other_goes_on(town: Town, error: str) -> None:
    two_cards(town)
    town.api.fail_next(UPDATE, Fault.refused(error))
    for user_id in PEOPLE:
        town.register(user_id)
        town.settle(2)
    (left,) = town.store.get_cards("yoga")
    assert left.rendered_version == town.bot.service.get_event("yoga").version
    assert len(town.api.calls(UPDATE)) == 1 + len(PEOPLE)
    assert undelivered(town) == ()


@pytest.mark.parametrize("error", BUGS)
def test_card_that_can_not_be_shown_waits_for_the_next_change(
    town: Town, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    cards = two_cards(town)
    town.api.fail_next(UPDATE, Fault.refused(error), times=2)
    town.register(BJORN)
    town.settle(LONG_ENOUGH)
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert len(town.api.calls(UPDATE)) == 2
    assert undelivered(town) == ()
    town.register(CHLOE)
    town.settle()
    assert [now_shown(town, card) for card in cards] == [sentences.taken(2, 10)] * 2


@pytest.mark.parametrize("error", ["messages_tab_disabled", "missing_scope"])
def test_cards_follow_while_messages_are_refused_with_one_alarm(
    town: Town, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What Slack takes is not held up by what it refuses, and does not set off the alarm again."""
    card = town.card(town.event(capacity=1))
    town.register(AMARA, BJORN)
    town.api.fail_next(POST, Fault.refused(error), times=10_000)
    town.bot.service.unregister("yoga", AMARA)
    with caplog.at_level(logging.WARNING):
        for waiting, user_id in enumerate((CHLOE, DIEGO, HARUKI), start=1):
            town.register(user_id)
            town.settle(2)
            assert now_shown(town, card) == sentences.taken(1, 1, waitlist=waiting)
            town.settle(PAUSE.total_seconds())
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    town.api.faults.clear()
    town.settle(PAUSE.total_seconds() + 3)
    assert len(town.told(BJORN)) == 1


def test_alarm_is_raised_again_for_what_broke_again(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """Mended meanwhile: the next refusal is news, even for a method that was not called since."""
    town.card(town.event(capacity=1))
    town.register(AMARA, BJORN)
    for _ in range(2):
        town.api.faults.stand(Fault.refused("token_revoked"))
        town.bot.service.edit_event("yoga", EventChanges.of(capacity=5))
        town.settle(2 * PAUSE.total_seconds())
        town.api.faults.stand(None)
        town.bot.service.edit_event("yoga", EventChanges.of(capacity=4))
        town.settle(2 * PAUSE.total_seconds())
    alarms = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert len(alarms) == 2


def test_card_is_updated_once_a_second_at_most_while_updates_fail(town: Town) -> None:
    """R8.3, and the workspace's 50 a minute."""
    two_cards(town)
    town.api.faults.line_up(UPDATE, Fault.closed(applied=True), 2)
    began = town.clock.now()
    calls: list[tuple[str, float]] = []
    for number in range(120):
        town.register(f"U0GUEST{number}")
        before = len(town.api.calls(UPDATE))
        town.bot.notification_worker.run_due_events()
        second = (town.clock.now() - began).total_seconds()
        calls += [(call.args["ts"], second) for call in town.api.calls(UPDATE)[before:]]
        town.clock.advance(timedelta(seconds=0.25))
    for ts in {ts for ts, _ in calls}:
        moments = [second for one, second in calls if one == ts]
        assert all(later - earlier >= 1 for earlier, later in pairwise(moments))
    assert len(calls) >= 25
