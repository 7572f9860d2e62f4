"""Replay a journal: fold its entries into the event's values and each user's ticket and status.

Pure: it reads nothing. It knows only what the entries say. An entry that is missing or no longer kept, or
that an earlier Rollcall wrote without saying enough, makes it forget what that entry may have changed. What it does not
know agrees with everything. A repair's entry is the truth from then on: the rules broken before it
(docs/requirements.md, R2 to R4) are forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, NamedTuple

from domain.enums import ChangeKind, Deletion, EventStatus, RegistrationStatus
from domain.models import Change, Event, JournalEntry
from domain.planning.event_values import REPLAYED_FIELDS, as_json

REGISTERED, WAITLISTED = RegistrationStatus.REGISTERED, RegistrationStatus.WAITLISTED


class Row(NamedTuple):
    """A registration, as a replay knows it."""

    ticket: int
    status: RegistrationStatus


UNKNOWN = "unknown"
State = Row | str | None
"""A user's registration, `None` without one, or `UNKNOWN`."""


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One thing that an entry tells and no rule allows."""

    version: int
    user_id: str
    ticket: int | None
    stored: str
    expected: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A value of an event that is not the replay's."""

    name: str
    stored: str
    expected: str


class Replay:
    """An event and its registrations as the journal leaves them at `version`."""

    def __init__(self) -> None:
        self.version = 0
        self.broken_rules: list[BrokenRule] = []
        self._knows_all = True  # every registration; otherwise only those in `_rows`
        self._rows: dict[str, Row] = {}
        self._registered = 0
        self._waitlist: list[tuple[int, str]] = []  # a heap; whoever left is removed when first
        self._next_ticket: int | None = 1
        self._values: dict[str, Any] = {}
        self._entry_changes: frozenset[str] = frozenset()  # fields that the entry changes
        self._watched: dict[str, list[State]] = {}

    # The state so far

    def user_ids(self) -> Iterable[str]:
        """Return the users that are known to have a registration."""
        return self._rows.keys()

    def state(self, user_id: str) -> State:
        """Return a user's registration."""
        return self._rows.get(user_id) or (None if self._knows_all else UNKNOWN)

    def watch(self, user_ids: Iterable[str]) -> dict[str, list[State]]:
        """Return the present state of each user, in lists that grow with each state from now on.

        Only the users of the last call are watched.
        """
        self._watched = {user_id: [self.state(user_id)] for user_id in user_ids}
        return self._watched

    def differences(self, event: Event) -> Iterator[Difference]:
        """Yield what differs in the event, which must have the replay's version."""
        known = self._values
        stored = as_json(event, (name for name in REPLAYED_FIELDS if name in known))
        for name, text in stored.items():
            if json.loads(text) != known[name]:
                expected = json.dumps(known[name], ensure_ascii=False)
                yield Difference(name, text, expected)
        for name, number in self._numbers().items():
            if number is not None and getattr(event, name) != number:
                yield Difference(name, str(getattr(event, name)), str(number))

    def _numbers(self) -> dict[str, int | None]:
        waitlisted = len(self._rows) - self._registered
        return {
            "registered_count": self._registered if self._knows_all else None,
            "waitlist_count": waitlisted if self._knows_all else None,
            "next_ticket": self._next_ticket,
        }

    # Folding

    def apply(self, entry: JournalEntry) -> None:
        """Apply the entry of the next version; those between are missing."""
        if entry.version != self.version + 1:
            self.skip_to(entry.version - 1)
        self.version = entry.version
        is_repair = any(change.kind is ChangeKind.REPAIRED for change in entry.changes)
        if entry.event_values is None:
            self._values.clear()
            if is_repair:
                self._forget()
                return
        values = {name: json.loads(text) for name, text in (entry.event_values or {}).items()}
        if is_repair:
            self._apply_repair(entry, values)
            return
        self._values |= values
        self._entry_changes = frozenset(values)
        # An earlier version wrote the entries without values, perhaps under other rules.
        broken = list(self._apply_changes(entry))
        if entry.event_values is not None:
            self.broken_rules += broken

    def skip_to(self, version: int) -> None:
        """Go to a version whose entry is missing."""
        self._forget()
        self.version = version

    def _forget(self) -> None:
        self._rows.clear()
        self._values.clear()
        self._waitlist.clear()
        self._registered = 0
        self._next_ticket = None
        self._knows_all = False
        self.broken_rules.clear()
        for states in self._watched.values():
            states.append(UNKNOWN)

    def _apply_repair(self, entry: JournalEntry, values: dict[str, Any]) -> None:
        self.broken_rules.clear()
        self._next_ticket = values.pop("next_ticket", None)
        self._values |= values
        for one in entry.fixed:
            if one.ticket is None or one.status is None:
                self._set(one.user_id, None)
            else:
                self._set(one.user_id, Row(one.ticket, one.status))
        if values.get("deletion") == Deletion.DONE:
            for user_id in [*self._rows]:
                self._set(user_id, None)

    def _set(self, user_id: str, row: Row | None) -> None:
        old = self._rows.pop(user_id, None)
        if old is not None and old.status is REGISTERED:
            self._registered -= 1
        if row is not None:
            self._rows[user_id] = row
            if row.status is REGISTERED:
                self._registered += 1
            else:
                heappush(self._waitlist, (row.ticket, user_id))
        if user_id in self._watched:
            self._watched[user_id].append(self.state(user_id))

    def _apply_changes(self, entry: JournalEntry) -> Iterator[BrokenRule]:
        """Apply the changes of the entry, and yield the rules that it breaks."""
        for change in entry.changes:
            for stored, expected in self._apply_change(change, entry.at):
                text = f"{stored}, in entry {entry.version}"
                yield BrokenRule(entry.version, change.user_id or "", change.ticket, text, expected)
        seated = [
            change
            for change in entry.changes
            if change.kind in (ChangeKind.REGISTERED, ChangeKind.PROMOTED)
        ]
        capacity = self._values.get("capacity")
        if seated and self._knows_all and capacity is not None and self._registered > capacity:
            yield BrokenRule(
                entry.version,
                seated[-1].user_id or "",
                seated[-1].ticket,
                f"given a seat as number {self._registered}, in entry {entry.version}",
                f"at most {capacity} seats",
            )

    def _apply_change(self, change: Change, at: datetime) -> Iterator[tuple[str, str]]:
        """Apply one change, and yield what was done and what should have been, if a rule forbids it."""
        match change.kind:
            case ChangeKind.REGISTERED | ChangeKind.WAITLISTED | ChangeKind.PROMOTED:
                if change.user_id is None or change.ticket is None:
                    self._forget()
                    return
                status = WAITLISTED if change.kind is ChangeKind.WAITLISTED else REGISTERED
                row = Row(change.ticket, status)
                if change.kind is ChangeKind.PROMOTED:
                    yield from self._breaks_of_promoting(change.user_id, change.ticket, at)
                else:
                    yield from self._breaks_of_registering(change.user_id, row, at)
                    self._next_ticket = change.ticket + 1
                self._set(change.user_id, row)
            case ChangeKind.ANSWERED:
                yield from self._breaks_of_answering(change, at)
            case ChangeKind.UNREGISTERED if change.user_id is not None:
                yield from self._breaks_of_leaving(change)
                self._set(change.user_id, None)
            case ChangeKind.UNREGISTERED:
                self._forget()

    def _breaks_of_registering(
        self, user_id: str, row: Row, at: datetime
    ) -> Iterator[tuple[str, str]]:
        state = self.state(user_id)
        if isinstance(state, Row):
            yield f"{row.status} with ticket {row.ticket}", f"once, {described(state)}"
        if self._next_ticket is not None and row.ticket < self._next_ticket:
            yield f"given ticket {row.ticket} again", f"ticket {self._next_ticket}"
        if row.status is REGISTERED and self._first_waitlisted() is not None:
            yield "given a seat ahead of the waitlist", "at the end of the waitlist"
        is_series = self._values.get("series") is not None  # one that is never changes that
        if row.status is REGISTERED and is_series:
            yield "given a seat in a series", "registered for all of it"
        if row.status is WAITLISTED and self._kept("has_waitlist") is False and not is_series:
            yield "waitlisted in an event without a waitlist", "refused"
        if self._is_opening():
            yield f"{row.status} ahead of those who registered for the whole series", "refused"
        if self._kept("status") not in (None, EventStatus.OPEN):
            yield f"{row.status} in an event that was {self._kept('status')}", "refused"
        ends = {self._kept("starts_at"), self._kept("registration_deadline")} - {None}
        if not is_series and any(at >= datetime.fromisoformat(end) for end in ends):
            yield f"{row.status} after the end of registration", "refused"

    def _breaks_of_promoting(
        self, user_id: str, ticket: int, at: datetime
    ) -> Iterator[tuple[str, str]]:
        state = self.state(user_id)
        first = self._first_waitlisted()
        if state not in (UNKNOWN, Row(ticket, WAITLISTED)):
            yield f"promoted with ticket {ticket}", described(state)
        elif self._knows_all and first is not None and first != ticket:
            yield f"promoted before ticket {first}", "promoted in the order of tickets"
        starts_at = self._kept("starts_at")
        if starts_at is not None and at >= datetime.fromisoformat(starts_at):
            yield "promoted after the start", "waitlisted"

    def _breaks_of_leaving(self, change: Change) -> Iterator[tuple[str, str]]:
        state = self.state(change.user_id or "")
        if state is None:
            yield "unregistered", described(None)
        elif isinstance(state, Row):
            left = Row(
                state.ticket if change.ticket is None else change.ticket,
                change.status or state.status,
            )
            if left != state:
                yield f"unregistered when {described(left)}", described(state)

    def _breaks_of_answering(self, change: Change, at: datetime) -> Iterator[tuple[str, str]]:
        state = self.state(change.user_id or "")
        known_ticket = state.ticket if isinstance(state, Row) else None
        if state != UNKNOWN and change.ticket != known_ticket:
            yield f"answers changed with ticket {change.ticket}", described(state)
        starts_at = self._kept("starts_at")
        if starts_at is not None and at >= datetime.fromisoformat(starts_at):
            yield "answers changed after the start", "refused"

    def _kept(self, name: str) -> Any:
        """Return a value that is known and that the entry does not change: it held for all its changes."""
        return None if name in self._entry_changes else self._values.get(name)

    def _is_opening(self) -> bool:
        """Return whether it is known that registrations for the whole series come first."""
        occurrence = self._kept("occurrence")
        return occurrence is not None and occurrence["honored"] < occurrence["opens_after"]

    def _first_waitlisted(self) -> int | None:
        """Return the lowest ticket that is known to be on the waitlist."""
        while self._waitlist:
            ticket, user_id = self._waitlist[0]
            if self._rows.get(user_id) == (ticket, WAITLISTED):
                return ticket
            heappop(self._waitlist)
        return None


def described(state: State) -> str:
    """Return a registration in words."""
    if isinstance(state, Row):
        return f"{state.status} with ticket {state.ticket}"
    return "not in the event"
