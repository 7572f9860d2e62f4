"""What Rollcall means, in the plainest way: lists of people, with no versions or commits.

What the requirements let go in steps (R2.5, R7.1) can be done whole, or step by step.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from domain.enums import EventStatus, RegistrationStatus


class Refused(Exception):
    """The model refuses, with the name of the error that the service must raise, and what it must say."""

    def __init__(self, name: str, *facts: object) -> None:
        super().__init__(name)
        self.name = name
        self.facts = facts


@dataclass
class ReferenceEvent:
    """An event: who sits and who waits, each in order of arrival."""

    capacity: int
    has_waitlist: bool
    status: EventStatus = EventStatus.OPEN
    seated: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    target: int | None = None
    """The capacity that a raise is on its way to."""
    tickets: dict[str, int] = field(default_factory=dict)
    """The ticket of everyone who is in."""
    handed_out: int = 0
    """How many tickets there have been."""

    def place_of(self, user_id: str) -> tuple[RegistrationStatus, int | None] | None:
        """Return a user's status and position, None for one who is not in."""
        if user_id in self.waiting:
            return RegistrationStatus.WAITLISTED, self.waiting.index(user_id) + 1
        return (RegistrationStatus.REGISTERED, None) if user_id in self.tickets else None

    def fill(self) -> list[str]:
        """Seat those who wait while there are seats; return them."""
        promoted = []
        while self.waiting and len(self.seated) < self.capacity:
            promoted.append(self.waiting.pop(0))
            self.seated.append(promoted[-1])
        return promoted

    def continue_capacity_increase(self, most: int | None = None) -> list[str]:
        """Go to the target, seat by seat while someone waits, by `most` promotions; return the promoted."""
        promoted: list[str] = []
        if self.target is None:
            return promoted
        while self.waiting and self.capacity < self.target and len(promoted) != most:
            self.capacity += 1
            promoted += self.fill()
        if not self.waiting or self.capacity >= self.target:
            self.capacity, self.target = self.target, None
        return promoted

    def take_out(self, user_id: str) -> list[str]:
        """Let a user go who is in; return who got the seat."""
        (self.waiting if user_id in self.waiting else self.seated).remove(user_id)
        del self.tickets[user_id]
        return self.fill()

    def copied(self) -> ReferenceEvent:
        """Return an event like this one, of which nothing is shared."""
        return ReferenceEvent(
            self.capacity,
            self.has_waitlist,
            self.status,
            self.seated.copy(),
            self.waiting.copy(),
            self.target,
            self.tickets.copy(),
            self.handed_out,
        )

    def contents(self) -> Hashable:
        """Return what two events have in common that nobody can tell apart."""
        people = frozenset(self.tickets.items()), tuple(self.waiting), self.handed_out
        return self.capacity, self.has_waitlist, self.status, self.target, *people


@dataclass
class ReferenceModel:
    """All users and events. Each method returns what the service must return, or raises `Refused`."""

    users: set[str] = field(default_factory=set)
    events: dict[str, ReferenceEvent] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    marked: dict[str, frozenset[int]] = field(default_factory=dict)
    """Users whose deletion is under way, and which deletions wait for its end."""
    finished: frozenset[int] = frozenset()
    """The deletions of users that have come to their end."""

    def event(self, event_id: str) -> ReferenceEvent:
        if event_id not in self.events:
            raise Refused("UnknownEvent")
        return self.events[event_id]

    def create_user(self, user_id: str) -> None:
        if user_id in self.users or user_id in self.marked:
            raise Refused("DuplicateUser")
        self.users.add(user_id)

    def delete_user(self, user_id: str) -> None:
        self.start_user_deletion(user_id, 0)
        for event in self.events.values():
            if user_id in event.tickets:
                event.take_out(user_id)
        self.forget_user(user_id)

    def start_user_deletion(self, user_id: str, deletion: int) -> None:
        """Begin to delete a user, or wait for who began before; from now on the user is unknown."""
        if user_id not in self.users and user_id not in self.marked:
            raise Refused("UnknownUser")
        self.users.discard(user_id)
        self.marked[user_id] = self.marked.get(user_id, frozenset()) | {deletion}

    def forget_user(self, user_id: str) -> None:
        """End the deletion of a user who is in no event any more."""
        self.finished |= self.marked.pop(user_id)

    def create_event(self, event_id: str, capacity: int, has_waitlist: bool) -> None:
        if event_id in self.used:
            raise Refused("DuplicateEvent")
        self.used.add(event_id)
        self.events[event_id] = ReferenceEvent(capacity, has_waitlist)

    def delete_event(self, event_id: str) -> None:
        self.event(event_id)
        del self.events[event_id]

    def register(self, event_id: str, user_id: str) -> int | None:
        event = self.event(event_id)
        if user_id not in self.users:
            raise Refused("UnknownUser")
        place = event.place_of(user_id)
        if place is not None:
            raise Refused("AlreadyRegistered", *place)
        if event.status is not EventStatus.OPEN:
            raise Refused("RegistrationClosed", event.status)
        has_seat = not event.waiting and len(event.seated) < event.capacity
        if not has_seat and not event.has_waitlist:
            raise Refused("EventFull", event.capacity, len(event.seated))
        (event.seated if has_seat else event.waiting).append(user_id)
        event.handed_out += 1
        event.tickets[user_id] = event.handed_out
        return None if has_seat else len(event.waiting)

    def leave(self, event_id: str, user_id: str) -> list[str]:
        event = self.event(event_id)
        if user_id not in event.tickets:
            raise Refused("NotRegistered")
        return event.take_out(user_id)

    def edit(
        self,
        event_id: str,
        capacity: int | None,
        has_waitlist: bool | None,
        most: int | None = None,
    ) -> list[str]:
        """Return who is promoted; a capacity increase stops after `most` promotions and goes on later."""
        event = self.event(event_id)
        if event.status is EventStatus.CANCELED:
            raise Refused("EventCanceled")
        if capacity is not None and capacity < len(event.seated):
            raise Refused("CapacityBelowRegistered", capacity, len(event.seated))
        event.has_waitlist = event.has_waitlist if has_waitlist is None else has_waitlist
        if capacity is None or capacity == (event.target or event.capacity):
            return []
        event.target = capacity
        return event.continue_capacity_increase(most)

    def set_status(self, event_id: str, status: EventStatus) -> None:
        event = self.event(event_id)
        if event.status is EventStatus.CANCELED and status is not EventStatus.CANCELED:
            raise Refused("EventCanceled")
        event.status = status

    def copied(self) -> ReferenceModel:
        """Return a model like this one, of which nothing is shared."""
        events = {event_id: event.copied() for event_id, event in self.events.items()}
        return ReferenceModel(
            self.users.copy(), events, self.used.copy(), self.marked.copy(), self.finished
        )

    def contents(self) -> Hashable:
        """Return users, those being deleted, and the events with all that is in them."""
        events = frozenset((event_id, event.contents()) for event_id, event in self.events.items())
        return frozenset(self.users), frozenset(self.marked), events

    def state(self) -> Hashable:
        """Return all that what happens from here on depends on."""
        deletions = frozenset(self.marked.items()), self.finished
        return self.contents(), frozenset(self.used), *deletions
