"""Judge of who organizes an event: who succeeds whoever leaves, and whether the admins are asked (R2.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.enums import ChangeKind, EventStatus, NotificationKind
from domain.models import Event, JournalEntry

if TYPE_CHECKING:
    from tests.support.simulation.world import World


class Handovers:
    """Judges the organizers of each event, commit by commit."""

    def __init__(self, world: World) -> None:
        self._world = world

    def has_changed(self, before: Event | None, after: Event, entry: JournalEntry) -> None:
        """Assert that organizers leave only with their data, and that those who are left stay in order."""
        if before is None:
            if after.occurrence is not None and not after.organizer_ids:
                self._check_asked(after, entry)
            return
        if before.organizer_ids == after.organizer_ids:
            return
        kinds = [change.kind for change in entry.changes]
        is_exact = ChangeKind.TAKEN_OVER not in kinds and ChangeKind.EDITED not in kinds
        left = kinds.count(ChangeKind.ORGANIZER_LEFT)
        if is_exact:
            gone = [one for one in before.organizer_ids if one not in after.organizer_ids]
            assert len(gone) == left, f"{gone} do not organize {after.event_id} anymore: {kinds}"
            staying = tuple(one for one in before.organizer_ids if one not in gone)
            assert after.organizer_ids == staying, f"{after.organizer_ids} succeed, not {staying}"
            for user_id in gone:
                user = self._world.data.users.get(user_id)
                assert user is None or user.deletion_id, f"{user_id} was taken off, and stays"
        if not after.organizer_ids:
            self._check_asked(after, entry)

    def _check_asked(self, event: Event, entry: JournalEntry) -> None:
        """Assert that the admins are asked by a commit that leaves an event without an organizer, or makes one."""
        is_asked = any(one.kind is NotificationKind.ORPHANED for one in entry.notifications)
        self._world.count("an event has no organizer left")
        is_off = event.status is EventStatus.CANCELED or event.is_over(self._world.now())
        assert is_asked or is_off, f"nobody is asked for {event}"

    def has_deleted_user(self, user_id: str) -> None:
        """Assert that a deleted user organizes no event anymore."""
        data = self._world.data
        if user_id in data.users:
            return
        for event in data.events.values():
            is_named = event.deletion is None and event.is_organizer(user_id)
            assert not is_named, f"{user_id} is deleted, and organizes {event.event_id}"
