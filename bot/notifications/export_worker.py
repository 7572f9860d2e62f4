"""The export worker: carries out export jobs in a thread of its own, so nothing else waits for one (R9.6)."""

from __future__ import annotations

import logging
import threading
from math import inf

from slack_sdk import WebClient

from bot.notifications.card_poster import CardPoster
from bot.notifications.delivery import CardProgress, EventDelivery
from bot.notifications.due_work import DueWork
from bot.notifications.export_sender import ExportSender
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import MessageSender, Paused
from bot.slack.admin_directory import AdminDirectory
from bot.slack.api_errors import CircuitBreaker
from domain.models import ExportJob
from domain.ports import Clock

_logger = logging.getLogger(__name__)

EXPORT_LEASE = 120.0
"""Seconds for which others wait for a process that died. No step between two renewals takes half as long."""

EXPORT_LEASE_RETRY = 60.0
"""Seconds before asking again for another process's lease on a job, which gets no later entries."""

LONGEST_WAIT = 60.0
"""Seconds that the thread waits for a new job."""

_NO_CARDS = CardProgress(version=1, retry_at=None)
"""A job has one entry, and no card shows it."""


class ExportWorker:
    """Sends attendee lists, one job at a time. Each job has a lease, and waits for no other job's retry."""

    def __init__(
        self,
        store: StoreWithOutbox,
        client: WebClient,
        clock: Clock,
        circuit_breaker: CircuitBreaker,
        *,
        holder: str,
    ) -> None:
        self._store = store
        self._clock = clock
        message_sender = MessageSender(client, clock, circuit_breaker)
        self._export_sender = ExportSender(
            store, client, clock, message_sender, check_end=self._check_end
        )
        self._delivery = EventDelivery(
            store,
            message_sender,
            CardPoster(store, client, clock, circuit_breaker),
            AdminDirectory(client, clock),
            self._export_sender,
            clock,
            holder,
            lease=EXPORT_LEASE,
            lease_retry=EXPORT_LEASE_RETRY,
        )
        self._due = DueWork(clock, self.process_job)
        self._ends_at = inf
        self.last_turn = clock.monotonic()
        """When this last did something, on the monotonic clock: an export is watched step by step."""
        self._signal = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def schedule(self, job_id: str) -> None:
        """Schedule a job. Returns immediately. One that waits for Slack goes on waiting."""
        self._due.add_new(job_id)
        self._signal.set()

    def start(self) -> None:
        """Start the worker's thread. It runs until `stop`."""
        self._thread = threading.Thread(target=self._run, name="exports", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Stop the thread. It gives up the job in progress, for the next process to start over.

        If it hangs for so many seconds, it is left behind.
        """
        self._is_stopping = True
        self._signal.set()
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                _logger.warning("the export worker hangs, and is left behind")

    def _run(self) -> None:
        while not self._is_stopping:
            seconds = self.process_due_jobs()
            self._clock.wait(self._signal, seconds)
            self._signal.clear()

    def process_due_jobs(self) -> float:
        """Process all jobs that are due. Return the seconds until the next one is."""
        while not self._is_stopping:
            self.last_turn = self._clock.monotonic()
            if not self._due.process_next():
                break
        next_at = self._due.next_at()
        if next_at is None:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.0, next_at - self._clock.monotonic()))

    def process_until(self, deadline: float) -> set[str]:
        """Process jobs until a time on the monotonic clock, for Lambda. Return the ids of those that failed."""
        self._ends_at = deadline
        return self._due.process_until(deadline)

    def forget_all(self) -> None:
        """Forget the jobs that are scheduled: another process does them."""
        self._due.clear()

    def process_job(self, job_id: str) -> float | None:
        """Carry out a job. Return when to continue, on the monotonic clock, or None if it is done."""
        again = self._delivery.deliver(job_id, lambda *_: _NO_CARDS, until=self._ends_at)
        if again is None:
            self._store.delete_job(job_id)
            self._export_sender.forget(job_id)
        return again

    def schedule_undelivered(self) -> None:
        """Schedule all jobs that are not done. Raises `Unavailable`."""
        cursor: str | None = None
        while True:
            page = self._store.list_undelivered(limit=100, cursor=cursor)
            for id_ in page.items:
                if ExportJob.of(id_) is not None:
                    self.schedule(id_)
            cursor = page.next_cursor
            if cursor is None:
                return

    def _check_end(self) -> None:
        self.last_turn = self._clock.monotonic()
        if self._is_stopping:
            raise Paused(self._clock.monotonic())
