"""Ids of users' deletions. An id also says why the user is deleted and who takes over, so no crash loses that."""

from __future__ import annotations

from domain.enums import Cause

_DEACTIVATION = "deactivated."
_SUCCESSOR = "successor."


def deactivation_id(new_id: str) -> str:
    """Return the id of the deletion of a user whose account was deactivated."""
    return f"{_DEACTIVATION}{new_id}"


def deletion_id_with(successor_id: str | None, new_id: str) -> str:
    """Return the id of a deletion after which the successor, if there is one, organizes the user's events (R2.9)."""
    return new_id if successor_id is None else f"{_SUCCESSOR}{successor_id}.{new_id}"


def cause_of(deletion_id: str) -> Cause:
    """Return why a user with this deletion id is deleted."""
    if deletion_id.startswith(_DEACTIVATION):
        return Cause.USER_DEACTIVATED
    return Cause.USER_DELETED


def successor_of(deletion_id: str) -> str | None:
    """Return who organizes the user's events after this deletion, or None if nobody was chosen."""
    if not deletion_id.startswith(_SUCCESSOR):
        return None
    return deletion_id.removeprefix(_SUCCESSOR).rpartition(".")[0]
