"""Classification of the errors of Slack's Web API, and the circuit breaker that stops calls to it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum, auto
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError, SlackRequestError
from slack_sdk.web import SlackResponse

from domain.ports import Clock

_logger = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds without calls after Slack refused the app itself."""

FAILURES = (SlackClientError, OSError, HTTPException)
"""The errors that a call to Slack raises: refusals, lost connections, responses that are cut off."""

DEFAULT_RETRY_SECONDS = 30.0
"""Seconds to wait if a rate limit does not say how long."""


class ErrorClass(Enum):
    """Kinds of errors, by what to do about them."""

    APP = auto()
    """Slack refuses the app, or the workspace restricts it: stop, raise the alarm, keep everything."""
    RECIPIENT = auto()
    """The recipient, the channel or the message can't be reached, now or later: skip it."""
    TEMPORARY = auto()
    """Slack or the network failed: try again."""
    RATE_LIMITED = auto()
    """Too many requests or messages: try again when Slack says."""
    NO_FILES = auto()
    """Slack doesn't take the file here: say so instead, and don't try again."""
    OUTDATED = auto()
    """The modal is closed, or the press is too old to open one: the person presses again."""
    BUG = auto()
    """Slack rejects what the bot sent, or the error is unknown: skip it and raise the alarm."""


@dataclass(frozen=True, slots=True)
class ClassifiedError:
    """An error's class, Slack's own code for it, and the seconds to wait before the next try."""

    error_class: ErrorClass
    reason: str
    retry_after: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether the same call can succeed in a moment."""
        return self.error_class in (ErrorClass.TEMPORARY, ErrorClass.RATE_LIMITED)


class FileNotTaken(SlackRequestError):
    """Slack did not take a file's content; `status` is the response's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Slack did not take the file: {status}")
        self.status = status


_OF_ONE_METHOD = {
    "access_denied",
    "accesslimited",
    "deprecated_endpoint",
    "enterprise_is_restricted",
    "messages_tab_disabled",
    "method_deprecated",
    "missing_scope",
    "no_permission",
    "not_enabled",
    "unknown_method",
}
"""Errors of class `APP` that concern one method; Slack still accepts the others."""

_UPLOAD_METHODS = {
    "conversations.open",  # Rollcall calls it only for the conversation that gets the file
    "files.getUploadURLExternal",
    "files.completeUploadExternal",
}

_CLASSES: Mapping[ErrorClass, Set[str]] = {
    ErrorClass.APP: _OF_ONE_METHOD
    | {
        "account_inactive",
        "app_access_restricted",
        "ekm_access_denied",
        "forbidden_team",
        "invalid_auth",
        "is_bot",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    },
    ErrorClass.RECIPIENT: {
        "cannot_dm_bot",
        "channel_is_limited_access",
        "channel_not_found",
        "invalid_channel",
        "invalid_user_combination",
        "is_archived",
        "is_inactive",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
        # The message can no longer be updated.
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
    },
    ErrorClass.TEMPORARY: {
        "external_channel_migrating",
        "fatal_error",
        "file_update_failed",
        "internal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    },
    # The members of a free workspace send too many messages: nothing goes through for a while.
    ErrorClass.RATE_LIMITED: {"message_limit_exceeded", "rate_limited", "ratelimited"},
    ErrorClass.OUTDATED: {
        "exchanged_trigger_id",
        "expired_trigger_id",
        "not_found",
        "push_limit_reached",
    },
}
"""The class of each of Slack's error codes. Codes that are not listed are bugs."""

_CLASS_OF = {code: error_class for error_class, codes in _CLASSES.items() for code in codes}

_NO_FILES = {
    "blocked_file_type",
    "file_type_not_allowed",
    "file_upload_size_restricted",
    "file_uploads_disabled",
    "file_uploads_except_images_disabled",
    "missing_scope",
    "posting_to_channel_denied",
    "storage_limit_reached",
}
"""Errors of an upload by which a workspace, or its installation of the app, keeps files out."""

_ERROR_CODE = re.compile(r"[a-z0-9_]+")


def classify(error: Exception) -> ClassifiedError:
    """Return the class of an error that a call to Slack raised: one of `FAILURES`.

    `tests/unit/bot/slack/test_api_errors.py` has the class of every error that Slack documents.
    """
    if isinstance(error, FileNotTaken):
        return _classify_upload(error.status)
    if not isinstance(error, SlackApiError):
        # An error of urllib or the socket: a closed connection, a time-out, a name that does not resolve.
        return ClassifiedError(ErrorClass.TEMPORARY, type(error).__name__)
    response = error.response
    reason = str(response.get("error") or "")
    status = int(getattr(response, "status_code", None) or response.get("status") or 200)
    error_class = _class_of(_method_of(response), reason, status)
    if error_class is ErrorClass.RATE_LIMITED:
        code = reason if _ERROR_CODE.fullmatch(reason) else "ratelimited"
        return ClassifiedError(error_class, code, _retry_after(response))
    if not _ERROR_CODE.fullmatch(reason):
        reason = f"status {status}, with no error code of Slack's"
    return ClassifiedError(error_class, reason)


def _class_of(method: str, reason: str, status: int) -> ErrorClass:
    if status == 429:
        return ErrorClass.RATE_LIMITED
    # Without a code, it is a proxy's page or nothing at all: the result of the call is unknown.
    if status >= 500 or not _ERROR_CODE.fullmatch(reason):
        return ErrorClass.TEMPORARY
    if method in _UPLOAD_METHODS and reason in _NO_FILES:
        return ErrorClass.NO_FILES
    return _CLASS_OF.get(reason, ErrorClass.BUG)


def _classify_upload(status: int) -> ClassifiedError:
    reason = f"status {status} of the upload"
    if status == 429:
        return ClassifiedError(ErrorClass.RATE_LIMITED, reason, DEFAULT_RETRY_SECONDS)
    is_refused = 400 <= status < 500 and status != 408
    return ClassifiedError(ErrorClass.NO_FILES if is_refused else ErrorClass.TEMPORARY, reason)


def _method_of(response: SlackResponse | Mapping[str, Any]) -> str:
    return str(getattr(response, "api_url", "")).rpartition("/")[2]


def _retry_after(response: SlackResponse | Mapping[str, Any]) -> float:
    """Return the seconds in `Retry-After`, or `DEFAULT_RETRY_SECONDS` if it says nothing usable."""
    headers = getattr(response, "headers", None) or response.get("headers") or {}
    after = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    after = str(after[0] if isinstance(after, list) else after)
    return float(after) if after.isdecimal() else DEFAULT_RETRY_SECONDS


class CircuitBreaker:
    """Stops calls that Slack refuses because of the app itself. All callers share it, so the alarm is raised once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: dict[str, str] = {}
        self._nothing_until = clock.monotonic()
        self._until: dict[str, float] = {}

    def refused_until(self, method: str) -> float:
        """Return the time on the monotonic clock before which this method must not be called."""
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
        until = self._clock.monotonic() + PAUSE
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
