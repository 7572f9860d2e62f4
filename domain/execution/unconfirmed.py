"""What is not known when its deadline passes, and how those who asked hear of it in the end (R8.12)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from domain.errors import Busy, NotConfirmed, RollcallError
from domain.execution.retry import Patience
from domain.ports import Spawn

T = TypeVar("T")


class Unsettled(Exception):
    """The deadline passed, and it is not known whether what was sent applied."""


class Settlement:
    """A result that comes later, and those who want to hear of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._result: object = None
        self._listeners: list[Callable[[object], None]] = []

    def when_settled(self, listener: Callable[[object], None]) -> None:
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


class Settling:
    """Finds out in the background what was not known in time. What fails there, `spawn` logs."""

    def __init__(self, patience: Patience, spawn: Spawn) -> None:
        self._patience = patience
        self.spawn = spawn

    def in_time_or_later(self, work: Callable[[], T]) -> T:
        """Return what the work returns; raises `NotConfirmed` where it is `Unsettled`.

        Then it is done again in the background, until it ends otherwise: it must be able to go on
        from wherever it stands.
        """
        try:
            return work()
        except Unsettled:
            settlement = Settlement()
            self.spawn(lambda: settlement.settle(self.until_known(lambda: _ending(work))))
            raise NotConfirmed(settlement.when_settled) from None

    def until_known(self, ask: Callable[[], T | None]) -> T:
        """Return what `ask` gives once it gives something: whoever waits for it is told in the end.

        Whatever it fails with, it is asked again; a failure that nobody foresaw is reported, once.
        """
        is_reported = False
        while True:
            for _ in self._patience.pauses(None):  # pragma: no branch  # without end
                try:
                    known = ask()
                except (Busy, Unsettled):
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
    except (Busy, Unsettled):
        raise
    except RollcallError as refusal:
        return refusal
