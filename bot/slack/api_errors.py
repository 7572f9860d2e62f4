"""Classification of the errors of Slack's Web API, and the circuit breaker that stops calls to it."""

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
"""Time without calls after Slack refused the app itself."""

FAILURES = (SlackClientError, OSError, HTTPException)
"""The errors that a call to Slack raises: refusals, lost connections, responses that are cut off."""

DEFAULT_RETRY_SECONDS = 30.0
"""Seconds to wait if a rate limit does not say how long."""


class ErrorClass(Enum):
    """Kinds of errors, by what to do about them."""

    APP = auto()
    """Slack refuses the app: stop, raise the alarm, keep everything."""
    RECIPIENT = auto()
    """The recipient or the message can't be reached, now or later: skip it."""
    TEMPORARY = auto()
    """Slack or the network failed: try again."""
    RATE_LIMITED = auto()
    """Too many requests: try again when Slack says."""
    BUG = auto()
    """Slack rejects what the bot sent: skip it and raise the alarm."""


@dataclass(frozen=True, slots=True)
class ClassifiedError:
    """An error's class, Slack's own code for it, and the seconds to wait before the next try."""

    error_class: ErrorClass
    reason: str
    retry_after: float = 0.0


_OF_ONE_METHOD = {"messages_tab_disabled", "missing_scope"}
"""Errors of class `APP` that concern one method; Slack still accepts the others."""

_APP = _OF_ONE_METHOD | {
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
    # The message can no longer be updated.
    "cant_update_message",
    "edit_window_closed",
    "message_not_found",
}
_TEMPORARY = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}


_ERROR_CODE = re.compile(r"[a-z0-9_]+")


def classify(error: Exception) -> ClassifiedError:
    """Return the class of an error that a call to Slack raised: one of `FAILURES`."""
    if not isinstance(error, SlackApiError):
        # An error of urllib or the socket: a closed connection, a time-out, a name that does not resolve.
        return ClassifiedError(ErrorClass.TEMPORARY, type(error).__name__)
    response = error.response
    reason = str(response.get("error") or "")
    status = getattr(response, "status_code", None) or response.get("status") or 200
    if reason in ("ratelimited", "rate_limited") or status == 429:
        headers = getattr(response, "headers", None) or response.get("headers") or {}
        after = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
        after = after[0] if isinstance(after, list) else after
        return ClassifiedError(ErrorClass.RATE_LIMITED, "ratelimited", _seconds(str(after)))
    if int(status) >= 500 or reason in _TEMPORARY:
        return ClassifiedError(ErrorClass.TEMPORARY, reason or f"status {status}")
    if not _ERROR_CODE.fullmatch(reason):
        # A proxy's page, or nothing at all: the result of the call is unknown.
        return ClassifiedError(
            ErrorClass.TEMPORARY, f"status {status}, with no error code of Slack's"
        )
    if reason in _APP:
        return ClassifiedError(ErrorClass.APP, reason)
    return ClassifiedError(ErrorClass.RECIPIENT if reason in _RECIPIENT else ErrorClass.BUG, reason)


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else DEFAULT_RETRY_SECONDS


class CircuitBreaker:
    """Stops calls that Slack refuses because of the app itself. All callers share it, so the alarm is raised once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: dict[str, str] = {}
        self._nothing_until = clock.now()
        self._until: dict[str, datetime] = {}

    def refused_until(self, method: str) -> datetime:
        """Return the time before which this method must not be called."""
        return max(self._nothing_until, self._until.get(method, self._nothing_until))

    def record_refusal(self, method: str, reason: str) -> None:
        """Stop calls for a while after Slack refused the app: to this method, or to all."""
        alarmed = (
            self._refusals.get(method) if reason in _OF_ONE_METHOD else self._refusal_of_app(reason)
        )
        if alarmed != reason:
            _logger.critical(
                "Slack refuses the app: %s. Everything is kept, and nothing is sent", reason
            )
        self._refusals[method] = reason
        until = self._clock.now() + PAUSE
        if reason in _OF_ONE_METHOD:
            self._until[method] = until
        else:
            self._nothing_until = until

    def _refusal_of_app(self, reason: str) -> str | None:
        return reason if reason in self._refusals.values() else None

    def record_success(self, method: str) -> None:
        """Forget past refusals after Slack accepted a call; the next refusal raises a new alarm."""
        self._refusals = {
            other: reason
            for other, reason in self._refusals.items()
            if other != method and reason in _OF_ONE_METHOD
        }
