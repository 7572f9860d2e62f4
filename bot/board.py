"""Event cards in channels: posted, remembered, and updated as fast as Slack allows (R8.3)."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from bot.delivery import PAUSE, Storage
from bot.slack_errors import Blame, judge
from bot.views.cards import deleted_card, event_card
from domain.models import Card, Event
from domain.ports import Clock, Conflict, Unavailable

_logger = logging.getLogger(__name__)

CARD_EVERY = timedelta(seconds=1)
"""A rush costs at most one update of a card in this time (R8.3)."""

UPDATES_A_MINUTE = 50
"""Slack promises `chat.update` this often to a workspace."""

BURST = 10
"""Updates that may follow each other at once."""

RETRY = timedelta(seconds=5)

KNOWN = 10_000
"""Cards that are known to be stored; beyond that, all are asked about again."""


class Board:
    """All cards of a workspace. Implements `bot.parts.Cards` but for waking the notifier."""

    def __init__(self, store: Storage, client: WebClient, clock: Clock) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._known: set[tuple[str, str]] = set()
        self._updated: dict[tuple[str, str], datetime] = {}
        self._tokens = float(BURST)
        self._counted = clock.now()
        self._quiet_until = clock.now()
        self.look_again: datetime | None = None
        """When the event that was shown last has a card to update still, None if it has not."""

    def post(self, event: Event, channel_id: str) -> None:
        """Post a card and remember it; raises `SlackApiError`."""
        answer = self._client.chat_postMessage(channel=channel_id, **event_card(event).to_dict())
        self._remember(
            Card(
                event_id=event.event_id,
                channel_id=answer["channel"],
                message_ts=answer["ts"],
                rendered_version=event.version,
            )
        )

    def adopt(self, event_id: str, channel_id: str, message_ts: str) -> bool:
        """Remember a card that somebody clicked; return whether it was unknown until now."""
        if (channel_id, message_ts) in self._known:
            return False
        self._remember(
            Card(
                event_id=event_id,
                channel_id=channel_id,
                message_ts=message_ts,
                rendered_version=0,
            )
        )
        return True

    def _remember(self, card: Card) -> None:
        try:
            self._store.put_card(card)
        except (Conflict, Unavailable):
            # The next click on it adopts it; what was asked for is done all the same.
            _logger.warning("card of %s not remembered", card.event_id, exc_info=True)
            return
        with self._lock:
            if len(self._known) >= KNOWN:
                self._known.clear()
            self._known.add((card.channel_id, card.message_ts))

    def show(self, event_id: str) -> int:
        """Update the event's cards that are behind, as far as the rate allows.

        Return the version that every card shows at least; `look_again` says when to go on.
        """
        self.look_again = None
        event = self._store.get_event(event_id)
        if event is None:
            return 0
        shown = event.version
        for card in self._store.get_cards(event_id):
            if card.rendered_version < event.version:
                shown = min(shown, self._update(card, event))
        # It may have moved while Slack was being told: then the last state is still to be shown.
        now = self._store.get_event(event_id)
        if now is not None and now.version > shown and self.look_again is None:
            self.look_again = self._clock.now() + CARD_EVERY
        return shown

    def _update(self, card: Card, event: Event) -> int:
        """Update one card, if it is its turn; return the version that it shows."""
        wait = self._wait(card)
        if wait is not None:
            self._again(wait)
            return card.rendered_version
        gone = event.deletion is not None
        message = deleted_card(event.title) if gone else event_card(event)
        try:
            self._client.chat_update(
                channel=card.channel_id, ts=card.message_ts, **message.to_dict()
            )
        except (SlackClientError, OSError) as error:
            return self._failed(card, event, error)
        if gone:
            self._forget(card)
        else:
            self._store.put_card(card.model_copy(update={"rendered_version": event.version}))
        return event.version

    def _failed(self, card: Card, event: Event, error: Exception) -> int:
        verdict = judge(error)
        now = self._clock.now()
        match verdict.blame:
            case Blame.RECIPIENT:
                _logger.info("card of %s is gone: %s", card.event_id, verdict.reason)
                self._forget(card)
                return event.version
            case Blame.BUG:
                _logger.error("card of %s skipped: %s", card.event_id, verdict.reason)
                self._store.put_card(card.model_copy(update={"rendered_version": event.version}))
                return event.version
            case Blame.RATE:
                self._quiet_until = now + timedelta(seconds=verdict.retry_after)
            case Blame.OURS:
                _logger.critical("Slack refuses us: %s; no card is updated", verdict.reason)
                self._quiet_until = now + PAUSE
            case Blame.LATER:
                self._quiet_until = now + RETRY
        self._again(self._quiet_until)
        return card.rendered_version

    def _forget(self, card: Card) -> None:
        self._store.delete_card(card.event_id, card.channel_id, card.message_ts)
        with self._lock:
            self._known.discard((card.channel_id, card.message_ts))

    def _again(self, moment: datetime) -> None:
        self.look_again = min(self.look_again or moment, moment)

    # The rate

    def _wait(self, card: Card) -> datetime | None:
        """Take a turn for the card; return when it may come again if there is none now."""
        now = self._clock.now()
        key = (card.channel_id, card.message_ts)
        last = self._updated.get(key)
        if last is not None and last + CARD_EVERY > now:
            return last + CARD_EVERY
        if now < self._quiet_until:
            return self._quiet_until
        every = 60 / UPDATES_A_MINUTE
        passed = (now - self._counted).total_seconds()
        self._tokens = min(float(BURST), self._tokens + passed / every)
        self._counted = now
        if self._tokens < 1:
            return now + timedelta(seconds=(1 - self._tokens) * every)
        self._tokens -= 1
        self._updated = {
            other: moment for other, moment in self._updated.items() if moment + CARD_EVERY > now
        }
        self._updated[key] = now
        return None
