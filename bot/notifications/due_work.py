"""A queue of events and jobs that are due, each processed when its turn comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from domain.errors import OperatorNeeded
from domain.models import ReplyJob
from domain.ports import Clock, Unavailable

_logger = logging.getLogger(__name__)

RETRY_AFTER_FAILURE = 15.0

RETRY_AFTER_UNAVAILABLE = 1.0
"""Seconds before a store that did not respond is asked again. That passes, and cards must be right within seconds."""

MAX_PAUSE = 2.5
"""Seconds that a Lambda function waits for an id to become due. A card waits 1, an audience 2, a retry longer."""

MAX_PAUSES = 10.0
"""Seconds that a Lambda function waits in all. The stream's next records wait for it; the sweep does the rest."""


class DueWork:
    """Processes ids, first the one that has been due for the longest time. Threads may add ids.

    `process` returns when to continue with an id, or None if it is done. All times are seconds on the
    monotonic clock.
    """

    def __init__(self, clock: Clock, process: Callable[[str], float | None]) -> None:
        self._clock = clock
        self._process = process
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}
        self._was_reply = False
        """Whether the last one was a kept reply. There may be thousands: an event waits for one at most."""

    def add(self, id_: str) -> None:
        """Make an id due now. One that is due already keeps its turn."""
        now = self._clock.monotonic()
        with self._lock:
            self._due[id_] = min(self._due.get(id_, now), now)

    def add_new(self, id_: str) -> None:
        """Make an id due now, unless it waits for a later time."""
        with self._lock:
            self._due.setdefault(id_, self._clock.monotonic())

    def process_next(self) -> bool:
        """Process the id that is due, whatever fails. Return False if none is."""
        id_ = self._take()
        if id_ is None:
            return False
        self._continue_at(id_, run_safely(lambda: self._process(id_), self._clock))
        return True

    def process_until(self, deadline: float) -> set[str]:
        """Process ids until a time. Return those that failed, and forget the others.

        For Lambda functions, which can't keep a thread. Entries that are left stay marked
        undelivered, and the next sweep finds them: also those of an id that must wait for long.
        """
        failed: set[str] = set()
        waited = 0.0
        while self._clock.monotonic() < deadline:
            id_ = self._take()
            if id_ is not None:
                try:
                    self._continue_at(id_, self._process(id_))
                except OperatorNeeded:  # whoever watches the store has said so
                    continue
                except Unavailable as error:
                    _logger.warning("the store did not respond, retrying: %s", error)
                    self._continue_at(id_, self._clock.monotonic() + RETRY_AFTER_UNAVAILABLE)
                except Exception:  # the others go on; this one is reported to Lambda
                    _logger.exception("notifications of %s failed", id_)
                    failed.add(id_)
                continue
            next_at = self.next_at()
            if next_at is None:
                break
            pause = max(0.0, next_at - self._clock.monotonic())
            if pause > MAX_PAUSE or self._clock.monotonic() + pause >= deadline:
                break
            waited += pause
            if waited > MAX_PAUSES:
                break
            self._clock.sleep(pause)
        self.clear()
        return failed

    def next_at(self) -> float | None:
        """Return when the next id is due, None if there is none."""
        with self._lock:
            return min(self._due.values(), default=None)

    def clear(self) -> None:
        """Forget all ids."""
        with self._lock:
            self._due.clear()

    def _take(self) -> str | None:
        with self._lock:
            now = self._clock.monotonic()
            due = [one for one, at in self._due.items() if at <= now]
            if self._was_reply:
                due = [one for one in due if ReplyJob.of(one) is None] or due
            id_ = min(due, key=self._due.__getitem__, default=None)
            if id_ is None:
                return None
            del self._due[id_]
            self._was_reply = ReplyJob.of(id_) is not None
            return id_

    def _continue_at(self, id_: str, again: float | None) -> None:
        if again is not None:
            with self._lock:
                self._due.setdefault(id_, again)


def run_safely(work: Callable[[], float | None], clock: Clock) -> float | None:
    """Return what the work returns, or when to try again if it fails, which is logged."""
    try:
        return work()
    except Unavailable as error:
        _logger.warning("the store did not respond, retrying: %s", error)
        return clock.monotonic() + RETRY_AFTER_UNAVAILABLE
    except OperatorNeeded:  # whoever watches the store has said so
        return clock.monotonic() + RETRY_AFTER_FAILURE
    except Exception:  # the worker's thread must survive; it tries again
        _logger.exception("notifications failed, retrying")
        return clock.monotonic() + RETRY_AFTER_FAILURE
