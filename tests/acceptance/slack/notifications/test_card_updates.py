"""Cards in channels follow the truth: soon, in turns, and at the end always (R8.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.blocks.ids import ActionId
from bot.notifications.rate_limiter import BURST, UPDATES_A_MINUTE
from bot.notifications.worker import NotificationWorker
from domain.inputs import EventChanges
from playground.demo.seed import EVENTS, GENERAL, RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.environment import at_once
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, Town, shown

UPDATE = "chat.update"
GUESTS = [f"U0GUEST{number}" for number in range(40)]


class SlowSlack(WebClient):
    """Slack, whose every answer takes a third of a second."""

    town: Town
    updated_after: float | None = None
    meanwhile: list[Callable[[], None]]
    """What happens behind its back, an update each."""

    def chat_postMessage(self, **content: Any) -> SlackResponse:  # noqa: N802
        self.town.clock.advance(timedelta(seconds=0.33))
        return super().chat_postMessage(**content)

    def chat_update(self, **content: Any) -> SlackResponse:
        self.town.clock.advance(timedelta(seconds=0.33))
        if self.updated_after is None:
            self.updated_after = self.town.clock.monotonic()
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return super().chat_update(**content)


def slow_notifier(town: Town) -> tuple[NotificationWorker, SlowSlack]:
    slack = SlowSlack(
        token=town.workspace.app.bot_token,
        base_url=f"{town.workspace.url}/api/",
        retry_handlers=[],
    )
    slack.town = town
    slack.meanwhile = []
    notification_worker = NotificationWorker(
        town.store,
        slack,
        town.clock,
        holder="slow",
        sweep=lambda: 0,
        reconcile=lambda: None,
        spawn=at_once,
    )
    return notification_worker, slack


def test_card_follows_within_two_seconds(town: Town) -> None:
    card = town.card(town.event())
    town.settle(5)
    town.register(BJORN)
    town.settle(1)
    assert sentences.taken(1, 2) in shown(town.workspace.message(EVENTS, card.ts))


def test_rush_costs_one_update_a_second_and_ends_with_the_truth(town: Town) -> None:
    """Forty people in four seconds, the notifier at work all the time."""
    town.card(town.event(capacity=30))
    for user_id in GUESTS:
        town.register(user_id)
        town.bot.notification_worker.run_due_events()
        town.clock.advance(timedelta(seconds=0.1))
    assert sentences.taken(30, 30, waitlist=10) in town.card_now()
    assert 4 <= len(town.api.calls(UPDATE)) <= 6


def test_card_whose_event_moves_while_it_is_updated_is_updated_again(town: Town) -> None:
    """Another process commits, and wakes nobody here: the version is read again."""
    town.card(town.event())
    town.register(BJORN)
    notification_worker, slack = slow_notifier(town)
    slack.meanwhile.append(lambda: town.register(CHLOE))
    again = notification_worker.attend("yoga")
    assert again is not None
    town.clock.advance(again - town.clock.now())
    assert notification_worker.attend("yoga") is None
    assert sentences.taken(2, 2) in shown(town.workspace.messages(EVENTS)[-1])


def test_card_does_not_wait_for_a_long_run_of_messages(town: Town) -> None:
    """Twenty promotions take Slack six seconds; the card is right before they are through."""
    people = GUESTS[:20]
    town.card(town.event(capacity=1))
    town.register(AMARA, *people)
    town.settle()
    town.bot.service.edit_event("yoga", EventChanges.of(capacity=21))
    began = town.clock.monotonic()
    notification_worker, slack = slow_notifier(town)
    notification_worker.attend("yoga")
    assert slack.updated_after is not None
    assert slack.updated_after - began < 1
    town.workspace.refusals.clear()  # Slack knows none of these guests


def test_card_does_not_wait_for_the_messages_of_another_event(town: Town) -> None:
    """Events take turns: a cancellation to a hundred people does not stop the others."""
    town.event("chess", title="Chess", capacity=100)
    town.register(*GUESTS, event_id="chess")
    town.card(town.event())
    town.settle()
    town.bot.service.cancel_event("chess")
    town.clock.advance(timedelta(seconds=3))
    notification_worker, slack = slow_notifier(town)
    notification_worker.wake("chess")
    town.register(BJORN)
    began = town.clock.monotonic()
    notification_worker.wake("yoga")
    notification_worker.run_due_events()
    assert slack.updated_after is not None
    assert slack.updated_after - began < 2
    told = [call for call in town.api.calls("chat.postMessage") if call.args["channel"] in GUESTS]
    assert len(told) == len(GUESTS)
    town.workspace.refusals.clear()


def test_many_cards_share_slacks_rate_and_all_end_with_the_truth(town: Town) -> None:
    """Thirty cards of one event, changing for a minute: 50 updates a minute, no card left behind."""
    event = town.event(capacity=100)
    channels = [EVENTS, GENERAL, RANDOM]
    for number in range(30):
        town.bot.notification_worker.announce(event, channels[number % 3])
    for user_id in GUESTS[:20]:
        town.register(user_id)
        town.settle(2.5)
    # One minute: a share for each, the busiest card no more than the others.
    calls = town.api.calls(UPDATE)
    assert len(calls) <= BURST + UPDATES_A_MINUTE
    per_card = [sum(call.args["ts"] == card.message_ts for call in calls) for card in cards(town)]
    assert max(per_card) - min(per_card) <= 1
    town.settle(60)
    for channel in channels:
        for message in town.workspace.messages(channel):
            assert sentences.taken(20, 100) in shown(message)


def cards(town: Town) -> Any:
    return town.store.get_cards("yoga")


def test_card_that_was_deleted_in_slack_is_forgotten(town: Town) -> None:
    """For good: no further try, and the others go on."""
    town.card(town.event())
    town.bot.notification_worker.announce(town.bot.service.get_event("yoga"), GENERAL)
    town.api.fail_next(UPDATE, Fault.refused("message_not_found"))
    town.register(BJORN)
    town.settle()
    (left,) = cards(town)
    assert left.rendered_version == town.bot.service.get_event("yoga").version
    assert town.store.list_undelivered(limit=10).items == ()


def test_rate_limit_on_cards_is_kept_as_told(town: Town) -> None:
    town.card(town.event())
    town.settle()
    town.api.fail_next(UPDATE, Fault.rate_limited(7))
    town.register(BJORN)
    town.settle(6)
    assert len(town.api.calls(UPDATE)) == 1
    town.settle(3)
    assert sentences.taken(1, 2) in town.card_now()


def test_server_error_on_a_card_is_tried_again(town: Town) -> None:
    town.card(town.event())
    town.api.fail_next(UPDATE, Fault.server_error(500))
    town.register(BJORN)
    town.settle(10)
    assert sentences.taken(1, 2) in town.card_now()


def test_card_that_slack_calls_malformed_is_logged_and_skipped(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not tried again until the event changes."""
    town.card(town.event())
    town.api.fail_next(UPDATE, Fault.refused("invalid_blocks"))
    town.register(BJORN)
    with caplog.at_level(logging.ERROR):
        town.settle(60)
    assert "card of yoga skipped" in caplog.text
    assert len(town.api.calls(UPDATE)) == 1
    town.register(CHLOE)
    assert sentences.taken(2, 2) in town.card_now()


def test_our_own_failure_stops_cards_and_messages_with_one_alarm(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.card(town.event())
    town.register(AMARA, BJORN, CHLOE)
    town.bot.service.unregister("yoga", AMARA)
    town.api.faults.stand(Fault.refused("account_inactive"))
    with caplog.at_level(logging.WARNING):
        town.settle(30)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert len([call for call in town.api.calls() if call.fault]) == 1
    town.api.faults.stand(None)
    town.settle(60)
    assert sentences.taken(2, 2) in town.card_now()
    assert len(town.told(CHLOE)) == 1


def test_deleted_event_leaves_a_card_that_says_so_without_buttons(town: Town) -> None:
    """R7.2: and its row goes."""
    town.card(town.event())
    town.bot.service.delete_event("yoga")
    text = town.card_now()
    assert "This event was deleted." in text
    assert "[" not in text
    assert cards(town) == ()
    assert town.store.list_undelivered(limit=10).items == ()


def test_click_on_a_card_that_nobody_remembers_adopts_it(town: Town) -> None:
    """A lost answer, or a row that is gone: whoever clicks it brings it back."""
    card = town.card(town.event())
    town.store.delete_card("yoga", EVENTS, card.ts)
    town.bot.notification_worker._card_updater._known.clear()  # as after a restart
    town.slack.click(BJORN, card, ActionId.REGISTER)
    town.settle()
    assert sentences.taken(1, 2) in shown(town.workspace.message(EVENTS, card.ts))
    (known,) = cards(town)
    assert known.message_ts == card.ts


def test_marks_stay_until_the_cards_show_what_was_committed(town: Town) -> None:
    """What a restart finds: an entry is marked undelivered while a card is behind it."""
    town.card(town.event())
    town.settle()
    town.api.faults.stand(Fault.server_error(503))
    town.register(DIEGO)
    town.settle(2)
    assert town.store.list_undelivered(limit=10).items == ("yoga",)
    town.api.faults.stand(None)
    town.settle(10)
    assert town.store.list_undelivered(limit=10).items == ()
