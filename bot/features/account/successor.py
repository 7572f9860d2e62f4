"""The successor whom a person who deletes their data chooses for their events (R2.9)."""

from __future__ import annotations

from bot.slack.context import AppContext
from bot.slack.refusals import SuccessorRefused
from domain.errors import UnknownUser
from domain.inputs import UserDraft


def can_succeed(context: AppContext, user_id: str, successor_id: str) -> bool:
    """Return whether someone can take over a person's events. Raises `SlackBusy`."""
    return successor_id != user_id and context.members.can_organize(successor_id)


def ensure_successor(context: AppContext, user_id: str, successor_id: str) -> None:
    """Store a successor as a user: only users are noticed to leave the workspace, and get events.

    Raises `SlackBusy`, and `SuccessorRefused` for someone who can't take over the events.
    """
    if not can_succeed(context, user_id, successor_id):
        raise SuccessorRefused(successor_id)
    try:
        context.service.ensure_user(UserDraft.unnamed(successor_id))
    except UnknownUser:  # being deleted
        raise SuccessorRefused(successor_id) from None
    context.members.meet(successor_id)
