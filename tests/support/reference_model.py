"""Reference model: Rollcall as lists of users, without versions or commits.

Operations that may go in steps (R2.5, R7.1) can be done whole, or step by step.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from domain.enums import EventStatus, RegistrationStatus


class Refused(Exception):
    """Refusal of the model, with the name and the facts of the error that the service must raise."""

    def __init__(self, name: str, *facts: object) -> None:
        super().__init__(name)
        self.name = name
        self.facts = facts


@dataclass
class ReferenceEvent:
    """Event with its attendees, in order of arrival."""

    capacity: int
    has_waitlist: bool
    status: EventStatus = EventStatus.OPEN
    seated: list[str] = field(default_factory=list)
    waitlist: list[str] = field(default_factory=list)
    target: int | None = None
    """The capacity to which a capacity increase leads, while it goes on."""
    tickets: dict[str, int] = field(default_factory=dict)
    """The ticket of each attendee."""
    tickets_given: int = 0
    """The number of tickets so far."""
    has_started: bool = False
    is_over: bool = False

    def status_and_position(self, user_id: str) -> tuple[RegistrationStatus, int | None] | None:
        """Return a user's status and position, or None if the user is not registered."""
        if user_id in self.waitlist:
            return RegistrationStatus.WAITLISTED, self.waitlist.index(user_id) + 1
        return (RegistrationStatus.REGISTERED, None) if user_id in self.tickets else None

    def fill(self) -> list[str]:
        """Promote waitlisted users while there are seats, before the start; return them."""
        promoted: list[str] = []
        if self.has_started:
            return promoted
        while self.waitlist and len(self.seated) < self.capacity:
            promoted.append(self.waitlist.pop(0))
            self.seated.append(promoted[-1])
        return promoted

    def continue_capacity_increase(self, most: int | None = None) -> list[str]:
        """Increase the capacity seat by seat, for at most `most` promotions; return the promoted users."""
        promoted: list[str] = []
        if self.target is None:
            return promoted
        while (
            not self.has_started
            and self.waitlist
            and self.capacity < self.target
            and len(promoted) != most
        ):
            self.capacity += 1
            promoted += self.fill()
        if self.has_started or not self.waitlist or self.capacity >= self.target:
            self.capacity, self.target = self.target, None
        return promoted

    def remove(self, user_id: str) -> list[str]:
        """Remove an attendee; return the promoted users."""
        (self.waitlist if user_id in self.waitlist else self.seated).remove(user_id)
        del self.tickets[user_id]
        return self.fill()

    def copied(self) -> ReferenceEvent:
        """Return a deep copy."""
        return ReferenceEvent(
            self.capacity,
            self.has_waitlist,
            self.status,
            self.seated.copy(),
            self.waitlist.copy(),
            self.target,
            self.tickets.copy(),
            self.tickets_given,
            self.has_started,
            self.is_over,
        )

    def contents(self) -> Hashable:
        """Return the contents to compare."""
        tickets = frozenset(self.tickets.items()), tuple(self.waitlist), self.tickets_given
        return self.capacity, self.has_waitlist, self.status, self.target, *tickets


@dataclass
class ReferenceModel:
    """Model of all users and events. Each method returns what the service must return, or raises `Refused`."""

    users: set[str] = field(default_factory=set)
    events: dict[str, ReferenceEvent] = field(default_factory=dict)
    used_event_ids: set[str] = field(default_factory=set)
    deleting: dict[str, frozenset[int]] = field(default_factory=dict)
    """The users under deletion, each with the calls that wait for its end."""
    finished: frozenset[int] = frozenset()
    """The calls whose deletion has ended."""

    def event(self, event_id: str) -> ReferenceEvent:
        if event_id not in self.events:
            raise Refused("UnknownEvent")
        return self.events[event_id]

    def create_user(self, user_id: str) -> None:
        if user_id in self.users or user_id in self.deleting:
            raise Refused("DuplicateUser")
        self.users.add(user_id)

    def delete_user(self, user_id: str) -> None:
        self.start_user_deletion(user_id, 0)
        for event in self.events.values():
            if user_id in event.tickets:
                event.remove(user_id)
        self.finish_user_deletion(user_id)

    def start_user_deletion(self, user_id: str, deletion: int) -> None:
        """Start to delete a user, or join a deletion that has started; from now on the user is unknown."""
        if user_id not in self.users and user_id not in self.deleting:
            raise Refused("UnknownUser")
        self.users.discard(user_id)
        self.deleting[user_id] = self.deleting.get(user_id, frozenset()) | {deletion}

    def finish_user_deletion(self, user_id: str) -> None:
        """Finish the deletion of a user who is not registered any more."""
        self.finished |= self.deleting.pop(user_id)

    def create_event(self, event_id: str, capacity: int, has_waitlist: bool) -> None:
        if event_id in self.used_event_ids:
            raise Refused("DuplicateEvent")
        self.used_event_ids.add(event_id)
        self.events[event_id] = ReferenceEvent(capacity, has_waitlist)

    def delete_event(self, event_id: str) -> None:
        self.event(event_id)
        del self.events[event_id]

    def register(self, event_id: str, user_id: str) -> int | None:
        event = self.event(event_id)
        if user_id not in self.users:
            raise Refused("UnknownUser")
        registered_as = event.status_and_position(user_id)
        if registered_as is not None:
            raise Refused("AlreadyRegistered", *registered_as)
        if event.status is not EventStatus.OPEN or event.has_started:
            raise Refused("RegistrationClosed", event.status)
        has_seat = not event.waitlist and len(event.seated) < event.capacity
        if not has_seat and not event.has_waitlist:
            raise Refused("EventFull", event.capacity, len(event.seated))
        (event.seated if has_seat else event.waitlist).append(user_id)
        event.tickets_given += 1
        event.tickets[user_id] = event.tickets_given
        return None if has_seat else len(event.waitlist)

    def leave(self, event_id: str, user_id: str, *, is_removed: bool = False) -> list[str]:
        event = self.event(event_id)
        if user_id not in event.tickets:
            raise Refused("NotRegistered")
        if event.is_over and not is_removed:
            raise Refused("EventOver")
        return event.remove(user_id)

    def move(self, event_id: str) -> list[str]:
        """Give the event a later start; return who gets a seat that stayed free since the last one."""
        event = self.event(event_id)
        if event.status is EventStatus.CANCELED:
            raise Refused("EventCanceled")
        event.has_started = event.is_over = False
        return event.fill()

    def edit(
        self,
        event_id: str,
        capacity: int | None,
        has_waitlist: bool | None,
        most: int | None = None,
    ) -> list[str]:
        """Return the promoted users; a capacity increase stops after `most` promotions and continues later."""
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
        """Return a deep copy."""
        events = {event_id: event.copied() for event_id, event in self.events.items()}
        return ReferenceModel(
            self.users.copy(),
            events,
            self.used_event_ids.copy(),
            self.deleting.copy(),
            self.finished,
        )

    def contents(self) -> Hashable:
        """Return the contents to compare: users, deletions and events."""
        events = frozenset((event_id, event.contents()) for event_id, event in self.events.items())
        return frozenset(self.users), frozenset(self.deleting), events

    def state(self) -> Hashable:
        """Return everything on which later calls depend."""
        deletions = frozenset(self.deleting.items()), self.finished
        return self.contents(), frozenset(self.used_event_ids), *deletions
