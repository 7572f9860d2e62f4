"""What follows from an error of Slack's Web API (see the design on delivery)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from slack_sdk.errors import SlackApiError

from domain.ports import Clock

_logger = logging.getLogger(__name__)

PAUSE = timedelta(minutes=1)
"""How long Slack is left alone after an error that is ours to mend."""


class Blame(Enum):
    """Whose fault it is decides what is done."""

    OURS = auto()
    """Stop, raise the alarm, keep everything."""
    RECIPIENT = auto()
    """For good: this person can't be reached."""
    LATER = auto()
    """It passes: try again."""
    RATE = auto()
    """Too much at once: try again when Slack says."""
    BUG = auto()
    """Skip it, and raise the alarm."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whose fault, Slack's own word for it, and in how many seconds to try again."""

    blame: Blame
    reason: str
    retry_after: float = 0.0


_OURS = {
    "account_inactive",
    "invalid_auth",
    "messages_tab_disabled",
    "missing_scope",
    "not_authed",
    "token_expired",
    "token_revoked",
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
    "message_not_found",
}
_LATER = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}


def judge(error: Exception) -> Verdict:
    """Return what follows from an error that a call to Slack raised."""
    if not isinstance(error, SlackApiError):
        # Closed connections, time-outs, names that don't resolve: urllib's and the socket's own.
        return Verdict(Blame.LATER, type(error).__name__)
    response = error.response
    reason = str(response.get("error") or "")
    status = getattr(response, "status_code", None) or response.get("status") or 200
    if reason in ("ratelimited", "rate_limited") or status == 429:
        headers = getattr(response, "headers", None) or response.get("headers") or {}
        after = next((v for k, v in headers.items() if k.lower() == "retry-after"), "30")
        after = after[0] if isinstance(after, list) else after
        return Verdict(Blame.RATE, "ratelimited", float(after))
    if int(status) >= 500 or reason in _LATER:
        return Verdict(Blame.LATER, reason or f"status {status}")
    if reason in _OURS:
        return Verdict(Blame.OURS, reason)
    return Verdict(Blame.RECIPIENT if reason in _RECIPIENT else Blame.BUG, reason)


class Standing:
    """Whether Slack takes anything from us at all, for all who call it: the alarm is raised once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._has_alarmed = False
        self.refused_until = clock.now()
        """Before this moment nothing is sent."""

    def refused(self, reason: str) -> None:
        """Stop everything for a while: the app's own account or rights are to be mended."""
        if not self._has_alarmed:
            _logger.critical("Slack refuses us: %s; all is kept, and nothing sent", reason)
        self._has_alarmed = True
        self.refused_until = self._clock.now() + PAUSE

    def accepted(self) -> None:
        """Slack took something: the next refusal is a new one."""
        self._has_alarmed = False
