"""Card updates under every failure of Slack: right in the end, at most once a second (R8.3)."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.notifications.card_updater import MAX_RETRY_DELAY, CardUpdater
from bot.slack.api_errors import PAUSE, CircuitBreaker
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
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    HARUKI,
    PRIYA,
    SlackHarness,
    shown,
)

UPDATE = "chat.update"
CARD_MISSING = [
    "message_not_found",
    "is_archived",
    "not_in_channel",
    "channel_not_found",
    "restricted_action",
]
USERS = (BJORN, CHLOE, DIEGO, HARUKI, PRIYA)


def two_cards(harness: SlackHarness) -> list[Message]:
    """Return an event's cards in two channels."""
    event = harness.event(capacity=10)
    cards = [_card(harness, event, channel_id) for channel_id in (EVENTS, GENERAL)]
    harness.deliver_due()
    return cards


def _card(harness: SlackHarness, event: Event, channel_id: str) -> Message:
    harness.bot.notification_worker.post_card(event, channel_id)
    return harness.workspace.messages(channel_id)[-1]


def seats_shown(harness: SlackHarness, card: Message) -> str:
    """Return the line of a card with its seat counts."""
    text = shown(harness.workspace.message(card.channel_id, card.ts))
    line = next(line for line in text.splitlines() if " of " in line and " seat" in line)
    return line.partition(f" · organized by <@{AMARA}>")[0]


@pytest.mark.parametrize("position", [0, 3])
@pytest.mark.parametrize(
    "fault",
    [*NOT_APPLIED.values(), *ANSWER_LOST.values()],
    ids=[*NOT_APPLIED, *(f"answer lost: {name}" for name in ANSWER_LOST)],
)
def test_card_ends_current_after_any_failed_update(
    impatient: SlackHarness, fault: Fault, position: int
) -> None:
    """Five changes come two seconds apart, and one call fails."""
    harness = impatient
    cards = two_cards(harness)
    harness.api.faults.enqueue(UPDATE, None, position)
    harness.api.fail_next(UPDATE, fault)
    for user_id in USERS:
        harness.register(user_id)
        harness.bot.notification_worker.schedule("yoga")
        harness.deliver_due(1.5)
    harness.deliver_due(LONG_ENOUGH)
    assert [seats_shown(harness, card) for card in cards] == ["5 of 10 seats taken"] * 2
    assert undelivered(harness) == ()
    assert len(harness.api.calls(UPDATE)) <= 2 * len(USERS) + 2


@pytest.mark.parametrize("error", OURS)
def test_app_failure_defers_cards_with_one_alarm(
    harness: SlackHarness, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    cards = two_cards(harness)
    harness.api.faults.set_default(Fault.refused(error))
    harness.register(*USERS)
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(3 * PAUSE)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert len([call for call in harness.api.calls(UPDATE) if call.fault]) <= 4
    harness.api.faults.set_default(None)
    harness.deliver_due(PAUSE + 3)
    assert [seats_shown(harness, card) for card in cards] == ["5 of 10 seats taken"] * 2
    assert undelivered(harness) == ()


@pytest.mark.parametrize("error", CARD_MISSING)
def test_missing_card_is_forgotten_and_the_other_updated(harness: SlackHarness, error: str) -> None:
    two_cards(harness)
    harness.api.fail_next(UPDATE, Fault.refused(error))
    for user_id in USERS:
        harness.register(user_id)
        harness.deliver_due(2)
    (left,) = harness.store.get_cards("yoga")
    assert left.rendered_version == harness.bot.service.get_event("yoga").version
    assert len(harness.api.calls(UPDATE)) == 1 + len(USERS)
    assert undelivered(harness) == ()


@pytest.mark.parametrize("error", BUGS)
def test_card_with_a_bug_waits_for_the_next_change(
    harness: SlackHarness, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    cards = two_cards(harness)
    harness.api.fail_next(UPDATE, Fault.refused(error), times=2)
    harness.register(BJORN)
    harness.deliver_due(LONG_ENOUGH)
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert len(harness.api.calls(UPDATE)) == 2
    assert undelivered(harness) == ()
    harness.register(CHLOE)
    harness.deliver_due()
    assert [seats_shown(harness, card) for card in cards] == ["2 of 10 seats taken"] * 2


@pytest.mark.parametrize("error", ["messages_tab_disabled", "missing_scope"])
def test_cards_are_updated_while_messages_are_refused(
    harness: SlackHarness, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Accepted calls continue, and don't repeat the alarm about the refused ones."""
    card = harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN)
    harness.api.fail_next(POST, Fault.refused(error), times=10_000)
    harness.bot.service.unregister("yoga", AMARA)
    with caplog.at_level(logging.WARNING):
        for waitlisted, user_id in enumerate((CHLOE, DIEGO, HARUKI), start=1):
            harness.register(user_id)
            harness.deliver_due(2)
            assert seats_shown(harness, card).startswith(f"1 of 1 seat taken · {waitlisted} ")
            harness.deliver_due(PAUSE)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    harness.api.faults.clear()
    harness.deliver_due(PAUSE + 3)
    assert len(harness.direct_messages(BJORN)) == 1


def test_alarm_is_raised_again_after_a_recovery(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A second refusal is a new problem, even for a method that was not called in between."""
    harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN)
    for _ in range(2):
        harness.api.faults.set_default(Fault.refused("token_revoked"))
        harness.bot.service.edit_event("yoga", EventChanges.of(capacity=5))
        harness.deliver_due(2 * PAUSE)
        harness.api.faults.set_default(None)
        harness.bot.service.edit_event("yoga", EventChanges.of(capacity=4))
        harness.deliver_due(2 * PAUSE)
    alarms = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert len(alarms) == 2


def test_card_is_updated_at_most_once_a_second_while_updates_fail(harness: SlackHarness) -> None:
    """R8.3, within the workspace's 50 updates a minute."""
    two_cards(harness)
    harness.api.faults.enqueue(UPDATE, Fault.closed(applied=True), 2)
    began = harness.clock.now()
    calls: list[tuple[str, float]] = []
    for number in range(120):
        harness.register(f"U0GUEST{number}")
        before = len(harness.api.calls(UPDATE))
        harness.bot.notification_worker.process_due_events()
        second = (harness.clock.now() - began).total_seconds()
        calls += [(call.args["ts"], second) for call in harness.api.calls(UPDATE)[before:]]
        harness.clock.advance(timedelta(seconds=0.25))
    for ts in {ts for ts, _ in calls}:
        moments = [second for one, second in calls if one == ts]
        assert all(later - earlier >= 1 for earlier, later in pairwise(moments))
    assert len(calls) >= 25


class OneChannelFails(WebClient):
    """A client to which Slack fails each update of one channel's cards."""

    attempts = 0

    def chat_update(self, *, channel: str, **values: Any) -> SlackResponse:
        if channel == EVENTS:
            self.attempts += 1
            answer = {"ok": False, "error": "external_channel_migrating"}
            raise SlackApiError("", answer)  # type: ignore[no-untyped-call]
        return super().chat_update(channel=channel, **values)


def test_card_that_slack_keeps_failing_delays_no_other(harness: SlackHarness) -> None:
    """It is tried less and less often."""
    clock = harness.clock
    for event_id, channel_id in {"yoga": EVENTS, "quiz": GENERAL}.items():
        _card(harness, harness.event(event_id, capacity=10), channel_id)
    client = OneChannelFails(token=harness.client.token, base_url=harness.client.base_url)
    updater = CardUpdater(harness.store, client, clock, CircuitBreaker(clock))
    began = clock.monotonic()
    harness.register(BJORN)
    for user_id in USERS:
        harness.register(user_id, event_id="quiz")
        for _ in range(60):
            clock.advance(timedelta(seconds=1))
            updater.update_cards("yoga", lambda: None)
            updater.update_cards("quiz", lambda: None)
        quiz = harness.bot.service.get_event("quiz")
        assert [card.rendered_version for card in harness.store.get_cards("quiz")] == [quiz.version]
    most = 3 + (clock.monotonic() - began) / MAX_RETRY_DELAY  # after 5, 10 and 20 seconds, then 40
    assert 3 < client.attempts <= most + 1
