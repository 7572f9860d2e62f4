"""Block Kit as JSON: what Slack's models make of themselves, in a tenth of the time.

`JsonObject.to_dict` looks through all of an object's names for validators, and puts the names of its
fields together anew, for each object each time: with that, the words of an answer took more time than
the registration. Both are a class's own, and found once.
"""

from __future__ import annotations

from typing import Any

from slack_sdk.models.basic_objects import JsonObject

_shapes: dict[type[JsonObject], _Shape] = {}


class _Shape:
    """What the JSON of a class is made of."""

    def __init__(self, example: JsonObject) -> None:
        kind = type(example)
        self.makes_its_own = kind.to_dict is not JsonObject.to_dict
        self.fields = sorted(example.attributes)
        self.validators = [
            name for name in dir(kind) if hasattr(getattr(kind, name, None), "validator")
        ]


def as_json(thing: JsonObject) -> dict[str, Any]:
    """Return the same as `to_dict`, of whatever Rollcall shows (no rich text, whose rules differ).

    Raises `SlackObjectFormationError` where a limit of Slack's models is passed.
    """
    shape = _shapes.get(type(thing))
    if shape is None:
        shape = _shapes[type(thing)] = _Shape(thing)
    if shape.makes_its_own:
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
