"""Directory of Slack's members: looks them up only when needed, and caches them for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.refusals import (
    GuestRefused,
    GuestStatusUnknown,
    MembershipUnknown,
    SlackBusy,
)
from bot.slack.slack_users import SlackUser, read_user
from domain.errors import AttendeesHidden, NotOrganizer
from domain.inputs import time_zones
from domain.models import Actor
from domain.ports import Clock

T = TypeVar("T")

CACHED_FOR = 300.0
"""Seconds for which a member may still act as an admin after losing that role, if no event says so."""

CACHE_SIZE = 10_000
"""Members cached at a time."""

LATER_AT_A_TIME = 50
"""Members looked up later in one go, each minute: half of the rate of `users.info` that Slack allows."""

_NO_ATTENDEES = ("deleted", "is_bot", "is_stranger")
"""Flags in Slack's user object of those who can't be added to events."""

LOOKUPS_AT_A_TIME = 25
"""Lookups at the same time: those of `MAX_ADDED` people then take as long as two, within a request's time."""

_SLACKBOT = "USLACKBOT"
"""Slack's own bot, about whom Slack does not say so."""

LATER_SECONDS = 20.0
"""Seconds for that at most: the sweep, which does it, also has reminders to send."""


@dataclass(frozen=True, slots=True)
class _Profile:
    is_admin: bool
    time_zone: str | None
    expires_at: float
    """In seconds on the monotonic clock."""
    team_ids: frozenset[str] | None
    """The member's workspaces and organization; None if Slack can't say."""
    is_guest: bool | None = None
    """None if Slack can't answer."""
    can_attend: bool | None = None
    """Whether it is an active member or guest, no app and no stranger. None if Slack can't answer."""


class MemberDirectory:
    """Looks members up with `users.info`: at once, or later, when nobody waits for the answer.

    `patient_client` is for later: it may take longer than a request has.
    """

    def __init__(
        self,
        client: WebClient,
        clock: Clock,
        workspace_id: str,
        patient_client: WebClient | None = None,
    ) -> None:
        self._client = client
        self._patient_client = patient_client or client
        self._workspace_id = workspace_id
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[str, _Profile] = {}
        self._met: dict[str, None] = {}
        self._to_look_up: dict[str, None] = {}
        self._organization_id: str | None = None
        self._has_read_organization = False

    def as_organizer(self, user_id: str, act: Callable[[Actor], T]) -> T:
        """Do what organizers and workspace admins may do (R8.9), and others only if `act` says so (R12.1).

        Slack is asked only about people whom `act` refuses; if it can't answer, they stay refused.
        Raises `NotOrganizer`, `AttendeesHidden`, and whatever else `act` raises.
        """
        try:
            return act(Actor(user_id))
        except (NotOrganizer, AttendeesHidden):
            if not self.is_admin(user_id):
                raise
        return act(Actor(user_id, is_admin=True))

    def is_admin(self, user_id: str) -> bool:
        """Return whether a member is a workspace admin. If Slack can't answer, they count as none (R8.9)."""
        return self._look_up(user_id).is_admin

    def time_zone(self, user_id: str) -> str | None:
        """Return a member's own time zone, or None if Slack can't answer."""
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

    def can_organize(self, user_id: str) -> bool:
        """Return whether someone can be made an organizer: an active member, and no guest, app or stranger.

        Raises `SlackBusy` if Slack can't answer.
        """
        profile = self._look_up(user_id)
        if profile.can_attend is None:
            raise SlackBusy
        return profile.can_attend and not profile.is_guest

    def members_among(self, user_ids: Sequence[str]) -> frozenset[str]:
        """Return who of these can attend events: active members and guests, no apps and no strangers.

        Those who are not cached are looked up at the same time. Raises `SlackBusy` if Slack can't answer
        about all of them; the answers that it gave are cached for the next try.
        """
        can_attend = {
            user_id: profile.can_attend
            for user_id, profile in zip(user_ids, at_once(self._look_up, user_ids), strict=True)
        }
        if None in can_attend.values():
            raise SlackBusy
        return frozenset(user_id for user_id, can in can_attend.items() if can)

    def require_full_member(self, user_id: str) -> None:
        """Refuse guests what shows the whole workspace's events (R8.17).

        If Slack can't answer, its last answer counts, however old. Raises `GuestRefused`, and
        `GuestStatusUnknown` if there has been none; the member is then looked up within a minute.
        """
        is_guest = self._look_up(user_id).is_guest
        if is_guest is None:
            last = self._cache.get(user_id)
            is_guest = last.is_guest if last is not None else None
        if is_guest is None:
            self._add(self._to_look_up, user_id)
            raise GuestStatusUnknown
        if is_guest:
            raise GuestRefused

    def expire(self, user_id: str) -> None:
        """Have a member looked up again when they are needed next: Slack says that they changed."""
        with self._lock:
            cached = self._cache.get(user_id)
            if cached is not None:
                # It stays for what Slack's last answer is good for.
                self._cache[user_id] = replace(cached, expires_at=self._clock.monotonic())

    # Later

    def meet(self, user_id: str) -> None:
        """Have a member looked up later, once in the life of this process. Costs no time."""
        if user_id not in self._met:
            self._add(self._met, user_id)
            self._add(self._to_look_up, user_id)

    def _add(self, users: dict[str, None], user_id: str) -> None:
        with self._lock:
            if len(users) >= CACHE_SIZE:
                users.clear()
            users[user_id] = None

    def look_up_met(self) -> Iterator[SlackUser]:
        """Look up the members who wait for that, and yield each, as far as Slack's rate limit allows.

        Those who are left wait for the next call.
        """
        with self._lock:
            pending = list(self._to_look_up)[:LATER_AT_A_TIME]
        ends = self._clock.monotonic() + LATER_SECONDS
        for user_id in pending:
            if self._clock.monotonic() >= ends:
                return
            try:
                user = self._patient_client.users_info(user=user_id)["user"]
            except FAILURES as error:
                self._to_look_up.pop(user_id, None)
                if classify(error).error_class in (ErrorClass.RECIPIENT, ErrorClass.BUG):
                    continue
                self._add(self._to_look_up, user_id)  # behind the others
                return
            self._to_look_up.pop(user_id, None)
            self._remember(user_id, user)
            member = read_user(user)
            if member is not None:
                yield member

    def _look_up(self, user_id: str) -> _Profile:
        now = self._clock.monotonic()
        with self._lock:
            cached = self._cache.get(user_id)
        if cached is not None and cached.expires_at > now:
            return cached
        try:
            user = self._client.users_info(user=user_id)["user"]
        except FAILURES as error:
            team_ids = _team_ids_after(error)
            return _Profile(
                is_admin=False,
                time_zone=None,
                expires_at=now,
                team_ids=team_ids,
                can_attend=None if team_ids is None else False,
            )
        return self._remember(user_id, user)

    def _remember(self, user_id: str, user: Mapping[str, Any]) -> _Profile:
        zone = user.get("tz")
        team_ids = _team_ids(user)
        # An admin of another workspace of the organization is none of ours.
        is_ours = self._workspace_id in team_ids or not (team_ids or user.get("is_stranger"))
        is_guest = bool(user.get("is_restricted") or user.get("is_ultra_restricted"))
        profile = _Profile(
            is_admin=is_ours and bool(user.get("is_admin") or user.get("is_owner")),
            time_zone=zone if zone in time_zones() else None,
            expires_at=self._clock.monotonic() + CACHED_FOR,
            team_ids=team_ids,
            is_guest=is_guest,
            can_attend=not (any(map(user.get, _NO_ATTENDEES)) or user_id == _SLACKBOT),
        )
        with self._lock:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[user_id] = profile
        return profile


def at_once(look_up: Callable[[str], T], user_ids: Sequence[str]) -> list[T]:
    """Look users up in several threads, in the time of the present request. If no thread starts, do it one by one."""
    tasks = [(copy_context(), user_id) for user_id in user_ids]
    with ThreadPoolExecutor(LOOKUPS_AT_A_TIME) as threads:
        try:
            return list(threads.map(lambda task: task[0].run(look_up, task[1]), tasks))
        except RuntimeError:  # the system starts no thread
            threads.shutdown(cancel_futures=True)
    return [look_up(user_id) for user_id in user_ids]


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
