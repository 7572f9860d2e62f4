"""Slack's rate limits: how many calls of each method a workspace may make in a minute."""

import math
import threading
from collections.abc import Callable, Mapping

WINDOW_SECONDS = 60

TIER_2, TIER_3, TIER_4 = 20, 50, 100
"""Calls a minute that a tier allows for certain; Slack's own limits are sometimes a little higher."""

CALLS_A_MINUTE: Mapping[str, int] = {
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "chat.update": TIER_3,
    "conversations.info": TIER_3,
    "conversations.list": TIER_2,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "users.info": TIER_4,
    "users.list": TIER_2,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}
"""The limits of Slack's pages about these methods. Other methods are unlimited here."""


class RateLimits:
    """Counts calls by method in windows of a minute, which begin with a call. Off until switched on.

    `now` is the workspace's clock, in seconds. Thread-safe.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.is_on = False
        self._now = now
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, method: str) -> int | None:
        """Count a call. Return None if the method's limit allows it, else the seconds to wait."""
        allowed = CALLS_A_MINUTE.get(method)
        if allowed is None or not self.is_on:
            return None
        with self._lock:
            now = self._now()
            started, calls = self._windows.get(method, (now, 0))
            if now >= started + WINDOW_SECONDS:
                started, calls = now, 0
            if calls >= allowed:
                return max(1, math.ceil(started + WINDOW_SECONDS - now))
            self._windows[method] = (started, calls + 1)
            return None
