"""Slack's payloads as the domain's arguments: who, which event, what a form says."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeVar
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.blocks.ids import BlockId, EventOption
from bot.blocks.mrkdwn import is_slack_id
from bot.features.account.member_sync import Member
from bot.slack.error_messages import Wrong
from bot.slack.errors import MalformedPayload
from bot.slack.payload_models import Text
from domain.errors import Invalid
from domain.inputs import EventDraft, MessageDraft, UserDraft, from_local
from domain.models import Event

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a button was pressed. `message_ts` is None where there is no message that stays."""

    channel_id: str | None
    message_ts: str | None
    is_view: bool
    is_home: bool
    is_card: bool
    """A message that everyone in a channel sees."""


def typed(command: Payload) -> str:
    """Return what was typed behind a command, as it was typed: Slack escapes it."""
    return html.unescape(command.get("text") or "").strip()


def user_id_of(body: Payload) -> str:
    """Return who acts: in a command, an action, a form or an event."""
    if "command" in body:
        return str(body["user_id"])
    return str(body["user"]["id"] if "user" in body else body["event"]["user"])


def changed_member(body: Payload) -> Member:
    """Return whom a `user_change` event is about, as Slack has them now."""
    user = body["event"]["user"]
    return Member(user["id"], user.get("name"), bool(user.get("deleted")))


def revokes_ours(body: Payload) -> bool:
    """Return whether a `tokens_revoked` event takes the bot's own token away, and not a member's."""
    return bool(body["event"]["tokens"].get("bot"))


def person(body: Payload) -> UserDraft:
    """Return who acts, with the name that the payload gives; no call to Slack is needed."""
    user = body.get("user")
    user_id = user_id_of(body)
    name = body.get("user_name")
    if isinstance(user, Mapping):
        name = user.get("name") or user.get("username")
    return UserDraft.of(user_id=user_id, name=name or user_id)


def workspaces_of(body: Payload) -> set[str]:
    """Return the workspaces that a request names as its own: where it comes from, and its person's."""
    team = body.get("team")
    user = body.get("user")
    named = {
        body.get("team_id"),
        team.get("id") if isinstance(team, Mapping) else team,
        user.get("team_id") if isinstance(user, Mapping) else None,
        (body.get("event") or {}).get("user_team"),
    }
    return {str(workspace) for workspace in named if workspace}


def source(body: Payload) -> Source:
    """Return where a button was pressed; nowhere, in a payload of another kind."""
    container = body["container"] if body.get("type") == "block_actions" else {}
    is_view = container.get("type") == "view"
    channel_id = container.get("channel_id")
    is_ephemeral = bool(container.get("is_ephemeral"))
    return Source(
        channel_id=channel_id,
        message_ts=container.get("message_ts"),
        is_view=is_view,
        is_home=is_view and body["view"]["type"] == "home",
        is_card=not is_view and not is_ephemeral and not str(channel_id or "D").startswith("D"),
    )


def value_of(action: Payload) -> str:
    """Return a button's value."""
    return str(action.get("value") or "")


class EventMetadata(BaseModel):
    """What the modals of an event carry in `private_metadata`, each its own."""

    model_config = ConfigDict(strict=True, defer_build=True)

    event_id: Text


class CardMetadata(EventMetadata):
    """`after` is the `ts` of the newest card when the form was opened."""

    after: Text


class PagedMetadata(EventMetadata):
    """`turned` are the cursors of the pages that led here."""

    turned: list[Text]


class EditMetadata(EventMetadata):
    """`shown` has the fingerprint of each field as the form showed it (`bot.features.event_form.changed_fields`)."""

    shown: dict[str, str]


class PersonMetadata(EventMetadata):
    """Whom the form is about."""

    user_id: Text


class MessageMetadata(EventMetadata):
    """`previewed` is the fingerprint of what stands above the form; empty at first."""

    request_id: Text
    previewed: str


class ManageMetadata(PagedMetadata):
    """`request_id` is that of an export that is asked for from here (R8.13)."""

    request_id: Text


class HomeMetadata(BaseModel):
    """Where the lists of App Home begin: how many of one's own come before, and two cursors."""

    model_config = ConfigDict(strict=True, defer_build=True)

    own: int = 0
    organized: Text | None = None
    coming: Text | None = None


class CapacityMetadata(EventMetadata):
    """The capacity that was previewed."""

    capacity: int


Metadata = TypeVar("Metadata", bound=BaseModel)


def metadata(view: Payload, kind: type[Metadata]) -> Metadata:
    """Return what a modal carries. Raises `MalformedPayload`."""
    try:
        return kind.model_validate_json(view.get("private_metadata") or "")
    except ValidationError:
        raise MalformedPayload("view.private_metadata") from None


def home_metadata(view: Payload) -> HomeMetadata:
    """Return where the lists of an App Home begin; one of an older form shows their beginnings.

    Raises `MalformedPayload`.
    """
    if not view.get("private_metadata"):
        return HomeMetadata()
    return metadata(view, HomeMetadata)


def home_place(action: Payload) -> int:
    """Return the value of `ActionId.HOME_OWN`: how many come before. Raises `MalformedPayload`."""
    text = value_of(action)
    if text == "first":
        return 0
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise MalformedPayload("actions.0.value")
    return int(text)


def shown_already(action: Payload) -> tuple[str, int]:
    """Return the value of `ActionId.MORE_REGISTRATIONS`: the status, and how many came before.

    Raises `MalformedPayload`.
    """
    found = _SHOWN.fullmatch(value_of(action))
    if found is None:
        raise MalformedPayload("actions.0.value")
    return found[1], int(found[2])


_SHOWN = re.compile(r"([a-z]*):([0-9]{1,6})")


def selected_event(view: Payload) -> str:
    """Return the event chosen in the picker; raises `Invalid`."""
    event_id = _option(_state(view, BlockId.EVENT))
    if event_id is None:
        raise Invalid(BlockId.EVENT, Wrong.NO_EVENT)
    return event_id


def capacity(view: Payload) -> int:
    """Return the capacity typed into a form; raises `Invalid`."""
    text = (_state(view, BlockId.CAPACITY).get("value") or "").strip()
    sign, digits = text[:1] == "-", text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise Invalid(BlockId.CAPACITY, Wrong.NO_WHOLE_NUMBER)
    return -int(digits) if sign else int(digits)


def event_values(view: Payload, event: Event) -> dict[str, Any]:
    """Return what the form that edits an event says, by the domain's names.

    Co-organizers whom the form can't show, for they are not in Slack, stay. Raises `Invalid` with
    the block that is wrong.
    """
    values = _event_values(view, event.organizer_id)
    unseen = [one for one in event.co_organizer_ids if not is_slack_id(one)]
    values["co_organizer_ids"] += unseen
    return values | {"listed": EventOption.LISTED in options(view)}


def _event_values(view: Payload, organizer_id: str) -> dict[str, Any]:
    """Return what the form of an event has, but for seats and lists, by the domain's names.

    Raises `Invalid` with the block that is wrong.
    """
    time_zone = _option(_state(view, BlockId.TIME_ZONE)) or ""
    if time_zone not in available_timezones():
        raise Invalid(BlockId.TIME_ZONE, Wrong.NO_TIME_ZONE)
    moments = {
        name: _moment(view, day, hour, time_zone)
        for name, day, hour in (
            ("starts_at", BlockId.START_DATE, BlockId.START_TIME),
            ("ends_at", BlockId.END_DATE, BlockId.END_TIME),
            ("registration_deadline", BlockId.DEADLINE_DATE, BlockId.DEADLINE_TIME),
        )
    }
    if moments["starts_at"] is None:
        raise Invalid(BlockId.START_DATE, Wrong.NO_DAY)
    organizers = _state(view, BlockId.CO_ORGANIZERS).get("selected_users") or []
    chosen = _state(view, BlockId.REMINDERS).get("selected_options") or []
    minutes = [str(option["value"]) for option in chosen]
    if not all(_MINUTES.fullmatch(text) for text in minutes):
        raise MalformedPayload("view.state.values.reminders")
    return {
        "title": _text(view, BlockId.TITLE),
        "description": _text(view, BlockId.DESCRIPTION),
        "location": _text(view, BlockId.LOCATION),
        "time_zone": time_zone,
        "co_organizer_ids": [user_id for user_id in organizers if user_id != organizer_id],
        "has_waitlist": EventOption.WAITLIST in options(view),
        "reminders": sorted(map(int, minutes), reverse=True),
        **moments,
    }


_MINUTES = re.compile(r"[0-9]{1,5}")


def event_draft(view: Payload, *, event_id: str, organizer_id: str, listed: bool) -> EventDraft:
    """Return the event that a form describes; raises `Invalid` with the block that is wrong."""
    return EventDraft.of(
        event_id=event_id,
        organizer_id=organizer_id,
        capacity=capacity(view),
        listed=listed,
        **_event_values(view, organizer_id),
    )


def person_chosen(action: Payload) -> str:
    """Return the member chosen in the select above the roster. Raises `MalformedPayload`."""
    user_id = action.get("selected_user")
    if not user_id:
        raise MalformedPayload("actions.0.selected_user")
    return str(user_id)


def reason(view: Payload) -> str:
    """Return the reason typed into a form; empty for none."""
    return _text(view, BlockId.REASON)


def message_draft(view: Payload) -> MessageDraft:
    """Return what an organizer has to say, and to whom; raises `Invalid`."""
    return MessageDraft.of(
        text=_text(view, BlockId.TEXT), audience=_option(_state(view, BlockId.AUDIENCE))
    )


def confirmation(view: Payload) -> str:
    """Return what was typed to confirm."""
    return _text(view, BlockId.CONFIRMATION)


def options(view: Payload) -> set[str]:
    """Return what is ticked in the form of an event."""
    chosen = _state(view, BlockId.OPTIONS).get("selected_options") or []
    return {str(option["value"]) for option in chosen}


def channel(view: Payload) -> str | None:
    """Return the channel that the card is to be posted in, if one was chosen."""
    return _state(view, BlockId.CHANNEL).get("selected_conversation")


def local_moment(field: str, day: str, hour: str, time_zone: str) -> datetime:
    """Return a local time in UTC; the hour that comes twice is the first (R8.7).

    Raises `Invalid` naming the field, for the hour that daylight saving skips as well.
    """
    try:
        local = datetime.combine(date.fromisoformat(day), time.fromisoformat(hour))
    except ValueError:
        raise Invalid(field, Wrong.NO_SUCH_MOMENT) from None
    return from_local(field, local, time_zone)


def _moment(view: Payload, day: BlockId, hour: BlockId, time_zone: str) -> datetime | None:
    date_given = _state(view, day).get("selected_date")
    time_given = _state(view, hour).get("selected_time")
    if not date_given and not time_given:
        return None
    if not date_given:
        raise Invalid(day, Wrong.DAY_MISSING)
    if not time_given:
        raise Invalid(hour, Wrong.TIME_MISSING)
    return local_moment(hour, date_given, time_given, time_zone)


def _state(view: Payload, block: BlockId) -> Mapping[str, Any]:
    """Return the state of a block's only input; Slack leaves out what was never touched."""
    values = (view.get("state") or {}).get("values") or {}
    inputs = values.get(block) or {}
    return next(iter(inputs.values()), {}) or {}


def _option(state: Mapping[str, Any]) -> str | None:
    option = state.get("selected_option")
    return str(option["value"]) if option else None


def _text(view: Payload, block: BlockId) -> str:
    return str(_state(view, block).get("value") or "")
