"""Compare one event with the replay of its journal (R7.6), also while others write.

The event is compared at the version that was read with it, so no commit comes between. Registrations are
compared in two steps. The lists that a count reads anyway, which may lag and change meanwhile, only say
who to look at. Then the event's version is read, the registration, and the version again; the journal is
followed to both. Each commit that writes a registration raises its event's version and tells so in the
journal. So the registration that was read is one that the replay had at one of the versions from the
first to the second, or there is a violation. Whoever leaves and returns in between has all these states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.enums import Deletion, RegistrationStatus
from domain.integrity.live_count import JOURNAL_PAGE_SIZE, ReadWithRetry
from domain.integrity.replay import UNKNOWN, BrokenRule, Replay, Row, State, described
from domain.integrity.violations import Violation, ViolationKind
from domain.models import JOURNAL_KEPT, Event, Registration, WaitlistEntry
from domain.ports import Store

CLOCKS_APART = timedelta(hours=1)
"""How far this process's clock may be behind the one by which a store deleted an entry."""

USERS_AT_ONCE = 50
"""Registrations that one step reads."""


class Gap(NamedTuple):
    """Versions without entries, from the first to the last."""

    first: int
    last: int
    last_at: datetime | None
    """When the last one was committed, if what follows it says so."""

    def is_old(self, now: datetime) -> bool:
        """Return whether the entries are gone because they were no longer kept (R7.8)."""
        return self.last_at is not None and now - self.last_at >= JOURNAL_KEPT - CLOCKS_APART


class JournalCheck:
    """The check of one event against its journal. Its methods raise `Unavailable`."""

    def __init__(self, store: Store, read: ReadWithRetry, event_id: str) -> None:
        self._store = store
        self._read = read
        self._event_id = event_id
        self._replay = Replay()
        self._event: Event | None = None
        self._unseen: set[str] = set()
        self._suspects: set[str] = set()
        self.gaps: list[Gap] = []
        """The gaps in the journal so far."""

    def follow(self) -> Event | None:
        """Read the event, replay its journal up to its version, and return it."""
        event = self._read(lambda: self._store.get_event(self._event_id))
        # Only up to this version: the journal of a busy event may grow as fast as it is read.
        while event is not None and self._replay.version < event.version:
            entries = self._read(
                lambda: self._store.list_journal(
                    self._event_id, after=self._replay.version, limit=JOURNAL_PAGE_SIZE
                )
            )
            for entry in entries:
                if entry.version > event.version:
                    break
                self._note_gap(entry.version - 1, entry.previous_at)
                self._replay.apply(entry)
            if not entries or entries[-1].version > event.version > self._replay.version:
                self._note_gap(event.version, event.committed_at)
        self._event = event
        return event

    def _note_gap(self, last: int, last_at: datetime | None) -> None:
        if self._replay.version < last:
            self.gaps.append(Gap(self._replay.version + 1, last, last_at))
            self._replay.skip_to(last)

    def start_lists(self) -> None:
        """Forget the lists that were compared; they are read again."""
        self._unseen = set(self._replay.user_ids())
        self._suspects = set()

    def compare_list(self, rows: Sequence[Registration | WaitlistEntry]) -> None:
        """Compare a page of the roster or the waitlist."""
        for one in rows:
            if self._replay.state(one.user_id) == _row_of(one):
                self._unseen.discard(one.user_id)
            else:
                self._suspects.add(one.user_id)

    def violations(self) -> list[Violation]:
        """Return what the event and the registrations, as they are now, contradict."""
        # The event that the journal was followed to is as good as a new one, but for a second look.
        event = self._event or self.follow()
        if event is None:
            return []
        found = [self._of_rule(broken) for broken in self._replay.broken_rules]
        found += self._of_event(event)
        if (
            event.deletion is not Deletion.DONE
        ):  # what is left of a deleted event is a violation itself
            suspects = sorted(self._suspects | self._unseen)
            for first in range(0, len(suspects), USERS_AT_ONCE):
                found += self._of_registrations(suspects[first : first + USERS_AT_ONCE])
        self._event = None
        return found

    def _of_rule(self, broken: BrokenRule) -> Violation:
        return Violation(
            ViolationKind.JOURNAL_RULE,
            self._event_id,
            broken.user_id,
            broken.ticket,
            broken.stored,
            broken.expected,
            (broken.version, broken.version),
        )

    def _of_event(self, event: Event) -> Iterator[Violation]:
        if self._replay.version != event.version:  # it is back at an earlier one
            return
        for one in self._replay.differences(event):
            yield Violation(
                ViolationKind.JOURNAL_EVENT,
                self._event_id,
                stored=f"{one.name} {one.stored}",
                expected=f"{one.expected}, as the journal tells",
            )

    def _of_registrations(self, user_ids: Sequence[str]) -> Iterator[Violation]:
        """Yield the users whose registration, read between two versions, is of none of them."""
        if self.follow() is None:
            return
        states = self._replay.watch(user_ids)
        stored = self._read(
            lambda: self._store.get_rows(self._event_id, registrations_of=user_ids, users=())
        ).registrations
        self.follow()
        for user_id in user_ids:
            found = _row_of(stored[user_id]) if user_id in stored else None
            if found not in states[user_id] and UNKNOWN not in states[user_id]:
                yield self._of_registration(user_id, found, states[user_id][-1])

    def _of_registration(self, user_id: str, found: State, expected: State) -> Violation:
        ticket = next((one.ticket for one in (found, expected) if isinstance(one, Row)), None)
        return Violation(
            ViolationKind.JOURNAL_REGISTRATION,
            self._event_id,
            user_id,
            ticket,
            described(found),
            f"{described(expected)}, as the journal tells",
        )


def _row_of(one: Registration | WaitlistEntry) -> Row:
    if isinstance(one, WaitlistEntry):
        return Row(one.ticket, RegistrationStatus.WAITLISTED)
    return Row(one.ticket, one.status)
