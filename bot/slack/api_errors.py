"""What follows from an error of Slack's Web API (see the design on delivery)."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from http.client import HTTPException

from slack_sdk.errors import SlackApiError, SlackClientError

from domain.ports import Clock

_logger = logging.getLogger(__name__)

PAUSE = timedelta(minutes=1)
"""How long Slack is left alone after an error that is ours to mend."""

FAILURES = (SlackClientError, OSError, HTTPException)
"""What a call to Slack raises: its refusals, no connection or one that ends too soon, answers that are cut off."""

DEFAULT_RETRY_SECONDS = 30.0
"""Seconds to wait where a rate limit does not say how long."""


class ErrorClass(Enum):
    """Whose fault it is decides what is done."""

    APP = auto()
    """Stop, raise the alarm, keep everything."""
    RECIPIENT = auto()
    """For good: this person can't be reached."""
    TEMPORARY = auto()
    """It passes: try again."""
    RATE_LIMITED = auto()
    """Too much at once: try again when Slack says."""
    BUG = auto()
    """Skip it, and raise the alarm."""


@dataclass(frozen=True, slots=True)
class ClassifiedError:
    """Whose fault, Slack's own word for it, and in how many seconds to try again."""

    error_class: ErrorClass
    reason: str
    retry_after: float = 0.0


_ONE_METHODS = {"messages_tab_disabled", "missing_scope"}
"""Ours, too, but Slack takes everything else."""

_OURS = _ONE_METHODS | {
    "access_denied",
    "account_inactive",
    "ekm_access_denied",
    "invalid_auth",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
}
_RECIPIENT = {
    "cannot_dm_bot",
    "channel_not_found",
    "is_archived",
    "not_in_channel",
    "user_disabled",
    "user_not_found",
    # A message's own: it can't be updated any more.
    "cant_update_message",
    "edit_window_closed",
    "message_not_found",
}
_LATER = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}


_SLACKS_OWN = re.compile(r"[a-z0-9_]+")


def classify(error: Exception) -> ClassifiedError:
    """Return what follows from an error that a call to Slack raised: one of `FAILURES`."""
    if not isinstance(error, SlackApiError):
        # Closed connections, time-outs, names that don't resolve: urllib's and the socket's own.
        return ClassifiedError(ErrorClass.TEMPORARY, type(error).__name__)
    response = error.response
    reason = str(response.get("error") or "")
    status = getattr(response, "status_code", None) or response.get("status") or 200
    if reason in ("ratelimited", "rate_limited") or status == 429:
        headers = getattr(response, "headers", None) or response.get("headers") or {}
        after = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
        after = after[0] if isinstance(after, list) else after
        return ClassifiedError(ErrorClass.RATE_LIMITED, "ratelimited", _seconds(str(after)))
    if int(status) >= 500 or reason in _LATER:
        return ClassifiedError(ErrorClass.TEMPORARY, reason or f"status {status}")
    if not _SLACKS_OWN.fullmatch(reason):
        # A page of some proxy's, or nothing at all: what became of the call is not known.
        return ClassifiedError(ErrorClass.TEMPORARY, f"status {status}, and no answer of Slack's")
    if reason in _OURS:
        return ClassifiedError(ErrorClass.APP, reason)
    return ClassifiedError(ErrorClass.RECIPIENT if reason in _RECIPIENT else ErrorClass.BUG, reason)


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else DEFAULT_RETRY_SECONDS


class CircuitBreaker:
    """Whether Slack takes anything from us at all, for all who call it: the alarm is raised once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: dict[str, str] = {}
        self._nothing_until = clock.now()
        self._until: dict[str, datetime] = {}

    def refused_until(self, method: str) -> datetime:
        """Return the moment before which this method is not called."""
        return max(self._nothing_until, self._until.get(method, self._nothing_until))

    def refused(self, method: str, reason: str) -> None:
        """Stop for a while, if need be everything: the app's own account or rights are to be mended."""
        known = self._refusals.get(method) if reason in _ONE_METHODS else self._anybodys(reason)
        if known != reason:
            _logger.critical("Slack refuses us: %s; all is kept, and nothing sent", reason)
        self._refusals[method] = reason
        until = self._clock.now() + PAUSE
        if reason in _ONE_METHODS:
            self._until[method] = until
        else:
            self._nothing_until = until

    def _anybodys(self, reason: str) -> str | None:
        return reason if reason in self._refusals.values() else None

    def accepted(self, method: str) -> None:
        """Slack took something: what it refused of this method, or of all, was mended; the next is a new one."""
        self._refusals = {
            other: reason
            for other, reason in self._refusals.items()
            if other != method and reason in _ONE_METHODS
        }
