"""Text: what people typed, made harmless; times in each reader's own zone; numbers as people say them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ContextBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.blocks.builders import as_json


@dataclass(frozen=True)
class Message:
    """A message: `text` is what notifications and screen readers get, in mrkdwn."""

    text: str
    blocks: Sequence[Block]

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments of `chat.postMessage`, `respond` and their like."""
        return {"text": self.text, "blocks": [as_json(block) for block in self.blocks]}


class Timed(Protocol):
    """An event, or what a message keeps of one."""

    @property
    def title(self) -> str:
        """The title as typed."""
        ...

    @property
    def starts_at(self) -> datetime:
        """The start, in UTC."""
        ...

    @property
    def ends_at(self) -> datetime | None:
        """The end, in UTC."""
        ...

    @property
    def time_zone(self) -> str:
        """The event's own time zone."""
        ...

    @property
    def location(self) -> str:
        """The place as typed."""
        ...


LISTED = 200
"""Characters, escaped, of a typed text in a list: what all blocks of a message may hold is about 13,000."""


def escape(text: str, most: int | None = None) -> str:
    """Return typed text for mrkdwn: it can't ping, link, format, break out of its line or turn it round (R8.11).

    Slack has no escape for its formatting characters: others that look the same stand in for them
    (`as_typed` turns them back). An invisible word joiner takes emoji codes apart, and keeps a line
    from being a quotation. Addresses stay text because `section` and `context` have Slack look for
    none. Where that has more than `most` characters, it is cut.
    """
    escaped, length = _escaped(text), len(text)
    while most is not None and len(escaped) > most:
        length -= max(1, (len(escaped) - most) // _LONGEST_ESCAPE)
        escaped = _escaped(shortened(text, length))
    return escaped


def _escaped(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    text = _EDGE_OF_WORD.sub(_LOOKALIKES["_"], text).translate(_ALWAYS)
    text = _EMOJI_CODE.sub(f":{_JOINER}", text)
    text = " ".join(_CONTROL.sub("", text).split())
    return contained(f"{_JOINER}{text}" if text.startswith("&gt;") else text)


def as_typed(text: str) -> str:
    """Return what somebody typed or copied with what `escape` put into it taken back."""
    for typed, shown in _LOOKALIKES.items():
        text = text.replace(shown, typed)
    return text.replace(_JOINER, "")


_JOINER = "\u2060"

_LOOKALIKES = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}
"""For each character that formats in mrkdwn, one that does not."""

_ALWAYS = str.maketrans({typed: _LOOKALIKES[typed] for typed in "*~`"})

_EDGE_OF_WORD = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore that is not between letters or digits: one that is formats nothing, and is often copied."""


def contained(text: str) -> str:
    """Return typed text that lets go of what it turned round: what follows it in its line runs as ever.

    Unicode's marks for the direction of text hold until their counterpart comes (UAX 9).
    """
    open_ones: list[str] = []
    for character in text:
        if character in "\u202a\u202b\u202d\u202e":
            open_ones.append(_POP)
        elif character in "\u2066\u2067\u2068":
            open_ones.append(_POP_ISOLATE)
        elif character == _POP_ISOLATE and _POP_ISOLATE in open_ones:
            while open_ones.pop() != _POP_ISOLATE:
                pass
        elif open_ones[-1:] == [character]:
            open_ones.pop()
    return text + "".join(reversed(open_ones))


_POP, _POP_ISOLATE = "\u202c", "\u2069"

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""What shows nothing and is no white space: nobody typed it in Slack."""

_LONGEST_ESCAPE = len("&amp;")

_EMOJI_CODE = re.compile(r":(?=[^\s:]+:)")


def bold(text: str, most: int | None = None) -> str:
    """Return typed text in bold; cut as `escape` does."""
    return f"*{escape(text, most)}*"


def moment(value: datetime, time_zone: str) -> str:
    """Return a time in each reader's own zone; where that can't be shown, in the one given."""
    local = value.astimezone(ZoneInfo(time_zone))
    fallback = f"{local:%a %d %b %Y, %H:%M} ({time_zone})"
    return f"<!date^{int(value.timestamp())}^{{date_short_pretty}}, {{time}}|{fallback}>"


def when(event: Timed) -> str:
    """Return start and end, in each reader's own zone."""
    start = moment(event.starts_at, event.time_zone)
    if event.ends_at is None:
        return start
    zone = ZoneInfo(event.time_zone)
    if event.starts_at.astimezone(zone).date() != event.ends_at.astimezone(zone).date():
        return f"{start} – {moment(event.ends_at, event.time_zone)}"
    fallback = f"{event.ends_at.astimezone(zone):%H:%M}"
    return f"{start} – <!date^{int(event.ends_at.timestamp())}^{{time}}|{fallback}>"


def when_and_where(event: Timed, most: int | None = None) -> str:
    """Return the time, and the place if there is one; cut as `escape` does."""
    return f"{when(event)} · {escape(event.location, most)}" if event.location else when(event)


def plain_when(event: Timed) -> str:
    """Return the start in the event's own zone, for places that take no mrkdwn."""
    local = event.starts_at.astimezone(ZoneInfo(event.time_zone))
    return f"{local:%a %d %b, %H:%M}"


def mention(user_id: str) -> str:
    """Return a person as Slack shows it, with the name of today; somebody who is not in Slack, by id."""
    return f"<@{user_id}>" if is_slack_id(user_id) else escape(user_id)


def is_slack_id(user_id: str) -> bool:
    """Return whether a user's id is one of Slack's; programs give theirs others."""
    return _SLACK_ID.fullmatch(user_id) is not None


_SLACK_ID = re.compile(r"[UW][A-Z0-9]+")


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "3rd", "4th" and so on."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def persons(number: int) -> str:
    """Return "1 person", "2 people"."""
    return "1 person" if number == 1 else f"{number:,} people"


def before_start(minutes: int) -> str:
    """Return "a day before", "an hour before", "90 minutes before"."""
    for unit, name, one in (
        (7 * 24 * 60, "weeks", "a week"),
        (24 * 60, "days", "a day"),
        (60, "hours", "an hour"),
    ):
        if minutes % unit == 0:
            return f"{one if minutes == unit else f'{minutes // unit} {name}'} before"
    return f"{minutes} minutes before"


def seats(number: int) -> str:
    """Return "1 seat", "2 seats"."""
    return "1 seat" if number == 1 else f"{number} seats"


def people(user_ids: Sequence[str], count: int) -> str:
    """Return "A", "A and B", "A, B and 3 more": the first few by mention, the rest as a number."""
    shown = [mention(user_id) for user_id in user_ids[:5]]
    if count > len(shown):
        shown.append(f"{count - len(shown)} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def shortened(text: str, length: int) -> str:
    """Return the text, cut with an ellipsis if it is longer."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def section(mrkdwn: str, accessory: ButtonElement | None = None) -> SectionBlock:
    """Return a section of mrkdwn, with a button beside it if given."""
    return SectionBlock(text=_mrkdwn(mrkdwn), accessory=accessory)


def context(mrkdwn: str) -> ContextBlock:
    """Return a line of small print."""
    return ContextBlock(elements=[_mrkdwn(mrkdwn)])


def _mrkdwn(text: str) -> MarkdownTextObject:
    """Return mrkdwn of which Slack takes `<…>` alone: no address or channel name becomes a link."""
    return MarkdownTextObject(text=text, verbatim=True)


def plain(text: str) -> PlainTextObject:
    """Return text that shows as typed, with no emoji codes turned into pictures."""
    return PlainTextObject(text=text, emoji=False)


def button(
    label: str,
    action_id: str,
    value: str,
    *,
    style: str | None = None,
    spoken: str | None = None,
) -> ButtonElement:
    """Return a button; labels longer than Slack's 75 characters are cut.

    `spoken` is what a screen reader says in the label's place, where many buttons have the same one.
    """
    return ButtonElement(
        text=plain(shortened(label, 75)),
        action_id=action_id,
        value=value,
        style=style,
        accessibility_label=None if spoken is None else shortened(spoken, 75),
    )


def note(mrkdwn: str, *more: Block) -> Message:
    """Return a message of one sentence or two, with more blocks under it if given."""
    return Message(mrkdwn, [section(mrkdwn), *more])
