"""Nights of the worlds with series: members rest, what is left is finished, and the calendar moves on by days.

Only the calendar moves. No interval passes, so nothing that a process waits for runs out. A night ends hours away from
every start: clocks that are apart would not agree about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from tests.support.environment import START

if TYPE_CHECKING:
    from tests.support.simulation.world import World

DAYS = 7
"""How many days people act, with a night after each."""

DAY_SECONDS = 16.0
"""How long people act on each."""

NIGHT_SECONDS = 150.0
"""How long what is left of a day may take. If it takes longer, the next day follows without a night."""

LATEST = 420.0
"""When the last night ends at the latest, in seconds: after ten minutes, members are compared with Slack's (R8.14).

That fails while Slack does, which the operator reads in the log."""

LONGEST_NIGHT = timedelta(days=4)
LONGEST_UNTIL_DUE = timedelta(days=7)

BEFORE_A_START, AFTER_A_START = timedelta(hours=9), timedelta(hours=4)
"""How far a morning is from the next start, and from the last one. The end of the run takes up to four hours."""

TRIES = 30
"""Mornings that are drawn until one is far from every start."""

SWEEP_SECONDS = 15.0
"""How often processes sweep in these worlds: several times a day."""

BEFORE_THE_CHANGE = timedelta(days=14)
"""When such a world begins: its clocks change in the middle."""


@dataclass(frozen=True)
class Season:
    """A time zone, and a day on which its clocks change."""

    time_zone: str
    changes_on: date


SEASONS = (
    Season("Europe/Berlin", date(2027, 3, 28)),
    Season("Europe/Berlin", date(2027, 10, 31)),
    Season("America/New_York", date(2027, 3, 14)),
    Season("America/New_York", date(2027, 11, 7)),
    Season("Australia/Lord_Howe", date(2027, 4, 4)),
    Season("Australia/Lord_Howe", date(2027, 10, 3)),
)


class Nights:
    """The days and nights of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice_for("nights")
        self._acting = 0
        self._is_night = False
        self._slept: list[tuple[datetime, datetime]] = []
        self.season = self._dice.choice(SEASONS)
        if world.weights.series:
            first = self.season.changes_on - BEFORE_THE_CHANGE
            morning = datetime.combine(first, time(8), ZoneInfo(self.season.time_zone))
            world.scheduler.skipped = (morning.astimezone(UTC) - START).total_seconds()

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Keep the calendar where it is meanwhile: a request is under way, or something that may still arrive."""
        self._acting += 1
        try:
            yield
        finally:
            self._acting -= 1

    def one_lasted(self, begin: datetime, end: datetime) -> bool:
        """Return whether there was a night all the time from one moment to another, so that no sweep ran."""
        return any(evening <= begin and end <= morning for evening, morning in self._slept)

    def wait_for_morning(self) -> None:
        """Let the night pass, if it is night."""
        if self._is_night:
            self._world.scheduler.wait(lambda: not self._is_night)

    def pass_days(self) -> None:
        """Let people act until the end, with a night after each day if there are series."""
        world = self._world
        if not world.weights.series:
            world.scheduler.run_until(world.weights.busy_seconds)
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bot.notifications.worker.SWEEP_INTERVAL", SWEEP_SECONDS)
            patch.setattr("domain.execution.series_work.MAX_ENROLLED_PER_COMMIT", 1)
            for _ in range(DAYS):
                world.scheduler.run_until(
                    world.scheduler.seconds + world.weights.busy_seconds / DAYS
                )
                self._is_night = True
                self._sleep()
                self._is_night = False
                if world.scheduler.seconds > LATEST:
                    return

    def _sleep(self) -> None:
        """Have everything finished, and move the calendar on, if that doesn't take too long."""
        scheduler = self._world.scheduler
        ends_at = scheduler.seconds + NIGHT_SECONDS
        while not self._is_quiet():
            if scheduler.seconds > ends_at:
                self._world.count("a night without sleep")
                return
            scheduler.run_until(scheduler.seconds + 3.0)
        now = self._world.now()
        for _ in range(TRIES):
            morning = self._morning(now)
            if not any(
                one - BEFORE_A_START < morning < one + AFTER_A_START
                for one in self._world.judge.series.starts()
            ):
                scheduler.skipped += (morning - now).total_seconds()
                self._slept.append((now, morning))
                self._world.count("a night")
                return

    def _is_quiet(self) -> bool:
        data = self._world.data
        return not (
            self._acting
            or data.undelivered
            or data.awaited
            or any(event.is_unfinished for event in data.events.values())
            or any(process.has_jobs for process in self._world.processes)
            or self._world.judge.series.awaited()
        )

    def _morning(self, now: datetime) -> datetime:
        """Draw when people act again: often right before an occurrence is to be made."""
        due = self._world.judge.series.next_due()
        if due is not None and now < due < now + LONGEST_UNTIL_DUE and self._dice.random() < 0.6:
            return due + timedelta(seconds=1 - self._dice.random() * DAY_SECONDS)
        return now + self._dice.random() * LONGEST_NIGHT
