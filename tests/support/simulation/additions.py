"""Judge of members whom organizers add (R12.4): what the organizer reads, who hears of it, and what the history has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from domain.commands import AddOutcome, Attendee
from domain.enums import ChangeKind, NotificationKind
from domain.models import JournalEntry

if TYPE_CHECKING:
    from tests.support.simulation.judge import Call, State

_NEW = (ChangeKind.REGISTERED, ChangeKind.WAITLISTED)


def claim_of(call: Call, outcome: AddOutcome) -> Callable[[State], bool]:
    """Return whether a state is the one that an outcome, or a preview, speaks of."""
    _assert_order(call, outcome)
    if call.name == "preview_addition":
        return lambda state: _has(state, outcome.present) and _would_get(state, outcome.added)
    return lambda state: (
        _has(state, (*outcome.present, *outcome.added))
        and (not outcome.added or _is_of(call, outcome, state))
    )


def _is_of(call: Call, outcome: AddOutcome, state: State) -> bool:
    return state.since >= call.begun and state.event.version == outcome.event.version


def _assert_order(call: Call, outcome: AddOutcome) -> None:
    """Assert that everybody is named once, in the order in which they were chosen, with tickets one after the other."""
    for named in (outcome.added, outcome.present):
        user_ids = [one.registration.user_id for one in named]
        assert user_ids == [one for one in call.user_ids if one in user_ids], f"{call}: {outcome}"
    if not outcome.is_repeated:
        assert len(outcome.added) + len(outcome.present) == len(call.user_ids), f"{call}: {outcome}"
    tickets = [one.registration.ticket for one in outcome.added]
    assert tickets == [*range(tickets[0], tickets[0] + len(tickets))] if tickets else True


def _has(state: State, named: Sequence[Attendee]) -> bool:
    return all(
        state.has(one.registration.user_id, one.registration.ticket)
        and state.rows[one.registration.user_id].status is one.registration.status
        and state.position(one.registration.user_id) == one.position
        for one in named
    )


def _would_get(state: State, named: Sequence[Attendee]) -> bool:
    """Return whether users who are not in would get these seats and positions, one after the other."""
    waitlisted = len(state.waitlist)
    free = state.event.capacity - state.seated if not waitlisted else 0
    positions = [
        None if number < free else waitlisted + number - max(0, free) + 1
        for number in range(len(named))
    ]
    return [one.position for one in named] == positions and not any(
        state.has(one.registration.user_id) for one in named
    )


def added_by(entry: JournalEntry) -> set[tuple[str | None, int | None, str | None]]:
    """Assert that exactly those are notified whom someone else registered, and by whom. Return them.

    Each is a user, a ticket and an organizer. An organizer who adds themselves is notified, too.
    """
    changes = {
        (change.user_id, change.ticket, change.actor_id): change
        for change in entry.changes
        if change.kind in _NEW
    }
    notified = {
        (one.user_id, one.ticket, one.actor_id)
        for one in entry.notifications
        if one.kind is NotificationKind.ADDED
    }
    by_others = {key for key, change in changes.items() if change.actor_id != change.user_id}
    assert by_others <= notified <= changes.keys(), (
        f"{entry}: {notified} are notified, not {by_others}"
    )
    return notified
