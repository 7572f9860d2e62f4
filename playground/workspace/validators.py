"""The vocabulary that limits.py is written in: small checks of JSON values that compose.

A check takes a value, its JSON pointer and the surface, and yields what is wrong in Slack's wording.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

Surface: TypeAlias = Literal["message", "modal", "home"]
Check: TypeAlias = Callable[[Any, str, Surface], Iterator[str]]


def fault(what: str, at: str) -> str:
    """One complaint, as `response_metadata.messages` carries it."""
    return f"[ERROR] {what} [json-pointer:{at}]"


def string(most: int, least: int = 1) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, str):
            yield fault("must be a string", at)
        elif len(value) > most:
            yield fault(f"must be less than {most + 1} characters", at)
        elif len(value) < least:
            yield fault(f"must be more than {least - 1} characters", at)

    return check


def pattern(regex: str, what: str) -> Check:
    """A string that matches the whole of `regex`."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, str) or not re.fullmatch(regex, value):
            yield fault(f"must be {what}", at)

    return check


def one_of(*allowed: str) -> Check:
    """One of these strings."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if value not in allowed:
            yield fault(f"must be one of: {', '.join(allowed)}", at)

    return check


def integer(least: int, most: int) -> Check:
    """An integer from `least` to `most`."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield fault("must be an integer", at)
        elif not least <= value <= most:
            yield fault(f"must be from {least} to {most}", at)

    return check


def boolean(value: Any, at: str, surface: Surface) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield fault("must be a boolean", at)


def each(inner: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` items, each of which passes `inner`."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, list):
            yield fault("must be an array", at)
            return
        if len(value) > most:
            yield fault(f"no more than {most} items allowed [{len(value)} items]", at)
        if len(value) < least:
            yield fault(f"no fewer than {least} items allowed [{len(value)} items]", at)
        for number, item in enumerate(value):
            yield from inner(item, f"{at}/{number}", surface)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with all of `required`, any of `optional`, a `type`, and nothing else."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, dict):
            yield fault("must be an object", at)
            return
        for name in required:
            if name not in value:
                yield fault(f"missing required field: {name}", at)
        for name, part in value.items():
            if name in known:
                yield from known[name](part, f"{at}/{name}", surface)
            elif name != "type":
                yield fault(f"invalid additional property: {name}", at)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` names the check that it must pass."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        if not isinstance(value, dict):
            yield fault("must be an object", at)
        elif value.get("type") not in kinds:
            yield fault(f"unsupported type: {value.get('type')}", f"{at}/type")
        else:
            yield from kinds[value["type"]](value, at, surface)

    return check


def all_of(*checks: Check) -> Check:
    """Passes every one of these checks."""

    def check(value: Any, at: str, surface: Surface) -> Iterator[str]:
        for inner in checks:
            yield from inner(value, at, surface)

    return check
