"""Posts the cards that one event's journal requests, or defers them: no message waits for one (R9.7)."""

from __future__ import annotations

from bot.notifications.card_poster import CardPoster
from bot.notifications.deferred import DeferredNotifications
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.recipients import JOURNAL_PAGE, in_order
from bot.notifications.unreachable import refused_card_report
from bot.slack.api_errors import ErrorClass
from domain.enums import NotificationKind
from domain.execution.leases import Lease
from domain.models import JournalEntry, Notification, UnreachableRecipient
from domain.ports import Clock


class CardDelivery:
    """Delivers the requested cards of one event under its lease."""

    def __init__(
        self,
        store: StoreWithOutbox,
        clock: Clock,
        lease: Lease,
        deferred: DeferredNotifications,
        card_poster: CardPoster,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease
        self._deferred = deferred
        self._card_poster = card_poster

    def deliver(self, entry: JournalEntry, number: int, notification: Notification) -> None:
        """Post a card, or defer it: neither it nor people's messages wait for each other (R9.7)."""
        channel_id = notification.channel_id or ""
        if self.post(entry, notification) is ErrorClass.TEMPORARY:
            self._deferred.add(channel_id, entry.version, number, 1, is_card=True)

    def post_ahead(self, ends_at: float) -> None:
        """Post the cards of entries whose turn has not come, because messages have to wait."""
        if self._clock.monotonic() >= ends_at:
            return
        after = max(self._lease.state.cards_version, self._lease.state.delivered_version)
        # Some notifications of the entry in progress are delivered.
        done = self._lease.state.notification if after == self._lease.state.delivered_version else 0
        while entries := self._store.list_journal(
            self._lease.state.event_id, after=after, limit=JOURNAL_PAGE
        ):
            for entry in entries:
                for number, notification in list(enumerate(in_order(entry)))[done:]:
                    if notification.kind is NotificationKind.CARD:
                        self.deliver(entry, number, notification)
                done, after = 0, entry.version
                self._lease.stage(cards_version=after)
                if self._clock.monotonic() >= ends_at:
                    break
            self._lease.save()
            if len(entries) < JOURNAL_PAGE or self._clock.monotonic() >= ends_at:
                return

    def post(self, entry: JournalEntry, notification: Notification) -> ErrorClass | None:
        """Post a card. If Slack refuses it for good, record that, and tell whoever asked for it."""
        self._lease.renew()
        failure = self._card_poster.post(entry, notification)
        if failure is None or failure.passes:
            return None if failure is None else ErrorClass.TEMPORARY
        refused = UnreachableRecipient(
            user_id=notification.channel_id or "",
            version=entry.version,
            kind=notification.kind,
            reason=failure.reason,
        )
        self._store.record_unreachable(entry.event_id, entry.version, refused)
        if notification.user_id is not None:
            report = refused_card_report(refused, notification.user_id, self._clock.now())
            self._lease.stage(deferred=(*self._lease.state.deferred, report))
        return failure.error_class
