"""Directory of Slack's members: looks them up only when needed, and caches them for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack.api_errors import FAILURES
from bot.slack.refusals import MembershipUnknown
from domain.errors import NotOrganizer
from domain.inputs import time_zones
from domain.models import Actor
from domain.ports import Clock

T = TypeVar("T")

CACHED_FOR = timedelta(minutes=5)
"""How long a member may still act as an admin after losing that role."""

CACHE_SIZE = 10_000
"""Members cached at a time."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as Slack has them now."""

    user_id: str
    name: str | None
    is_deactivated: bool


@dataclass(frozen=True, slots=True)
class _Profile:
    is_admin: bool
    time_zone: str
    expires_at: datetime
    team_ids: frozenset[str] | None
    """The member's workspaces and organization; None if Slack can't say."""


class MemberDirectory:
    """Looks members up with `users.info`."""

    def __init__(self, client: WebClient, clock: Clock, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace_id
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[str, _Profile] = {}
        self._organization_id: str | None = None
        self._has_read_organization = False

    def as_organizer(self, user_id: str, act: Callable[[Actor], T]) -> T:
        """Do what only organizers and workspace admins may do (R8.9).

        Slack is asked only about people who are not organizers; if it can't answer, they may not.
        Raises `NotOrganizer`, and whatever `act` raises.
        """
        try:
            return act(Actor(user_id))
        except NotOrganizer:
            if not self._look_up(user_id).is_admin:
                raise
        return act(Actor(user_id, is_admin=True))

    def time_zone(self, user_id: str) -> str:
        """Return a member's own time zone, or UTC if Slack can't answer."""
        return self._look_up(user_id).time_zone

    def organization_id(self) -> str | None:
        """Return the id of the Enterprise organization that the workspace is in, or None.

        It is read once, when the first request names a workspace or organization other than ours: most
        workspaces never need it, and no start of a process waits for it. Raises `MembershipUnknown`.
        """
        if not self._has_read_organization:
            try:
                self._organization_id = self._client.auth_test().get("enterprise_id") or None
            except FAILURES as error:
                raise MembershipUnknown from error
            self._has_read_organization = True
        return self._organization_id

    def is_member_of(self, user_id: str, team_ids: Set[str]) -> bool:
        """Return whether a person is a member of one of these workspaces or organizations, and no stranger.

        Raises `MembershipUnknown`.
        """
        known = self._look_up(user_id).team_ids
        if known is None:
            raise MembershipUnknown
        return not known.isdisjoint(team_ids)

    def _look_up(self, user_id: str) -> _Profile:
        now = self._clock.now()
        with self._lock:
            cached = self._cache.get(user_id)
        if cached is not None and cached.expires_at > now:
            return cached
        try:
            user = self._client.users_info(user=user_id)["user"]
        except FAILURES as error:
            return _Profile(
                is_admin=False, time_zone="UTC", expires_at=now, team_ids=_team_ids_after(error)
            )
        zone = user.get("tz") or "UTC"
        team_ids = _team_ids(user)
        # An admin of another workspace of the organization is none of ours.
        is_ours = not team_ids or self._workspace_id in team_ids
        profile = _Profile(
            is_admin=is_ours and bool(user.get("is_admin") or user.get("is_owner")),
            time_zone=zone if zone in time_zones() else "UTC",
            expires_at=now + CACHED_FOR,
            team_ids=team_ids,
        )
        with self._lock:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[user_id] = profile
        return profile


def _team_ids(user: Mapping[str, Any]) -> frozenset[str]:
    """Return the workspaces and the organization of a user of `users.info`; a Slack Connect stranger has none."""
    if user.get("is_stranger"):
        return frozenset()
    enterprise_user = user.get("enterprise_user") or {}
    named = (user.get("team_id"), enterprise_user.get("enterprise_id"))
    return frozenset(filter(None, (*named, *(enterprise_user.get("teams") or ()))))


def _team_ids_after(error: Exception) -> frozenset[str] | None:
    """Return no workspaces for a person whom Slack does not show to us, and None for every other error."""
    reason = error.response.get("error") if isinstance(error, SlackApiError) else None
    return frozenset() if reason in ("user_not_found", "user_not_visible") else None
