"""The arguments of a Web API call, from a form, a query string or JSON, parsed as Slack does."""

import json
from collections.abc import Mapping
from typing import Any

from playground.workspace.model import SlackError


class Arguments:
    """Arguments by name. The methods raise `SlackError` with `invalid_arguments` for invalid values."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, default: str = "") -> str:
        """Return a string; a number becomes its digits."""
        value = self._given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid(f"must be a string: {name}")
        return str(value)

    def require(self, name: str) -> str:
        """Return a string that must not be empty."""
        if not self.text(name):
            raise invalid(f"missing required field: {name}")
        return self.text(name)

    def flag(self, name: str) -> bool:
        """Return whether the value is true, "true" or 1."""
        return str(self._given.get(name, "")).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """Return an integer, also from a string of digits."""
        try:
            return int(self._given.get(name, default))
        except (TypeError, ValueError):
            raise invalid(f"must be an integer: {name}") from None

    def json(self, name: str, *, error: str = "invalid_arguments") -> Any:
        """Return a list or object, also from a JSON string; None if missing. Raises `SlackError` with `error`."""
        value = self._given.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value) if value else None
            except json.JSONDecodeError:
                raise SlackError(error) from None
        return value


def invalid(*errors: str) -> SlackError:
    """Return an `invalid_arguments` error with these messages."""
    messages = [text if text.startswith("[ERROR]") else f"[ERROR] {text}" for text in errors]
    return SlackError("invalid_arguments", response_metadata={"messages": messages})
