"""Exports in the simulation: how slowly Slack takes a file, and whether each list that was asked for arrives.

Each arrives once, and its rows are true: it lists everybody who was in the event while it was read (R6.5).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NamedTuple

import pytest

from bot.features.export.attendee_list import AttendeeReader
from bot.features.export.spreadsheet import Attendee
from bot.notifications.export_sender import MAX_TRIES, ExportSender
from bot.notifications.messages import export_given_up_message
from domain.enums import ChangeKind
from domain.execution.leases import Lease
from domain.models import ExportJob, JournalEntry
from domain.planning.plan import Plan, PutJournalEntry
from tests.support.simulation.slack import Posted

if TYPE_CHECKING:
    from tests.support.simulation.judge import State
    from tests.support.simulation.world import World


MOST_SLOW_EXPORTS = 12
"""How many exports a world asks for if Slack takes files slowly."""


class Reading(NamedTuple):
    """When an event's attendees were read for an export."""

    begun: float
    ended: float


@dataclass(frozen=True)
class Line:
    """One attendee in a file."""

    user_id: str
    status: str
    position: str
    name: str


class Exports:
    """The exports of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs: dict[str, JournalEntry] = {}
        """What was committed, by job."""
        self._tries: Counter[str] = Counter()
        self._readings: dict[str, list[Reading]] = {}
        """By job: an export that is tried again reads again."""

    def has_committed(self, plan: Plan) -> None:
        """Record the jobs that a commit has added."""
        for action in plan.actions:
            if isinstance(action, PutJournalEntry) and ExportJob.of(action.entry.event_id):
                entry = action.entry
                stored = self._world.data.journal.get((entry.event_id, entry.version))
                if stored is not None and stored.plan_id == entry.plan_id:
                    self._jobs[entry.event_id] = entry

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record when attendees are read meanwhile, and for which job."""
        count_try, read = ExportSender._counted_try, AttendeeReader.read

        def recorded_try(
            sender: ExportSender, lease: Lease, ends_at: float
        ) -> AbstractContextManager[None]:
            # Also one that ends, with its process, right after it was counted.
            self._tries[lease.state.event_id] += 1
            return count_try(sender, lease, ends_at)

        def recorded_read(
            reader: AttendeeReader, event_id: str, **options: bool
        ) -> tuple[Attendee, ...]:
            scheduler = self._world.scheduler
            job_id, begun = scheduler.owner().lease_key(), scheduler.seconds
            attendees = read(reader, event_id, **options)
            self._readings.setdefault(job_id, []).append(Reading(begun, scheduler.seconds))
            return attendees

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ExportSender, "_counted_try", recorded_try)
            patch.setattr(AttendeeReader, "read", recorded_read)
            yield

    @property
    def are_enough(self) -> bool:
        """Whether no more should be asked for: where Slack takes files slowly, each may take an hour until its end."""
        return self._world.weights.piece_seconds > 0 and len(self._jobs) >= MOST_SLOW_EXPORTS

    @property
    def tries(self) -> int:
        """How many tries were begun."""
        return self._tries.total()

    def upload(self, content: IO[bytes], timeout: float) -> bytes:
        """Take a file in small pieces. Each takes some time, as those of a large file do. Raises `TimeoutError`."""
        world, weights = self._world, self._world.weights
        if not weights.piece_seconds:
            return content.read()
        taken = b""
        while piece := content.read(weights.piece_bytes):
            seconds = world.dice.random() * weights.piece_seconds
            world.scheduler.owner().reach_port("upload", min(seconds, timeout))
            if seconds >= timeout:
                raise TimeoutError("simulated")
            taken += piece
        return taken

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield what somebody may hear of an export, except for the file: that it was given up."""
        for entry in self._jobs.values():
            yield _requester(entry), export_given_up_message(entry).text

    # At the end

    def check(self) -> None:
        """Assert that each export arrived once, where it was asked for, with true rows."""
        self._check_jobs()
        for job_id, entry in self._jobs.items():
            files = [one for one in self._world.slack.files if one.key == job_id]
            for file in files:
                assert file.channel == _requester(entry), f"{job_id} went to {file.channel}"
                self._check_rows(job_id, file)
            repeats = sum(file.may_be_repeated for file in files)
            assert len(files) <= 1 + repeats, f"{job_id} arrived {len(files)} times"
            if self._was_given_up(job_id, entry):
                self._world.count("an export is given up")
                assert self._tries[job_id] >= MAX_TRIES, f"{job_id} was given up too early"
            elif files:
                self._world.count("an export arrives")
            else:
                is_deleted = self._states(job_id)[-1].event.deletion is not None
                assert is_deleted, f"{job_id} never arrived"

    def _check_jobs(self) -> None:
        """Assert that each export in a history has its job."""
        for event_id in self._world.judge.states:
            journal = self._world.data.list_journal(event_id, limit=10_000)
            exported = sum(
                change.kind is ChangeKind.EXPORTED for entry in journal for change in entry.changes
            )
            jobs = [one for one in self._jobs if one.startswith(f"{event_id}/")]
            assert len(jobs) == exported, f"{exported} exports of {event_id}, with {jobs}"

    def _was_given_up(self, job_id: str, entry: JournalEntry) -> bool:
        text = export_given_up_message(entry).text
        messages = self._world.slack.messages(_requester(entry))
        return any(one.key == job_id and one.content["text"] == text for one in messages)

    def _check_rows(self, job_id: str, file: Posted) -> None:
        lines = list(_lines(file.content["csv"]))
        user_ids = [line.user_id for line in lines]
        assert len(user_ids) == len(set(user_ids)), f"{job_id} lists somebody twice: {user_ids}"
        positions = [line.position for line in lines if line.status == "waitlisted"]
        assert positions == [str(number + 1) for number in range(len(positions))], positions
        for line in lines:
            assert line.name in ("", f"Member {line.user_id}"), f"{job_id} has the name {line.name}"
        assert any(
            self._is_true(lines, self._during(job_id, reading))
            for reading in self._readings.get(job_id, ())
            if reading.ended <= file.at
        ), f"{job_id} has rows that were never true: {lines}"

    def _is_true(self, lines: list[Line], states: list[State]) -> bool:
        listed = {line.user_id: line.status for line in lines}
        throughout = set.intersection(*(set(state.rows) for state in states))
        return throughout <= set(listed) and all(
            any(user_id in state.rows and state.rows[user_id].status == status for state in states)
            for user_id, status in listed.items()
        )

    def _during(self, job_id: str, reading: Reading) -> list[State]:
        states = self._states(job_id)
        before = [state for state in states if state.since <= reading.begun]
        return before[-1:] + [
            state for state in states if reading.begun < state.since <= reading.ended
        ]

    def _states(self, job_id: str) -> list[State]:
        job = ExportJob.of(job_id)
        assert job is not None
        return self._world.judge.moments[job.event_id]


def _requester(entry: JournalEntry) -> str:
    user_id = entry.notifications[0].user_id
    assert user_id is not None
    return user_id


def _lines(content: str) -> Iterator[Line]:
    for row in list(csv.reader(io.StringIO(content)))[1:]:
        status, position, name, user_id = row[:4]
        yield Line(user_id, status, position, name)
