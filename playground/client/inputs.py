"""Input in Slack's client: typed and chosen values, and the checks that run before anything is sent."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from playground.workspace.block_elements import INPUT_TYPES, State, inputs_in, options_of
from playground.workspace.model import Json

Values = Mapping[tuple[str, str], Any]
"""Plain values by (block id, action id): text, a date, an option's value, a user id, or a list of those."""

REQUIRED_FIELD = "Please complete this required field."


def element_state(element: Json, value: Any, suggested: Mapping[str, Json]) -> Json:
    """Return the element's state in Slack's shape once a member chose `value`.

    `suggested` has the options from an options request by value.
    Raises `ValueError` for an option that was never offered.
    """
    input_type = INPUT_TYPES[element["type"]]
    known = {option["value"]: option for option in options_of(element)}
    if isinstance(initial := element.get(input_type.initial_field), dict):
        known[initial["value"]] = initial
    if input_type.kind == "options":
        known |= {each["value"]: each for each in initial or ()}
    known |= suggested

    def option(chosen: str) -> Json:
        if chosen not in known:
            raise ValueError(f"{element['action_id']} offers {sorted(known)}, not {chosen!r}")
        return known[chosen]

    match input_type.kind:
        case "text":
            state: Any = None if value is None or str(value) == "" else str(value)
        case "option":
            state = option(value) if value is not None else None
        case "options":
            state = [option(chosen) for chosen in value or ()]
        case "list":
            state = list(value or ())
        case _:
            state = value or None
    return {"type": element["type"], input_type.state_field: state}


def with_values(
    blocks: Iterable[Json],
    state: State,
    values: Values,
    suggested: Callable[[str, str], Mapping[str, Json]],
) -> State:
    """Return the state after these values were typed or chosen.

    Raises `LookupError` for an unknown input, and `ValueError` for an option that was never offered.
    """
    inputs = {(block["block_id"], el["action_id"]): el for block, el in inputs_in(blocks)}
    state = {block_id: dict(actions) for block_id, actions in state.items()}
    for key, value in values.items():
        if key not in inputs:
            raise LookupError(f"no input {tuple(key)}, only {sorted(inputs)}")
        state[key[0]][key[1]] = element_state(inputs[key], value, suggested(*key))
    return state


def client_errors(blocks: Iterable[Json], state: State) -> dict[str, str]:
    """Return the errors that Slack's client shows without asking the app: a sentence by block id."""
    errors = {}
    for block, element in inputs_in(blocks):
        if block["type"] != "input":
            continue
        field = INPUT_TYPES[element["type"]].state_field
        value = state[block["block_id"]][element["action_id"]][field]
        is_empty = value is None or value == []
        if is_empty and not block.get("optional"):
            errors[block["block_id"]] = REQUIRED_FIELD
        elif not is_empty and (error := _error(element, value)):
            errors[block["block_id"]] = error
    return errors


def _error(element: Json, value: Any) -> str | None:
    match element["type"]:
        case "plain_text_input":
            if len(value) > element.get("max_length", 3000):
                return f"Use at most {element.get('max_length', 3000)} characters."
            if len(value) < element.get("min_length", 0):
                return f"Use at least {element['min_length']} characters."
        case "number_input":
            return _number_error(element, value)
        case "email_text_input" if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            return "Enter a valid email address."
        case "url_text_input" if not re.fullmatch(r"https?://\S+", value):
            return "Enter a valid URL."
        case kind if kind.startswith("multi_") and len(value) > element.get(
            "max_selected_items", len(value)
        ):
            return f"Choose at most {element['max_selected_items']}."
    return None


def _number_error(element: Json, value: str) -> str | None:
    shape = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
    if not re.fullmatch(shape, value):
        return "Enter a number." if element["is_decimal_allowed"] else "Enter a whole number."
    if "min_value" in element and float(value) < float(element["min_value"]):
        return f"Enter a number of {element['min_value']} or more."
    if "max_value" in element and float(value) > float(element["max_value"]):
        return f"Enter a number of {element['max_value']} or less."
    return None
