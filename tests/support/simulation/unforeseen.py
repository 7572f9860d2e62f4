"""Failures that the product logs because nobody foresaw them: in the simulation, each ends the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.simulation.scheduler import Scheduler


class _Failures(logging.Handler):
    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(logging.ERROR)
        self._scheduler = scheduler

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and self._scheduler.failure is None:
            failure = AssertionError(f"{record.getMessage()}: {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._scheduler.failure = failure


@contextmanager
def unforeseen_failures_end(scheduler: Scheduler) -> Iterator[None]:
    """Have an error that is logged with its traceback end the run. Nothing else is logged."""
    handler, root = _Failures(scheduler), logging.getLogger()
    others, level, disabled = root.handlers[:], root.level, root.manager.disable
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = others
        root.setLevel(level)
        logging.disable(disabled)
