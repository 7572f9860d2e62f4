"""The filters of event source mappings, as Lambda applies them to a stream's records.

Only what the template uses: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def lets_through(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Return whether a record has a value that fits for each of the pattern's fields."""
    return all(name in record and _fits(rules, record[name]) for name, rules in pattern.items())


def _fits(rules: Any, value: Any) -> bool:
    match rules:
        case dict():
            return isinstance(value, dict) and lets_through(rules, value)
        case list():
            return any(_is(rule, value) for rule in rules)
        case _:
            raise AssertionError(f"a field's rules are a list: {rules}")


def _is(rule: Any, value: str) -> bool:
    match rule:
        case str():
            return value == rule
        case {"prefix": str(start), **rest} if not rest:
            return value.startswith(start)
        case {"suffix": str(end), **rest} if not rest:
            return value.endswith(end)
        case {"anything-but": list(others), **rest} if not rest:
            return value not in others
        case _:
            raise AssertionError(f"not a rule that the template uses: {rule}")
