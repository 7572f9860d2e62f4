"""Commands about who organizes an event: organizers who are deleted, and admins who take over (R2.9)."""

from __future__ import annotations

from domain.commands import ChangeOutcome, RemoveOrganizer
from domain.enums import Cause, ChangeKind, NotificationKind
from domain.errors import AlreadyOrganized, NotOrganizer
from domain.models import Actor, Event, Notification
from domain.planning.events import field_changes
from domain.planning.working_copy import WorkingCopy


def remove_organizer(work: WorkingCopy, command: RemoveOrganizer) -> ChangeOutcome:
    """Take a user who is being deleted off the organizers; the first co-organizer takes their place.

    If nobody is left, the successor does, if that is a user who is not being deleted. The organizers who
    are left are notified, or the successor, or else the workspace's admins. Raises `UnknownEvent`.
    """
    event, user_id = work.existing_event(), command.user_id
    # Another process may have finished the deletion. Then the user is new, and so is the role.
    is_in_deletion = user_id in work.snapshot.users_in_deletion
    if not is_in_deletion or not event.is_organizer(user_id):
        return ChangeOutcome(event, changed=False)
    left = tuple(one for one in event.organizer_ids if one != user_id)
    organizers = left or _successor(work, command.successor_id)
    _set_organizers(work, event, organizers, ChangeKind.ORGANIZER_LEFT, cause=command.cause)
    if work.is_canceled_or_over():
        return ChangeOutcome(work.current)
    kind = NotificationKind.ORGANIZER_LEFT if organizers else NotificationKind.ORPHANED
    for recipient in organizers or (None,):
        work.notifications.append(Notification(kind=kind, user_id=recipient, about_user_id=user_id))
    return ChangeOutcome(work.current)


def _successor(work: WorkingCopy, user_id: str | None) -> tuple[str, ...]:
    """Return the successor if that is a user who is not being deleted, now and at the commit."""
    if user_id is None or user_id not in work.snapshot.users:
        return ()
    work.checked_users.add(user_id)
    return (user_id,)


def take_over(work: WorkingCopy, actor: Actor) -> ChangeOutcome:
    """Make an admin the organizer. Raises `UnknownEvent`, `UnknownUser`, `NotOrganizer`, `AlreadyOrganized`."""
    event = work.existing_event()
    if event.is_organizer(actor.user_id):
        return ChangeOutcome(event, changed=False)
    if not actor.is_admin:
        raise NotOrganizer(work.event_id, actor.user_id)
    if event.organizer_ids:
        raise AlreadyOrganized(work.event_id, event.title, event.organizer_ids[0])
    work.check_organizer(actor.user_id)
    organizers = (actor.user_id,)
    _set_organizers(work, event, organizers, ChangeKind.TAKEN_OVER, actor_id=actor.user_id)
    return ChangeOutcome(work.current)


def _set_organizers(
    work: WorkingCopy,
    event: Event,
    organizer_ids: tuple[str, ...],
    kind: ChangeKind,
    *,
    actor_id: str | None = None,
    cause: Cause | None = None,
) -> None:
    values = {
        "organizer_id": organizer_ids[0] if organizer_ids else None,
        "co_organizer_ids": organizer_ids[1:],
    }
    changed = {name: value for name, value in values.items() if value != getattr(event, name)}
    work.update_event(**changed, updated_at=work.now)
    work.record(kind, actor_id=actor_id, cause=cause, fields=field_changes(event, changed))
