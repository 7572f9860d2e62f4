"""The waitlist inside one plan: the head that was read, the entries behind it, and those added now."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.models import WaitlistEntry
from domain.planning.snapshot import InconsistentSnapshot


@dataclass(slots=True)
class WorkingWaitlist:
    """The waitlist of an event as the commands so far leave it."""

    event_id: str
    head: list[WaitlistEntry]
    unread: int
    """Number of entries behind the head that were not read."""
    tail: list[WaitlistEntry] = field(default_factory=list)
    """Entries that the commands added."""
    removed_tickets: list[int] = field(default_factory=list)

    def copied(self) -> WorkingWaitlist:
        """Return a copy that changes independently of this one."""
        return WorkingWaitlist(
            self.event_id,
            self.head.copy(),
            self.unread,
            self.tail.copy(),
            self.removed_tickets.copy(),
        )

    def append(self, entry: WaitlistEntry) -> None:
        """Add an entry at the end."""
        self.tail.append(entry)

    def pop_first(self) -> WaitlistEntry:
        """Remove and return the first entry; raise `InconsistentSnapshot` if it was not read."""
        if self.head:
            entry = self.head.pop(0)
        elif self.unread or not self.tail:
            raise InconsistentSnapshot(
                f"too few entries of the waitlist of {self.event_id} were read"
            )
        else:
            entry = self.tail.pop(0)
        self.removed_tickets.append(entry.ticket)
        return entry

    def remove(self, entry: WaitlistEntry) -> None:
        """Remove an entry, read or not; raise `InconsistentSnapshot` if there can be none."""
        for part in (self.head, self.tail):
            if entry in part:
                part.remove(entry)
                break
        else:
            self.unread -= 1
        if self.unread < 0:
            raise InconsistentSnapshot(
                f"{entry.user_id} is waitlisted, but not on the waitlist of {self.event_id}"
            )
        self.removed_tickets.append(entry.ticket)

    def position(self, entry: WaitlistEntry, stored_before: int | None) -> int:
        """Return an entry's position, given how many entries before it are stored.

        Raises `InconsistentSnapshot` for a stored entry if None is given.
        """
        if entry in self.tail:
            return len(self.head) + self.unread + self.tail.index(entry) + 1
        if stored_before is None:
            raise InconsistentSnapshot(f"the entries before {entry.user_id} were not counted")
        return 1 + stored_before - sum(ticket < entry.ticket for ticket in self.removed_tickets)
