"""Parts of forms: inputs, and the options of selects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slack_sdk.models.blocks import (
    ConversationFilter,
    ConversationSelectElement,
    InputBlock,
    InputInteractiveElement,
    NumberInputElement,
    Option,
    PlainTextInputElement,
)

from bot.blocks.builders import plain
from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import shortened
from domain.inputs import MAX_CAPACITY


def option_list(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return labels and values as the response to a request for the options of a select."""
    return {"options": [option(label, value).to_dict() for label, value in pairs]}


def option(label: str, value: str, description: str | None = None) -> Option:
    """Return an option. Labels and descriptions longer than Slack's 75 characters are cut."""
    return Option(
        text=plain(shortened(label, 75)),
        value=value,
        description=plain(shortened(description, 75)) if description else None,
    )


def channel_input(
    *, optional: bool, channel_id: str | None = None, is_current: bool = True
) -> InputBlock:
    """Return the input for the channel of a card, filled in with `channel_id`.

    Without one, it starts with the channel that the form was opened in, if `is_current`.
    """
    select = ConversationSelectElement(
        action_id=ActionId.INPUT,
        initial_conversation=channel_id,
        default_to_current_conversation=(is_current and channel_id is None) or None,
        filter=ConversationFilter(
            include=["public", "private"], exclude_external_shared_channels=True
        ),
    )
    return input_block(BlockId.CHANNEL, "Post the card in", select, optional=optional)


def line_element(max_length: int, initial: str | None = None) -> PlainTextInputElement:
    """Return an input for one line of text."""
    return PlainTextInputElement(
        action_id=ActionId.INPUT, max_length=max_length, initial_value=initial or None
    )


def paragraph_element(max_length: int, initial: str | None = None) -> PlainTextInputElement:
    """Return an input for text of several lines."""
    return PlainTextInputElement(
        action_id=ActionId.INPUT,
        max_length=max_length,
        multiline=True,
        initial_value=initial or None,
    )


def number_element(initial: int | None = None, most: int = MAX_CAPACITY) -> NumberInputElement:
    """Return an input for a whole number from 1 to `most`."""
    return NumberInputElement(
        action_id=ActionId.INPUT,
        is_decimal_allowed=False,
        min_value="1",
        max_value=str(most),
        initial_value=None if initial is None else str(initial),
    )


def input_block(
    block: str,
    label: str,
    element: InputInteractiveElement,
    *,
    optional: bool = False,
    hint: str | None = None,
    dispatches: bool = False,
) -> InputBlock:
    """Return an input with its label, and a hint under it if given. `dispatches`: Rollcall hears of each choice."""
    return InputBlock(
        block_id=block,
        label=plain(label),
        element=element,
        optional=optional,
        hint=plain(hint) if hint else None,
        dispatch_action=dispatches or None,
    )
