"""What a payload must look like before anything is read from it. Slack's own always do.

Bolt reads payloads before any listener does, and when it tells of a failure; where it stumbles, nobody is
answered. So what passes here has the shape that Bolt and `interactions` rely on, and what does not is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.middleware import Middleware
from slack_bolt.request.internals import build_context

from bot.slack.errors import MalformedPayload, NotInUse
from domain.inputs import Identifier


def _unicode(text: str) -> str:
    """Refuse half of a surrogate pair, which JSON can spell and no store can keep."""
    text.encode()
    return text


def _refused(_: object) -> None:
    """Refuse what has no place here, null included: Bolt goes by whether a key is there."""
    raise ValueError("must not be there")


Text = Annotated[str, AfterValidator(_unicode)]
_Absent = Annotated[None, BeforeValidator(_refused)]
_Filled = Annotated[str, StringConstraints(min_length=1)]
_Conversation = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,64}$")]
_Ts = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}\.[0-9]{6}$")]
_URL = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[!-~]*"
_Url = Annotated[str, StringConstraints(pattern=rf"^{_URL}$")]


class _Shape(BaseModel):
    """A part of a payload: what is read of it, each of its type; text is Unicode, with no half of a pair."""

    model_config = ConfigDict(strict=True, extra="ignore", defer_build=True)


class _Team(_Shape):
    id: Text | None = None


class _Named(_Shape):
    """A person, as interactions name them."""

    id: Identifier
    name: Text | None = None
    username: Text | None = None
    team_id: Text | None = None


class _Option(_Shape):
    value: Text


class _Held(_Shape):
    """What an input holds."""

    value: Text | None = None
    selected_option: _Option | None = None
    selected_options: list[_Option] | None = None
    selected_users: list[Text] | None = None
    selected_conversation: _Conversation | None = None
    selected_date: Text | None = None
    selected_time: Text | None = None


class _State(_Shape):
    values: dict[Text, dict[Text, _Held | None] | None] | None = None


class _Block(_Shape):
    block_id: Text | None = None


class _Title(_Shape):
    text: Text | None = None


class _View(_Shape):
    id: _Filled
    type: Literal["modal", "home"]
    callback_id: Text
    private_metadata: Text = ""
    root_view_id: Text | None = None
    title: _Title | None = None
    blocks: list[_Block] = []
    state: _State | None = None


class _Action(_Shape):
    action_id: Text
    selected_user: Identifier | None = None
    block_id: Text | None = None
    value: Text | None = None


class _Anything(_Shape):
    """Where it comes from: the workspaces that are named are text."""

    team: _Team | Text | None = None
    team_id: Text | None = None


class _Command(_Anything):
    type: _Absent = None
    event: _Absent = None
    user: _Absent = None
    command: Text
    user_id: Identifier
    user_name: Text | None = None
    text: Text | None = None
    trigger_id: _Filled


class _Interaction(_Anything):
    event: _Absent = None
    user: _Named


class _OnMessage(_Shape):
    type: Literal["message", "message_attachment"]
    channel_id: _Conversation
    message_ts: _Ts
    is_ephemeral: bool | None = None


class _OnView(_Shape):
    type: Literal["view"]


class _Press(_Interaction):
    actions: Annotated[list[_Action], Field(min_length=1)]
    trigger_id: _Filled


class _PressOnMessage(_Press):
    container: _OnMessage
    response_url: _Url


class _PressOnView(_Press):
    container: _OnView
    view: _View


class _Submission(_Interaction):
    view: _View


class _Suggestion(_Interaction):
    action_id: Text
    block_id: Text | None = None
    value: Text | None = None
    view: _View | None = None


class _Event(_Shape):
    type: Text
    user_team: Text | None = None


class _OpenedHome(_Event):
    user: Identifier


class _ChangedUser(_Shape):
    id: Identifier
    name: Text | None = None
    deleted: bool = False


class _UserChange(_Event):
    user: _ChangedUser


class _RevokedTokens(_Shape):
    bot: list[Text] = []


class _TokensRevoked(_Event):
    tokens: _RevokedTokens


class _Envelope(_Anything):
    event: _Event
    user: _Absent = None


class _HomeEnvelope(_Envelope):
    event: _OpenedHome


class _UserChangeEnvelope(_Envelope):
    event: _UserChange


class _TokensEnvelope(_Envelope):
    event: _TokensRevoked


_ENVELOPES: Mapping[object, type[_Envelope]] = {
    "app_home_opened": _HomeEnvelope,
    "user_change": _UserChangeEnvelope,
    "tokens_revoked": _TokensEnvelope,
}
"""By the type of the event, where something is read from it."""


def shape_of(body: Mapping[str, Any]) -> type[BaseModel]:
    """Return what a payload must look like. Raises `NotInUse` for a kind that the app never asked for."""
    if "command" in body:
        return _Command
    match body.get("type"):
        case "block_actions":
            container = body.get("container")
            on_view = isinstance(container, Mapping) and container.get("type") == "view"
            return _PressOnView if on_view else _PressOnMessage
        case "view_submission" | "view_closed":
            return _Submission
        case "block_suggestion":
            return _Suggestion
        case "event_callback":
            event = body.get("event")
            kind = event.get("type") if isinstance(event, Mapping) else None
            return _ENVELOPES.get(kind, _Envelope) if isinstance(kind, str) else _Envelope
    raise NotInUse


def check_shape(body: Mapping[str, Any]) -> None:
    """Raise `MalformedPayload` unless Slack could have sent this, `NotInUse` if the app does not take its kind."""
    shape = shape_of(body)
    try:
        shape.model_validate(body)
    except ValidationError as error:
        where = error.errors(include_url=False, include_input=False)[0]
        raise MalformedPayload(".".join(str(part) for part in where["loc"])) from None


def response_url(body: Mapping[str, Any]) -> str | None:
    """Return where a press can be answered, whatever else a payload says; None if there is no such place."""
    url = body.get("response_url")
    return url if isinstance(url, str) and re.fullmatch(_URL, url) else None


def read_again(request: BoltRequest) -> None:
    """Read a command that Bolt did not.

    It takes the word "payload" in any field, be it an event's title or a channel's name, for an interaction's.
    """
    if not request.body and request.raw_body:
        request.body = dict(parse_qsl(request.raw_body, keep_blank_values=True))
        build_context(request.context, request.body)


class WellFormed(Middleware):
    """Has `refuse` answer what is not, before Bolt reads it; the signature is checked by then."""

    def __init__(self, refuse: Callable[[Exception, BoltRequest], BoltResponse]) -> None:
        self._refuse = refuse

    def process(
        self,
        *,
        req: BoltRequest,
        resp: BoltResponse,  # noqa: ARG002  # Bolt's names
        next: Callable[[], BoltResponse],
    ) -> BoltResponse:
        """Pass on what has the shape of a payload of Slack's."""
        read_again(req)
        if req.body.get("type") == "url_verification":
            return next()
        try:
            check_shape(req.body)
        except (MalformedPayload, NotInUse) as error:
            return self._refuse(error, req)
        return next()
