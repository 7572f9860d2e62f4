"""Plans for an event with one seat, which is taken, and two waitlisted users."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain.commands import (
    Command,
)
from domain.enums import RegistrationStatus
from domain.models import (
    Event,
    Registration,
    WaitlistEntry,
)
from domain.planning import planner
from domain.planning.plan import Plan
from domain.planning.snapshot import Snapshot
from tests.support.builders import a_registration, a_user, a_waitlisted_registration, an_event
from tests.support.environment import START

SEATED, WAITLISTED = RegistrationStatus.REGISTERED, RegistrationStatus.WAITLISTED
LATER = START + timedelta(hours=1)


def row(user_id: str, ticket: int, status: RegistrationStatus = SEATED) -> Registration:
    """Return a registration with a seat or on the waitlist."""
    return (a_registration if status is SEATED else a_waitlisted_registration)(
        user_id, ticket=ticket
    )


SITS, FIRST, SECOND = row("sits", 1), row("first", 2, WAITLISTED), row("second", 3, WAITLISTED)


def event(**values: Any) -> Event:
    """Return an event with one seat, which is taken, and two waitlisted users."""
    given: dict[str, Any] = {
        "title": "Supper",
        "location": "Kitchen",
        "organizer_id": "boss",
        "capacity": 1,
        "version": 3,
        "registered_count": 1,
        "waitlist_count": 2,
        "next_ticket": 4,
        "waitlist_by_block": {0: 2},
    }
    return an_event(**given | values)


def planned(*commands: Command, at: Event | None = None, now: Any = LATER) -> Plan:
    """Plan for the event, its three attendees, and two users who are not registered."""
    snapshot = Snapshot(
        at or event(),
        {user_id: a_user(user_id) for user_id in ("sits", "first", "second", "new", "newer")},
        {one.user_id: one for one in (SITS, FIRST, SECOND)},
        (WaitlistEntry.of(FIRST), WaitlistEntry.of(SECOND)),
        {2: 0, 3: 1},
    )
    return planner.plan(snapshot, commands, event_id="e1", now=now, plan_id="p")
