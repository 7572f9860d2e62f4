"""Posts the cards that the journal requests in channels, and says whether one is posted (R9.7)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_sdk import WebClient

from bot.features.cards.views import event_card
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import POST_METHOD
from bot.slack.api_errors import FAILURES, CircuitBreaker, ClassifiedError, ErrorClass, classify
from bot.slack.context import CardStatus
from domain.enums import NotificationKind
from domain.errors import Busy, OperatorNeeded
from domain.models import Card, Event, JournalEntry, Notification
from domain.ports import Clock, Conflict, Unavailable

_logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""Seconds between two looks at the store while a form waits. Another process may post the card."""

_NOT_STORED = (Conflict, OperatorNeeded, Unavailable)

_NOT_NOW = ClassifiedError(ErrorClass.TEMPORARY, "Slack takes no messages for now")


class CardPoster:
    """Posts cards for the notification worker. People's messages never wait for a channel."""

    def __init__(
        self,
        store: StoreWithOutbox,
        client: WebClient,
        clock: Clock,
        circuit_breaker: CircuitBreaker,
        on_unstored: Callable[[Card], None] = lambda _: None,
    ) -> None:
        """`on_unstored` gets a posted card that may not be stored: another process may post one, too."""
        self._store = store
        self._client = client
        self._clock = clock
        self._circuit_breaker = circuit_breaker
        self._paused_until = clock.monotonic()
        self._on_unstored = on_unstored
        self._unstored: dict[tuple[str, int, str], Card] = {}
        """Cards that Slack took and the store did not, by event, version and channel."""

    # For the worker

    def post(self, entry: JournalEntry, notification: Notification) -> ClassifiedError | None:
        """Post a card, unless the channel has one that is newer than `after`.

        Return the failure, or None once the card is posted or no longer wanted. A failure passes, or
        it is for good: a refusal of the app itself passes. Raises `Unavailable`.
        """
        channel_id = notification.channel_id or ""
        key = entry.event_id, entry.version, channel_id
        if key not in self._unstored:
            event = self._store.get_event(entry.event_id)
            if event is None or event.deletion is not None:
                return None
            if self._newest_card(event.event_id, channel_id) > (notification.after or ""):
                return None
            card = self._post(event, channel_id)
            if isinstance(card, ClassifiedError):
                return card
            self._unstored[key] = card
        self._put(self._unstored[key])
        del self._unstored[key]
        return None

    def _put(self, card: Card) -> None:
        try:
            try:
                self._store.put_card(card)
            except _NOT_STORED:
                # Before another process looks: it would post the card again.
                self._store.put_card(card)
        except Conflict as error:  # a locked file; the lease is not lost
            self._on_unstored(card)
            raise Unavailable(str(error)) from error
        except _NOT_STORED:
            self._on_unstored(card)
            raise

    def _post(self, event: Event, channel_id: str) -> Card | ClassifiedError:
        refused_until = self._circuit_breaker.refused_until(POST_METHOD)
        if max(self._paused_until, refused_until) > self._clock.monotonic():
            return _NOT_NOW
        try:
            message = event_card(event).to_dict()
        except Exception:  # a retry would fail again
            _logger.exception("can't build the card of %s", event.event_id)
            return ClassifiedError(ErrorClass.BUG, "card_not_built")
        try:
            response = self._client.chat_postMessage(channel=channel_id, **message)
        except FAILURES as error:
            return self._handle_failure(event, channel_id, classify(error))
        self._circuit_breaker.record_success(POST_METHOD)
        return Card(
            event_id=event.event_id,
            channel_id=response["channel"],
            message_ts=response["ts"],
            rendered_version=event.version,
            requested_channel=channel_id,
        )

    def _handle_failure(
        self, event: Event, channel_id: str, failure: ClassifiedError
    ) -> ClassifiedError:
        match failure.error_class:
            case ErrorClass.APP:
                self._circuit_breaker.record_refusal(POST_METHOD, failure.reason)
                return _NOT_NOW
            case ErrorClass.RATE_LIMITED:
                self._paused_until = self._clock.monotonic() + failure.retry_after
            case ErrorClass.RECIPIENT:
                _logger.info(
                    "Slack refuses the card of %s in %s: %s",
                    *(event.event_id, channel_id, failure.reason),
                )
            case ErrorClass.BUG | ErrorClass.NO_FILES | ErrorClass.OUTDATED:
                _logger.error(
                    "the card of %s was not posted in %s: %s",
                    *(event.event_id, channel_id, failure.reason),
                )
        return failure

    # For people

    def newest_card(self, event_id: str, channel_id: str | None = None) -> str:
        """See `bot.slack.context.Cards`."""
        try:
            return self._newest_card(event_id, channel_id)
        except Unavailable as error:
            raise Busy from error

    def _newest_card(self, event_id: str, channel_id: str | None) -> str:
        cards = self._store.get_cards(event_id)
        # Each `ts` has ten digits, a point and six digits, so text order is time order.
        return max(
            (card.message_ts for card in cards if channel_id is None or card.is_in(channel_id)),
            default="",
        )

    def wait_for_card(
        self, event_id: str, version: int, channel_id: str, *, seconds: float
    ) -> CardStatus | None:
        """See `bot.slack.context.Cards`."""
        ends = self._clock.monotonic() + seconds
        while True:
            try:
                status = self._status(event_id, version, channel_id)
            except Unavailable:
                status = CardStatus(channel_id)
            is_late = self._clock.monotonic() + POLL_SECONDS > ends
            if status is None or not status.is_on_its_way or is_late:
                return status
            self._clock.sleep(POLL_SECONDS)

    def _status(self, event_id: str, version: int, channel_id: str) -> CardStatus | None:
        entry = self._store.get_journal_entry(event_id, version)
        requested = (
            [one for one in entry.notifications if one.kind is NotificationKind.CARD]
            if entry
            else []
        )
        card = next(
            (one for one in requested if one.channel_id == channel_id),
            requested[0] if requested else None,
        )
        if entry is None or card is None or card.channel_id is None:
            return None
        refusals = (
            ClassifiedError.of_code(one.reason)
            for one in entry.unreachable
            if one.kind is NotificationKind.CARD and one.user_id == card.channel_id
        )
        is_posted = self._newest_card(event_id, card.channel_id) > (card.after or "")
        return CardStatus(card.channel_id, is_posted, None if is_posted else next(refusals, None))
