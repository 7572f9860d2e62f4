"""What is not known when its deadline passes, and how those who asked hear of it in the end (R8.12)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from domain.errors import Busy, NotConfirmed, RollcallError
from domain.execution.retry import RetryPolicy
from domain.ports import Spawn

T = TypeVar("T")


class Unconfirmed(Exception):
    """The deadline passed, and it is not known whether what was sent applied."""


class LaterResult:
    """A result that comes later, and those who want to hear of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._result: object = None
        self._listeners: list[Callable[[object], None]] = []

    def when_known(self, listener: Callable[[object], None]) -> None:
        """Call the listener once with the result: when it is there, or at once."""
        with self._lock:
            if self._result is None:
                self._listeners.append(listener)
                return
        listener(self._result)

    def settle(self, result: object) -> None:
        """Give the result, which is not None."""
        with self._lock:
            self._result = result
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(result)


class UnconfirmedResolver:
    """Finds out in the background what was not known in time. What fails there, `spawn` logs."""

    def __init__(self, retry: RetryPolicy, spawn: Spawn) -> None:
        self._retry = retry
        self.spawn = spawn

    def finish_or_continue(self, work: Callable[[], T]) -> T:
        """Return what the work returns; raises `NotConfirmed` where it is `Unconfirmed`.

        Then it is done again in the background, until it ends otherwise: it must be able to go on
        from wherever it stands.
        """
        try:
            return work()
        except Unconfirmed:
            later_result = LaterResult()
            self.spawn(lambda: later_result.settle(self.resolve(lambda: _ending(work))))
            raise NotConfirmed(later_result.when_known) from None

    def resolve(self, ask: Callable[[], T | None]) -> T:
        """Return what `ask` gives once it gives something: whoever waits for it is told in the end.

        Whatever it fails with, it is asked again; a failure that nobody foresaw is reported, once.
        """
        is_reported = False
        while True:
            for _ in self._retry.pauses(None):  # pragma: no branch  # without end
                try:
                    known = ask()
                except (Busy, Unconfirmed):
                    continue
                except Exception as error:  # noqa: BLE001  # reported
                    if not is_reported:
                        self.report(error)
                    is_reported = True
                    continue
                if known is not None:
                    return known

    def report(self, error: Exception) -> None:
        """Have a failure logged that the one who asked is not told of."""

        def fail() -> None:
            raise error

        self.spawn(fail)


def _ending(work: Callable[[], object]) -> object:
    """Return what the work returns, or the error that refuses it."""
    try:
        return work()
    except (Busy, Unconfirmed):
        raise
    except RollcallError as refusal:
        return refusal
