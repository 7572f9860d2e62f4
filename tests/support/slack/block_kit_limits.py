"""Slack's limits on blocks and surfaces as the package slackblocks lists them: a second opinion on ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slackblocks import _limits as limits
from slackblocks._surfaces import validate_surface_blocks

Json = Mapping[str, Any]

TEXTS: Mapping[tuple[str, str], int] = {
    ("button", "text"): limits.BUTTON_TEXT_MAX_LENGTH,
    ("alert", "text"): limits.ALERT_TEXT_MAX_LENGTH,
    ("header", "text"): limits.HEADER_TEXT_MAX_LENGTH,
    ("section", "text"): limits.SECTION_TEXT_MAX_LENGTH,
    ("input", "label"): limits.INPUT_LABEL_MAX_LENGTH,
    ("option", "text"): limits.OPTION_TEXT_MAX_LENGTH,
    ("modal", "title"): limits.VIEW_TITLE_MAX_LENGTH,
    ("modal", "submit"): limits.VIEW_SUBMIT_MAX_LENGTH,
    ("modal", "close"): limits.VIEW_CLOSE_MAX_LENGTH,
}
"""Characters of an object's text, by the type of what it is in; all others have `TEXT_MAX_LENGTH`."""

STRINGS: Mapping[tuple[str, str], int] = {
    ("button", "value"): limits.BUTTON_VALUE_MAX_LENGTH,
    ("option", "value"): limits.OPTION_VALUE_MAX_LENGTH,
    ("plain_text_input", "initial_value"): limits.PLAIN_TEXT_INPUT_MAX_LENGTH_MAX,
    ("modal", "private_metadata"): limits.VIEW_PRIVATE_METADATA_MAX_LENGTH,
    ("home", "private_metadata"): limits.VIEW_PRIVATE_METADATA_MAX_LENGTH,
    ("modal", "callback_id"): limits.VIEW_CALLBACK_ID_MAX_LENGTH,
}

LISTS: Mapping[tuple[str, str], int] = {
    ("actions", "elements"): limits.ACTIONS_ELEMENTS_MAX_ITEMS,
    ("context", "elements"): limits.CONTEXT_ELEMENTS_MAX_ITEMS,
    ("static_select", "options"): limits.SELECT_OPTIONS_MAX_ITEMS,
    ("multi_static_select", "options"): limits.SELECT_OPTIONS_MAX_ITEMS,
    ("checkboxes", "options"): limits.CHECKBOXES_OPTIONS_MAX_ITEMS,
    ("message", "blocks"): limits.MESSAGE_BLOCKS_MAX_ITEMS,
    ("modal", "blocks"): limits.VIEW_BLOCKS_MAX_ITEMS,
    ("home", "blocks"): limits.VIEW_BLOCKS_MAX_ITEMS,
}

IDS = {
    "action_id": limits.ACTION_ID_MAX_LENGTH,
    "block_id": limits.BLOCK_ID_MAX_LENGTH,
}


def beyond(surface: Json) -> list[str]:
    """Return in what a message (`blocks` and `text`), a modal or an App Home goes beyond Slack's limits."""
    kind = str(surface.get("type", "message"))
    found = list(_beyond(surface, kind, kind))
    validate_surface_blocks(list(surface["blocks"]), kind)  # type: ignore[arg-type]  # one of three
    return found


def _beyond(part: Json, kind: str, where: str) -> Iterator[str]:
    for name, value in part.items():
        here = f"{where}.{name}"
        if isinstance(value, str):
            most = IDS.get(name) or STRINGS.get((kind, name))
            if most is not None and len(value) > most:
                yield f"{here} has {len(value)} characters of {most}"
        elif isinstance(value, Mapping):
            yield from _text(value, TEXTS.get((kind, name)), here)
            yield from _beyond(value, _kind(value, name), here)
        elif isinstance(value, Sequence):
            most = LISTS.get((kind, name))
            if most is not None and len(value) > most:
                yield f"{here} has {len(value)} items of {most}"
            for number, one in enumerate(value):
                if isinstance(one, Mapping):
                    yield from _text(one, None, f"{here}.{number}")
                    yield from _beyond(one, _kind(one, name), f"{here}.{number}")


def _kind(part: Json, name: str) -> str:
    """Return what an object is: options have no type."""
    return str(part.get("type") or ("option" if "option" in name else name))


def _text(part: Json, most: int | None, where: str) -> Iterator[str]:
    if part.get("type") not in ("plain_text", "mrkdwn"):
        return
    length, most = len(str(part["text"])), most or limits.TEXT_MAX_LENGTH
    if not limits.TEXT_MIN_LENGTH <= length <= most:
        yield f"{where} has {length} characters of {most}"
