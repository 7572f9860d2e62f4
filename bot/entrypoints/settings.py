"""The configuration, read from environment variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SLACK_API_URL = "https://slack.com/api/"
TABLE_PREFIX = "rollcall-"

ENOUGH_CONCURRENCY = 200
"""The quota of concurrent executions from which on functions wait in a queue (R14).

Each waits for up to 1.6 seconds, so 200 take 125 presses a second while all wait. With a new account's 10, they would
keep each other from starting.
"""


class SettingsError(Exception):
    """Variables are missing or malformed. The message has a line for each."""


@dataclass(frozen=True)
class Settings:
    """Rollcall's configuration. Its `repr`, and so any log, contains no secrets."""

    store: str
    """`dynamodb`, or `sqlite:PATH`."""
    table_prefix: str = TABLE_PREFIX
    slack_api_url: str = SLACK_API_URL
    bot_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    workspace_id: str = ""
    """Set for Lambda functions, which start too often to ask Slack for it each time."""
    concurrency: int = 0
    """How many functions of the account may run at the same time. 0: not on Lambda."""
    api_tokens: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Pairs of a workspace id and a token of its HTTP API."""

    @classmethod
    def from_env(
        cls,
        env: Mapping[str, str],
        *,
        needs: frozenset[str] = frozenset(),
        needs_store: bool = True,
    ) -> Settings:
        """Read the environment. `needs` names the variables that the command requires besides the store.

        Raises `SettingsError`, which names all missing and malformed variables, never their values.
        """
        problems = []
        for name, (is_valid, expected) in _VARIABLES.items():
            value = env.get(name, "")
            if not value and (name in needs or (name == "ROLLCALL_STORE" and needs_store)):
                problems.append(f"{name} is missing: it must be {expected}")
            elif value and not is_valid(value):
                problems.append(f"{name} is malformed: it must be {expected}")
            elif name in _SECRETS and _is_placeholder(value):
                problems.append(f"{name} is still a placeholder: it must be {expected}")
        if (
            env.get("ROLLCALL_STORE", "").startswith("sqlite:")
            and "AWS_LAMBDA_FUNCTION_NAME" in env
        ):
            problems.append(
                "ROLLCALL_STORE must be dynamodb on Lambda: functions don't share files there"
            )
        if problems:
            raise SettingsError("\n".join(problems))
        url = env.get("SLACK_API_URL") or SLACK_API_URL
        return cls(
            store=env.get("ROLLCALL_STORE", ""),
            table_prefix=env.get("ROLLCALL_TABLE_PREFIX") or TABLE_PREFIX,
            slack_api_url=url if url.endswith("/") else f"{url}/",
            bot_token=env.get("SLACK_BOT_TOKEN", ""),
            signing_secret=env.get("SLACK_SIGNING_SECRET", ""),
            app_token=env.get("SLACK_APP_TOKEN", ""),
            workspace_id=env.get("ROLLCALL_WORKSPACE", ""),
            concurrency=int(env.get("ROLLCALL_CONCURRENCY") or 0),
            api_tokens=_api_tokens(env.get("ROLLCALL_API_TOKENS", "")),
        )

    def api_tokens_of(self, workspace_id: str) -> tuple[str, ...]:
        """Return the tokens of a workspace's HTTP API. Without one, the API is off (R10.3)."""
        return tuple(token for of, token in self.api_tokens if of == workspace_id)

    @property
    def waits_in_queue(self) -> bool:
        """Whether a function may wait for the result of a queued request (R14)."""
        return self.concurrency >= ENOUGH_CONCURRENCY

    @property
    def sqlite_path(self) -> str | None:
        """The path of the SQLite file, or None on DynamoDB."""
        kind, _, path = self.store.partition(":")
        return path if kind == "sqlite" else None


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and "@" not in parts.netloc


def _api_tokens(value: str) -> tuple[tuple[str, str], ...]:
    pairs = (pair.strip().partition("=") for pair in value.split(",") if pair.strip())
    return tuple((workspace_id, token) for workspace_id, _, token in pairs)


def _are_api_tokens(value: str) -> bool:
    # A workspace id in Slack's form, and a token in RFC 6750's, too long to guess.
    return all(
        re.fullmatch(r"[A-Z0-9]+=[A-Za-z0-9._~+/-]{16,}=*", pair.strip())
        for pair in value.split(",")
    )


def _is_placeholder(value: str) -> bool:
    """Return whether one of the secrets is one that this documentation shows. Everyone can read those (R10.3)."""
    secrets = (pair.partition("=")[2] or pair for pair in value.split(","))
    return any(secret.strip().lower() in _PLACEHOLDERS for secret in secrets)


_SECRETS = frozenset(
    {"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "ROLLCALL_API_TOKENS"}
)

_PLACEHOLDERS = frozenset(
    {"xoxb-your-token", "xapp-your-token", "xoxb-...", "xapp-...", "choose-a-long-random-token"}
)
"""Every stand-in for a secret in README.md, docs/, .slack/ and `rollcall --help`, in lower case."""

_VARIABLES: dict[str, tuple[Callable[[str], object], str]] = {
    "SLACK_BOT_TOKEN": (
        re.compile(r"xoxb-[!-~]+").fullmatch,
        "the app's bot token, which starts with xoxb- (see Install App in the app's settings)",
    ),
    "SLACK_SIGNING_SECRET": (
        re.compile(r"[!-~]{8,}").fullmatch,
        "the app's signing secret (see Basic Information in the app's settings)",
    ),
    "SLACK_APP_TOKEN": (
        re.compile(r"xapp-[!-~]+").fullmatch,
        "an app-level token with connections:write, which starts with xapp-"
        " (see Basic Information in the app's settings)",
    ),
    "SLACK_API_URL": (_is_url, "an http or https URL, without a password"),
    "ROLLCALL_STORE": (
        re.compile(r"dynamodb|sqlite:\S(?:.*\S)?").fullmatch,
        "dynamodb, or sqlite: followed by the path of a file",
    ),
    "ROLLCALL_WORKSPACE": (
        re.compile(r"T[A-Z0-9]+").fullmatch,
        "the workspace id, which starts with T (see Slack's address in a browser)",
    ),
    "ROLLCALL_API_TOKENS": (
        _are_api_tokens,
        "WORKSPACE=TOKEN, separated by commas: a workspace id, and at least 16 characters"
        " (letters, digits, . _ ~ + / -)",
    ),
    "ROLLCALL_CONCURRENCY": (
        re.compile(r"[1-9][0-9]{0,5}").fullmatch,
        "the account's quota of concurrent executions of Lambda, a whole number",
    ),
    "ROLLCALL_TABLE_PREFIX": (
        re.compile(r"[A-Za-z0-9_.-]{1,200}").fullmatch,
        "up to 200 characters (letters, digits, _ . -)",
    ),
}
"""A check of each variable's value, and a description of a valid one."""
