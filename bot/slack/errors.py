"""What Slack's side refuses besides the domain; the sentences for both are in `bot.slack.error_messages`."""

from __future__ import annotations

from domain.errors import RollcallError


class OtherWorkspace(RollcallError):
    """The request comes from a workspace that this process does not serve (R10.2)."""


class MalformedPayload(RollcallError):
    """A payload is not as Slack sends it, or holds what Rollcall never put there; `where` is for the log."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class NotInUse(RollcallError):
    """Something was used that Rollcall does not know (any more)."""


class RefreshFailed(RollcallError):
    """What was asked for is done; what lies open could not be brought up to date with it (R8.12)."""
