"""The common parts of Slack's payloads: strict text, ids, and the workspaces that a request names."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints


def _require_unicode(text: str) -> str:
    """Refuse half of a surrogate pair: JSON can spell it, and no store can keep it."""
    text.encode()
    return text


def _forbid(_: object) -> None:
    """Refuse a key that must not be there, even with null: Bolt only checks whether the key exists."""
    raise ValueError("must not be there")


Text = Annotated[str, AfterValidator(_require_unicode)]
Absent = Annotated[None, BeforeValidator(_forbid)]
"""A key that the payload must not have."""

NonEmpty = Annotated[str, StringConstraints(min_length=1)]
ConversationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,64}$")]


class PayloadPart(BaseModel):
    """A part of a payload, with the fields that Rollcall reads."""

    model_config = ConfigDict(strict=True, extra="ignore", defer_build=True)


class _Team(PayloadPart):
    id: Text | None = None


class SlackRequest(PayloadPart):
    """A request from Slack, with the workspaces that it names."""

    team: _Team | Text | None = None
    team_id: Text | None = None

    @property
    def workspace_ids(self) -> set[str]:
        """Return every workspace that the request names: its own and its member's."""
        return {named for named in self._workspaces() if named}

    def _workspaces(self) -> tuple[str | None, ...]:
        return self.team_id, self.team.id if isinstance(self.team, _Team) else self.team
