"""Reference model: Rollcall as lists of users, without versions or commits.

Operations that may go in steps (R2.5, R7.1) can be done whole, or step by step.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from dataclasses import dataclass, field

from domain.enums import EventStatus, NotificationKind, RegistrationStatus
from domain.models import Actor


class Refused(Exception):
    """Refusal of the model, with the name and the facts of the error that the service must raise."""

    def __init__(self, name: str, *facts: object) -> None:
        super().__init__(name)
        self.name = name
        self.facts = facts


Message = tuple[NotificationKind, str | None, str | None]
"""A message to one person: its kind, the recipient, and whom or which channel it is about."""

_COPIED = (
    *("seated", "waitlist", "tickets", "answers"),
    *("co_organizers", "messages", "exports", "requests"),
)

REQUESTS = 8
"""The number of latest requests that an event recognizes (R8.13)."""


@dataclass
class ReferenceEvent:
    """Event with its organizers and its attendees, in order of arrival."""

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
    organizer: str | None = "organizer"
    """None once the last organizer is gone (R2.9)."""
    co_organizers: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    """The messages to organizers and admins, and the requested cards, in order."""
    exports: list[str] = field(default_factory=list)
    """The users who asked for the list of attendees."""
    requests: list[str] = field(default_factory=list)
    """The ids of the latest requests."""
    asks: bool = False
    """Whether whoever registers must answer a question (R12.3)."""
    answers: dict[str, str] = field(default_factory=dict)
    """The answer that was accepted last for each attendee's registration, hidden if nothing is asked."""

    @property
    def organizers(self) -> list[str]:
        """The organizer and the co-organizers, each once."""
        first = [] if self.organizer is None else [self.organizer]
        return list(dict.fromkeys([*first, *self.co_organizers]))

    def set_organizers(self, organizers: Sequence[str]) -> None:
        """Set the organizers; the first of them is not a co-organizer."""
        self.organizer = organizers[0] if organizers else None
        self.co_organizers = list(organizers[1:])

    def remove_organizer(self, user_id: str) -> None:
        """Take a user off the organizers; tell those who are left, or the admins (R2.9)."""
        left = [one for one in self.organizers if one != user_id]
        self.set_organizers(left)
        kind = NotificationKind.ORGANIZER_LEFT if left else NotificationKind.ORPHANED
        self._tell(kind, left or [None], user_id)

    def tell_of_deactivation(self, user_id: str) -> None:
        """Tell the other organizers that an attendee's account is no longer active (R8.14)."""
        others = [one for one in self.organizers if one != user_id]
        self._tell(NotificationKind.DEACTIVATED, others, user_id)

    def tell_new_organizers(self, known: Sequence[str]) -> None:
        """Tell those who became organizers."""
        new = [one for one in self.organizers if one not in known]
        self._tell(NotificationKind.ORGANIZER_ADDED, new, None)

    def _tell(
        self, kind: NotificationKind, recipients: Sequence[str | None], about: str | None
    ) -> None:
        if self.status is not EventStatus.CANCELED and not self.is_over:
            self.messages += [(kind, recipient, about) for recipient in recipients]

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
        self.answers.pop(user_id, None)
        return self.fill()

    def copied(self) -> ReferenceEvent:
        """Return a deep copy."""
        other = copy(self)
        for name in _COPIED:
            setattr(other, name, copy(getattr(self, name)))
        return other

    def contents(self) -> Hashable:
        """Return the contents to compare."""
        tickets = frozenset(self.tickets.items()), tuple(self.waitlist), self.tickets_given
        organizers = self.organizer, tuple(self.co_organizers)
        answers = self.asks, frozenset(self.answers.items())
        return (
            *(self.capacity, self.has_waitlist, self.status, self.target),
            *(organizers, answers, *tickets),
        )


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

    def managed_event(self, event_id: str, actor: Actor | None) -> ReferenceEvent:
        """Return an event that the actor may manage; None is the operator (R8.9)."""
        event = self.event(event_id)
        if actor and not actor.is_admin and actor.user_id not in event.organizers:
            raise Refused("NotOrganizer")
        return event

    def create_user(self, user_id: str) -> None:
        if user_id in self.users or user_id in self.deleting:
            raise Refused("DuplicateUser")
        self.users.add(user_id)

    def delete_user(self, user_id: str, *, is_deactivated: bool = False) -> None:
        self.start_user_deletion(user_id, 0)
        for event in self.events.values():
            if user_id in event.tickets:
                event.remove(user_id)
                if is_deactivated:
                    event.tell_of_deactivation(user_id)
            if user_id in event.organizers:
                event.remove_organizer(user_id)
        self.finish_user_deletion(user_id)

    def start_user_deletion(self, user_id: str, deletion: int) -> None:
        """Start to delete a user, or join a deletion that has started; from now on the user is unknown."""
        if user_id not in self.users and user_id not in self.deleting:
            raise Refused("UnknownUser")
        self.users.discard(user_id)
        self.deleting[user_id] = self.deleting.get(user_id, frozenset()) | {deletion}

    def finish_user_deletion(self, user_id: str) -> None:
        """Finish the deletion of a user who is not registered any more, and organizes nothing."""
        self.finished |= self.deleting.pop(user_id)

    def create_event(
        self,
        event_id: str,
        capacity: int,
        has_waitlist: bool,
        organizers: Sequence[str] = ("organizer",),
        card_channel: str | None = None,
    ) -> None:
        if event_id in self.used_event_ids:
            raise Refused("DuplicateEvent")
        self._check_new_organizers(organizers)
        self.used_event_ids.add(event_id)
        event = self.events[event_id] = ReferenceEvent(capacity, has_waitlist)
        event.set_organizers(organizers)
        event.tell_new_organizers(organizers[:1])
        if card_channel is not None:
            event.messages.append((NotificationKind.CARD, organizers[0], card_channel))

    def delete_event(self, event_id: str) -> None:
        self.event(event_id)
        del self.events[event_id]

    def register(self, event_id: str, user_id: str, answer: str | None = None) -> int | None:
        """Register a user; without an answer, the user was not asked (R12.3)."""
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
        if event.asks:
            if answer is None:
                raise Refused("AnswersNeeded")
            event.answers[user_id] = answer
        (event.seated if has_seat else event.waitlist).append(user_id)
        event.tickets_given += 1
        event.tickets[user_id] = event.tickets_given
        return None if has_seat else len(event.waitlist)

    def change_answer(self, event_id: str, user_id: str, answer: str) -> bool:
        """Change an attendee's answer; return whether it was another one (R12.3)."""
        event = self.event(event_id)
        if user_id not in event.tickets:
            raise Refused("NotRegistered")
        if event.status is EventStatus.CANCELED or event.has_started:
            raise Refused("RegistrationClosed", event.status)
        if not event.asks or event.answers.get(user_id) == answer:
            return False
        event.answers[user_id] = answer
        return True

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

    def set_status(self, event_id: str, status: EventStatus, actor: Actor | None = None) -> None:
        event = self.managed_event(event_id, actor)
        if event.status is EventStatus.CANCELED and status is not EventStatus.CANCELED:
            raise Refused("EventCanceled")
        event.status = status

    def edit_organizers(
        self, event_id: str, organizer: str | None, co_organizers: Sequence[str] | None
    ) -> None:
        """Set the organizer, the co-organizers, or both (None: unchanged)."""
        event = self.event(event_id)
        if event.status is EventStatus.CANCELED:
            raise Refused("EventCanceled")
        first = organizer or event.organizer
        others = event.co_organizers if co_organizers is None else list(co_organizers)
        organizers = [*([] if first is None else [first]), *others]
        known = event.organizers
        self._check_new_organizers(organizers, known)
        event.set_organizers(organizers)
        event.tell_new_organizers(known)

    def _check_new_organizers(self, organizers: Sequence[str], known: Sequence[str] = ()) -> None:
        """Refuse whoever is being deleted (R2.9)."""
        for number, user_id in enumerate(organizers):
            if user_id in self.deleting and user_id not in known:
                raise Refused("Invalid" if number else "UnknownUser")

    def take_over(self, event_id: str, actor: Actor) -> bool:
        """Make an admin the organizer of an event without one; return whether that changes it (R2.9)."""
        event = self.event(event_id)
        if actor.user_id in event.organizers:
            return False
        if not actor.is_admin:
            raise Refused("NotOrganizer")
        if event.organizers:
            raise Refused("AlreadyOrganized", event.organizers[0])
        self._check_new_organizers([actor.user_id])
        event.set_organizers([actor.user_id])
        return True

    def export(self, event_id: str, actor: Actor, request_id: str) -> bool:
        """Export the list of attendees for the actor; return whether the request is new."""
        event = self.managed_event(event_id, actor)
        is_new = self._is_new(event, request_id)
        if is_new:
            event.exports.append(actor.user_id)
        return is_new

    def post_card(self, event_id: str, actor: Actor, request_id: str, channel_id: str) -> bool:
        """Request a card; return whether the request is new."""
        event = self.managed_event(event_id, actor)
        is_new = self._is_new(event, request_id)
        if is_new:
            event.messages.append((NotificationKind.CARD, actor.user_id, channel_id))
        return is_new

    def _is_new(self, event: ReferenceEvent, request_id: str) -> bool:
        if request_id in event.requests:
            return False
        event.requests = [*event.requests, request_id][-REQUESTS:]
        return True

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
