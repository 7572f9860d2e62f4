"""Process to be killed: its sixteen threads make calls, and print each call and its answer.

`python -m tests.support.crashes.killed_process SEED sqlite FILE`, or `… SEED local PREFIX` on the session's engine.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from domain.commands import RegisterOutcome, UnregisterOutcome
from domain.errors import RollcallError
from domain.inputs import EventChanges
from domain.models import Actor
from domain.ports import Store
from domain.service import Service
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.dynamodb.local import local_client
from tests.support.environment import ids, run_now
from tests.support.races.recording import WallClock

THREADS = 16
CALLS = 40
"""Number of calls of each thread, unless the process is killed."""

USERS = [f"p{number}" for number in range(90)]
EVENTS = ("small", "increased", "deleted")
ORGANIZERS = ("p0", "p1")
"""The organizer and the co-organizer of each event."""
INCREASED_TO = 80

ADMIN = Actor("admin", is_admin=True)

LONG = frozenset({"increase", "delete_user", "delete_event"})


def store_of(kind: str, where: str) -> Store:
    """Return the store that the command line names."""
    if kind == "sqlite":
        return SQLiteStore(Path(where), "T1")
    return DynamoDBStore(local_client(), where, "T1")


def calls_of(thread: int, random: Random) -> list[list[str]]:
    """Return the calls of a thread: mostly register and unregister, and sometimes a long operation."""
    calls = [
        [random.choice(["register", "unregister"]), random.choice(EVENTS), random.choice(USERS)]
        for _ in range(CALLS)
    ]
    long = {
        0: ["increase", "increased"],
        1: ["delete_event", "deleted"],
        2: ["delete_user", random.choice(USERS)],
        3: ["delete_user", random.choice(USERS)],
        4: ["delete_user", ORGANIZERS[0]],
        5: ["delete_user", ORGANIZERS[1]],
        6: ["take_over", "small"],
    }
    if thread in long:
        calls.insert(random.randrange(CALLS // 4), long[thread])
    return calls


def carry_out(service: Service, call: list[str]) -> object:
    """Make a call; return its answer as JSON values."""
    kind, *names = call
    make: dict[str, Callable[..., object]] = {
        "register": service.register,
        "unregister": service.unregister,
        "increase": lambda event: service.edit_event(event, EventChanges.of(capacity=INCREASED_TO)),
        "delete_event": service.delete_event,
        "delete_user": service.delete_user,
        "take_over": lambda event: service.take_over_event(event, actor=ADMIN),
    }
    try:
        answer = make[kind](*names)
    except RollcallError as refusal:
        return type(refusal).__name__
    if isinstance(answer, RegisterOutcome | UnregisterOutcome):
        return {"ticket": answer.registration.ticket}
    return answer if isinstance(answer, bool) else True


def print_line(line: dict[str, Any]) -> None:
    """Write a line without buffers, so the other process has it when this returns."""
    os.write(1, json.dumps(line).encode() + b"\n")


def main(seed: str, kind: str, where: str) -> None:
    """Run all threads."""
    service = Service(
        store_of(kind, where),
        WallClock(),
        new_id=ids(f"rush{seed}x"),
        jitter=Random(seed).random,
        spawn=run_now,
        on_commit=lambda _: None,
    )
    numbers = count()
    barrier = threading.Barrier(THREADS)

    def call_all(thread: int) -> None:
        calls = calls_of(thread, Random(f"{seed} {thread}"))
        barrier.wait()
        for call in calls:
            number = next(numbers)
            print_line({"number": number, "asked": call})
            print_line({"number": number, "answer": carry_out(service, call)})

    threads = [threading.Thread(target=call_all, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
