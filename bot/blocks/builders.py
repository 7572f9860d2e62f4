"""Block Kit as JSON: the same result as `to_dict` of Slack's models, in a tenth of the time.

`JsonObject.to_dict` searches all of an object's names for validators, and collects the names of its fields, for
each object each time. With that, rendering a reply took longer than the registration. Both depend on the class
alone, so this module finds them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import (
    AlertBlock,
    Block,
    ButtonElement,
    ContextBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
    SectionBlock,
)

from bot.blocks.mrkdwn import shortened, split_addresses
from domain.inputs import utf16_length

MAX_SECTION = 3_000
"""Characters that Slack allows in a section."""

_shapes: dict[type[JsonObject], _Shape] = {}


class _Shape:
    """The fields and validators of a class."""

    def __init__(self, example: JsonObject) -> None:
        kind = type(example)
        self.has_own_to_dict = kind.to_dict is not JsonObject.to_dict
        self.fields = sorted(example.attributes)
        self.validators = [
            name for name in dir(kind) if hasattr(getattr(kind, name, None), "validator")
        ]


def as_json(thing: JsonObject) -> dict[str, Any]:
    """Return the same as `to_dict`, for every object that Rollcall uses.

    Raises `SlackObjectFormationError` if a limit of Slack's models is exceeded.
    """
    shape = _shapes.get(type(thing))
    if shape is None:
        shape = _shapes[type(thing)] = _Shape(thing)
    if shape.has_own_to_dict:
        return thing.to_dict()
    for name in shape.validators:
        getattr(thing, name)()
    values = ((name, getattr(thing, name, None)) for name in shape.fields)
    return {name: _as_json(value) for name, value in values if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def _as_json(value: object) -> object:
    if isinstance(value, JsonObject):
        return as_json(value)
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    return value


@dataclass(frozen=True)
class Message:
    """A message. Notifications and screen readers use `text`, which is mrkdwn."""

    text: str
    blocks: Sequence[Block]
    title: str = "Rollcall"
    """The title of the modal that shows it, if someone pressed a button in App Home."""

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments for `chat.postMessage`, `respond` and similar calls."""
        return {"text": self.text, "blocks": [as_json(block) for block in self.blocks]}


def section(mrkdwn: str, accessory: ButtonElement | None = None) -> SectionBlock:
    """Return a section of mrkdwn, with a button if given."""
    return SectionBlock(text=_mrkdwn(mrkdwn), accessory=accessory)


def warning(mrkdwn: str) -> AlertBlock:
    """Return a warning that stands out, of at most 200 characters. Slack takes it in modals only."""
    return AlertBlock(text=_mrkdwn(mrkdwn), level="warning")


def context(mrkdwn: str) -> ContextBlock:
    """Return a line of small text."""
    return ContextBlock(elements=[_mrkdwn(mrkdwn)])


def _mrkdwn(text: str) -> MarkdownTextObject:
    """Return mrkdwn in which Slack links nothing but `<…>`."""
    return MarkdownTextObject(text=text, verbatim=True)


def paragraphs(text: str) -> Block:
    """Return typed text as typed, with its lines, and its web addresses as links that show themselves (R8.11)."""
    parts = list(split_addresses(text))
    if len(parts) == 1:
        return SectionBlock(text=plain(text))
    elements = [
        RichTextElementParts.Link(url=part) if is_address else RichTextElementParts.Text(text=part)
        for part, is_address in parts
        if part
    ]
    return RichTextBlock(elements=[RichTextSectionElement(elements=elements)])


def plain(text: str) -> PlainTextObject:
    """Return text that shows as typed, without emoji."""
    return PlainTextObject(text=text, emoji=False)


def button(
    label: str,
    action_id: str,
    value: str,
    *,
    style: str | None = None,
    spoken: str | None = None,
) -> ButtonElement:
    """Return a button. Labels longer than Slack's 75 characters are cut.

    Screen readers say `spoken` instead of the label, for buttons that share a label.
    """
    return ButtonElement(
        text=plain(shortened(label, 75)),
        action_id=action_id,
        value=value,
        style=style,
        accessibility_label=None if spoken is None else shortened(spoken, 75),
    )


def sections(lines: Sequence[str]) -> list[Block]:
    """Pack lines into as few sections as possible."""
    packed: list[str] = []
    for line in lines:
        if packed and utf16_length(packed[-1]) + 1 + utf16_length(line) <= MAX_SECTION:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [section(text) for text in packed]


def note(mrkdwn: str, *more: Block, title: str = "Rollcall") -> Message:
    """Return a message of one or two sentences, followed by more blocks if given."""
    return Message(mrkdwn, [section(mrkdwn), *more], title)
