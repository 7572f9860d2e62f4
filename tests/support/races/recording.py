"""Service of one process in a race, which records its threads' calls with their times and answers."""

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

from domain.commands import AnswersOutcome, ChangeOutcome, RegisterOutcome, UnregisterOutcome
from domain.errors import Invalid, NotConfirmed, RollcallError
from domain.inputs import EventChanges, UserDraft
from domain.models import Actor, Event, UnregisterPreview, User, UserRegistration
from domain.ports import Clock, NewId, Store
from domain.questions import shown_answers
from domain.service import Service
from tests.support.environment import START, ids, new_event
from tests.support.questions import LUNCH, fingerprints_of
from tests.support.races.calls import Call, Facts

Script = Sequence[Facts]
"""Calls of one thread, in order: each a method's name and its arguments."""


class WallClock:
    """Clock with real seconds on a fixed date: threads that wait for each other need time to pass."""

    def now(self) -> datetime:
        return START.astimezone(UTC)

    def monotonic(self) -> float:
        # The deadline of two seconds is meant for people. A machine that is busy with tests gets 40.
        return monotonic() / 20

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        return signal.wait(seconds * 20)


class BackgroundThreads:
    """Runner of background work, in threads that a test can join."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def __call__(self, work: Callable[[], None]) -> None:
        """Start the work in a thread."""
        thread = threading.Thread(target=work)
        thread.start()  # before another thread may join it
        self._threads.append(thread)

    def wait(self) -> None:
        """Wait until all work is done, including the work that it started."""
        while self._threads:
            self._threads.pop().join()


class _Queue(deque[Any]):
    """Queue that reports when a command is accepted, but not when one is put back."""

    def __init__(self, accepted: Callable[[], None]) -> None:
        super().__init__()
        self._accepted = accepted

    def append(self, entry: Any) -> None:
        self._accepted()
        super().append(entry)


class _EventQueues(dict[str, Any]):
    """Queues of a `CommandQueue`, each a `_Queue`. The caller holds the lock of the command queue."""

    def __init__(self, accepted: Callable[[], None]) -> None:
        super().__init__()
        self._accepted = accepted

    def setdefault(self, key: str, queue: Any = None) -> Any:
        if key not in self:
            queue.commands = _Queue(self._accepted)
        return super().setdefault(key, queue)


class RecordingService:
    """Service of one process, with its own command queue; `calls` has the calls of its threads."""

    def __init__(
        self, store: Store, name: str, *, new_id: NewId | None = None, clock: Clock | None = None
    ) -> None:
        self.background = BackgroundThreads()
        self.service = Service(
            store,
            clock or WallClock(),
            new_id=new_id or ids(name),
            jitter=random.Random(name).random,
            spawn=self.background,
            on_commit=lambda _: None,
        )
        self.calls: list[Call] = []
        self._queue_numbers = count(1)
        self._mine = threading.local()
        self.service._executor.command_queue._queues = _EventQueues(self._accepted)

    def _accepted(self) -> None:
        self._mine.number = next(self._queue_numbers)

    def follow(self, script: Script, event_ids: Sequence[str]) -> None:
        """Make a script's calls in this thread, and record them."""
        for name, *args in script:
            self._make(str(name), tuple(args), event_ids)

    def _make(self, name: str, args: Facts, event_ids: Sequence[str]) -> None:
        self._mine.number = 0
        invoked = monotonic_ns()
        try:
            outcome = _asked(self.service, name, args)
        except NotConfirmed as pending:
            self._resolve_later(Call(name, args, invoked, hint=(0, self._mine.number)), pending)
            return
        except RollcallError as refusal:
            outcome = refusal
        call = Call(name, args, invoked, monotonic_ns(), hint=(0, self._mine.number))
        if name == "list_registrations_of":
            self.calls += _taken_apart(call, outcome, event_ids)
        else:
            self.calls.append(_with_answer(call, outcome))

    def _resolve_later(self, call: Call, pending: NotConfirmed) -> None:
        """Record the call with its later result, once that is known."""
        pending.result.add_done_callback(
            lambda result: self.calls.append(
                _with_answer(
                    replace(call, responded=monotonic_ns()), result.exception() or result.result()
                )
            )
        )


ASKED = fingerprints_of(LUNCH)
"""What everyone who answers has been asked. Whether the event still asks it, they don't know."""


def _asked(service: Service, name: str, args: Facts) -> object:
    match name, args:
        case "create_user", (str(user_id),):
            return service.create_user(UserDraft.of(user_id=user_id, name=user_id))
        case "edit_event", (str(event_id), capacity, has_waitlist):
            given = {"capacity": capacity, "has_waitlist": has_waitlist}
            changes = {name: value for name, value in given.items() if value is not None}
            return service.edit_event(event_id, EventChanges.of(**changes))
        case "create_event", (str(event_id), str(user_id)):
            return new_event(service, event_id, organizer_id=user_id)
        case "set_co_organizer", (str(event_id), str(user_id)):
            return service.edit_event(event_id, EventChanges.of(co_organizer_ids=[user_id]))
        case "take_over", (str(event_id), str(user_id)):
            return service.take_over_event(event_id, actor=Actor(user_id, is_admin=True))
        case "close_as", (str(event_id), str(user_id)):
            return service.close_event(event_id, actor=Actor(user_id))
        case "reopen_as", (str(event_id), str(user_id)):
            return service.reopen_event(event_id, actor=Actor(user_id))
        case "register_answering", (str(event_id), str(user_id), str(answer)):
            return service.register(event_id, user_id, {"lunch": answer}, asked=ASKED)
        case "change_answer", (str(event_id), str(user_id), str(answer)):
            return service.change_answers(
                event_id, user_id, {"lunch": answer}, asked=ASKED, with_position=True
            )
        case "get_answer", (str(event_id), str(user_id)):
            found = service.get_registration(event_id, user_id)
            return shown_answers(found.event.questions, found.registration.answers)
        case "ask", (str(event_id), bool(asks)):
            return service.edit_event(event_id, EventChanges.of(questions=[LUNCH] if asks else []))
        case "get_organizers", (str(event_id),):
            return service.get_event(event_id).organizer_ids
        case _:
            result: object = getattr(service, name)(*args)
            return result


def _with_answer(call: Call, outcome: object) -> Call:
    version = (
        outcome.event.version
        if isinstance(outcome, RegisterOutcome | AnswersOutcome | UnregisterOutcome | ChangeOutcome)
        else 0
    )
    return replace(call, answer=facts_of(outcome), hint=(version, call.hint[1]))


def _taken_apart(call: Call, listed: object, event_ids: Sequence[str]) -> Iterator[Call]:
    """Yield what the list of a user's registrations says about each event."""
    if not isinstance(listed, tuple):
        raise TypeError(f"expected a list, got {listed!r}")
    found = {own.event.event_id: facts_of(own) for own in listed}
    for event_id in event_ids:
        answer = found.get(event_id, ("absent",))
        yield replace(call, name="is_in", args=(event_id, *call.args), answer=answer)


NOT_COMPARED = frozenset(
    {"event_id", "user_id", "title", "since", "has_started", "is_canceled", "is_over"}
    | {"takes_answers", "is_series", "day"}
)
"""Facts of refusals that repeat the question, that no race changes, or that only decide about a button."""


def facts_of(outcome: object) -> Facts:
    """Return an answer or a refusal in the form of `tests.support.races.calls`."""
    match outcome:
        case RegisterOutcome(_, row, position):
            return ("placed", row.ticket, position)
        case AnswersOutcome(_, _, position, changed):
            return ("answered", changed, position)
        case dict():
            return ("answer", outcome.get("lunch"))
        case UnregisterOutcome(_, row, promoted):
            return ("left", row.status, row.ticket, promoted)
        case ChangeOutcome(_, changed, promoted):
            return ("changed", promoted, changed)
        case UserRegistration(row, _, position):
            return ("own", row.status, row.ticket, position)
        case UnregisterPreview(own, next_gets_seat, position_on_return):
            return ("preview", *facts_of(own)[1:], next_gets_seat, position_on_return)
        case Event():
            counts = outcome.registered_count, outcome.waitlist_count
            return ("event", outcome.capacity, outcome.status, *counts)
        case User():
            return ("created",)
        case tuple():
            return ("organizers", *outcome)
        case bool():
            return ("deleted", outcome)
        case Invalid():
            return ("Invalid",)
        case RollcallError():
            given = vars(outcome).items()
            facts = [value for name, value in given if name not in NOT_COMPARED]
            return (type(outcome).__name__, *facts)
        case _:
            raise TypeError(f"unexpected outcome {outcome!r}")


def run_together(
    processes: Sequence[tuple[RecordingService, Sequence[Script]]],
    event_ids: Sequence[str],
    go: Callable[[], None] = lambda: None,
) -> None:
    """Follow all scripts, each in its own thread, and wait for them and their background work.

    The threads are ready when `go` is called, and start when it returns. Raises errors that are not refusals.
    """
    started = threading.Event()
    errors: list[BaseException] = []

    def follow(process: RecordingService, script: Script) -> None:
        started.wait()
        try:
            process.follow(script, event_ids)
        except BaseException as error:  # noqa: BLE001  # raised again in the test's thread
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
    """Make Python switch threads this often: more often than usual finds more races."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
