"""What Slack knows of people, asked only when needed, and kept for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import available_timezones

from slack_sdk import WebClient

from bot.slack.api_errors import FAILURES
from domain.errors import NotOrganizer
from domain.models import Actor
from domain.ports import Clock

T = TypeVar("T")

KEPT_FOR = timedelta(minutes=5)
"""How long an admin who is one no more may still be taken for one."""

KEPT = 10_000
"""How many people are remembered at once."""


@dataclass(frozen=True, slots=True)
class _Known:
    is_admin: bool
    time_zone: str
    until: datetime


class MemberDirectory:
    """Looks members up with `users.info`."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def as_organizer(self, user_id: str, act: Callable[[Actor], T]) -> T:
        """Do what only organizers and workspace admins may do (R8.9).

        Slack is asked only for those who are no organizers; if it can't say, they may not.
        Raises `NotOrganizer`, and whatever `act` raises.
        """
        try:
            return act(Actor(user_id))
        except NotOrganizer:
            if not self._look_up(user_id).is_admin:
                raise
        return act(Actor(user_id, is_admin=True))

    def time_zone(self, user_id: str) -> str:
        """Return a member's own time zone; UTC if Slack can't say."""
        return self._look_up(user_id).time_zone

    def _look_up(self, user_id: str) -> _Known:
        now = self._clock.now()
        with self._lock:
            known = self._known.get(user_id)
        if known is not None and known.until > now:
            return known
        try:
            user = self._client.users_info(user=user_id)["user"]
        except FAILURES:
            return _Known(is_admin=False, time_zone="UTC", until=now)
        zone = user.get("tz") or "UTC"
        known = _Known(
            is_admin=bool(user.get("is_admin") or user.get("is_owner")),
            time_zone=zone if zone in available_timezones() else "UTC",
            until=now + KEPT_FOR,
        )
        with self._lock:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[user_id] = known
        return known
