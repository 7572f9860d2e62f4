"""One process's service in a race: its threads' calls, each with when it was made and what was answered."""

from __future__ import annotations

import random
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from time import monotonic, monotonic_ns
from typing import Any

from domain.commands import ChangeOutcome, LeaveOutcome, RegisterOutcome
from domain.errors import NotConfirmed, RollcallError
from domain.inputs import EventChanges, UserDraft
from domain.models import Event, LeavePreview, User, UserRegistration
from domain.ports import Clock, NewId, Store
from domain.service import Service
from tests.support.environment import START, ids
from tests.support.races.calls import Call, Facts

Script = Sequence[Facts]
"""What one thread asks, one after the other: each a method's name and its arguments."""


class WallClock:
    """Real seconds on a fixed date: threads that wait for each other need time that passes."""

    def now(self) -> datetime:
        return START.astimezone(UTC)

    def monotonic(self) -> float:
        # The deadline of two seconds is for people: a machine that is busy with tests may take longer.
        return monotonic() / 20

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        return signal.wait(seconds * 20)


class Background:
    """Runs what the service leaves for later, in threads that can be waited for."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def __call__(self, work: Callable[[], None]) -> None:
        """Start the work."""
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait until all of it is done, also what it started itself."""
        while self._threads:
            self._threads.pop().join()


class _Queue(deque[Any]):
    """A lane's queue that says when a command is accepted: not when one is put back."""

    def __init__(self, accepted: Callable[[], None]) -> None:
        super().__init__()
        self._accepted = accepted

    def append(self, entry: Any) -> None:
        self._accepted()
        super().append(entry)


class _EventQueues(dict[str, Any]):
    """A turnstile's lanes, each with a queue that is watched. The turnstile holds its lock meanwhile."""

    def __init__(self, accepted: Callable[[], None]) -> None:
        super().__init__()
        self._accepted = accepted

    def setdefault(self, key: str, lane: Any = None) -> Any:
        if key not in self:
            lane.commands = _Queue(self._accepted)
        return super().setdefault(key, lane)


class Process:
    """A service as one process has it, with a turnstile of its own; `calls` is what its threads saw."""

    def __init__(
        self, store: Store, name: str, *, new_id: NewId | None = None, clock: Clock | None = None
    ) -> None:
        self.background = Background()
        self.service = Service(
            store,
            clock or WallClock(),
            new_id=new_id or ids(name),
            jitter=random.Random(name).random,
            spawn=self.background,
            on_commit=lambda _: None,
        )
        self.calls: list[Call] = []
        self._rate_limiter = count(1)
        self._mine = threading.local()
        self.service._executor.command_queue._queues = _EventQueues(self._accepted)

    def _accepted(self) -> None:
        self._mine.turn = next(self._rate_limiter)

    def follow(self, script: Script, event_ids: Sequence[str]) -> None:
        """Make a script's calls in this thread, and record them."""
        for name, *args in script:
            self._make(str(name), tuple(args), event_ids)

    def _make(self, name: str, args: Facts, event_ids: Sequence[str]) -> None:
        self._mine.turn = 0
        invoked = monotonic_ns()
        try:
            outcome = _asked(self.service, name, args)
        except NotConfirmed as pending:
            self._resolve_later(Call(name, args, invoked, hint=(0, self._mine.turn)), pending)
            return
        except RollcallError as refusal:
            outcome = refusal
        call = Call(name, args, invoked, monotonic_ns(), hint=(0, self._mine.turn))
        if name == "list_registrations_of":
            self.calls += _taken_apart(call, outcome, event_ids)
        else:
            self.calls.append(_with_answer(call, outcome))

    def _resolve_later(self, call: Call, pending: NotConfirmed) -> None:
        """Record the call as what it comes to in the end, when somebody is told."""
        pending.result.add_done_callback(
            lambda result: self.calls.append(
                _with_answer(
                    replace(call, responded=monotonic_ns()), result.exception() or result.result()
                )
            )
        )


def _asked(service: Service, name: str, args: Facts) -> object:
    match name, args:
        case "create_user", (str(user_id),):
            return service.create_user(UserDraft.of(user_id=user_id, name=user_id))
        case "edit_event", (str(event_id), capacity, has_waitlist):
            given = {"capacity": capacity, "has_waitlist": has_waitlist}
            changes = {name: value for name, value in given.items() if value is not None}
            return service.edit_event(event_id, EventChanges.of(**changes))
        case _:
            result: object = getattr(service, name)(*args)
            return result


def _with_answer(call: Call, outcome: object) -> Call:
    version = (
        outcome.event.version
        if isinstance(outcome, RegisterOutcome | LeaveOutcome | ChangeOutcome)
        else 0
    )
    return replace(call, answer=facts_of(outcome), hint=(version, call.hint[1]))


def _taken_apart(call: Call, listed: object, event_ids: Sequence[str]) -> Iterator[Call]:
    """Yield, for each event, what a list of somebody's registrations says of it."""
    if not isinstance(listed, tuple):
        raise TypeError(f"a list was asked for, and {listed!r} came")
    found = {own.event.event_id: facts_of(own) for own in listed}
    for event_id in event_ids:
        answer = found.get(event_id, ("absent",))
        yield replace(call, name="is_in", args=(event_id, *call.args), answer=answer)


TELLS_NOTHING_NEW = frozenset({"event_id", "user_id", "title", "since"})
"""What a refusal repeats of the question, or of what no race changes."""


def facts_of(outcome: object) -> Facts:
    """Return an answer or a refusal as `tests.support.races.calls` has it."""
    match outcome:
        case RegisterOutcome(_, row, position):
            return ("placed", row.ticket, position)
        case LeaveOutcome(_, row, promoted):
            return ("left", row.status, row.ticket, promoted)
        case ChangeOutcome(_, changed, promoted):
            return ("changed", promoted, changed)
        case UserRegistration(row, _, position):
            return ("own", row.status, row.ticket, position)
        case LeavePreview(own, next_gets_seat, position_on_return):
            return ("preview", *facts_of(own)[1:], next_gets_seat, position_on_return)
        case Event():
            counts = outcome.registered_count, outcome.waitlist_count
            return ("event", outcome.capacity, outcome.status, *counts)
        case User():
            return ("created",)
        case bool():
            return ("deleted", outcome)
        case RollcallError():
            given = vars(outcome).items()
            told = [value for name, value in given if name not in TELLS_NOTHING_NEW]
            return (type(outcome).__name__, *told)
        case _:
            raise TypeError(f"nobody knows how to judge {outcome!r}")


def run_together(
    processes: Sequence[tuple[Process, Sequence[Script]]],
    event_ids: Sequence[str],
    go: Callable[[], None] = lambda: None,
) -> None:
    """Follow all scripts at once, each in a thread of its own, and wait for the end of all that they began.

    The threads stand ready when `go` is called, and begin when it returns. Raises what is no refusal.
    """
    started = threading.Event()
    errors: list[BaseException] = []

    def follow(process: Process, script: Script) -> None:
        started.wait()
        try:
            process.follow(script, event_ids)
        except BaseException as error:  # noqa: BLE001  # it is raised again, where a test sees it
            errors.append(error)

    threads = [
        threading.Thread(target=follow, args=(process, script))
        for process, scripts in processes
        for script in scripts
    ]
    for thread in threads:
        thread.start()
    try:
        go()
    finally:
        started.set()
        for thread in threads:
            thread.join()
    for process, _ in processes:
        process.background.wait()
    if errors:
        raise errors[0]


@contextmanager
def switching_every(seconds: float) -> Iterator[None]:
    """Let Python's threads take turns so often: more often than it would by itself, more may go wrong."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
