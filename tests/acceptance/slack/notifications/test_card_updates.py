"""Cards in channels: updated soon, at a limited rate, and right in the end (R8.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.blocks.ids import ActionId
from bot.features.cards.views import deleted_card
from bot.notifications.rate_limiter import BURST, CARD_INTERVAL, UPDATES_A_MINUTE
from bot.notifications.worker import NotificationWorker
from domain.inputs import EventChanges
from domain.ports import INDEX_LAG
from playground.demo.seed import EVENTS, GENERAL, RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.environment import run_now
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, shown, text_of

UPDATE = "chat.update"
GUESTS = [f"U0GUEST{number}" for number in range(40)]


class SlowSlack(WebClient):
    """Slack client whose every response takes a third of a second."""

    harness: SlackHarness
    updated_after: float | None = None
    meanwhile: list[Callable[[], None]]
    """Actions to run during the next updates, one each."""

    def chat_postMessage(self, **content: Any) -> SlackResponse:  # noqa: N802
        self.harness.clock.advance(timedelta(seconds=0.33))
        return super().chat_postMessage(**content)

    def chat_update(self, **content: Any) -> SlackResponse:
        self.harness.clock.advance(timedelta(seconds=0.33))
        if self.updated_after is None:
            self.updated_after = self.harness.clock.monotonic()
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return super().chat_update(**content)


def slow_worker(harness: SlackHarness) -> tuple[NotificationWorker, SlowSlack]:
    slack = SlowSlack(
        token=harness.workspace.app.bot_token,
        base_url=f"{harness.workspace.url}/api/",
        retry_handlers=[],
    )
    slack.harness = harness
    slack.meanwhile = []
    return new_worker(harness, "slow", slack), slack


def new_worker(
    harness: SlackHarness, holder: str, client: WebClient | None = None
) -> NotificationWorker:
    """Return the notifier of another process."""
    return NotificationWorker(
        harness.store,
        client or harness.client,
        harness.clock,
        holder=holder,
        workspace_id=harness.workspace.team_id,
        sweep=lambda: 0,
        reconcile=lambda: None,
        spawn=run_now,
    )


def test_card_is_updated_within_two_seconds(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    harness.deliver_due(5)
    harness.register(BJORN)
    harness.deliver_due(1)
    assert "1 of 2 seats" in shown(harness.workspace.message(EVENTS, card.ts))


@pytest.mark.parametrize(
    ("moment", "shows", "buttons"),
    [
        ("registration_deadline", "*Registration closed*", (ActionId.UNREGISTER,)),
        ("starts_at", "*Started*", (ActionId.UNREGISTER,)),
        ("ends_at", "*Ended*", ()),
    ],
)
def test_clock_reaches_the_card_with_the_next_sweep(
    harness: SlackHarness, moment: str, shows: str, buttons: tuple[ActionId, ...]
) -> None:
    """No one presses anything, and every button left can succeed."""
    starts_at = harness.clock.now() + timedelta(days=1)
    event = harness.event(
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        registration_deadline=starts_at - timedelta(hours=1),
        reminders=(),
    )
    harness.card(event)
    harness.register(BJORN)
    harness.clock.advance(getattr(event, moment) - harness.clock.now())
    harness.bot.service.sweep()
    harness.deliver_due()
    card = harness.current_card_text()
    assert shows in card
    left = [one for one in (ActionId.REGISTER, ActionId.UNREGISTER) if f"[{one}]" in card]
    assert left == list(buttons)


def test_rush_causes_one_update_a_second_and_the_card_ends_current(harness: SlackHarness) -> None:
    """Forty people register in four seconds while the worker runs."""
    harness.card(harness.event(capacity=30))
    for user_id in GUESTS:
        harness.register(user_id)
        harness.bot.notification_worker.process_due_events()
        harness.clock.advance(timedelta(seconds=0.1))
    assert "30 of 30 seats taken · 10 " in harness.current_card_text()
    assert 4 <= len(harness.api.calls(UPDATE)) <= 6


def test_rush_causes_one_update_a_second_whichever_process_has_the_event(
    harness: SlackHarness,
) -> None:
    """In AWS each commit may wake another copy of the notifier."""
    harness.card(harness.event(capacity=30))
    workers = [new_worker(harness, holder) for holder in ("first", "second", "third")]
    due_at: list[float] = [harness.clock.monotonic()] * len(workers)
    for number in range(40):
        harness.register(GUESTS[number])
        turn = number % len(workers)
        if due_at[turn] <= harness.clock.monotonic():
            due_at[turn] = workers[turn].process_event("yoga") or 0
        harness.clock.advance(timedelta(seconds=0.1))
    assert 4 <= len(harness.api.calls(UPDATE)) <= 6
    harness.clock.advance(timedelta(seconds=1))
    assert workers[0].process_event("yoga") is None
    assert "30 of 30 seats taken · 10 " in harness.current_card_text()


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_clock_that_is_wrong_delays_a_card_by_a_second_at_most(
    harness: SlackHarness, seconds: int
) -> None:
    """The wrong clock is that of the process that made the last update."""
    harness.card(harness.event())
    (card,) = harness.store.get_cards("yoga")
    at = harness.clock.now() + timedelta(seconds=seconds)
    harness.store.put_card(card.model_copy(update={"updated_at": at}))
    harness.register(BJORN)
    again = new_worker(harness, "another").process_event("yoga")
    assert again is None or again <= harness.clock.monotonic() + CARD_INTERVAL
    harness.clock.advance(timedelta(seconds=CARD_INTERVAL))
    new_worker(harness, "third").process_event("yoga")
    assert "1 of 2 seats" in shown(harness.workspace.messages(EVENTS)[-1])


def test_card_is_updated_again_if_its_event_changes_during_the_update(
    harness: SlackHarness,
) -> None:
    """Another process commits, so only a second read shows the new version."""
    harness.card(harness.event())
    harness.register(BJORN)
    notification_worker, slack = slow_worker(harness)
    slack.meanwhile.append(lambda: harness.register(CHLOE))
    again = notification_worker.process_event("yoga")
    assert again is not None
    harness.clock.advance(again - harness.clock.monotonic())
    assert notification_worker.process_event("yoga") is None
    assert "2 of 2 seats" in shown(harness.workspace.messages(EVENTS)[-1])


def test_card_does_not_wait_for_many_messages(harness: SlackHarness) -> None:
    """Twenty promotions take six seconds. The card is updated before."""
    user_ids = GUESTS[:20]
    harness.card(harness.event(capacity=1))
    harness.register(AMARA, *user_ids)
    harness.deliver_due()
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=21))
    began = harness.clock.monotonic()
    notification_worker, slack = slow_worker(harness)
    notification_worker.process_event("yoga")
    assert slack.updated_after is not None
    assert slack.updated_after - began < 1
    harness.workspace.refusals.clear()  # none of these guests exists in Slack


def test_card_does_not_wait_for_the_messages_of_another_event(harness: SlackHarness) -> None:
    """Events take turns: a cancellation with many recipients does not block others."""
    harness.event("chess", title="Chess", capacity=100)
    harness.register(*GUESTS, event_id="chess")
    harness.card(harness.event())
    harness.deliver_due()
    harness.bot.service.cancel_event("chess")
    notification_worker, slack = slow_worker(harness)
    notification_worker.schedule("chess")
    notification_worker.process_due_events()
    harness.clock.advance(INDEX_LAG)
    harness.register(BJORN)
    began = harness.clock.monotonic()
    notification_worker.schedule("yoga")
    notification_worker.process_due_events()
    assert slack.updated_after is not None
    assert slack.updated_after - began < 2
    messages = [
        call for call in harness.api.calls("chat.postMessage") if call.args["channel"] in GUESTS
    ]
    assert len(messages) == len(GUESTS)
    harness.workspace.refusals.clear()


def test_many_cards_share_slacks_rate_and_all_end_current(harness: SlackHarness) -> None:
    """Thirty cards of one event change for a minute, within 50 updates a minute."""
    event = harness.event(capacity=100)
    channels = [EVENTS, GENERAL, RANDOM]
    for number in range(30):
        harness.card_in(channels[number % 3], event)
    for user_id in GUESTS[:20]:
        harness.register(user_id)
        harness.deliver_due(2.5)
    # Every card gets its share, the busiest no more than the others.
    calls = harness.api.calls(UPDATE)
    assert len(calls) <= BURST + UPDATES_A_MINUTE
    per_card = [
        sum(call.args["ts"] == card.message_ts for call in calls) for card in cards(harness)
    ]
    assert max(per_card) - min(per_card) <= 1
    harness.deliver_due(60)
    for channel in channels:
        for message in harness.workspace.messages(channel):
            assert "20 of 100 seats" in shown(message)


def cards(harness: SlackHarness) -> Any:
    return harness.store.get_cards("yoga")


def test_card_deleted_in_slack_is_forgotten(harness: SlackHarness) -> None:
    """It is not retried, and the other card is updated."""
    harness.card(harness.event())
    harness.card_in(GENERAL, harness.bot.service.get_event("yoga"))
    harness.api.fail_next(UPDATE, Fault.refused("message_not_found"))
    harness.register(BJORN)
    harness.deliver_due()
    (left,) = cards(harness)
    assert left.rendered_version == harness.bot.service.get_event("yoga").version
    assert harness.store.list_undelivered(limit=10).items == ()


def test_rate_limit_on_cards_is_honored(harness: SlackHarness) -> None:
    harness.card(harness.event())
    harness.deliver_due()
    harness.api.fail_next(UPDATE, Fault.rate_limited(7))
    harness.register(BJORN)
    harness.deliver_due(6)
    assert len(harness.api.calls(UPDATE)) == 1
    harness.deliver_due(3)
    assert "1 of 2 seats" in harness.current_card_text()


def test_card_update_is_retried_after_a_server_error(harness: SlackHarness) -> None:
    harness.card(harness.event())
    harness.api.fail_next(UPDATE, Fault.server_error(500))
    harness.register(BJORN)
    harness.deliver_due(10)
    assert "1 of 2 seats" in harness.current_card_text()


def test_malformed_card_is_logged_and_skipped(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not retried until the event changes."""
    harness.card(harness.event())
    harness.api.fail_next(UPDATE, Fault.refused("invalid_blocks"))
    harness.register(BJORN)
    with caplog.at_level(logging.ERROR):
        harness.deliver_due(60)
    assert "card of yoga skipped" in caplog.text
    assert len(harness.api.calls(UPDATE)) == 1
    harness.register(CHLOE)
    assert "2 of 2 seats" in harness.current_card_text()


def test_app_failure_pauses_cards_and_messages_with_one_alarm(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.card(harness.event())
    harness.register(AMARA, BJORN, CHLOE)
    harness.bot.service.unregister("yoga", AMARA)
    harness.api.faults.set_default(Fault.refused("account_inactive"))
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(30)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert len([call for call in harness.api.calls() if call.fault]) == 1
    harness.api.faults.set_default(None)
    harness.deliver_due(60)
    assert "2 of 2 seats" in harness.current_card_text()
    assert len(harness.direct_messages(CHLOE)) == 1


def test_card_of_a_deleted_event_says_so_without_buttons(harness: SlackHarness) -> None:
    """R7.2. The stored card is deleted, too."""
    harness.card(harness.event())
    harness.bot.service.delete_event("yoga")
    text = harness.current_card_text()
    assert text == text_of(deleted_card("Yoga in the park").to_dict()["blocks"])
    assert "[" not in text
    assert cards(harness) == ()
    assert harness.store.list_undelivered(limit=10).items == ()


def test_click_on_an_unknown_card_stores_it(harness: SlackHarness) -> None:
    """A lost response or a missing row leaves cards unknown."""
    card = harness.card(harness.event())
    harness.store.delete_card("yoga", EVENTS, card.ts)
    harness.bot.notification_worker._card_updater._remembered.clear()  # as after a restart
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    harness.deliver_due()
    assert "1 of 2 seats" in shown(harness.workspace.message(EVENTS, card.ts))
    (stored,) = cards(harness)
    assert stored.message_ts == card.ts


def test_entries_stay_undelivered_until_the_cards_are_updated(harness: SlackHarness) -> None:
    """A restart finds outdated cards by these marks."""
    harness.card(harness.event())
    harness.deliver_due()
    harness.api.faults.set_default(Fault.server_error(503))
    harness.register(DIEGO)
    harness.deliver_due(2)
    assert harness.store.list_undelivered(limit=10).items == ("yoga",)
    harness.api.faults.set_default(None)
    harness.deliver_due(10)
    assert harness.store.list_undelivered(limit=10).items == ()
