"""Process in a race: `python -m tests.support.races.race_process`. Four of them share a store, and nothing else.

Each line of standard input is a task, as JSON: the store, and the scripts of the threads. The process
prints "ready" when its threads are waiting, starts them when it reads another line, and prints their
calls. It ends with its standard input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from domain.ports import Store
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.dynamodb.local import client_of
from tests.support.races.calls import Call
from tests.support.races.recording import RecordingService, Script, run_together, switching_every

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parents[3]

WORKSPACE = "T1"

Address = tuple[str, str]
"""Address of a store: an engine's URL and a prefix, or `sqlite` and a file."""


class RaceWorker:
    """Child process that runs one race after the other, because starting it takes longer than a race."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.races.race_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def take(self, task: dict[str, object]) -> None:
        """Give the child its task, without starting it."""
        self._say(json.dumps(task))

    def wait_until_ready(self) -> None:
        """Wait until the child's threads are ready to start."""
        assert self._hear() == "ready"

    def go(self) -> None:
        """Start the child's threads."""
        self._say("go")

    def calls(self) -> list[Call]:
        """Wait for the end; return the calls of the child's threads."""
        return [_call_of(values) for values in json.loads(self._hear())]

    def close(self) -> None:
        """End the idle child."""
        if self._child.stdin and self._child.stdout:
            self._child.stdin.close()
            self._child.wait()
            self._child.stdout.close()

    def _say(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def _hear(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        assert line, "a process in a race failed; see its error above"
        return line.strip()


def race(
    racers: Sequence[RaceWorker],
    address: Address,
    name: str,
    scripts: Sequence[Script],
    event_ids: Sequence[str],
    *,
    switch_interval: float,
) -> list[list[Call]]:
    """Distribute the scripts over the processes, start all of them at the same moment, and return their calls."""
    for n, racer in enumerate(racers):
        racer.take(
            {
                "address": address,
                "name": f"{name}-{n}-",
                "scripts": scripts[n :: len(racers)],
                "event_ids": event_ids,
                "switch_interval": switch_interval,
            }
        )
    for racer in racers:
        racer.wait_until_ready()
    for racer in racers:
        racer.go()
    return [racer.calls() for racer in racers]


def main(tasks: IO[str], answers: IO[str]) -> None:
    """Run one task after the other, until there are no more."""

    def say(line: str) -> None:
        answers.write(line + "\n")
        answers.flush()

    def wait_for_the_start() -> None:
        say("ready")
        tasks.readline()

    while line := tasks.readline():
        calls = _run(json.loads(line), wait_for_the_start)
        say(json.dumps([asdict(call) for call in calls]))


def _run(task: dict[str, Any], wait_for_the_start: Callable[[], None]) -> list[Call]:
    with ExitStack() as closing:
        process = RecordingService(_store(task["address"], closing), task["name"])
        closing.enter_context(switching_every(task["switch_interval"]))
        run_together([(process, task["scripts"])], task["event_ids"], wait_for_the_start)
        return process.calls


def _store(address: Sequence[str], closing: ExitStack) -> Store:
    where, what = address
    if where != "sqlite":
        return DynamoDBStore(_client(where), what, WORKSPACE)
    store = SQLiteStore(Path(what), WORKSPACE)
    closing.callback(store.close)
    return store


@cache
def _client(endpoint: str) -> DynamoDBClient:
    return client_of(endpoint)


def _call_of(values: dict[str, Any]) -> Call:
    return Call(**{name: _as_tuple(value) for name, value in values.items()})


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(each) for each in value) if isinstance(value, list) else value


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
