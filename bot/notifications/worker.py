"""The notifier: everything that follows from a commit, done from the journal (R9)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk import WebClient

from bot.notifications.card_updater import CardUpdater
from bot.notifications.delivery import Deliverer, Storage
from bot.notifications.sender import MessageSender
from bot.slack.api_errors import CircuitBreaker
from domain.models import Event, JournalEntry
from domain.ports import Clock, Spawn, Unavailable

_logger = logging.getLogger(__name__)

RECONCILE_EVERY = timedelta(days=1)
"""How often what Slack knows of its members is compared with what is stored of them (R8.14)."""

RECONCILE_FIRST = timedelta(minutes=10)
"""How long after its start a process does so first: one that is started anew each day does it, too."""

RECONCILE_AGAIN = timedelta(hours=1)

SWEEP_EVERY = timedelta(minutes=1)
"""How often everything that was left behind is looked for."""

LOOKED_AT = 100

AFTER_FAILURE = timedelta(seconds=15)

SOON = 5.0
"""Seconds for which a process waits that is paid for by the time: cards want another look within them."""

AFTER_SILENCE = timedelta(seconds=1)
"""How soon a store that did not answer is asked again: it passes by itself, and cards are to be true soon."""


class NotificationWorker:
    """Sends messages and updates cards, one event at a time.

    `sweep` is the service's, `reconcile` is `member_sync`'s; `spawn` runs both, so that no card waits
    for them.
    """

    def __init__(
        self,
        store: Storage,
        client: WebClient,
        clock: Clock,
        *,
        holder: str,
        sweep: Callable[[], object],
        reconcile: Callable[[], object],
        spawn: Spawn,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sweep = sweep
        self._reconcile = reconcile
        self._finishing = threading.Lock()
        self._spawn = spawn
        circuit_breaker = CircuitBreaker(clock)
        self._deliverer = Deliverer(
            store, MessageSender(client, clock, circuit_breaker), clock, holder
        )
        self._card_updater = CardUpdater(store, client, clock, circuit_breaker)
        self._lock = threading.Lock()
        self._due: dict[str, datetime] = {}
        self._next_sweep = clock.now()
        self._next_reconciliation = clock.now() + RECONCILE_FIRST
        self._signal = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    # Cards

    def post_card(self, event: Event, channel_id: str, *, after: str | None = None) -> None:
        """See `bot.slack.context.Cards`."""
        self._card_updater.post(event, channel_id, after=after)
        self.wake(event.event_id)  # it may have moved since it was read

    def newest_card(self, event_id: str) -> str:
        """See `bot.slack.context.Cards`."""
        return self._card_updater.newest_card(event_id)

    def remember_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """See `bot.slack.context.Cards`."""
        if self._card_updater.remember_card(event_id, channel_id, message_ts):
            self.wake(event_id)

    # The worker

    def wake(self, event_id: str) -> None:
        """Say that something was committed; costs the one who committed nothing."""
        self._make_due(event_id)
        self._signal.set()

    def _make_due(self, event_id: str) -> None:
        now = self._clock.now()
        with self._lock:
            # One that is due already keeps its turn, however often it is woken.
            self._due[event_id] = min(self._due.get(event_id, now), now)

    def start(self) -> None:
        """Work in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._work, name="notifier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand, and stop."""
        self._is_stopping = True
        self._signal.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._is_stopping:
            seconds = self.run_due_events()
            self._clock.wait(self._signal, seconds)
            self._signal.clear()

    def run_due_events(self) -> float:
        """Attend to every event whose time has come; return in how many seconds the next one's comes."""
        while not self._is_stopping:
            if self._clock.now() >= self._next_sweep:
                self._next_sweep = self._clock.now() + SWEEP_EVERY
                self._safely(self.sweep)
            if self._clock.now() >= self._next_reconciliation:
                self._next_reconciliation = self._clock.now() + RECONCILE_EVERY
                self._spawn(self._reconcile_safely)
            event_id = self._next_due()
            if event_id is None:
                break
            again = self._safely(lambda event_id=event_id: self.attend(event_id))  # type: ignore[misc]
            if again is not None:
                with self._lock:
                    self._due.setdefault(event_id, again)
        with self._lock:
            following = min([self._next_sweep, *self._due.values()])
        return max(0.0, (following - self._clock.now()).total_seconds())

    def work_until(self, until: float) -> set[str]:
        """Attend to all that is due, or soon is, until then on the clock's `monotonic`; return what failed.

        For a process that may not go on as `start` does: what is left is marked undelivered still, and
        some process's sweep finds it.
        """
        failed: set[str] = set()
        while self._clock.monotonic() < until:
            event_id = self._next_due()
            if event_id is not None:
                try:
                    again = self.attend(event_id)
                except Exception:
                    _logger.exception("the notifier stumbled over %s", event_id)
                    failed.add(event_id)
                    continue
                if again is not None:
                    with self._lock:
                        self._due.setdefault(event_id, again)
                continue
            pause = self._seconds_to_next_due()
            if pause is None or pause > SOON or self._clock.monotonic() + pause >= until:
                break
            self._clock.sleep(pause)
        with self._lock:
            self._due.clear()
        return failed

    def _seconds_to_next_due(self) -> float | None:
        with self._lock:
            if not self._due:
                return None
            return max(0.0, (min(self._due.values()) - self._clock.now()).total_seconds())

    def _reconcile_safely(self) -> None:
        try:
            self._reconcile()
        except Exception:
            _logger.exception("members were not reconciled, and are once more in an hour")
            self._next_reconciliation = self._clock.now() + RECONCILE_AGAIN

    def _next_due(self) -> str | None:
        """Take the event that has been due for longest."""
        with self._lock:
            due = min(self._due.items(), key=lambda item: item[1], default=None)
            if due is None or due[1] > self._clock.now():
                return None
            del self._due[due[0]]
            return due[0]

    def _safely(self, work: Callable[[], datetime | None]) -> datetime | None:
        try:
            return work()
        except Unavailable as error:
            _logger.warning("the store did not answer, and is asked again: %s", error)
            return self._clock.now() + AFTER_SILENCE
        except Exception:
            _logger.exception("the notifier stumbled, and tries again")
            return self._clock.now() + AFTER_FAILURE

    def attend(self, event_id: str) -> datetime | None:
        """Send an event's messages and update its cards; return when to look again, None if all is done."""
        return self._deliverer.deliver(
            event_id, lambda hold: self._card_updater.show(event_id, hold)
        )

    def sweep(self) -> None:
        """Find what is due, and what was left behind: unfinished work, entries still marked undelivered."""
        cursor: str | None = None
        while True:
            page = self._store.list_undelivered(limit=100, cursor=cursor)
            for event_id in page.items:
                self._make_due(event_id)
            cursor = page.next_cursor
            if cursor is None:
                break
        self._sweep_in_background()

    def undelivered_since(self) -> datetime | None:
        """Return when the oldest entry was written of which something is owed; None: nothing is.

        Of more events than `LOOKED_AT` it looks at so many: when that many wait, all of them do.
        """
        page = self._store.list_undelivered(limit=LOOKED_AT, cursor=None)
        event_ids = list(page.items)
        while page.next_cursor is not None and len(event_ids) < LOOKED_AT:
            page = self._store.list_undelivered(limit=LOOKED_AT, cursor=page.next_cursor)
            event_ids += page.items
        entries = (self._oldest_undelivered(event_id) for event_id in event_ids[:LOOKED_AT])
        return min((entry.at for entry in entries if entry is not None), default=None)

    def _oldest_undelivered(self, event_id: str) -> JournalEntry | None:
        versions = self._store.get_undelivered(event_id)
        return self._store.get_journal_entry(event_id, min(versions)) if versions else None

    def _sweep_in_background(self) -> None:
        """Do what is due and unfinished, unless the last sweep's is still at it."""
        if not self._finishing.acquire(blocking=False):
            return

        def finish() -> None:
            try:
                self._sweep()
            finally:
                self._finishing.release()

        self._spawn(finish)
