"""The co-organizers that a form names, as users."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from bot.blocks.mrkdwn import is_slack_id
from bot.slack.context import AppContext
from domain.errors import UnknownUser
from domain.inputs import UserDraft


def ensure_co_organizers(context: AppContext, user_ids: Collection[str]) -> None:
    """Store the members among them who are not yet: only stored users are noticed to leave the workspace (R2.9)."""
    members = [user_id for user_id in user_ids if is_slack_id(user_id)]
    stored = context.service.get_users(members)
    for user_id in members:
        if user_id in stored:
            continue
        with suppress(UnknownUser):  # being deleted: the service refuses such a co-organizer
            context.service.ensure_user(UserDraft.unnamed(user_id))
            context.members.meet(user_id)
