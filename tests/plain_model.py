"""What Rollcall means, in the plainest way: lists of people, with no tickets, versions or commits."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.statuses import EventStatus


class Refused(Exception):
    """The model refuses, with the name of the error that the service must raise."""


@dataclass
class PlainEvent:
    """An event: who sits and who waits, each in order of arrival."""

    capacity: int
    has_waitlist: bool
    status: EventStatus = EventStatus.OPEN
    seated: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def fill(self) -> list[str]:
        """Seat those who wait while there are seats; return them."""
        promoted = []
        while self.waiting and len(self.seated) < self.capacity:
            promoted.append(self.waiting.pop(0))
            self.seated.append(promoted[-1])
        return promoted


@dataclass
class PlainModel:
    """All users and events. Each method returns what the service must return, or raises `Refused`."""

    users: set[str] = field(default_factory=set)
    events: dict[str, PlainEvent] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def event(self, event_id: str) -> PlainEvent:
        if event_id not in self.events:
            raise Refused("UnknownEvent")
        return self.events[event_id]

    def create_user(self, user_id: str) -> None:
        if user_id in self.users:
            raise Refused("DuplicateUser")
        self.users.add(user_id)

    def delete_user(self, user_id: str) -> None:
        if user_id not in self.users:
            raise Refused("UnknownUser")
        self.users.remove(user_id)
        for event in self.events.values():
            if user_id in event.seated + event.waiting:
                (event.seated if user_id in event.seated else event.waiting).remove(user_id)
                event.fill()

    def create_event(self, event_id: str, capacity: int, has_waitlist: bool) -> None:
        if event_id in self.used:
            raise Refused("DuplicateEvent")
        self.used.add(event_id)
        self.events[event_id] = PlainEvent(capacity, has_waitlist)

    def delete_event(self, event_id: str) -> None:
        self.event(event_id)
        del self.events[event_id]

    def register(self, event_id: str, user_id: str) -> int | None:
        event = self.event(event_id)
        if user_id not in self.users:
            raise Refused("UnknownUser")
        if user_id in event.seated + event.waiting:
            raise Refused("AlreadyRegistered")
        if event.status is not EventStatus.OPEN:
            raise Refused("RegistrationClosed")
        if not event.waiting and len(event.seated) < event.capacity:
            event.seated.append(user_id)
            return None
        if not event.has_waitlist:
            raise Refused("EventFull")
        event.waiting.append(user_id)
        return len(event.waiting)

    def leave(self, event_id: str, user_id: str) -> list[str]:
        event = self.event(event_id)
        if user_id in event.waiting:
            event.waiting.remove(user_id)
        elif user_id in event.seated:
            event.seated.remove(user_id)
        else:
            raise Refused("NotRegistered")
        return event.fill()

    def edit(self, event_id: str, capacity: int | None, has_waitlist: bool | None) -> list[str]:
        event = self.event(event_id)
        if event.status is EventStatus.CANCELLED:
            raise Refused("EventCancelled")
        if capacity is not None and capacity < len(event.seated):
            raise Refused("CapacityBelowRegistered")
        event.capacity = capacity or event.capacity
        event.has_waitlist = event.has_waitlist if has_waitlist is None else has_waitlist
        return event.fill()

    def set_status(self, event_id: str, status: EventStatus) -> None:
        event = self.event(event_id)
        if event.status is EventStatus.CANCELLED and status is not EventStatus.CANCELLED:
            raise Refused("EventCancelled")
        event.status = status
