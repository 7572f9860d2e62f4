"""Keeps stored users up to date with Slack's members (R8.14)."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from slack_sdk import WebClient

from bot.slack.member_directory import Member
from domain.errors import Invalid, RollcallError, UnknownUser
from domain.inputs import UserChanges
from domain.models import User
from domain.service import Service

_logger = logging.getLogger(__name__)

PAGE_SIZE = 200
"""Members per request, as Slack recommends on the page of `users.list`."""


def sync_member(service: Service, member: Member) -> bool:
    """Bring what is stored about a member up to date; return whether anything changed.

    Only a new name and a deactivated account count: Slack also reports every change of status.
    """
    try:
        stored = service.get_user(member.user_id)
    except UnknownUser:
        return False  # never registered, or already being deleted
    return _sync(service, member, stored)


def _sync(service: Service, member: Member, stored: User) -> bool:
    try:
        if member.is_deactivated:
            service.deactivate_user(member.user_id)
            return True
        if member.name and member.name != stored.name:
            service.update_user(member.user_id, UserChanges.of(name=member.name))
            return True
    except UnknownUser:
        pass  # deleted meanwhile
    except Invalid:
        _logger.warning("the new name of %s can't be stored", member.user_id)
    return False


def reconcile(service: Service, client: WebClient) -> int:
    """Apply the changes that no event reported; return how many users changed.

    Raises what the client raises.
    """
    members = {member.user_id: member for member in _list_members(client)}
    changed = 0
    cursor: str | None = None
    while True:
        page = service.list_users(limit=PAGE_SIZE, cursor=cursor)
        for user in page.items:
            if user.user_id in members:
                try:
                    changed += _sync(service, members[user.user_id], user)
                except RollcallError:
                    _logger.warning(
                        "%s was not updated; tomorrow's run tries again",
                        user.user_id,
                        exc_info=True,
                    )
        cursor = page.next_cursor
        if cursor is None:
            return changed


def _list_members(client: WebClient) -> Iterable[Member]:
    cursor = ""
    while True:
        page = client.users_list(limit=PAGE_SIZE, cursor=cursor)
        for user in page["members"]:
            yield Member(user["id"], user.get("name"), bool(user.get("deleted")))
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return
