"""The common parts of Slack's payloads: strict text, ids, and the workspace that a request is for."""

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
    """A request from Slack, with the workspace that it is for (R10.2)."""

    team: _Team | Text | None = None
    team_id: Text | None = None

    @property
    def workspace_ids(self) -> set[str]:
        """Return the workspaces that the request is for. More than one, or none, is no workspace of ours."""
        return workspaces_in(self.team_id, self._team_id)

    @property
    def member_team_ids(self) -> set[str]:
        """Return the workspaces and organizations that the request names as the acting member's."""
        return set()

    @property
    def _team_id(self) -> str | None:
        return self.team.id if isinstance(self.team, _Team) else self.team


def workspaces_in(*team_ids: str | None) -> set[str]:
    """Return the ids of workspaces among these; an organization's id is not a workspace's."""
    return {team_id for team_id in team_ids if team_id and not is_organization(team_id)}


def is_organization(team_id: str) -> bool:
    """Return whether Slack's id is that of an Enterprise organization."""
    return team_id.startswith("E")
