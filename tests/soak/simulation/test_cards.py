"""Tests when the judge expects the card of an occurrence that gets it some days before its start (R13.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.models import Event, Occurrence
from tests.support.builders import an_event
from tests.support.simulation.series_judge import APART
from tests.support.simulation.world import World

STARTS_AT = datetime(2027, 3, 29, 10, tzinfo=UTC)
DUE = datetime(2027, 3, 27, 11, tzinfo=UTC)
"""Two days earlier by Berlin's wall clock, and 47 hours: the clocks change in between."""


@pytest.fixture
def event() -> Event:
    made = Occurrence(
        series_id="s0",
        number=1,
        day=date(2027, 3, 29),
        missed_first=False,
        card_channel="C1",
        card_days=2,
    )
    return an_event(starts_at=STARTS_AT, occurrence=made)


def world_at(moment: datetime) -> World:
    world = World(0)
    world.scheduler.skipped += (moment - world.now()).total_seconds()
    return world


@pytest.mark.parametrize(("late", "may"), [(-1, True), (1, False)])
def test_card_is_due_by_the_wall_clock(event: Event, late: int, may: bool) -> None:
    """It was expected an hour early, and from clocks that were late."""
    world = world_at(DUE + APART + timedelta(minutes=late))
    assert world.judge._may_have_no_card(event) is may


@pytest.mark.parametrize(("hours", "may"), [(0, True), (4, False)])
def test_event_that_starts_in_the_night_in_which_its_card_is_due_has_none(
    event: Event, hours: int, may: bool
) -> None:
    """Found by seed 389: no process ran from then until the start."""
    world = world_at(STARTS_AT + timedelta(days=1))
    evening = DUE + timedelta(hours=hours)
    world.nights._slept.append((evening, STARTS_AT))
    assert world.judge._may_have_no_card(event) is may
