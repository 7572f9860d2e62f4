"""Slack's limits on Block Kit: the known blocks, elements and fields, and their maximum sizes.

The numbers come from Slack's Block Kit reference. Types that Rollcall never uses (tables, lists in
rich text, video, file inputs) are rejected as unknown.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from playground.workspace.block_elements import elements, inputs_in, options_of
from playground.workspace.model import Json
from playground.workspace.validators import (
    Check,
    Surface,
    all_of,
    boolean,
    by_type,
    each,
    error,
    integer,
    length,
    one_of,
    pattern,
    shape,
    string,
)

BLOCKS_IN_MESSAGE = 50
BLOCKS_IN_VIEW = 100
VIEW_BYTES = 250_000
TEXT_IN_BLOCKS = 13_000
"""Total characters in a message's blocks. Undocumented; bolt-js issue 2509 says about 13,200."""


def plain(most: int) -> Check:
    """Check for a plain_text object."""
    body = shape({"text": string(most)}, {"emoji": boolean})
    return by_type({"plain_text": body})


def text(most: int) -> Check:
    """Check for a plain_text object (may have `emoji`) or a mrkdwn object (may have `verbatim`)."""
    plain_body = shape({"text": string(most)}, {"emoji": boolean})
    return by_type(
        {"plain_text": plain_body, "mrkdwn": shape({"text": string(most)}, {"verbatim": boolean})}
    )


CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
DATE = pattern(r"\d{4}-\d{2}-\d{2}", "a date in the format YYYY-MM-DD")
TIME = pattern(r"([01]\d|2[0-3]):[0-5]\d", "a time in the format HH:MM")
ID = string(255)
LEVEL = one_of("default", "info", "warning", "error", "success")

OPTION = shape({"text": plain(75), "value": string(150)}, {"description": plain(75)})
RICH_OPTION = shape({"text": text(75), "value": string(150)}, {"description": text(75)})
OVERFLOW_OPTION = shape(
    {"text": plain(75), "value": string(150)}, {"description": plain(75), "url": string(3000)}
)
OPTIONS = each(OPTION, 100)
OPTION_GROUPS = each(shape({"label": plain(75), "options": each(OPTION, 100)}), 100)
CONVERSATION_FILTER = shape(
    {},
    {
        "include": each(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)


def _one_source_of_options(value: Any, at: str, surface: Surface) -> Iterator[str]:
    if ("options" in value) == ("option_groups" in value):
        yield error("must have either options or option_groups", at)


def _initial_among_options(value: Any, at: str, surface: Surface) -> Iterator[str]:
    """Require an initial option to equal one of the offered options."""
    try:
        offered = options_of(value)
    except (TypeError, KeyError):
        return
    single = [value["initial_option"]] if "initial_option" in value else []
    chosen = value.get("initial_options", single)
    if isinstance(chosen, list) and any(option not in offered for option in chosen):
        yield error("initial option must be one of the options", at)


_ACTION: Mapping[str, Check] = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean}
_PICK: Mapping[str, Check] = {**_ACTION, "placeholder": plain(150)}
_MULTI: Mapping[str, Check] = {**_PICK, "max_selected_items": integer(1, 1_000_000)}
_QUERY: Mapping[str, Check] = {"min_query_length": integer(0, 1_000_000)}
_SOURCES: Mapping[str, Check] = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
_CONVERSATION: Mapping[str, Check] = {
    "default_to_current_conversation": boolean,
    "filter": CONVERSATION_FILTER,
}
_DISPATCH: Mapping[str, Check] = {
    "dispatch_action_config": shape(
        {"trigger_actions_on": each(one_of("on_enter_pressed", "on_character_entered"), 2)}
    )
}
_TYPED: Mapping[str, Check] = {
    "action_id": ID,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    **_DISPATCH,
}
_USERS = each(string(255), 1000, 0)


def _static(initial: str, one: Check, more: Mapping[str, Check]) -> Check:
    body = shape({}, {**more, **_SOURCES, initial: one})
    return all_of(body, _one_source_of_options, _initial_among_options)


def _choices(initial: str, one: Check) -> Check:
    body = shape({"options": each(RICH_OPTION, 10)}, {**_ACTION, initial: one})
    return all_of(body, _initial_among_options)


_IMAGE = shape({"image_url": string(3000), "alt_text": string(2000)})

_SELECTS: dict[str, Check] = {
    "static_select": _static("initial_option", OPTION, _PICK),
    "external_select": shape({}, {**_PICK, **_QUERY, "initial_option": OPTION}),
    "users_select": shape({}, {**_PICK, "initial_user": ID}),
    "conversations_select": shape({}, {**_PICK, **_CONVERSATION, "initial_conversation": ID}),
    "channels_select": shape({}, {**_PICK, "initial_channel": ID}),
    "multi_static_select": _static("initial_options", OPTIONS, _MULTI),
    "multi_external_select": shape({}, {**_MULTI, **_QUERY, "initial_options": OPTIONS}),
    "multi_users_select": shape({}, {**_MULTI, "initial_users": _USERS}),
    "multi_conversations_select": shape(
        {}, {**_MULTI, **_CONVERSATION, "initial_conversations": _USERS}
    ),
    "multi_channels_select": shape({}, {**_MULTI, "initial_channels": _USERS}),
    "datepicker": shape({}, {**_PICK, "initial_date": DATE}),
    "timepicker": shape({}, {**_PICK, "initial_time": TIME, "timezone": ID}),
    "checkboxes": _choices("initial_options", each(RICH_OPTION, 10)),
    "radio_buttons": _choices("initial_option", RICH_OPTION),
}
_DATETIME: dict[str, Check] = {
    "datetimepicker": shape({}, {**_ACTION, "initial_date_time": integer(10**9, 10**10 - 1)})
}
_CLICKED: dict[str, Check] = {
    "button": shape(
        {"text": plain(75)},
        {
            "action_id": ID,
            "value": string(2000),
            "url": string(3000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": shape({"options": each(OVERFLOW_OPTION, 5)}, {"action_id": ID, "confirm": CONFIRM}),
}
_NUMBER = {"initial_value": string(3000), "min_value": string(255), "max_value": string(255)}
_TEXTS: Mapping[str, Check] = {
    "plain_text_input": shape(
        {},
        {
            **_TYPED,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
    ),
    "number_input": shape({"is_decimal_allowed": boolean}, {**_TYPED, **_NUMBER}),
    "email_text_input": shape({}, {**_TYPED, "initial_value": string(3000, 0)}),
    "url_text_input": shape({}, {**_TYPED, "initial_value": string(3000, 0)}),
}

_ANY_BUT_TEXTS = _SELECTS | _CLICKED | _DATETIME
IN_ACTIONS = by_type({k: v for k, v in _ANY_BUT_TEXTS.items() if not k.startswith("multi_")})
IN_SECTION = by_type({**_SELECTS, **_CLICKED, "image": _IMAGE})
IN_INPUT = by_type({**_SELECTS, **_DATETIME, **_TEXTS})
IN_CONTEXT = by_type(
    {
        "image": _IMAGE,
        "plain_text": shape({"text": string(3000)}, {"emoji": boolean}),
        "mrkdwn": shape({"text": string(3000)}, {"verbatim": boolean}),
    }
)


def _text_or_fields(value: Any, at: str, surface: Surface) -> Iterator[str]:
    if "text" not in value and "fields" not in value:
        yield error("missing required field: text", at)


def _only_in(*surfaces: Surface) -> Check:
    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if surface not in surfaces:
            yield error(f"unsupported type: {value['type']}", f"{at}/type")

    return check


def _initial_fits(value: Any, at: str, surface: Surface) -> Iterator[str]:
    element = value.get("element")
    if isinstance(element, dict) and element.get("type") == "plain_text_input":
        initial, most = element.get("initial_value"), element.get("max_length")
        if isinstance(initial, str) and isinstance(most, int) and length(initial) > most:
            yield error(f"must be less than {most + 1} characters", f"{at}/element/initial_value")


_BLOCK: Mapping[str, Check] = {"block_id": ID}
_SECTION: Mapping[str, Check] = {
    "text": text(3000),
    "fields": each(text(2000), 10),
    "accessory": IN_SECTION,
    "expand": boolean,
}
_INPUT: Mapping[str, Check] = {"label": plain(2000), "element": IN_INPUT}
_HINTS: Mapping[str, Check] = {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean}
_RICH_TEXT = by_type(
    {
        "text": shape({"text": string(3000)}),
        "link": shape({"url": string(3000)}, {"text": string(3000)}),
    }
)
_RICH_SECTION = by_type({"rich_text_section": shape({"elements": each(_RICH_TEXT, 1000)})})
BLOCK = by_type(
    {
        "section": all_of(shape({}, {**_BLOCK, **_SECTION}), _text_or_fields),
        "actions": shape({"elements": each(IN_ACTIONS, 25)}, _BLOCK),
        "context": shape({"elements": each(IN_CONTEXT, 10)}, _BLOCK),
        "rich_text": shape({"elements": each(_RICH_SECTION, 100)}, _BLOCK),
        "divider": shape({}, _BLOCK),
        "header": shape({"text": plain(150)}, _BLOCK),
        "alert": all_of(_only_in("modal"), shape({"text": text(200)}, {**_BLOCK, "level": LEVEL})),
        "image": shape(
            {"image_url": string(3000), "alt_text": string(2000)}, {**_BLOCK, "title": plain(2000)}
        ),
        "input": all_of(
            _only_in("modal", "home"), shape(_INPUT, {**_BLOCK, **_HINTS}), _initial_fits
        ),
    }
)
_META: Mapping[str, Check] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
_VIEW_BLOCKS = {"blocks": each(BLOCK, BLOCKS_IN_VIEW, 0)}
VIEW = by_type(
    {
        "modal": shape(
            {"title": plain(24), **_VIEW_BLOCKS},
            {
                "submit": plain(24),
                "close": plain(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
                **_META,
            },
        ),
        "home": shape(_VIEW_BLOCKS, _META),
    }
)


def block_errors(blocks: Any, surface: Surface = "message", at: str = "/blocks") -> list[str]:
    """Return Slack's errors for these blocks; empty if Slack accepts them."""
    most = BLOCKS_IN_MESSAGE if surface == "message" else BLOCKS_IN_VIEW
    found = list(each(BLOCK, most, 0)(blocks, at, surface))
    return found or list(_repeated_ids(blocks, at))


def view_errors(view: Any, at: str = "/view") -> list[str]:
    """Return Slack's errors for this view; empty if Slack accepts it."""
    surface: Surface = "home" if isinstance(view, dict) and view.get("type") == "home" else "modal"
    found = list(VIEW(view, at, surface))
    if found:
        return found
    has_input = any(block["type"] == "input" for block in view["blocks"])
    if has_input and surface == "modal" and "submit" not in view:
        found.append(error("missing required field: submit", at))
    return found + list(_repeated_ids(view["blocks"], f"{at}/blocks"))


def suggestion_errors(response: Any) -> list[str]:
    """Return Slack's errors for a response to an options request; an empty list of options is valid."""
    body = shape({}, {"options": each(OPTION, 100, 0), "option_groups": OPTION_GROUPS})
    found = list(body(response, "", "modal"))
    if not found and ("options" in response) == ("option_groups" in response):
        found.append(error("must have either options or option_groups", "/"))
    return found


def too_large(view: Json) -> bool:
    """Return whether the view exceeds Slack's 250 KB."""
    return len(json.dumps(view).encode()) > VIEW_BYTES


def text_length(blocks: list[Json]) -> int:
    """Return the number of characters in all text objects and links of valid blocks."""

    def count(value: Any) -> int:
        if isinstance(value, dict):
            shown = value.get("text", value.get("url") if value.get("type") == "link" else None)
            own = length(shown) if isinstance(shown, str) else 0
            return own + sum(count(part) for part in value.values())
        return sum(count(part) for part in value) if isinstance(value, list) else 0

    return count(blocks)


def _repeated_ids(blocks: list[Json], at: str) -> Iterator[str]:
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        if block.get("block_id") in seen:
            yield error(
                f"`block_id` must be unique: {block['block_id']}", f"{at}/{number}/block_id"
            )
        seen |= {block["block_id"]} if "block_id" in block else set()
        named = [part["action_id"] for part in elements(block) if "action_id" in part]
        if len(named) != len(set(named)):
            yield error("`action_id` must be unique within its block", f"{at}/{number}/elements")
    focused = [el for _, el in inputs_in(blocks) if el.get("focus_on_load")]
    if len(focused) > 1:
        yield error("only one element may have focus_on_load", at)
