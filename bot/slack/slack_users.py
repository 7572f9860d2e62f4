"""A user object of Slack's, as `users.info`, `users.list` and the `user_change` event have it."""

from __future__ import annotations

from pydantic import Field

from bot.slack.payload_models import PayloadPart, Text
from domain.inputs import Identifier


class _Profile(PayloadPart):
    display_name: Text | None = None
    real_name: Text | None = None


class SlackUser(PayloadPart):
    """A member as Slack has them now."""

    id: Identifier
    deleted: bool | None = None
    real_name: Text | None = None
    profile: _Profile | None = Field(default_factory=_Profile)
    is_restricted: bool | None = None
    is_ultra_restricted: bool | None = None

    @property
    def name(self) -> str:
        """Return the name that people see in Slack (R1.6), empty if there is none. Never the login handle."""
        profile = self.profile or _Profile()
        names = (profile.display_name, profile.real_name, self.real_name)
        return next((name.strip() for name in names if name and name.strip()), "")

    @property
    def is_deactivated(self) -> bool:
        """Return whether the account was deactivated."""
        return bool(self.deleted)

    @property
    def is_guest(self) -> bool:
        """Return whether the member is a guest, who sees only some channels."""
        return bool(self.is_restricted or self.is_ultra_restricted)
