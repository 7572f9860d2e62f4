"""The arguments of one Web API call, from a form, a query or JSON, read as Slack reads them."""

import json
from collections.abc import Mapping
from typing import Any

from playground.workspace.model import SlackError


class Arguments:
    """Reads arguments by name. Raises SlackError `invalid_arguments` for those that make no sense."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, default: str = "") -> str:
        """A string; numbers are taken for their digits."""
        value = self._given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid(f"must be a string: {name}")
        return str(value)

    def need(self, name: str) -> str:
        """A string that must be there."""
        if not self.text(name):
            raise invalid(f"missing required field: {name}")
        return self.text(name)

    def flag(self, name: str) -> bool:
        """True for true, 1 and their spellings in a form."""
        return str(self._given.get(name, "")).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """An integer, perhaps in digits."""
        try:
            return int(self._given.get(name, default))
        except (TypeError, ValueError):
            raise invalid(f"must be an integer: {name}") from None

    def json(self, name: str, *, error: str = "invalid_arguments") -> Any:
        """A list or object, perhaps as a JSON string; None if it is not there. Raises SlackError `error`."""
        value = self._given.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value) if value else None
            except json.JSONDecodeError:
                raise SlackError(error) from None
        return value


def invalid(*complaints: str) -> SlackError:
    """`invalid_arguments` with Slack's list of complaints."""
    messages = [text if text.startswith("[ERROR]") else f"[ERROR] {text}" for text in complaints]
    return SlackError("invalid_arguments", response_metadata={"messages": messages})
