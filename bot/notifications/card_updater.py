"""Event cards in channels: stores those that are clicked, and updates all as fast as Slack allows (R8.3)."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable

from slack_sdk import WebClient

from bot.features.cards.views import deleted_card, event_card
from bot.notifications.delivery import CardProgress, OutdatedCards
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.rate_limiter import CARD_INTERVAL, RateLimiter
from bot.slack.api_errors import FAILURES, CircuitBreaker, ErrorClass, classify
from domain.errors import OperatorNeeded
from domain.models import Card, Event
from domain.ports import Clock, Conflict, Unavailable

_logger = logging.getLogger(__name__)

UPDATE_METHOD = "chat.update"

RETRY_DELAY = 5.0
"""Seconds before a card that Slack did not update is tried again. It doubles with each failure in a row."""

MAX_RETRY_DELAY = 40.0

MAX_FAILURES_IN_A_ROW = 3
"""Failures, of any cards, after which all cards wait for `RETRY_DELAY`."""

MAX_REMEMBERED = 10_000
"""Cards remembered as stored. When there are more, all are forgotten, and stored again on a click."""


class CardUpdater:
    """The cards of a workspace. `NotificationWorker` uses it to implement `bot.slack.context.Cards`."""

    def __init__(
        self,
        store: StoreWithOutbox,
        client: WebClient,
        clock: Clock,
        circuit_breaker: CircuitBreaker,
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: set[tuple[str, str]] = set()
        self._circuit_breaker = circuit_breaker
        self._rate_limiter = RateLimiter(clock)
        self._paused_until = clock.monotonic()
        self._failures_in_a_row = 0
        self._failing: dict[tuple[str, str], tuple[int, float]] = {}
        """How often in a row Slack did not update a card, and when to try again."""
        self._uncertain: dict[tuple[str, str], Card] = {}
        """Cards whose content is unknown: the last update may have replaced a newer one."""

    def remember_card(self, event_id: str, channel_id: str, message_ts: str) -> bool:
        """Store a card that a person clicked. Return whether it is new to this process."""
        if (channel_id, message_ts) in self._remembered:
            return False
        self._store_card(
            Card(
                event_id=event_id,
                channel_id=channel_id,
                message_ts=message_ts,
                rendered_version=0,
            )
        )
        return True

    def _store_card(self, card: Card) -> None:
        try:
            self._store.put_card(card)
        except (Conflict, OperatorNeeded, Unavailable):
            # A later click on the card stores it. This must not fail what the person asked for.
            _logger.warning("card of %s was not stored", card.event_id, exc_info=True)
            return
        with self._lock:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered.add(_key(card))

    def adopt(self, card: Card) -> None:
        """Keep a card true that was posted and may not be stored yet, whoever stores it when."""
        self._uncertain[_key(card)] = card

    def outdated(self, event: Event) -> OutdatedCards:
        """Return the event's cards that don't show it as it is, or perhaps don't."""
        cards = (
            card
            for card in self._cards(event.event_id)
            if card.rendered_version < event.version or _key(card) in self._uncertain
        )
        return OutdatedCards(event, tuple(cards))

    def update_cards(
        self,
        event_id: str,
        renew_lease: Callable[[], None],
        *,
        outdated: OutdatedCards | None = None,
        until: float = math.inf,
    ) -> CardProgress:
        """Update the event's outdated cards, as far as the rate limit allows, none from a time on.

        Without `outdated`, read them. `renew_lease` raises `Conflict` once another process has the event's lease.
        This stops the updates.
        """
        if outdated is None:
            event = self._store.get_event(event_id)
            if event is None:
                return CardProgress(0, None)
            outdated = self.outdated(event)
        event = outdated.event
        progress = CardProgress(event.version, None)
        for card in outdated.cards:
            if self._clock.monotonic() >= until:
                one = CardProgress(card.rendered_version, until)
            else:
                one = self._update(card, event, renew_lease)
            retries = [at for at in (progress.retry_at, one.retry_at) if at is not None]
            progress = CardProgress(min(progress.version, one.version), min(retries, default=None))
        if not outdated.cards:
            return progress
        # The event may have changed during the updates. Its last version must be shown, too.
        current = self._store.get_event(event_id)
        is_outdated = current is not None and current.version > progress.version
        if is_outdated and progress.retry_at is None:
            return CardProgress(progress.version, self._clock.monotonic() + CARD_INTERVAL)
        return progress

    def _cards(self, event_id: str) -> list[Card]:
        """Return the stored cards, and the uncertain ones that are not: deleted meanwhile, or not stored yet."""
        uncertain = {
            key: card for key, card in self._uncertain.items() if card.event_id == event_id
        }
        return list((uncertain | {_key(c): c for c in self._store.get_cards(event_id)}).values())

    def _update(self, card: Card, event: Event, renew_lease: Callable[[], None]) -> CardProgress:
        """Update one card, if the rate limit allows it now."""
        _, not_before = self._failing.get(_key(card), (0, self._paused_until))
        refused_until = self._circuit_breaker.refused_until(UPDATE_METHOD)
        allowed_at = max(self._paused_until, refused_until, not_before)
        allowed_at = max(allowed_at, self._after_interval(card))
        if allowed_at <= self._clock.monotonic():
            allowed_at = self._rate_limiter.take(_key(card)) or allowed_at
        if allowed_at > self._clock.monotonic():
            return CardProgress(card.rendered_version, allowed_at)
        is_deleted = event.deletion is not None
        try:
            message = (deleted_card(event.title) if is_deleted else event_card(event)).to_dict()
        except Exception:  # messages must not wait for a card that can't be built
            _logger.exception(
                "can't build the card for version %s of %s", event.version, event.event_id
            )
            return self._store_version(card, event)  # updated again when the event changes
        renew_lease()
        card = card.model_copy(update={"updated_at": self._clock.now()})
        self._uncertain[_key(card)] = card
        try:
            self._client.chat_update(channel=card.channel_id, ts=card.message_ts, **message)
        except FAILURES as error:
            return self._handle_failure(card, event, error)
        self._circuit_breaker.record_success(UPDATE_METHOD)
        self._failures_in_a_row = 0
        self._failing.pop(_key(card), None)
        # If the lease is lost, its new holder may have shown a newer version before this one arrived.
        renew_lease()
        if is_deleted:
            self._delete(card)
            return CardProgress(event.version, None)
        return self._store_version(card, event)

    def _after_interval(self, card: Card) -> float:
        """Return when another process's last update of the card is long enough ago (R8.3).

        In AWS any two updates may be of two processes. If their clocks differ, an update waits for a second at most.
        """
        now = self._clock.monotonic()
        if card.updated_at is None:
            return now
        age = (self._clock.now() - card.updated_at).total_seconds()
        return now + (CARD_INTERVAL - age if 0 <= age < CARD_INTERVAL else 0)

    def _handle_failure(self, card: Card, event: Event, error: Exception) -> CardProgress:
        failure = classify(error)
        now = self._clock.monotonic()
        if failure.error_class is ErrorClass.TEMPORARY:
            return self._try_later(card)
        self._failing.pop(_key(card), None)
        match failure.error_class:
            case ErrorClass.RECIPIENT:
                _logger.info("card of %s no longer exists: %s", card.event_id, failure.reason)
                self._delete(card)
                return CardProgress(event.version, None)
            case ErrorClass.BUG | ErrorClass.NO_FILES | ErrorClass.OUTDATED:
                _logger.error("card of %s skipped: %s", card.event_id, failure.reason)
                return self._store_version(card, event)  # updated again when the event changes
            case ErrorClass.RATE_LIMITED:
                self._paused_until = now + failure.retry_after
            case ErrorClass.APP:
                self._circuit_breaker.record_refusal(UPDATE_METHOD, failure.reason)
        refused_until = self._circuit_breaker.refused_until(UPDATE_METHOD)
        return CardProgress(card.rendered_version, max(self._paused_until, refused_until))

    def _try_later(self, card: Card) -> CardProgress:
        """Return when to update a card again. Others go on, unless Slack seems to be down."""
        failures, _ = self._failing.get(_key(card), (0, None))
        retry_at = self._clock.monotonic() + min(
            RETRY_DELAY * 2 ** min(failures, 8), MAX_RETRY_DELAY
        )
        self._failing[_key(card)] = (failures + 1, retry_at)
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            self._paused_until = self._clock.monotonic() + RETRY_DELAY
        return CardProgress(card.rendered_version, retry_at)

    def _store_version(self, card: Card, event: Event) -> CardProgress:
        if not self._store.put_card(card.model_copy(update={"rendered_version": event.version})):
            # Another process showed a newer version, and this update may have replaced it.
            return CardProgress(card.rendered_version, self._clock.monotonic() + CARD_INTERVAL)
        self._uncertain.pop(_key(card), None)
        return CardProgress(event.version, None)

    def _delete(self, card: Card) -> None:
        self._store.delete_card(card.event_id, card.channel_id, card.message_ts)
        self._uncertain.pop(_key(card), None)
        with self._lock:
            self._remembered.discard(_key(card))


def _key(card: Card) -> tuple[str, str]:
    return card.channel_id, card.message_ts
