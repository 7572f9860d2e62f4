"""Composable checks of JSON values, the vocabulary of block_kit_limits.py.

A check takes a value, its JSON pointer and the surface. It yields errors in Slack's wording.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

Surface: TypeAlias = Literal["message", "modal", "home"]
Check: TypeAlias = Callable[[Any, str, Surface], Iterator[str]]


def error(what: str, at: str) -> str:
    """Format an error as Slack does in `response_metadata.messages`."""
    return f"[ERROR] {what} [json-pointer:{at}]"


def length(text: str) -> int:
    """Return the UTF-16 units of a text. Slack does not document how it counts; JavaScript counts this way."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def string(most: int, least: int = 1) -> Check:
    """Check for a string of `least` to `most` characters."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, str):
            yield error("must be a string", at)
        elif length(value) > most:
            yield error(f"must be less than {most + 1} characters", at)
        elif length(value) < least:
            yield error(f"must be more than {least - 1} characters", at)

    return check


def pattern(regex: str, what: str) -> Check:
    """Check for a string that matches `regex` as a whole."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, str) or not re.fullmatch(regex, value):
            yield error(f"must be {what}", at)

    return check


def one_of(*allowed: str) -> Check:
    """Check for one of these strings."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if value not in allowed:
            yield error(f"must be one of: {', '.join(allowed)}", at)

    return check


def integer(least: int, most: int) -> Check:
    """Check for an integer from `least` to `most`."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield error("must be an integer", at)
        elif not least <= value <= most:
            yield error(f"must be from {least} to {most}", at)

    return check


def boolean(value: Any, at: str, surface: Surface) -> Iterator[str]:
    """Check for true or false."""
    if not isinstance(value, bool):
        yield error("must be a boolean", at)


def each(inner: Check, most: int, least: int = 1) -> Check:
    """Check for a list of `least` to `most` items that each pass `inner`."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, list):
            yield error("must be an array", at)
            return
        if len(value) > most:
            yield error(f"no more than {most} items allowed [{len(value)} items]", at)
        if len(value) < least:
            yield error(f"no fewer than {least} items allowed [{len(value)} items]", at)
        for number, item in enumerate(value):
            yield from inner(item, f"{at}/{number}", surface)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Check for an object with all `required` fields, any `optional` ones, a `type`, and nothing else."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, dict):
            yield error("must be an object", at)
            return
        for name in required:
            if name not in value:
                yield error(f"missing required field: {name}", at)
        for name, part in value.items():
            if name in known:
                yield from known[name](part, f"{at}/{name}", surface)
            elif name != "type":
                yield error(f"invalid additional property: {name}", at)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """Check an object with the check for its `type`."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, dict):
            yield error("must be an object", at)
        elif value.get("type") not in kinds:
            yield error(f"unsupported type: {value.get('type')}", f"{at}/type")
        else:
            yield from kinds[value["type"]](value, at, surface)

    return check


def all_of(*checks: Check) -> Check:
    """Combine checks; a value must pass all of them."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        for inner in checks:
            yield from inner(value, at, surface)

    return check
