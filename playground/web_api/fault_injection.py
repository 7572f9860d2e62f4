"""Faults to order for Slack's side: rate limits, errors, server errors, lost connections, silence."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Fault:
    """What happens to a Web API call instead of its answer.

    With `applied`, the call is carried out first and only its answer is lost. With `late`, it is carried
    out and its own answer comes that many seconds late.
    """

    status: int = 200
    error: str | None = None
    retry_after: int | str | None = None
    dropped: bool = False
    silent: bool = False
    cut: bool = False
    applied: bool = False
    late: float = 0

    @classmethod
    def slow(cls, seconds: float) -> "Fault":
        """The answer, so much later."""
        return cls(applied=True, late=seconds)

    @classmethod
    def rate_limited(cls, retry_after: int = 1) -> "Fault":
        """429 with `Retry-After`."""
        return cls(429, "ratelimited", retry_after)

    @classmethod
    def server_error(cls, status: int = 500, *, applied: bool = False) -> "Fault":
        """A 5xx with a body that is no JSON."""
        return cls(status, applied=applied)

    @classmethod
    def refused(cls, error: str) -> "Fault":
        """200 with `ok: false` and this error name."""
        return cls(200, error)

    @classmethod
    def closed(cls, *, applied: bool = False) -> "Fault":
        """The connection is closed with no answer."""
        return cls(dropped=True, applied=applied)

    @classmethod
    def timed_out(cls, *, applied: bool = False) -> "Fault":
        """No answer until the caller gives up."""
        return cls(silent=True, applied=applied)

    @classmethod
    def cut_off(cls, *, applied: bool = False) -> "Fault":
        """The connection is closed in the middle of the answer."""
        return cls(cut=True, applied=applied)

    @classmethod
    def proxy_page(cls, *, applied: bool = False) -> "Fault":
        """200 with a page that is not Slack's."""
        return cls(applied=applied)


Standing: TypeAlias = Fault | Callable[[str], Fault | None] | None
"""What every call meets, or what decides it from the call's method."""


class Faults:
    """The faults that are lined up, by method. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lined_up: dict[str, list[Fault | None]] = {}
        self._standing: Standing = None

    def line_up(self, method: str, fault: Fault | None, times: int) -> None:
        """The next `times` calls of `method` meet `fault` (None: nothing), after those lined up before."""
        with self._lock:
            self._lined_up.setdefault(method, []).extend([fault] * times)

    def stand(self, fault: Standing) -> None:
        """Every call that nothing is lined up for meets `fault`, until None ends it."""
        with self._lock:
            self._standing = fault

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._lined_up.clear()
            self._standing = None

    def coming(self, method: str) -> Fault | None:
        """The fault that the next call of `method` meets, as far as that is settled yet."""
        with self._lock:
            if lined_up := self._lined_up.get(method):
                return lined_up[0]
            return self._standing if isinstance(self._standing, Fault) else None

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets, if any."""
        with self._lock:
            if lined_up := self._lined_up.get(method):
                return lined_up.pop(0)
            return self._standing(method) if callable(self._standing) else self._standing
