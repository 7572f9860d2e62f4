"""The notification worker: decides which event is delivered when, and runs the sweep (R9)."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from datetime import datetime

from slack_sdk import WebClient

from bot.notifications.calendar_files import CalendarFiles
from bot.notifications.card_poster import CardPoster
from bot.notifications.card_updater import CardUpdater
from bot.notifications.delivery import CardProgress, EventDelivery, OutdatedCards
from bot.notifications.due_work import DueWork, run_safely
from bot.notifications.export_sender import ExportSender
from bot.notifications.export_worker import ExportWorker
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.reply_delivery import ReplyDelivery
from bot.notifications.sender import MessageSender
from bot.slack.admin_directory import AdminDirectory
from bot.slack.api_errors import CircuitBreaker
from bot.slack.context import CardStatus
from domain.models import ExportJob, JournalEntry, ReplyJob
from domain.ports import Clock, Spawn, ThreadNotStarted

_logger = logging.getLogger(__name__)

RECONCILE_INTERVAL = 24 * 3600.0
"""Seconds after which the stored users are compared with Slack's members again (R8.14)."""

FIRST_RECONCILE_DELAY = 600.0
"""Seconds from start to the first comparison, short enough for a process that restarts each day."""

RECONCILE_RETRY_DELAY = 3600.0

SWEEP_INTERVAL = 60.0
"""Seconds after which the sweep looks again for work that others left."""

MAX_EVENTS_EXAMINED = 100

STALLED_AFTER = 3 * SWEEP_INTERVAL
"""Seconds without a turn of the notifier, or a step of the sweep or an export, after which the process is not well."""

STOP_SECONDS = 20.0
"""How long a stop waits for the threads: any call to Slack or the store ends within that time."""


class NotificationWorker:
    """Sends messages and updates cards, one event at a time. Hands export jobs to a worker of their own.

    `sweep` is the service's, and calls `sweep_goes_on` before each step. `reconcile` is `member_sync`'s.
    `spawn` runs both in the background, so cards don't wait for them.
    """

    def __init__(
        self,
        store: StoreWithOutbox,
        client: WebClient,
        clock: Clock,
        *,
        holder: str,
        workspace_id: str,
        sweep: Callable[[], object],
        reconcile: Callable[[], object],
        spawn: Spawn,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sweep = sweep
        self._reconcile = reconcile
        self._sweep_lock = threading.Lock()
        self._spawn = spawn
        circuit_breaker = CircuitBreaker(clock)
        message_sender = MessageSender(client, clock, circuit_breaker)
        export_sender = ExportSender(store, client, clock, message_sender)
        self._card_updater = CardUpdater(store, client, clock, circuit_breaker)
        self._card_poster = CardPoster(
            store, client, clock, circuit_breaker, on_unstored=self._card_updater.adopt
        )
        self._delivery = EventDelivery(
            store,
            message_sender,
            self._card_poster,
            AdminDirectory(client, clock),
            export_sender,
            clock,
            holder,
            calendar_files=CalendarFiles(store, client, clock, circuit_breaker, workspace_id),
        )
        self._reply_delivery = ReplyDelivery(store, message_sender, clock, holder)
        self.exports = ExportWorker(store, client, clock, circuit_breaker, holder=holder)
        # Times are seconds on the monotonic clock: nothing waits for a wall clock that was set back.
        self._due = DueWork(clock, self.process_event)
        self._next_sweep = clock.monotonic()
        self._next_reconciliation = clock.monotonic() + FIRST_RECONCILE_DELAY
        self._signal = threading.Event()
        self._last_turn = self._last_sweep = clock.monotonic()
        self._ends_at = math.inf
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    # Cards

    def wait_for_card(
        self, event_id: str, version: int, channel_id: str, *, seconds: float
    ) -> CardStatus | None:
        """See `bot.slack.context.Cards`."""
        return self._card_poster.wait_for_card(event_id, version, channel_id, seconds=seconds)

    def newest_card(self, event_id: str, channel_id: str | None = None) -> str:
        """See `bot.slack.context.Cards`."""
        return self._card_poster.newest_card(event_id, channel_id)

    def remember_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """See `bot.slack.context.Cards`."""
        if self._card_updater.remember_card(event_id, channel_id, message_ts):
            self.schedule(event_id)

    # Scheduling

    def schedule(self, event_id: str) -> None:
        """Schedule an event, or a job, after a commit. Returns immediately."""
        self._schedule(event_id)
        self._signal.set()

    def _schedule(self, event_or_job_id: str) -> None:
        if ExportJob.of(event_or_job_id) is not None:
            self.exports.schedule(event_or_job_id)
        else:
            self._due.add(event_or_job_id)

    def start(self) -> None:
        """Start the threads of this worker and of the exports. They run until `stop`."""
        self.exports.start()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the threads: the notifier after the event in progress. One that hangs is left behind."""
        self._is_stopping = True
        self._signal.set()
        ends_at = self._clock.monotonic() + STOP_SECONDS
        self.exports.stop(STOP_SECONDS)
        if self._thread is not None:
            self._thread.join(max(0.0, ends_at - self._clock.monotonic()))
            if self._thread.is_alive():
                _logger.warning("the notifier hangs, and is left behind")

    def stalled(self) -> str | None:
        """Return what has not run for `STALLED_AFTER`, as a sentence for the operator. None if all is well."""
        now = self._clock.monotonic()
        for what, last in (
            ("notifier", self._last_turn),
            ("sweep", self._last_sweep),
            ("export worker", self.exports.last_turn),
        ):
            if now - last > STALLED_AFTER:
                return f"The {what} has not run for {now - last:.0f} seconds. Restart Rollcall."
        return None

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                seconds = self.process_due_events()
            except Exception:  # without this thread, nothing would be delivered
                _logger.exception("the notifier failed, retrying")
                seconds = SWEEP_INTERVAL / 4
            self._clock.wait(self._signal, seconds)
            self._signal.clear()

    def process_due_events(self) -> float:
        """Process all events that are due. Return the seconds until the next one is."""
        while not self._is_stopping:
            self._last_turn = self._clock.monotonic()
            if self._last_turn >= self._next_sweep:
                self._next_sweep = self._clock.monotonic() + SWEEP_INTERVAL
                run_safely(self.sweep, self._clock)
            if self._clock.monotonic() >= self._next_reconciliation:
                self._next_reconciliation = self._clock.monotonic() + RECONCILE_INTERVAL
                self._reconcile_in_background()
            if not self._due.process_next():
                break
        next_at = self._due.next_at()
        following = self._next_sweep if next_at is None else min(self._next_sweep, next_at)
        return max(0.0, following - self._clock.monotonic())

    def process_until(self, deadline: float) -> set[str]:
        """Process events until a time on the monotonic clock. Return the ids of those that failed.

        For Lambda functions, of which another one does the exports. See `DueWork.process_until`. Nothing is
        sent to Slack from that time on.
        """
        self.exports.forget_all()
        self._ends_at = deadline
        return self._due.process_until(deadline)

    def _reconcile_in_background(self) -> None:
        try:
            self._spawn(self._reconcile_safely)
        except ThreadNotStarted:
            self._next_reconciliation = self._clock.monotonic() + SWEEP_INTERVAL

    def _reconcile_safely(self) -> None:
        try:
            self._reconcile()
        except Exception:  # it runs in the background, without a caller
            _logger.exception("comparison with Slack's members failed, retrying in an hour")
            self._next_reconciliation = self._clock.monotonic() + RECONCILE_RETRY_DELAY

    def process_event(self, event_id: str, *, until: float | None = None) -> float | None:
        """Send an event's notifications and update its cards, or do a job. Call Slack no more from a time on.

        Return when to continue, on the monotonic clock, or None if all is done.
        """
        ends_at = self._ends_at if until is None else until
        reply_job = ReplyJob.of(event_id)
        if reply_job is not None:
            return self._reply_delivery.deliver(reply_job, until=ends_at)

        def update_cards(
            renew_lease: Callable[[], None], outdated: OutdatedCards | None
        ) -> CardProgress:
            def renew() -> None:
                self._last_turn = self._clock.monotonic()  # an event may have many cards
                renew_lease()

            return self._card_updater.update_cards(
                event_id, renew, outdated=outdated, until=ends_at
            )

        return self._delivery.deliver(
            event_id, update_cards, find_outdated=self._card_updater.outdated, until=ends_at
        )

    def sweep(self) -> None:
        """Schedule events with undelivered entries, and run the service's sweep in the background.

        Raises `Unavailable` and `OperatorNeeded`. The service's sweep runs all the same: it has not stopped.
        """
        try:
            self._schedule_undelivered()
        finally:
            self._sweep_in_background()

    def _schedule_undelivered(self) -> None:
        cursor: str | None = None
        while True:
            page = self._store.list_undelivered(limit=100, cursor=cursor)
            for event_id in page.items:
                self._schedule(event_id)
            cursor = page.next_cursor
            if cursor is None:
                break

    def sweep_goes_on(self) -> None:
        """Record that the sweep works and does not hang: it may take long."""
        self._last_sweep = self._clock.monotonic()

    def undelivered_since(self, until: float = math.inf) -> datetime | None:
        """Return when the oldest undelivered entry was written, None if there is none.

        It examines at most `MAX_EVENTS_EXAMINED` events, and begins with no other after a time on the monotonic
        clock: if there are more, their ages are similar.
        """
        page = self._store.list_undelivered(limit=MAX_EVENTS_EXAMINED, cursor=None)
        event_ids = list(page.items)
        while page.next_cursor is not None and len(event_ids) < MAX_EVENTS_EXAMINED:
            page = self._store.list_undelivered(limit=MAX_EVENTS_EXAMINED, cursor=page.next_cursor)
            event_ids += page.items
        oldest: datetime | None = None
        for event_id in event_ids[:MAX_EVENTS_EXAMINED]:
            entry = self._oldest_undelivered(event_id)
            if entry is not None:
                oldest = entry.at if oldest is None else min(oldest, entry.at)
            if oldest is not None and self._clock.monotonic() >= until:
                break
        return oldest

    def _oldest_undelivered(self, event_id: str) -> JournalEntry | None:
        versions = self._store.get_undelivered(event_id)
        return self._store.get_journal_entry(event_id, min(versions)) if versions else None

    def _sweep_in_background(self) -> None:
        """Run the service's sweep, unless the last one is still running."""
        if not self._sweep_lock.acquire(blocking=False):
            return

        def sweep() -> None:
            self.sweep_goes_on()
            try:
                self._sweep()
            finally:
                self.sweep_goes_on()
                self._sweep_lock.release()

        try:
            self._spawn(sweep)
        except ThreadNotStarted:  # tried again at the next interval
            self._sweep_lock.release()
