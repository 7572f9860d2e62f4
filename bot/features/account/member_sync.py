"""When people change: what Slack knows of its members, followed by what is stored of them (R8.14)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from slack_sdk import WebClient

from domain.errors import Invalid, RollcallError, UnknownUser
from domain.inputs import UserChanges
from domain.models import User
from domain.service import Service

_logger = logging.getLogger(__name__)

MEMBERS = 200
"""Members asked for at once, as Slack recommends on the page of `users.list`."""


@dataclass(frozen=True, slots=True)
class Member:
    """What Slack says of a member now."""

    user_id: str
    name: str | None
    is_deactivated: bool


def follow(service: Service, member: Member) -> bool:
    """Bring what is stored of a member up to date; return whether there was something to do.

    Only a new name and the end of an account count: Slack tells of every change of status, too.
    """
    try:
        stored = service.get_user(member.user_id)
    except UnknownUser:
        return False  # one who never registered, or who is being deleted already
    return _follow(service, member, stored)


def _follow(service: Service, member: Member, stored: User) -> bool:
    try:
        if member.is_deactivated:
            service.deactivate_user(member.user_id)
            return True
        if member.name and member.name != stored.name:
            service.update_user(member.user_id, UserChanges.of(name=member.name))
            return True
    except UnknownUser:
        pass  # somebody else was faster
    except Invalid:
        _logger.warning("the new name of %s can't be stored", member.user_id)
    return False


def reconcile(service: Service, client: WebClient) -> int:
    """Follow what no event told of; return how many people changed. Raises what the client does."""
    members = {member.user_id: member for member in _members(client)}
    changed = 0
    cursor: str | None = None
    while True:
        page = service.list_users(limit=MEMBERS, cursor=cursor)
        for user in page.items:
            if user.user_id in members:
                try:
                    changed += _follow(service, members[user.user_id], user)
                except RollcallError:
                    _logger.warning("%s is left to the next day", user.user_id, exc_info=True)
        cursor = page.next_cursor
        if cursor is None:
            return changed


def _members(client: WebClient) -> Iterable[Member]:
    cursor = ""
    while True:
        answer = client.users_list(limit=MEMBERS, cursor=cursor)
        for user in answer["members"]:
            yield Member(user["id"], user.get("name"), bool(user.get("deleted")))
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return
