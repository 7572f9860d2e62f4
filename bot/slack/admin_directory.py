"""The workspace's admins, from the list of its members (R2.9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.blocks.mrkdwn import is_slack_id
from bot.slack.api_errors import ErrorClass, classify
from domain.ports import Clock

PAGE_SIZE = 1_000
"""Members per request, the most that Slack allows: `users.list` may be called 20 times a minute."""

CACHED_SECONDS = 3_600.0
"""How long the list is used before Slack is asked again."""

MAX_ADMINS = 20
"""Admins who are messaged about one event: the primary owner, then owners, then the others."""

_RANKS = ("is_primary_owner", "is_owner", "is_admin")


class AdminDirectory:
    """Reads the list page by page, so its caller can do other work in between."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._admins: tuple[str, ...] | None = None
        self._expires_at = 0.0
        self._found: list[tuple[int, str]] = []
        self._cursor = ""
        self._limit: SlackApiError | None = None
        self._limited_until = 0.0

    def admins(self) -> tuple[str, ...] | None:
        """Return the ids of up to `MAX_ADMINS` admins, or None until `read_page` has read all pages."""
        return self._admins if self._clock.monotonic() < self._expires_at else None

    def read_page(self) -> None:
        """Read the next page of the members. Raises one of `bot.slack.api_errors.FAILURES`.

        After Slack's rate limit, it raises that again until Slack may be asked.
        """
        if self._limit is not None and self._clock.monotonic() < self._limited_until:
            raise self._limit
        try:
            page = self._client.users_list(limit=PAGE_SIZE, cursor=self._cursor)
        except SlackApiError as error:
            failure = classify(error)
            if failure.error_class is ErrorClass.RATE_LIMITED:
                self._limit = error
                self._limited_until = self._clock.monotonic() + failure.retry_after
            if not self._cursor or error.response.get("error") != "invalid_cursor":
                raise
            self._cursor, self._found = "", []  # too old: begin again
            return
        self._found += _admins_in(page["members"])
        self._cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not self._cursor:
            self._admins = tuple(user_id for _, user_id in sorted(self._found)[:MAX_ADMINS])
            self._expires_at = self._clock.monotonic() + CACHED_SECONDS
            self._found = []


def _admins_in(members: list[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    """Yield each admin's rank and id. Deactivated members, bots and strangers are none."""
    for member in members:
        rank = next((number for number, name in enumerate(_RANKS) if member.get(name)), None)
        is_other = member.get("deleted") or member.get("is_bot") or member.get("is_stranger")
        if rank is not None and not is_other and is_slack_id(str(member.get("id"))):
            yield rank, str(member["id"])
