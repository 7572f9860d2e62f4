"""`rollcall validate`: has Slack validate what Rollcall shows, with its method `blocks.validate`.

The surfaces come in lines of JSON, `{"name": …, "surface": …}`. `make validate` renders those of the tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.entrypoints.slack_startup import slack_startup_errors
from bot.entrypoints.startup_errors import StartupError
from bot.slack.api_errors import ErrorClass, classify

REFUSALS = frozenset({"invalid_blocks", "invalid_message", "invalid_view"})
"""Slack's errors for a surface that it would not show. Any other error is about the call."""


def read(lines: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the content of each surface. Raises `StartupError` for a malformed line."""
    for number, line in enumerate(lines, start=1):
        try:
            case = json.loads(line)
            yield str(case["name"]), dict(case["surface"])
        except (ValueError, KeyError, TypeError) as error:
            raise StartupError(
                f'Line {number} is not {{"name": …, "surface": …}} in JSON.'
            ) from error


def problems(
    client: WebClient, surface: Mapping[str, Any], sleep: Callable[[float], None]
) -> list[str]:
    """Return what Slack finds wrong with a message or view; empty if it would show it.

    Wait when Slack asks for it. Raises `StartupError` if Slack doesn't validate.
    """
    kind = "view" if surface.get("type") in ("modal", "home") else "message"
    with slack_startup_errors(client.base_url, "SLACK_BOT_TOKEN"):
        while True:
            try:
                client.blocks_validate(**{kind: json.dumps(surface)})
            except SlackApiError as error:
                failure = classify(error)
                if failure.error_class is ErrorClass.RATE_LIMITED:
                    sleep(failure.retry_after)
                    continue
                if failure.reason not in REFUSALS:
                    raise
                found = error.response.get("errors") or [failure.reason]
                return [_described(one) for one in found]
            return []


def _described(found: Any) -> str:
    if not isinstance(found, Mapping):
        return str(found)
    named = (found.get("pointer"), found.get("code"), found.get("message"))
    return ": ".join(str(part) for part in named if part)
