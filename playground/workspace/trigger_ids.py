"""Trigger ids and response URLs, which Slack issues with a payload and which expire."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from playground.workspace.model import SlackError

TRIGGER_SECONDS = 3.0
"""The lifetime of a trigger id, from Slack's page on interactivity."""

RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5
"""The lifetime and the number of uses of a response URL, from Slack's page on handling interaction."""

_KEPT = 10_000


@dataclass(frozen=True)
class Trigger:
    """The target of a trigger id: the member who acted, and the channel or view they acted in."""

    user_id: str
    channel_id: str | None = None
    view_id: str | None = None


@dataclass(frozen=True)
class ResponseTarget:
    """The target of a response URL: a channel, and the message whose element was used, if any."""

    user_id: str
    channel_id: str
    message_ts: str | None = None


T = TypeVar("T")


@dataclass
class _Issued(Generic[T]):
    target: T
    issued_at: float
    uses: int = 0


class _ExpiringIds(Generic[T]):
    """Issued ids with an expiry. Only the newest are kept; older ones count as unknown."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._issued: OrderedDict[str, _Issued[T]] = OrderedDict()

    def _issue(self, key: str, target: T) -> str:
        with self._lock:
            self._issued[key] = _Issued(target, self._now())
            while len(self._issued) > _KEPT:
                self._issued.popitem(last=False)
        return key

    def _use(
        self, key: str, *, seconds: float, uses: int, unknown: str, expired: str, used_up: str
    ) -> T:
        with self._lock:
            found = self._issued.get(key)
            if found is None:
                raise SlackError(unknown)
            if found.uses >= uses:
                raise SlackError(used_up)
            if self._now() - found.issued_at > seconds:
                raise SlackError(expired)
            found.uses += 1
            return found.target


class Triggers(_ExpiringIds[Trigger]):
    """The trigger ids of a workspace. Each works once, within three seconds."""

    def issue(self, key: str, trigger: Trigger) -> str:
        """Record `key` as a trigger id and return it."""
        return self._issue(key, trigger)

    def use(self, key: str) -> Trigger:
        """Use up the id and return its target.

        Raises `SlackError` with `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`.
        """
        return self._use(
            key,
            seconds=TRIGGER_SECONDS,
            uses=1,
            unknown="invalid_trigger_id",
            expired="expired_trigger_id",
            used_up="exchanged_trigger_id",
        )


class ResponseUrls(_ExpiringIds[ResponseTarget]):
    """The response URLs of a workspace. Each works five times, within thirty minutes."""

    def issue(self, key: str, target: ResponseTarget) -> str:
        """Record `key` as the last part of a response URL and return it."""
        return self._issue(key, target)

    def use(self, key: str) -> ResponseTarget:
        """Count one use and return the target. Raises `SlackError` with `expired_url` or `used_url`."""
        return self._use(
            key,
            seconds=RESPONSE_URL_SECONDS,
            uses=RESPONSE_URL_USES,
            unknown="expired_url",
            expired="expired_url",
            used_up="used_url",
        )
