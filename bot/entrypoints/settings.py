"""The configuration, from the environment: everything that is missing or malformed is named at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SLACK_API_URL = "https://slack.com/api/"
TABLE_PREFIX = "rollcall-"


class SettingsError(Exception):
    """What is wrong with the environment, a line for each variable."""


@dataclass(frozen=True)
class Settings:
    """Where Rollcall's data and Slack are. Secrets are left out of its `repr`, and so out of logs."""

    store: str
    """`dynamodb`, or `sqlite:PATH`."""
    table_prefix: str = TABLE_PREFIX
    slack_api_url: str = SLACK_API_URL
    bot_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    workspace_id: str = ""
    """Where it can't be asked of Slack at start: each start of a Lambda function counts."""
    api_tokens: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """The HTTP API's: each with the workspace that it is for."""

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, needs: frozenset[str] = frozenset()) -> Settings:
        """Read the environment. `needs` names the variables that the command can't do without.

        Raises `SettingsError` with a line for each variable that is missing or malformed.
        """
        wrong = []
        for name, (is_right, right) in _VARIABLES.items():
            value = env.get(name, "")
            if not value and (name in needs or name == "ROLLCALL_STORE"):
                wrong.append(f"{name} is missing: it must be {right}")
            elif value and not is_right(value):
                wrong.append(f"{name} is malformed: it must be {right}")
        if (
            env.get("ROLLCALL_STORE", "").startswith("sqlite:")
            and "AWS_LAMBDA_FUNCTION_NAME" in env
        ):
            wrong.append("ROLLCALL_STORE must be dynamodb on Lambda: a file there is nobody else's")
        if wrong:
            raise SettingsError("\n".join(wrong))
        url = env.get("SLACK_API_URL") or SLACK_API_URL
        return cls(
            store=env["ROLLCALL_STORE"],
            table_prefix=env.get("ROLLCALL_TABLE_PREFIX") or TABLE_PREFIX,
            slack_api_url=url if url.endswith("/") else f"{url}/",
            bot_token=env.get("SLACK_BOT_TOKEN", ""),
            signing_secret=env.get("SLACK_SIGNING_SECRET", ""),
            app_token=env.get("SLACK_APP_TOKEN", ""),
            workspace_id=env.get("ROLLCALL_WORKSPACE", ""),
            api_tokens=_api_tokens(env.get("ROLLCALL_API_TOKENS", "")),
        )

    def api_tokens_of(self, workspace_id: str) -> tuple[str, ...]:
        """Return the tokens of a workspace's HTTP API, which is off without one (R10.3)."""
        return tuple(token for of, token in self.api_tokens if of == workspace_id)

    @property
    def sqlite_path(self) -> str | None:
        """The SQLite file; None on DynamoDB."""
        kind, _, path = self.store.partition(":")
        return path if kind == "sqlite" else None


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _api_tokens(value: str) -> tuple[tuple[str, str], ...]:
    pairs = (pair.strip().partition("=") for pair in value.split(",") if pair.strip())
    return tuple((workspace_id, token) for workspace_id, _, token in pairs)


def _are_api_tokens(value: str) -> bool:
    # A workspace's id as Slack has it, and a token as RFC 6750 does: none that is guessed in a while.
    return all(
        re.fullmatch(r"[A-Z0-9]+=[A-Za-z0-9._~+/-]{16,}=*", pair.strip())
        for pair in value.split(",")
    )


_VARIABLES: dict[str, tuple[Callable[[str], object], str]] = {
    "SLACK_BOT_TOKEN": (
        re.compile(r"xoxb-\S+").fullmatch,
        "the bot token of the app, which begins with xoxb- (OAuth & Permissions)",
    ),
    "SLACK_SIGNING_SECRET": (
        re.compile(r"\S{8,}").fullmatch,
        "the signing secret of the app (Basic Information)",
    ),
    "SLACK_APP_TOKEN": (
        re.compile(r"xapp-\S+").fullmatch,
        "an app-level token with connections:write, which begins with xapp- (Basic Information)",
    ),
    "SLACK_API_URL": (_is_url, "an http or https URL"),
    "ROLLCALL_STORE": (
        re.compile(r"dynamodb|sqlite:.+").fullmatch,
        "dynamodb, or sqlite: and the path of a file",
    ),
    "ROLLCALL_WORKSPACE": (
        re.compile(r"T[A-Z0-9]+").fullmatch,
        "the workspace's id, which begins with T (it is in Slack's address in a browser)",
    ),
    "ROLLCALL_API_TOKENS": (
        _are_api_tokens,
        "WORKSPACE=TOKEN, several with commas: a workspace's id, and 16 or more letters, digits and any of . _ ~ + / -",
    ),
    "ROLLCALL_TABLE_PREFIX": (
        re.compile(r"[A-Za-z0-9_.-]{1,200}").fullmatch,
        "letters, digits and any of _ . -",
    ),
}
"""Each variable: whether a value is right, and what would be."""
