"""Refusals that come from the boundary with Slack; `bot.slack.error_messages` has the sentences for them."""

from __future__ import annotations

from domain.errors import RollcallError


class OtherWorkspace(RollcallError):
    """The request comes from a workspace that this process does not serve (R10.2)."""


class MembershipUnknown(RollcallError):
    """Slack could not say whether a member of another workspace belongs to the same organization (R10.2)."""


class MalformedPayload(RollcallError):
    """The payload is not as Slack sends it, or holds what Rollcall never wrote; `where` is for the log."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class NotInUse(RollcallError):
    """The request uses something that Rollcall does not know, or no longer knows."""


class GuestRefused(RollcallError):
    """A guest of the workspace asked for what shows all of its events (R8.17)."""


class GuestStatusUnknown(RollcallError):
    """Slack did not say whether the member is a guest."""


class SuccessorRefused(RollcallError):
    """The person chosen can't organize events: an app, a guest, a stranger, or someone who is leaving (R2.9)."""

    def __init__(self, user_id: str) -> None:
        super().__init__(user_id)
        self.user_id = user_id


class RefreshFailed(RollcallError):
    """The change was made, but the open view could not be updated to show it (R8.12)."""


class NoUseOnceOver(RollcallError):
    """An organizer asked for what has no effect anymore, because the event is over (R8.8)."""


class NotForSeries(RollcallError):
    """What was asked for is possible for one event of a series at a time, not for the series (R13)."""


class SlackBusy(RollcallError):
    """Slack did not open or update a view in time, or limits the app. Nothing was changed (R8.12).

    `reason` is for the log.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
