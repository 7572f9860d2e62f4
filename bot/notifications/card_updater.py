"""Event cards in channels: posted, remembered, and updated as fast as Slack allows (R8.3)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from slack_sdk import WebClient

from bot.features.cards.views import deleted_card, event_card
from bot.notifications.delivery import Shown, Storage
from bot.notifications.rate_limiter import CARD_EVERY, RateLimiter
from bot.slack.api_errors import FAILURES, CircuitBreaker, ErrorClass, classify
from bot.slack.web_client import LOOKUP_SECONDS, bounded_client
from domain.errors import Busy
from domain.models import Card, Event
from domain.ports import Clock, Conflict, Unavailable

_logger = logging.getLogger(__name__)

METHOD = "chat.update"

RETRY = timedelta(seconds=5)

KNOWN = 10_000
"""Cards that are known to be stored; beyond that, all are asked about again."""


class CardUpdater:
    """All cards of a workspace. Implements `bot.slack.context.Cards` but for waking the notifier."""

    def __init__(
        self, store: Storage, client: WebClient, clock: Clock, circuit_breaker: CircuitBreaker
    ) -> None:
        self._store = store
        self._client = client
        self._hasty = bounded_client(client, token=client.token, seconds=LOOKUP_SECONDS)
        self._clock = clock
        self._lock = threading.Lock()
        self._known: set[tuple[str, str]] = set()
        self._circuit_breaker = circuit_breaker
        self._rate_limiter = RateLimiter(clock)
        self._quiet_until = clock.now()
        self._doubtful: dict[tuple[str, str], Card] = {}
        """Cards of which it is not known what they show: the last update may have overtaken a newer one."""

    def newest_card(self, event_id: str, channel_id: str | None = None) -> str:
        """Return the `ts` of the newest card, in one channel or in any; empty for none. Raises `Busy`."""
        try:
            cards = self._store.get_cards(event_id)
        except Unavailable as error:
            raise Busy from error
        # All have ten digits and six: they are in the order of time.
        return max(
            (card.message_ts for card in cards if channel_id in (None, card.channel_id)), default=""
        )

    def post(self, event: Event, channel_id: str, *, after: str | None) -> None:
        """Post a card and remember it; nothing if the channel got one after the message named.

        Somebody waits for it, with a form that is not acknowledged yet. Raises as `bot.slack.context.Cards` says.
        """
        if after is not None and self.newest_card(event.event_id, channel_id) > after:
            return
        answer = self._hasty.chat_postMessage(channel=channel_id, **event_card(event).to_dict())
        self._remember(
            Card(
                event_id=event.event_id,
                channel_id=answer["channel"],
                message_ts=answer["ts"],
                rendered_version=event.version,
            )
        )

    def remember_card(self, event_id: str, channel_id: str, message_ts: str) -> bool:
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
            self._known.add(_key(card))

    def show(self, event_id: str, hold: Callable[[], None]) -> Shown:
        """Update the event's cards that are behind, as far as the rate allows.

        `hold` raises `Conflict` once another process has the event's lease: then nothing is sent any more.
        """
        event = self._store.get_event(event_id)
        if event is None:
            return Shown(0, None)
        shown = Shown(event.version, None)
        for card in self._cards(event_id):
            if card.rendered_version < event.version or _key(card) in self._doubtful:
                one = self._update(card, event, hold)
                again = [moment for moment in (shown.again, one.again) if moment is not None]
                shown = Shown(min(shown.version, one.version), min(again, default=None))
        # It may have moved while Slack was being told: then the last state is still to be shown.
        now = self._store.get_event(event_id)
        if now is not None and now.version > shown.version and shown.again is None:
            return Shown(shown.version, self._clock.now() + CARD_EVERY)
        return shown

    def _cards(self, event_id: str) -> list[Card]:
        """Return the cards that are stored, and those in doubt that another process forgot meanwhile."""
        doubtful = {key: card for key, card in self._doubtful.items() if card.event_id == event_id}
        return list((doubtful | {_key(c): c for c in self._store.get_cards(event_id)}).values())

    def _update(self, card: Card, event: Event, hold: Callable[[], None]) -> Shown:
        """Update one card, if it is its turn."""
        again = max(self._quiet_until, self._circuit_breaker.refused_until(METHOD))
        if again <= self._clock.now():
            again = self._rate_limiter.take(_key(card)) or again
        if again > self._clock.now():
            return Shown(card.rendered_version, again)
        gone = event.deletion is not None
        try:
            message = (deleted_card(event.title) if gone else event_card(event)).to_dict()
        except Exception:
            # Messages must not wait for a card that can't be made.
            _logger.exception("no card for version %s of %s", event.version, event.event_id)
            return self._skip(card, event)
        hold()
        self._doubtful[_key(card)] = card
        try:
            self._client.chat_update(channel=card.channel_id, ts=card.message_ts, **message)
        except FAILURES as error:
            return self._failed(card, event, error)
        self._circuit_breaker.accepted(METHOD)
        # Whoever has the lease now may have shown a newer version before this one arrived.
        hold()
        if gone:
            self._forget(card)
            return Shown(event.version, None)
        return self._remember_version(card, event)

    def _failed(self, card: Card, event: Event, error: Exception) -> Shown:
        verdict = classify(error)
        now = self._clock.now()
        match verdict.error_class:
            case ErrorClass.RECIPIENT:
                _logger.info("card of %s is gone: %s", card.event_id, verdict.reason)
                self._forget(card)
                return Shown(event.version, None)
            case ErrorClass.BUG:
                _logger.error("card of %s skipped: %s", card.event_id, verdict.reason)
                return self._skip(card, event)
            case ErrorClass.RATE_LIMITED:
                self._quiet_until = now + timedelta(seconds=verdict.retry_after)
            case ErrorClass.APP:
                self._circuit_breaker.refused(METHOD, verdict.reason)
            case ErrorClass.TEMPORARY:
                self._quiet_until = now + RETRY
        refused_until = self._circuit_breaker.refused_until(METHOD)
        return Shown(card.rendered_version, max(self._quiet_until, refused_until))

    def _skip(self, card: Card, event: Event) -> Shown:
        """Try this card again when the event has changed, not before."""
        return self._remember_version(card, event)

    def _remember_version(self, card: Card, event: Event) -> Shown:
        if not self._store.put_card(card.model_copy(update={"rendered_version": event.version})):
            # Another showed a newer version, and ours may have come after it.
            return Shown(card.rendered_version, self._clock.now() + CARD_EVERY)
        self._doubtful.pop(_key(card), None)
        return Shown(event.version, None)

    def _forget(self, card: Card) -> None:
        self._store.delete_card(card.event_id, card.channel_id, card.message_ts)
        self._doubtful.pop(_key(card), None)
        with self._lock:
            self._known.discard(_key(card))


def _key(card: Card) -> tuple[str, str]:
    return card.channel_id, card.message_ts
