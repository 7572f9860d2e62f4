"""The short-lived passes that Slack hands out with a payload: trigger ids and response URLs."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from playground.workspace.model import SlackError

TRIGGER_SECONDS = 3.0
"""How long a trigger id lives: Slack's page on interactivity."""

RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5
"""How long and how often a response URL works: Slack's page on handling interaction."""

_KEPT = 10_000


@dataclass(frozen=True)
class Trigger:
    """What a trigger id stands for: who acted, where, and in which view if it was one."""

    user_id: str
    channel_id: str | None = None
    view_id: str | None = None


@dataclass(frozen=True)
class ResponseTarget:
    """What a response URL answers to: a command, or the message whose element was used."""

    user_id: str
    channel_id: str
    message_ts: str | None = None


T = TypeVar("T")


@dataclass
class _Issued(Generic[T]):
    meaning: T
    issued: float
    uses: int = 0


class _Passes(Generic[T]):
    """Passes by id. Only the newest are kept; an id dropped for age answers as one never issued."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._issued: OrderedDict[str, _Issued[T]] = OrderedDict()

    def _issue(self, key: str, meaning: T) -> str:
        with self._lock:
            self._issued[key] = _Issued(meaning, self._now())
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
            if self._now() - found.issued > seconds:
                raise SlackError(expired)
            found.uses += 1
            return found.meaning


class Triggers(_Passes[Trigger]):
    """Trigger ids: each works once, for three seconds."""

    def issue(self, key: str, trigger: Trigger) -> str:
        """Records `key` as a trigger id and returns it."""
        return self._issue(key, trigger)

    def use(self, key: str) -> Trigger:
        """Spends the id.

        Raises SlackError: `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`.
        """
        return self._use(
            key,
            seconds=TRIGGER_SECONDS,
            uses=1,
            unknown="invalid_trigger_id",
            expired="expired_trigger_id",
            used_up="exchanged_trigger_id",
        )


class ResponseUrls(_Passes[ResponseTarget]):
    """Response URLs: each works five times, for thirty minutes."""

    def issue(self, key: str, target: ResponseTarget) -> str:
        """Records `key` as the last part of a response URL and returns it."""
        return self._issue(key, target)

    def use(self, key: str) -> ResponseTarget:
        """Counts one use. Raises SlackError: `expired_url` (or unknown) or `used_url`."""
        return self._use(
            key,
            seconds=RESPONSE_URL_SECONDS,
            uses=RESPONSE_URL_USES,
            unknown="expired_url",
            expired="expired_url",
            used_up="used_url",
        )
