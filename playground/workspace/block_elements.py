"""Block Kit elements in views and messages: their ids, their options, and the values that inputs hold."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from playground.workspace.model import Json

State = dict[str, dict[str, Json]]
"""The values of a view's inputs by block id and action id, in Slack's shape."""


class InputType(NamedTuple):
    """The fields of an input's value in the state and in the block, and the kind of value."""

    state_field: str
    initial_field: str
    kind: Literal["text", "plain", "option", "options", "list"]


INPUT_TYPES = {
    "plain_text_input": InputType("value", "initial_value", "text"),
    "number_input": InputType("value", "initial_value", "text"),
    "email_text_input": InputType("value", "initial_value", "text"),
    "url_text_input": InputType("value", "initial_value", "text"),
    "datepicker": InputType("selected_date", "initial_date", "plain"),
    "timepicker": InputType("selected_time", "initial_time", "plain"),
    "datetimepicker": InputType("selected_date_time", "initial_date_time", "plain"),
    "static_select": InputType("selected_option", "initial_option", "option"),
    "external_select": InputType("selected_option", "initial_option", "option"),
    "radio_buttons": InputType("selected_option", "initial_option", "option"),
    "checkboxes": InputType("selected_options", "initial_options", "options"),
    "multi_static_select": InputType("selected_options", "initial_options", "options"),
    "multi_external_select": InputType("selected_options", "initial_options", "options"),
    "users_select": InputType("selected_user", "initial_user", "plain"),
    "conversations_select": InputType("selected_conversation", "initial_conversation", "plain"),
    "channels_select": InputType("selected_channel", "initial_channel", "plain"),
    "multi_users_select": InputType("selected_users", "initial_users", "list"),
    "multi_conversations_select": InputType(
        "selected_conversations", "initial_conversations", "list"
    ),
    "multi_channels_select": InputType("selected_channels", "initial_channels", "list"),
}


def elements(block: Json) -> list[Json]:
    """Return the block's elements: an input's, a section's accessory, or those of an actions block."""
    found: list[Json]
    match block.get("type"):
        case "input":
            found = [block["element"]]
        case "section":
            found = [block["accessory"]] if "accessory" in block else []
        case "actions":
            found = list(block["elements"])
        case _:
            found = []
    return found


def with_ids(blocks: Iterable[Json], new_id: Callable[[str], str]) -> list[Json]:
    """Fill in missing block ids and action ids, as Slack does."""
    return [_with_ids(block, new_id) for block in blocks]


def _with_ids(block: Json, new_id: Callable[[str], str]) -> Json:
    def named(element: Json) -> Json:
        if element["type"] == "image":
            return element
        return element if "action_id" in element else {**element, "action_id": new_id("a")}

    block = block if "block_id" in block else {**block, "block_id": new_id("b")}
    match block["type"]:
        case "input":
            return {**block, "element": named(block["element"])}
        case "section" if "accessory" in block:
            return {**block, "accessory": named(block["accessory"])}
        case "actions":
            return {**block, "elements": [named(element) for element in block["elements"]]}
        case _:
            return block


def options_of(element: Json) -> list[Json]:
    """Return all options of a select, grouped or not."""
    options: list[Json] = element.get("options", [])
    groups: list[Json] = element.get("option_groups", [])
    return options + [option for group in groups for option in group["options"]]


def inputs_in(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield each (block, element) that holds a value."""
    for block in blocks:
        for element in elements(block):
            if element["type"] in INPUT_TYPES:
                yield block, element


def initial_state(blocks: Iterable[Json], channel_id: str | None = None) -> State:
    """Return the inputs' initial values; `channel_id` is the current conversation, if any."""
    state: State = {}
    for block, element in inputs_in(blocks):
        input_type = INPUT_TYPES[element["type"]]
        empty: Any = [] if input_type.kind in {"options", "list"} else None
        value = element.get(input_type.initial_field, empty)
        if value is None and element.get("default_to_current_conversation"):
            value = channel_id
        entry = {"type": element["type"], input_type.state_field: value}
        state.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return state
