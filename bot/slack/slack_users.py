"""A user object of Slack's, as `users.info`, `users.list` and the `user_change` event have it."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from bot.slack.payload_models import PayloadPart
from domain.inputs import Identifier, is_visible

_logger = logging.getLogger(__name__)


def _readable(name: Any) -> str | None:
    """Return a name without halves of surrogate pairs: a name must not keep a deactivation from being seen."""
    return name.encode(errors="replace").decode() if isinstance(name, str) else None


_Name = Annotated[str | None, BeforeValidator(_readable)]


class _Profile(PayloadPart):
    display_name: _Name = None
    real_name: _Name = None


class SlackUser(PayloadPart):
    """A member as Slack has them now."""

    id: Identifier
    deleted: bool | None = None
    real_name: _Name = None
    profile: _Profile | None = Field(default_factory=_Profile)
    is_restricted: bool | None = None
    is_ultra_restricted: bool | None = None

    @property
    def name(self) -> str:
        """Return the name that people see in Slack (R1.6), empty if there is none. Never the login handle."""
        profile = self.profile or _Profile()
        names = (profile.display_name, profile.real_name, self.real_name)
        return next((name.strip() for name in names if name and is_visible(name)), "")

    @property
    def is_deactivated(self) -> bool:
        """Return whether the account was deactivated."""
        return bool(self.deleted)

    @property
    def is_guest(self) -> bool:
        """Return whether the member is a guest, who sees only some channels."""
        return bool(self.is_restricted or self.is_ultra_restricted)


def read_user(user: Any) -> SlackUser | None:
    """Return a user object of the Web API; log one that is not as Slack documents it, and return None."""
    try:
        return SlackUser.model_validate(user)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        _logger.warning("a user object of Slack's can't be read: %s", where)
        return None
