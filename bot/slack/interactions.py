"""Slack's payloads as models: parsed once by the middleware, then handed to the listeners.

Bolt reads payloads before any listener does, and again when a listener fails. If Bolt fails on one, the person gets
no reply. The models therefore check everything that Bolt and the listeners rely on.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from bot.blocks.ids import BlockId
from bot.slack.error_messages import FieldProblem
from bot.slack.errors import MalformedPayload, NotInUse
from bot.slack.member_directory import Member
from domain.errors import Invalid
from domain.inputs import Identifier, UserDraft


def _require_unicode(text: str) -> str:
    """Refuse half of a surrogate pair: JSON can spell it, and no store can keep it."""
    text.encode()
    return text


def _forbid(_: object) -> None:
    """Refuse a key that must not be there, even with null: Bolt only checks whether the key exists."""
    raise ValueError("must not be there")


def _null_as_empty(text: object) -> object:
    return "" if text is None else text


def _as_typed(text: str) -> str:
    """Undo Slack's escaping of what was typed after a command."""
    return html.unescape(text).strip()


Text = Annotated[str, AfterValidator(_require_unicode)]
_Absent = Annotated[None, BeforeValidator(_forbid)]
_Filled = Annotated[str, StringConstraints(min_length=1)]
_ConversationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,64}$")]
_MessageTs = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}\.[0-9]{6}$")]
_URL = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[!-~]*"
_Url = Annotated[str, StringConstraints(pattern=rf"^{_URL}$")]


@dataclass(frozen=True, slots=True)
class CardLocation:
    """The message that shows an event's card."""

    channel_id: str
    message_ts: str


class _Part(BaseModel):
    """A part of a payload, with the fields that Rollcall reads."""

    model_config = ConfigDict(strict=True, extra="ignore", defer_build=True)


# Views and their inputs


class Option(_Part):
    """An option of a select or of checkboxes."""

    value: Text


class InputState(_Part):
    """The value of one input of a form."""

    value: Text | None = None
    selected_option: Option | None = None
    selected_options: list[Option] | None = None
    selected_users: list[Text] | None = None
    selected_conversation: _ConversationId | None = None
    selected_date: Text | None = None
    selected_time: Text | None = None


class ViewState(_Part):
    """The values of a form's inputs, by block id and action id."""

    values: dict[Text, dict[Text, InputState | None] | None] | None = None


class ViewBlock(_Part):
    """A block of a view."""

    block_id: Text | None = None


class ViewTitle(_Part):
    """The title of a modal."""

    text: Text | None = None


class View(_Part):
    """A modal or an App Home, as its person saw it."""

    id: _Filled
    type: Literal["modal", "home"]
    callback_id: Text
    private_metadata: Text = ""
    root_view_id: Text | None = None
    previous_view_id: Text | None = None
    title: ViewTitle | None = None
    blocks: list[ViewBlock] = []
    state: ViewState | None = None

    @property
    def is_home(self) -> bool:
        """Return whether it is an App Home."""
        return self.type == "home"

    @property
    def view_below(self) -> str | None:
        """Return the id of the first modal of the stack, if this one lies over it."""
        return self.root_view_id if self.root_view_id not in ("", self.id) else None

    @property
    def is_third(self) -> bool:
        """Return whether it is the third modal of a stack; Slack allows no fourth."""
        return self.previous_view_id not in (None, self.root_view_id)

    def input(self, block: BlockId) -> InputState:
        """Return what a block's only input holds. Slack leaves out inputs that were never touched."""
        values = self.state.values if self.state else None
        inputs = (values or {}).get(block) or {}
        return next(iter(inputs.values()), None) or InputState()

    def text(self, block: BlockId) -> str:
        """Return the text typed into a block's input; empty if there is none."""
        return self.input(block).value or ""

    def selected(self, block: BlockId) -> str | None:
        """Return the value of the option selected in a block's input."""
        option = self.input(block).selected_option
        return option.value if option else None

    def checked(self, block: BlockId) -> list[str]:
        """Return the values of the options checked in a block's input."""
        return [option.value for option in self.input(block).selected_options or ()]

    def whole_number(self, block: BlockId) -> int:
        """Return the whole number typed into a block's input. Raises `Invalid`."""
        text = self.text(block).strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
            raise Invalid(block, FieldProblem.NO_WHOLE_NUMBER)
        return int(text)


# Requests


class _Team(_Part):
    id: Text | None = None


class _Request(_Part):
    team: _Team | Text | None = None
    team_id: Text | None = None

    @property
    def workspace_ids(self) -> set[str]:
        """Return every workspace that the request names: its own and its person's."""
        return {named for named in self._workspaces() if named}

    def _workspaces(self) -> tuple[str | None, ...]:
        return self.team_id, self.team.id if isinstance(self.team, _Team) else self.team


class SlashCommand(_Request):
    """A slash command."""

    type: _Absent = None
    event: _Absent = None
    user: _Absent = None
    command: Text
    user_id: Identifier
    user_name: Text | None = None
    text: Annotated[Text, BeforeValidator(_null_as_empty), AfterValidator(_as_typed)] = ""
    trigger_id: _Filled
    response_url: Text | None = None

    @property
    def user_draft(self) -> UserDraft:
        """Return the person, named as in the payload; this needs no call to Slack. Raises `Invalid`."""
        return UserDraft.of(user_id=self.user_id, name=self.user_name or self.user_id)


class _User(_Part):
    id: Identifier
    name: Text | None = None
    username: Text | None = None
    team_id: Text | None = None


class _Interaction(_Request):
    event: _Absent = None
    user: _User

    @property
    def user_id(self) -> str:
        """Return the id of the person who acts."""
        return self.user.id

    @property
    def user_draft(self) -> UserDraft:
        """Return the person, named as in the payload; this needs no call to Slack. Raises `Invalid`."""
        user = self.user
        return UserDraft.of(user_id=user.id, name=user.name or user.username or user.id)

    def _workspaces(self) -> tuple[str | None, ...]:
        return *super()._workspaces(), self.user.team_id


class Action(_Part):
    """The button that was pressed, or the select that was used."""

    action_id: Text
    selected_user: Identifier | None = None
    block_id: Text | None = None
    value: Text | None = None


class BlockAction(_Interaction):
    """A press of a button, or a choice in a select outside a form's inputs."""

    actions: Annotated[list[Action], Field(min_length=1)]
    trigger_id: _Filled

    @property
    def value(self) -> str:
        """Return the button's value; empty if it has none."""
        return self.actions[0].value or ""

    @property
    def selected_user_id(self) -> str:
        """Return the member selected. Raises `MalformedPayload`."""
        user_id = self.actions[0].selected_user
        if not user_id:
            raise MalformedPayload("actions.0.selected_user")
        return user_id

    @property
    def surface(self) -> View | None:
        """Return the modal or App Home it was pressed in; None for a message."""
        return None

    @property
    def modal(self) -> View:
        """Return the modal or App Home it was pressed in. Raises `MalformedPayload` for a message."""
        if self.surface is None:
            raise MalformedPayload("view")
        return self.surface

    @property
    def card(self) -> CardLocation | None:
        """Return the message it was pressed on, if everyone in a channel sees it."""
        return None


class _MessageContainer(_Part):
    type: Literal["message", "message_attachment"]
    channel_id: _ConversationId
    message_ts: _MessageTs
    is_ephemeral: bool | None = None


class MessageAction(BlockAction):
    """A press on a message."""

    container: _MessageContainer
    response_url: _Url

    @property
    def card(self) -> CardLocation | None:
        """Return the message it was pressed on, if everyone in a channel sees it."""
        place = self.container
        if place.is_ephemeral or place.channel_id.startswith("D"):
            return None
        return CardLocation(place.channel_id, place.message_ts)


class _ViewContainer(_Part):
    type: Literal["view"]


class ViewAction(BlockAction):
    """A press in a modal or App Home."""

    container: _ViewContainer
    view: View

    @property
    def surface(self) -> View:
        """Return the modal or App Home it was pressed in."""
        return self.view


class ViewSubmission(_Interaction):
    """A form that was submitted."""

    view: View


class ViewClosed(_Interaction):
    """A modal that was closed."""

    view: View


class OptionsRequest(_Interaction):
    """A request for the options of a select, sent while a person types in it."""

    action_id: Text
    block_id: Text | None = None
    value: Text | None = None
    view: View | None = None


# Events


class _Event(_Part):
    type: Text
    user_team: Text | None = None


class SlackEvent(_Request):
    """An event of Slack's Events API."""

    event: _Event
    user: _Absent = None

    def _workspaces(self) -> tuple[str | None, ...]:
        return *super()._workspaces(), self.event.user_team


class _AppHomeOpened(_Event):
    user: Identifier


class AppHomeOpened(SlackEvent):
    """A member opened App Home."""

    event: _AppHomeOpened

    @property
    def user_id(self) -> str:
        """Return the id of the person who opened it."""
        return self.event.user


class _ChangedUser(_Part):
    id: Identifier
    name: Text | None = None
    deleted: bool = False


class _UserChange(_Event):
    user: _ChangedUser


class UserChange(SlackEvent):
    """A member's profile or status changed."""

    event: _UserChange

    @property
    def member(self) -> Member:
        """Return the member as Slack has them now."""
        user = self.event.user
        return Member(user.id, user.name, user.deleted)


class _RevokedTokens(_Part):
    bot: list[Text] = []


class _TokensRevoked(_Event):
    tokens: _RevokedTokens


class TokensRevoked(SlackEvent):
    """Tokens of the app were revoked."""

    event: _TokensRevoked

    @property
    def is_about_bot(self) -> bool:
        """Return whether the bot's own token was revoked, and not a member's."""
        return bool(self.event.tokens.bot)


MemberRequest: TypeAlias = SlashCommand | BlockAction | ViewSubmission | ViewClosed | OptionsRequest
"""Requests that a person makes; events come from Slack itself."""

Interaction: TypeAlias = MemberRequest | SlackEvent

_EVENTS: Mapping[str, type[SlackEvent]] = {
    "app_home_opened": AppHomeOpened,
    "user_change": UserChange,
    "tokens_revoked": TokensRevoked,
}
"""The models of events from which more than the type is read."""


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
            return _EVENTS.get(kind, SlackEvent) if isinstance(kind, str) else SlackEvent
    raise NotInUse


def _type_in(body: Mapping[str, Any], key: str) -> object:
    part = body.get(key)
    return part.get("type") if isinstance(part, Mapping) else None


def has_response_url(body: Mapping[str, Any]) -> bool:
    """Return whether a payload can be answered at its response URL, whatever else it says."""
    url = body.get("response_url")
    return isinstance(url, str) and re.fullmatch(_URL, url) is not None
