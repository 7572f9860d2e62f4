"""Models of commands and interactions, and `parse`, which turns every payload into its model.

The middleware parses each payload once and hands the model to the listeners.

Bolt reads payloads before any listener does, and again when a listener fails. If Bolt fails on one, the person gets
no reply. The models therefore check everything that Bolt and the listeners rely on.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError

from bot.blocks.ids import ActionId
from bot.slack.event_payloads import EVENT_MODELS, SlackEvent
from bot.slack.payload_models import (
    Absent,
    ConversationId,
    NonEmpty,
    PayloadPart,
    SlackRequest,
    Text,
    workspaces_in,
)
from bot.slack.refusals import MalformedPayload, NotInUse
from bot.slack.view_payloads import ViewPayload
from domain.inputs import Identifier, UserDraft


def _null_as_empty(text: object) -> object:
    return "" if text is None else text


def _as_typed(text: str) -> str:
    """Undo Slack's escaping of what was typed after a command."""
    return html.unescape(text).strip()


_MessageTs = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}\.[0-9]{6}$")]
_URL = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[!-~]*"
_Url = Annotated[str, StringConstraints(pattern=rf"^{_URL}$")]


@dataclass(frozen=True, slots=True)
class CardLocation:
    """The message that shows an event's card."""

    channel_id: str
    message_ts: str


class SlashCommand(SlackRequest):
    """A slash command."""

    type: Absent = None
    event: Absent = None
    user: Absent = None
    command: Text
    user_id: Identifier
    text: Annotated[Text, BeforeValidator(_null_as_empty), AfterValidator(_as_typed)] = ""
    trigger_id: NonEmpty
    response_url: Text | None = None

    @property
    def user_draft(self) -> UserDraft:
        """Return the person without a name: the payload has only the login handle (R1.6)."""
        return UserDraft.unnamed(self.user_id)


class _User(PayloadPart):
    id: Identifier
    team_id: Text | None = None


class _Interaction(SlackRequest):
    event: Absent = None
    user: _User

    @property
    def surface(self) -> ViewPayload | None:
        """Return the modal or App Home it came from; None for a message."""
        return None

    @property
    def workspace_ids(self) -> set[str]:
        """Return the workspace of the installation that showed the view, or else the one that the request names.

        In a channel that workspaces share, `team` can be the member's own. For an installation in a whole
        organization it can be null; then the view's or the member's workspace counts.
        """
        view = self.surface
        shown_by = workspaces_in(view.app_installed_team_id) if view else set()
        named = shown_by or super().workspace_ids
        return (
            named
            or workspaces_in(view.team_id if view else None)
            or workspaces_in(self.user.team_id)
        )

    @property
    def member_team_ids(self) -> set[str]:
        """Return what the request names as the acting member's workspace or organization."""
        return super().workspace_ids | ({self.user.team_id} if self.user.team_id else set())

    @property
    def user_id(self) -> str:
        """Return the id of the person who acts."""
        return self.user.id

    @property
    def user_draft(self) -> UserDraft:
        """Return the person without a name: the payload has only the login handle (R1.6)."""
        return UserDraft.unnamed(self.user_id)


class _Choice(PayloadPart):
    selected_user: Identifier | None = None


class _MessageState(PayloadPart):
    values: dict[Text, dict[Text, _Choice | None] | None] | None = None


class Action(PayloadPart):
    """The button that was pressed, or the select that was used."""

    action_id: Text
    selected_user: Identifier | None = None
    block_id: Text | None = None
    value: Text | None = None


class BlockAction(_Interaction):
    """A press of a button, or a choice in a select outside a form's inputs."""

    actions: Annotated[list[Action], Field(min_length=1)]
    trigger_id: NonEmpty

    @property
    def value(self) -> str:
        """Return the button's value; empty if it has none."""
        return self.actions[0].value or ""

    @property
    def selected_user_id(self) -> str | None:
        """Return the member selected; None if the select was cleared."""
        return self.actions[0].selected_user

    @property
    def modal(self) -> ViewPayload:
        """Return the modal or App Home it was pressed in. Raises `MalformedPayload` for a message."""
        if self.surface is None:
            raise MalformedPayload("view")
        return self.surface

    def user_chosen_in(self, action_id: ActionId) -> str | None:  # noqa: ARG002  # a message has some
        """Return the member that a select of the same message shows; None if there is no such select."""
        return None

    @property
    def card(self) -> CardLocation | None:
        """Return the message it was pressed on, if everyone in a channel sees it."""
        return None

    @property
    def is_in_direct_message(self) -> bool:
        """Whether it was pressed on a direct message of Rollcall."""
        return False


class _MessageContainer(PayloadPart):
    type: Literal["message", "message_attachment"]
    channel_id: ConversationId
    message_ts: _MessageTs
    is_ephemeral: bool | None = None


class MessageAction(BlockAction):
    """A press on a message."""

    container: _MessageContainer
    response_url: _Url
    state: _MessageState | None = None

    @property
    def card(self) -> CardLocation | None:
        """Return the message it was pressed on, if everyone in a channel sees it."""
        container = self.container
        if container.is_ephemeral or container.channel_id.startswith("D"):
            return None
        return CardLocation(container.channel_id, container.message_ts)

    @property
    def is_in_direct_message(self) -> bool:
        """Whether it was pressed on a direct message of Rollcall.

        A message that only one person sees does not count: it may be in a conversation of two members.
        """
        return self.container.channel_id.startswith("D") and not self.container.is_ephemeral

    def user_chosen_in(self, action_id: ActionId) -> str | None:
        """Return the member that a select of the same message shows; None if there is no such select."""
        values = self.state.values if self.state else None
        choices = ((inputs or {}).get(action_id) for inputs in (values or {}).values())
        return next((choice.selected_user for choice in choices if choice), None)


class _ViewContainer(PayloadPart):
    type: Literal["view"]


class ViewAction(BlockAction):
    """A press in a modal or App Home."""

    container: _ViewContainer
    view: ViewPayload

    @property
    def surface(self) -> ViewPayload:
        """Return the modal or App Home it was pressed in."""
        return self.view


class ViewSubmission(_Interaction):
    """A form that was submitted."""

    view: ViewPayload

    @property
    def surface(self) -> ViewPayload:
        """Return the form."""
        return self.view


class ViewClosed(_Interaction):
    """A modal that was closed."""

    view: ViewPayload

    @property
    def surface(self) -> ViewPayload:
        """Return the modal."""
        return self.view


class OptionsRequest(_Interaction):
    """A request for the options of a select, sent while a person types in it."""

    action_id: Text
    block_id: Text | None = None
    value: Text | None = None
    view: ViewPayload | None = None

    @property
    def surface(self) -> ViewPayload | None:
        """Return the modal or App Home with the select; None for a message."""
        return self.view


MemberRequest: TypeAlias = SlashCommand | BlockAction | ViewSubmission | ViewClosed | OptionsRequest
"""Requests that a person makes; events come from Slack itself."""

Interaction: TypeAlias = MemberRequest | SlackEvent


def parse(body: Mapping[str, Any]) -> Interaction:
    """Return the model of a payload.

    Raises `MalformedPayload` unless Slack could have sent it, and `NotInUse` for a kind that Rollcall does not take.
    """
    try:
        return _model_for(body).model_validate(body)
    except ValidationError as error:
        where = error.errors(include_url=False, include_input=False)[0]
        raise MalformedPayload(".".join(str(part) for part in where["loc"])) from None


def _model_for(
    body: Mapping[str, Any],
) -> type[
    SlashCommand
    | MessageAction
    | ViewAction
    | ViewSubmission
    | ViewClosed
    | OptionsRequest
    | SlackEvent
]:
    if "command" in body:
        return SlashCommand
    match body.get("type"):
        case "block_actions":
            return ViewAction if _type_in(body, "container") == "view" else MessageAction
        case "view_submission":
            return ViewSubmission
        case "view_closed":
            return ViewClosed
        case "block_suggestion":
            return OptionsRequest
        case "event_callback":
            kind = _type_in(body, "event")
            return EVENT_MODELS.get(kind, SlackEvent) if isinstance(kind, str) else SlackEvent
    raise NotInUse


def _type_in(body: Mapping[str, Any], key: str) -> object:
    part = body.get(key)
    return part.get("type") if isinstance(part, Mapping) else None


def has_response_url(body: Mapping[str, Any]) -> bool:
    """Return whether a payload can be answered at its response URL, whatever else it says."""
    url = body.get("response_url")
    return isinstance(url, str) and re.fullmatch(_URL, url) is not None
