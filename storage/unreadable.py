"""Errors for rows that can't be read: they name the table, the key, the field and the reason."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from domain.ports import UnreadableRow

WRONG = (ValueError, KeyError, TypeError, AttributeError)
"""The errors of reading a row with a value that is missing, malformed or of a wrong type."""


def unreadable(table: str, key: Mapping[str, object], error: Exception) -> UnreadableRow:
    """Return the error of a row that raised one of `WRONG`. Raise it `from None`: only it hides the row's values."""
    where = ", ".join(f"{name} {value}" for name, value in key.items())
    return UnreadableRow(f"the row of {table} with {where} can't be read: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        # The first one is enough to find the row, and pydantic's own text contains the value.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        return f"{field}: {first['msg']}" if field else first["msg"]
    if isinstance(error, KeyError):
        return f"{error.args[0]}: it is missing"
    return str(error)
