"""Faults of the Web API on demand: rate limits, errors, dropped connections, missing responses."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Fault:
    """A fault that a Web API call meets instead of its normal response.

    With `applied`, the call takes effect and only its response is lost. With `delay`, the call takes
    effect and its normal response is sent that many seconds later; with `until`, when that event is set.
    """

    status: int = 200
    error: str | None = None
    retry_after: int | str | None = None
    drops_connection: bool = False
    never_answers: bool = False
    is_truncated: bool = False
    applied: bool = False
    delay: float = 0
    until: threading.Event | None = None

    @classmethod
    def slow(cls, seconds: float) -> "Fault":
        """Delay the normal response."""
        return cls(applied=True, delay=seconds)

    @classmethod
    def held(cls, until: threading.Event) -> "Fault":
        """Hold the normal response back until the event is set."""
        return cls(applied=True, until=until)

    @property
    def is_only_late(self) -> bool:
        """Whether the normal response arrives in the end."""
        return self.delay > 0 or self.until is not None

    @classmethod
    def rate_limited(cls, retry_after: int = 1) -> "Fault":
        """Respond with 429 and `Retry-After`."""
        return cls(429, "ratelimited", retry_after)

    @classmethod
    def server_error(cls, status: int = 500, *, applied: bool = False) -> "Fault":
        """Respond with a 5xx status and a body that is not JSON."""
        return cls(status, applied=applied)

    @classmethod
    def refused(cls, error: str) -> "Fault":
        """Respond with 200, `ok: false` and this error code."""
        return cls(200, error)

    @classmethod
    def closed(cls, *, applied: bool = False) -> "Fault":
        """Close the connection without a response."""
        return cls(drops_connection=True, applied=applied)

    @classmethod
    def timed_out(cls, *, applied: bool = False) -> "Fault":
        """Send nothing until the caller gives up."""
        return cls(never_answers=True, applied=applied)

    @classmethod
    def cut_off(cls, *, applied: bool = False) -> "Fault":
        """Close the connection in the middle of the response."""
        return cls(is_truncated=True, applied=applied)

    @classmethod
    def proxy_page(cls, *, applied: bool = False) -> "Fault":
        """Respond with 200 and a page that does not come from Slack."""
        return cls(applied=applied)


DefaultFault: TypeAlias = Fault | Callable[[str], Fault | None] | None
"""The fault of every call, or a function that decides by the call's method."""


def for_method(method: str, fault: DefaultFault) -> DefaultFault:
    """Return a default that is `fault` for the calls of one method, and none for all others."""

    def decide(called: str) -> Fault | None:
        if called != method:
            return None
        return fault(called) if callable(fault) else fault

    return decide


class Faults:
    """Queued faults by method, and a default for all other calls. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queued: dict[str, list[Fault | None]] = {}
        self._default: DefaultFault = None

    def enqueue(self, method: str, fault: Fault | None, times: int) -> None:
        """Queue `fault` for the next `times` calls of `method`; None lets a call pass."""
        with self._lock:
            self._queued.setdefault(method, []).extend([fault] * times)

    def set_default(self, fault: DefaultFault) -> None:
        """Apply `fault` to every call without a queued fault, until set to None."""
        with self._lock:
            self._default = fault

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._queued.clear()
            self._default = None

    def peek(self, method: str) -> Fault | None:
        """Return the fault of the next call of `method`, unless a function will decide it."""
        with self._lock:
            if queued := self._queued.get(method):
                return queued[0]
            return self._default if isinstance(self._default, Fault) else None

    def pop(self, method: str) -> Fault | None:
        """Return the fault of this call, if any, and remove it from the queue."""
        with self._lock:
            if queued := self._queued.get(method):
                return queued.pop(0)
            return self._default(method) if callable(self._default) else self._default
