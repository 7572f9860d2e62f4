"""The bot's memory during ten minutes of presses, and that of long jobs with 100,000 registrations.

Memory is the peak that Linux reports since it was last reset (`VmHWM`), so this runs on Linux only.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.entrypoints.system import SystemClock
from bot.features.export.attendee_list import AttendeeReader, export_file
from domain.models import Event
from storage.dynamodb.schema import create_tables
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.benchmarks.figures import Figure, ratio_of
from tests.benchmarks.rush_http import ROLLCALL, a_scene, press, serving
from tests.support.builders import a_registration, an_event
from tests.support.dynamodb.large_events import fill, write_events, write_rows, write_users
from tests.support.dynamodb.local import local_client, offer_engine
from tests.support.environment import service_on

MINUTES = 10
PRESSES_A_SECOND = 50

NEAR = 1_000
FAR = {"SQLite": 100_000, "DynamoDB Local": 10_000}
"""Registrations of an event. A check of 100,000 makes 250,000 requests, too many for DynamoDB Local."""

OF_ONE = 100
"""One user gets a registration for every so many of the event, each in another event."""

AT_MOST = 1.1
"""The most times the memory of the smaller job, or of the first half. The interpreter varies by less."""

EXPORT_AT_MOST = 1
"""In KB for each attendee: an export holds its list, so nobody is listed twice (R6.5). A function has 1,769 MB."""

MB = 1024
"""In kilobytes, the unit of Linux."""

Store = SQLiteStore | DynamoDBStore


def peak_of(pid: int | str) -> float:
    """Return the peak of a process's memory in MB, and reset it."""
    process = Path("/proc") / str(pid)
    status = (process / "status").read_text()
    (found,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    (process / "clear_refs").write_text("5\n")  # resets the peak
    return int(found) / MB


# Presses


def figures_of_presses() -> Iterator[Figure]:
    """Yield the peaks in each half of ten minutes. Each minute, 3,000 people register for a new event."""
    with a_scene() as scene, serving(scene.env, *ROLLCALL) as (url, pid):
        _, card = scene.event()
        press(url, scene.presses(card, range(1_000)))  # imports, caches and connections
        peak_of(pid)
        peaks = []
        for _ in range(MINUTES):
            _, card = scene.event()
            press(url, scene.presses(card, range(60 * PRESSES_A_SECOND)), PRESSES_A_SECOND)
            peaks.append(peak_of(pid))
    half = MINUTES // 2
    before, after = max(peaks[:half]), max(peaks[half:])
    yield Figure(
        f"peak in minutes 1 to {half} of {PRESSES_A_SECOND} presses a second", before, "MB"
    )
    yield Figure(f"peak in minutes {half + 1} to {MINUTES}", after, "MB")
    share = ratio_of(after, before)
    yield Figure("the later over the earlier", share, "times", at_most=AT_MOST)


# Jobs


def figures_of_jobs() -> Iterator[Figure]:
    """Yield the peaks of jobs on a small and a large event, on both stores."""
    end = offer_engine()
    try:
        for kind in KINDS:
            yield from _jobs(kind)
    finally:
        end()


def _jobs(kind: str) -> Iterator[Figure]:
    peaks: dict[str, list[float]] = {name: [] for name in JOBS}
    for users in (NEAR, FAR[kind]):
        with tables_with(kind, users) as where, _a_process_each() as processes:
            for name in JOBS:
                peaks[name].append(processes.submit(do, kind, where, name).result())
    for name, (near, far) in peaks.items():
        if name == "export":
            title = f"{kind}: export of {FAR[kind]:,} ({far:.0f} MB), an attendee"
            kilobytes = (far - near) * MB / (FAR[kind] - NEAR)
            yield Figure(title, kilobytes, "KB", at_most=EXPORT_AT_MOST)
            continue
        share = ratio_of(far, near)
        title = f"{kind}: {name}, {NEAR:,} ({near:.0f} MB) to {FAR[kind]:,} registrations ({far:.0f} MB)"
        yield Figure(title, share, "times", at_most=AT_MOST)


def _a_process_each() -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1)


def do(kind: str, where: str, name: str) -> float:
    """Do one job in this process, which ends then. Return the peak of its memory in MB."""
    with KINDS[kind](where) as store:
        JOBS[name](store)
    return peak_of("self")


@contextmanager
def _in_sqlite(path: str) -> Iterator[Store]:
    with closing(SQLiteStore(Path(path), "T1")) as store:
        yield store


@contextmanager
def _in_dynamodb(prefix: str) -> Iterator[Store]:
    yield DynamoDBStore(local_client(), prefix, "T1")


KINDS: Mapping[str, Callable[[str], AbstractContextManager[Store]]] = {
    "SQLite": _in_sqlite,
    "DynamoDB Local": _in_dynamodb,
}


@contextmanager
def tables_with(kind: str, users: int) -> Iterator[str]:
    """Yield the address of tables with an event, half of it waitlisted, and a user with many registrations."""
    with TemporaryDirectory() as folder:
        where = str(Path(folder) / "rollcall.sqlite")
        if kind != "SQLite":
            where = f"memory-{users}-"
            create_tables(local_client(), where)
        with KINDS[kind](where) as store:
            fill(store, "half", users // 2, users // 2)
            write_users(store, ["one"])
            names = [f"one{number}" for number in range(users // OF_ONE)]
            counts = {"registered_count": 1, "next_ticket": 2}
            write_events(store, (an_event(name, **counts) for name in names))
            write_rows(store, (a_registration("one", name, 1) for name in names))
        yield where


def _check(store: Store) -> None:
    assert list(service_on(store).check(lambda _: None)) == []


def _export(store: Store) -> None:
    reader = AttendeeReader(store, SystemClock(), lambda: None)
    attendees = reader.read("half")
    names = reader.names("half", [attendee.user_id for attendee in attendees])
    with export_file(_event(store), attendees, names).content as content:
        assert content.tell()


def _delete_user(store: Store) -> None:
    service_on(store).delete_user("one")
    assert store.get_user("one") is None


def _delete_event(store: Store) -> None:
    service = service_on(store)
    service.delete_event("half")
    service.finish_unfinished()
    assert not list(store.get_waitlist("half", limit=1))


def _event(store: Store) -> Event:
    event = store.get_event("half")
    assert event is not None
    return event


JOBS: Mapping[str, Callable[[Store], None]] = {
    "check": _check,
    "export": _export,
    f"delete a user with a {OF_ONE}th as many": _delete_user,
    "delete an event": _delete_event,
}
"""In this order, because the last ones delete the data."""
