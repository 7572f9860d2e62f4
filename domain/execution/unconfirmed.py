"""Writes that were not confirmed before their deadline, and how they are resolved (R8.12)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from domain.errors import Busy, NotConfirmed, RollcallError
from domain.execution.retry import RetryPolicy
from domain.ports import Spawn

T = TypeVar("T")


class Unconfirmed(Exception):
    """The deadline passed, and it is not known whether the write applied."""


class UnconfirmedResolver:
    """Finds out in the background how unconfirmed writes ended. `spawn` logs what fails there."""

    def __init__(self, retry: RetryPolicy, spawn: Spawn) -> None:
        self._retry = retry
        self.spawn = spawn

    def finish_or_continue(self, work: Callable[[], T]) -> T:
        """Return what the work returns, or raise `NotConfirmed` if it raises `Unconfirmed`.

        Then the work is repeated in the background until it ends otherwise. It must be able to
        continue from any state.
        """
        try:
            return work()
        except Unconfirmed:
            result: Future[object] = Future()
            self.spawn(lambda: self._repeat(work, result))
            raise NotConfirmed(result) from None

    def _repeat(self, work: Callable[[], object], result: Future[object]) -> None:
        def attempt() -> bool:
            try:
                result.set_result(work())
            except (Busy, Unconfirmed):
                raise
            except RollcallError as refusal:
                result.set_exception(refusal)
            return True

        self.resolve(attempt)

    def resolve(self, ask: Callable[[], T | None]) -> T:
        """Return what `ask` returns once it returns something: someone waits for the result.

        Asks again whatever fails. The first unexpected failure is reported.
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
        """Have a failure logged that its caller does not see."""

        def fail() -> None:
            raise error

        self.spawn(fail)
