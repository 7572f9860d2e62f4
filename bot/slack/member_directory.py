"""Directory of Slack's members: looks them up only when needed, and caches them for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from slack_sdk import WebClient

from bot.slack.api_errors import FAILURES
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


class MemberDirectory:
    """Looks members up with `users.info`."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[str, _Profile] = {}

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

    def _look_up(self, user_id: str) -> _Profile:
        now = self._clock.now()
        with self._lock:
            cached = self._cache.get(user_id)
        if cached is not None and cached.expires_at > now:
            return cached
        try:
            user = self._client.users_info(user=user_id)["user"]
        except FAILURES:
            return _Profile(is_admin=False, time_zone="UTC", expires_at=now)
        zone = user.get("tz") or "UTC"
        profile = _Profile(
            is_admin=bool(user.get("is_admin") or user.get("is_owner")),
            time_zone=zone if zone in time_zones() else "UTC",
            expires_at=now + CACHED_FOR,
        )
        with self._lock:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[user_id] = profile
        return profile
