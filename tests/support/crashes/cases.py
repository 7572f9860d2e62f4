"""Calls that meet faults at each of their requests, and what may then be answered and stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from domain.commands import ChangeOutcome
from domain.errors import Busy, NotConfirmed, RollcallError
from domain.ports import Unavailable
from tests.support.crashes.world import State, Stored, World, plain
from tests.support.dynamodb.wire_faults import Fault, ProcessDied, Wire
from tests.support.environment import ManualClock, ids, service_on

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DIED = "the process died"

_case = count(1)


class Process:
    """One process's service: what it leaves to the background is done when a test says so."""

    def __init__(self, world: World, clock: ManualClock, client: DynamoDBClient | None) -> None:
        self._background: list[Callable[[], None]] = []
        self.store = world.store(client)
        self.clock = clock
        self.service = service_on(
            self.store,
            clock=clock,
            spawn=self._background.append,
            # DynamoDB remembers tokens: no two processes may give a plan the same id.
            new_id=ids(f"process{next(_case)}n"),
        )

    def finish(self) -> None:
        """Do what was left to the background."""
        while self._background:
            self._background.pop(0)()

    def forget(self) -> None:
        """Leave undone what was left to the background, as a process does that ends."""
        self._background.clear()


@dataclass(frozen=True)
class Operation:
    """A call, and the workspace in which it is made."""

    name: str
    prepare: Callable[[Process], None]
    call: Callable[[Process], object]
    is_long: bool = False
    """It takes several commits: a crash may leave a part of it, which keeps R7.5."""
    fixes: bool = False
    """R7.5 does not hold before."""
    is_of_use_only: bool = False
    """Nobody asked for it itself: `Busy` speaks of what was to follow (`Service.ensure_user`)."""


@dataclass(frozen=True)
class Expected:
    """What the operation answers and leaves when nothing goes wrong: once, then again, then the sweep."""

    before: State
    answer: object
    after: State
    again: object
    final: State
    requests: list[str]


@dataclass(frozen=True)
class Trouble:
    """Which requests meet which fault; and all from one on, until the process has answered."""

    at: Mapping[int, Fault] = field(default_factory=dict)
    lasting: tuple[int, Fault] | None = None

    @property
    def passes(self) -> bool:
        """Whether a process overcomes it within its deadline."""
        return (
            len(self.at) == 1 and self.lasting is None and not next(iter(self.at.values())).is_death
        )

    def __str__(self) -> str:
        """Say it in one line."""
        told = [f"request {number}: {fault}" for number, fault in self.at.items()]
        if self.lasting is not None:
            told.append(f"from request {self.lasting[0]} on: {self.lasting[1]}")
        return "; ".join(told)


@dataclass
class Told:
    """What the first call's process said: its answer, and what it told later if that was not confirmed."""

    answer: object
    heard: list[object] = field(default_factory=list)

    @property
    def is_unsure(self) -> bool:
        """Whether the answer was that it is not confirmed yet."""
        return isinstance(self.answer, NotConfirmed)


class Stage:
    """An operation's workspace, put back before each case."""

    def __init__(self, world: World, faulty: DynamoDBClient, operation: Operation) -> None:
        self._world = world
        self._faulty = faulty
        self.operation = operation
        world.restore({})
        preparing = self._process()
        operation.prepare(preparing)
        self._stored: Stored = world.stored()
        self._at_end: Stored | None = None
        self.expected = self._without_trouble()

    def _process(self, client: DynamoDBClient | None = None) -> Process:
        return Process(self._world, ManualClock(), client)

    def _without_trouble(self) -> Expected:
        before = self._state(sound=not self.operation.fixes)
        wire, told = self._first_call(Trouble())
        after = self._state()
        again = self._second_call()
        return Expected(
            before, plain(told.answer), after, again, self._swept(), requests=list(wire.sent)
        )

    def _state(self, *, sound: bool = True) -> State:
        return self._world.state(sound=sound)

    def _second_call(self) -> object:
        process = self._process()
        answer = plain(_answer(self.operation, process))
        process.finish()
        return answer

    def _swept(self) -> State:
        process = self._process()
        process.service.sweep()
        unfinished = [
            *process.store.list_unfinished_events(limit=10).items,
            *process.store.list_unfinished_users(limit=10).items,
        ]
        assert not unfinished, "the sweep left something unfinished"
        self._at_end = self._world.stored()
        return self._world.state(self._at_end)

    def _first_call(self, trouble: Trouble) -> tuple[Wire, Told]:
        """Make the call in a process in trouble; let what is under way arrive, unless the process is dead."""
        process = self._process(self._faulty)
        wire = Wire(self._faulty, process.clock)
        try:
            for number, fault in trouble.at.items():
                wire.bring(fault, number)
            if trouble.lasting is not None:
                wire.bring(trouble.lasting[1], trouble.lasting[0], lasting=True)
            told = Told(_answer(self.operation, process))
            if isinstance(told.answer, NotConfirmed):
                told.answer.result.add_done_callback(
                    lambda result: told.heard.append(result.exception() or result.result())
                )
            if isinstance(told.answer, Busy) and not self.operation.is_of_use_only:
                assert self._state() == self.expected.before, "busy, but something changed"
            if told.answer is not DIED:
                wire.end_lasting()
                wire.arrive()
                with suppress(ProcessDied):
                    process.finish()
        finally:
            wire.cut()
        return wire, told

    def check(self, trouble: Trouble) -> Wire:
        """Make the call in trouble, make it again as a person would, then sweep: all must be told truly."""
        at_end, self._at_end = self._at_end, None
        self._world.restore(self._stored, at_end)
        try:
            wire, told = self._first_call(trouble)
            if trouble.passes:
                self._judge_patience(told)
            left = self._state(sound=not self.operation.fixes)
            self._judge(told, left, wire)
            again = self._second_call()
            self._judge_again(again, left)
            wire.arrive()
            assert self._swept() == self.expected.final
        except BaseException as error:
            error.add_note(f"{self.operation.name}, {trouble}")
            raise
        return wire

    def _judge(self, told: Told, left: State, wire: Wire) -> None:
        """Assert that what was answered is so."""
        expected, is_long = self.expected, self.operation.is_long
        if not is_long:
            assert left in (expected.before, expected.after), "done in part"
        answer = told.answer
        if told.is_unsure and not wire.is_dead:
            assert len(told.heard) == 1, "nobody heard how it ended"
            answer = told.heard[0]
        if answer is DIED or isinstance(answer, NotConfirmed | Unavailable):
            return
        if isinstance(answer, Busy):
            is_unchanged = left == expected.before
            assert is_unchanged or self.operation.is_of_use_only, "busy, but something changed"
        elif is_long and answer is False:
            assert left == expected.after or wire.is_dead, "said to go on, and does not"
        elif is_long and answer == 0:
            pass  # so many are finished: the next sweep goes on
        else:
            assert told.is_unsure or plain(answer) == expected.answer
            assert not told.is_unsure or self._is_ending(answer)
            assert is_long or left == expected.after, "said to be done, and is not"

    def _is_ending(self, heard: object) -> bool:
        """Return whether a request that was not confirmed may end so: as it would, or as its first commit."""
        if isinstance(heard, ChangeOutcome):
            whole = plain(heard), plain(heard.event), (plain(heard.event), True)
            return self.operation.is_long or self.expected.answer in whole
        return plain(heard) == self.expected.answer

    def _judge_patience(self, told: Told) -> None:
        """Assert that one fault keeps nobody from an answer; the notifier asks again by itself."""
        if not isinstance(told.answer, Unavailable):
            assert plain(told.answer) == self.expected.answer

    def _judge_again(self, again: object, left: State) -> None:
        expected = self.expected
        if left == expected.before:
            assert again == expected.answer
        elif left == expected.after:
            assert again == expected.again
        else:
            assert type(again) is type(expected.answer) or again == expected.again


def _answer(operation: Operation, process: Process) -> object:
    try:
        return operation.call(process)
    except (RollcallError, Unavailable) as error:
        return error
    except ProcessDied:
        return DIED
