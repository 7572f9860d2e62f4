"""Lists an event by the privacy of its channel: at its creation, and when the channel changes later (R2.8)."""

from __future__ import annotations

import logging
import math

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack.api_errors import FAILURES, ErrorClass, classify
from domain.errors import RollcallError
from domain.models import Event, occurrence_id
from domain.ports import Clock
from domain.service import Service

_logger = logging.getLogger(__name__)

PAGE_SIZE = 100
"""Events read at a time."""

MAX_PENDING = 1_000
"""Events remembered whose channel's privacy is not known yet. The daily run finds the others."""

PENDING_SECONDS = 20.0
"""Seconds for those at most: the sweep, which asks, also has reminders to send."""

LONGEST_WAIT = 120.0
"""Seconds to wait at most for Slack's rate limit."""


def is_private(client: WebClient, channel_id: str) -> bool | None:
    """Return whether a channel is private, None if Slack can't say. One that the app can't see is private."""
    try:
        return bool(client.conversations_info(channel=channel_id)["channel"].get("is_private"))
    except FAILURES as error:
        return _privacy_after(error)


def _privacy_after(error: Exception) -> bool | None:
    """Return True after an error that Slack gives for private channels only, None after any other."""
    if isinstance(error, SlackApiError) and error.response.get("error") == "missing_scope":
        # The optional `groups:read` was declined, and only private channels need it.
        granted = str(error.response.get("provided") or "").split(",")
        return True if "channels:read" in granted else None
    return True if classify(error).error_class is ErrorClass.RECIPIENT else None


class ChannelFollower:
    """Lists the events whose channel is public, and no others, unless an organizer chose.

    Slack has no event for it without reading all messages of the channel, so channels are asked
    about: once a day, and each minute where the answer is missing since an event was created.
    """

    def __init__(self, service: Service, client: WebClient, clock: Clock) -> None:
        self._service = service
        self._client = client
        self._clock = clock
        self._pending: dict[str, str] = {}

    def follow_later(self, event: Event) -> None:
        """Have an event listed or not once Slack says whether its channel is private."""
        if event.listing_channel is not None and len(self._pending) < MAX_PENDING:
            self._pending[event.event_id] = event.listing_channel

    def follow_pending(self) -> None:
        """Ask for the missing answers, until Slack fails again or it takes too long."""
        ends = self._clock.monotonic() + PENDING_SECONDS
        for event_id, channel_id in list(self._pending.items()):
            if self._clock.monotonic() >= ends:
                return
            private = is_private(self._client, channel_id)
            if private is None:
                return
            self._follow(event_id, channel_id, private=private)
            self._pending.pop(event_id, None)

    def follow_all(self, deadline: float = math.inf) -> None:
        """Ask about the channels of all upcoming events, until a time on the monotonic clock at most."""
        answers: dict[str, bool | None] = {}
        cursor: str | None = None
        while True:
            page = self._service.list_following(limit=PAGE_SIZE, cursor=cursor)
            for event in page.items:
                channel_id = event.listing_channel or ""
                if channel_id not in answers:
                    answers[channel_id] = self._ask(channel_id, deadline)
                private = answers[channel_id]
                if private is not None:
                    self._follow(event.event_id, channel_id, private=private)
            cursor = page.next_cursor
            if cursor is None:
                return

    def _ask(self, channel_id: str, deadline: float) -> bool | None:
        """Return whether a channel is private; wait when Slack asks for it."""
        while self._clock.monotonic() < deadline:
            try:
                channel = self._client.conversations_info(channel=channel_id)["channel"]
                return bool(channel.get("is_private"))
            except FAILURES as error:
                failure = classify(error)
                if failure.error_class is not ErrorClass.RATE_LIMITED:
                    return _privacy_after(error)
            wait = min(failure.retry_after, LONGEST_WAIT)
            if self._clock.monotonic() + wait >= deadline:
                break
            self._clock.sleep(wait)
        return None

    def _follow(self, event_id: str, channel_id: str, *, private: bool) -> None:
        try:
            outcome = self._service.follow_channel(event_id, channel_id, is_private=private)
        except RollcallError:
            _logger.warning("%s may be listed wrongly until tomorrow", event_id, exc_info=True)
            return
        if outcome.changed and outcome.event.series is not None:
            # Its next occurrences are listed as it is, unlike those that were made before.
            for number in outcome.event.series.ahead:
                self._follow(occurrence_id(event_id, number), channel_id, private=private)
