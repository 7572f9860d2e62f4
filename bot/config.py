"""The configuration, from the environment: everything that is missing or malformed is named at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SLACK_API_URL = "https://slack.com/api/"
TABLE_PREFIX = "rollcall-"


class ConfigError(Exception):
    """What is wrong with the environment, a line for each variable."""


@dataclass(frozen=True)
class Config:
    """Where Rollcall's data and Slack are. Secrets are left out of its `repr`, and so out of logs."""

    store: str
    """`dynamodb`, or `sqlite:PATH`."""
    table_prefix: str = TABLE_PREFIX
    slack_api_url: str = SLACK_API_URL
    bot_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, needs: frozenset[str] = frozenset()) -> Config:
        """Read the environment. `needs` names the variables that the command can't do without.

        Raises `ConfigError` with a line for each variable that is missing or malformed.
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
            raise ConfigError("\n".join(wrong))
        url = env.get("SLACK_API_URL") or SLACK_API_URL
        return cls(
            store=env["ROLLCALL_STORE"],
            table_prefix=env.get("ROLLCALL_TABLE_PREFIX") or TABLE_PREFIX,
            slack_api_url=url if url.endswith("/") else f"{url}/",
            bot_token=env.get("SLACK_BOT_TOKEN", ""),
            signing_secret=env.get("SLACK_SIGNING_SECRET", ""),
            app_token=env.get("SLACK_APP_TOKEN", ""),
        )

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
    "ROLLCALL_TABLE_PREFIX": (
        re.compile(r"[A-Za-z0-9_.-]{1,200}").fullmatch,
        "letters, digits and any of _ . -",
    ),
}
"""Each variable: whether a value is right, and what would be."""
