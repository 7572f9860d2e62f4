"""Inputs and what they hold: ids, initial state, simple values as Slack's state, the client's checks."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from playground.workspace.model import Json

State = dict[str, dict[str, Json]]
Values = Mapping[tuple[str, str], Any]
"""Simple values by (block id, action id): text, a date, an option's value, a user id, a list of those."""

REQUIRED = "Please complete this required field."


class Holding(NamedTuple):
    """How a type of element holds its value: field of the state, field to begin with, nature."""

    field: str
    initial: str
    nature: str


HOLDINGS = {
    "plain_text_input": Holding("value", "initial_value", "text"),
    "number_input": Holding("value", "initial_value", "text"),
    "email_text_input": Holding("value", "initial_value", "text"),
    "url_text_input": Holding("value", "initial_value", "text"),
    "datepicker": Holding("selected_date", "initial_date", "plain"),
    "timepicker": Holding("selected_time", "initial_time", "plain"),
    "datetimepicker": Holding("selected_date_time", "initial_date_time", "plain"),
    "static_select": Holding("selected_option", "initial_option", "option"),
    "external_select": Holding("selected_option", "initial_option", "option"),
    "radio_buttons": Holding("selected_option", "initial_option", "option"),
    "checkboxes": Holding("selected_options", "initial_options", "options"),
    "multi_static_select": Holding("selected_options", "initial_options", "options"),
    "multi_external_select": Holding("selected_options", "initial_options", "options"),
    "users_select": Holding("selected_user", "initial_user", "plain"),
    "conversations_select": Holding("selected_conversation", "initial_conversation", "plain"),
    "channels_select": Holding("selected_channel", "initial_channel", "plain"),
    "multi_users_select": Holding("selected_users", "initial_users", "list"),
    "multi_conversations_select": Holding(
        "selected_conversations", "initial_conversations", "list"
    ),
    "multi_channels_select": Holding("selected_channels", "initial_channels", "list"),
}


def elements(block: Json) -> list[Json]:
    """The block's elements: an input's, a section's accessory, those of an actions block."""
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
    """The blocks, all with a block id, and their elements with an action id, as Slack adds them."""
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
    """All options of a select, in groups or not."""
    options: list[Json] = element.get("options", [])
    groups: list[Json] = element.get("option_groups", [])
    return options + [option for group in groups for option in group["options"]]


def stateful(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Each (block, element) that holds a value."""
    for block in blocks:
        for element in elements(block):
            if element["type"] in HOLDINGS:
                yield block, element


def initial_state(blocks: Iterable[Json], channel_id: str | None = None) -> State:
    """What the inputs hold before anyone typed; `channel_id` is the current conversation, if any."""
    state: State = {}
    for block, element in stateful(blocks):
        holding = HOLDINGS[element["type"]]
        empty: Any = [] if holding.nature in {"options", "list"} else None
        value = element.get(holding.initial, empty)
        if value is None and element.get("default_to_current_conversation"):
            value = channel_id
        held = {"type": element["type"], holding.field: value}
        state.setdefault(block["block_id"], {})[element["action_id"]] = held
    return state


def hold(element: Json, value: Any, offered: Mapping[str, Json]) -> Json:
    """What the element holds when a member chooses `value`, in Slack's shape.

    `offered` are the options that an options request answered, by value.
    Raises ValueError for an option that was never offered.
    """
    holding = HOLDINGS[element["type"]]
    known = {option["value"]: option for option in options_of(element)}
    if isinstance(initial := element.get(holding.initial), dict):
        known[initial["value"]] = initial
    if holding.nature == "options":
        known |= {each["value"]: each for each in initial or ()}
    known |= offered

    def option(chosen: str) -> Json:
        if chosen not in known:
            raise ValueError(f"{element['action_id']} offers {sorted(known)}, not {chosen!r}")
        return known[chosen]

    match holding.nature:
        case "text":
            held: Any = None if value is None or str(value) == "" else str(value)
        case "option":
            held = option(value) if value is not None else None
        case "options":
            held = [option(chosen) for chosen in value or ()]
        case "list":
            held = list(value or ())
        case _:
            held = value or None
    return {"type": element["type"], holding.field: held}


def with_values(
    blocks: Iterable[Json],
    state: State,
    values: Values,
    offered: Callable[[str, str], Mapping[str, Json]],
) -> State:
    """The state after these values were typed or chosen.

    Raises LookupError for an input that is not there, ValueError for an option never offered.
    """
    inputs = {(block["block_id"], el["action_id"]): el for block, el in stateful(blocks)}
    state = {block_id: dict(actions) for block_id, actions in state.items()}
    for key, value in values.items():
        if key not in inputs:
            raise LookupError(f"no input {tuple(key)}, but {sorted(inputs)}")
        state[key[0]][key[1]] = hold(inputs[key], value, offered(*key))
    return state


def client_errors(blocks: Iterable[Json], state: State) -> dict[str, str]:
    """What Slack's client objects to before anything is sent: a sentence by block id."""
    errors = {}
    for block, element in stateful(blocks):
        if block["type"] != "input":
            continue
        held = state[block["block_id"]][element["action_id"]][HOLDINGS[element["type"]].field]
        empty = held is None or held == []
        if empty and not block.get("optional"):
            errors[block["block_id"]] = REQUIRED
        elif not empty and (objection := _objection(element, held)):
            errors[block["block_id"]] = objection
    return errors


def _objection(element: Json, held: Any) -> str | None:
    match element["type"]:
        case "plain_text_input":
            if len(held) > element.get("max_length", 3000):
                return f"Use at most {element.get('max_length', 3000)} characters."
            if len(held) < element.get("min_length", 0):
                return f"Use at least {element['min_length']} characters."
        case "number_input":
            return _number_objection(element, held)
        case "email_text_input" if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", held):
            return "Enter a valid email address."
        case "url_text_input" if not re.fullmatch(r"https?://\S+", held):
            return "Enter a valid URL."
        case kind if kind.startswith("multi_") and len(held) > element.get(
            "max_selected_items", len(held)
        ):
            return f"Choose at most {element['max_selected_items']}."
    return None


def _number_objection(element: Json, held: str) -> str | None:
    shape = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
    if not re.fullmatch(shape, held):
        return "Enter a number." if element["is_decimal_allowed"] else "Enter a whole number."
    if "min_value" in element and float(held) < float(element["min_value"]):
        return f"Enter a number of {element['min_value']} or more."
    if "max_value" in element and float(held) > float(element["max_value"]):
        return f"Enter a number of {element['max_value']} or less."
    return None
