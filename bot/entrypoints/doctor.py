"""`rollcall doctor`: checks a configured workspace, and says what to do about each problem.

Each check yields findings, one line of plain words each. They name variables, never their values.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from pathlib import Path
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.entrypoints import manifest, slack_startup, stores
from bot.entrypoints.settings import SLACK_API_URL, Settings
from bot.entrypoints.startup_errors import MigrationNeeded, StartupError
from bot.slack.api_errors import FAILURES, classify

CLOCK_TOLERANCE = timedelta(minutes=1)
"""Slack's requests are refused if the clocks differ by five minutes; reminders come late long before."""

WITHOUT = {
    "chat:write.public": "invite Rollcall to each public channel before its card is posted there",
    "files:write": "calendar files and exported lists are not sent",
    "im:write": "calendar files and exported lists are not sent",
    "groups:read": "a channel counts as private because Slack doesn't show it",
}
"""The effect of declining each of the manifest's optional scopes."""

REINSTALL = "Update the app from the manifest (App Manifest), and reinstall it (Install App)."

COPY_AGAIN = (
    "Copy it again from Install App in the app's settings. If the app was removed from the workspace, install"
    " it again first."
)
GENERATE_NEW = "Generate a new one on Basic Information, with the scope connections:write."


class Level(Enum):
    """How bad a finding is, as it is printed."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "PROBLEM"


@dataclass(frozen=True)
class Finding:
    """A line of the report."""

    level: Level
    text: str

    def __str__(self) -> str:
        return f"{self.level.value:<8} {self.text}"


def _ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def _note(text: str) -> Finding:
    return Finding(Level.NOTE, text)


def _problem(text: str) -> Finding:
    return Finding(Level.PROBLEM, text)


def examine(settings: Settings, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Check the workspace that the settings name, and yield what was found."""
    if settings.slack_api_url != SLACK_API_URL:
        yield _note(f"SLACK_API_URL: {settings.slack_api_url} is used instead of Slack.")
    workspace_id = None
    is_reachable = True
    try:
        identity = slack_startup.slack_client(settings).auth_test()
    except FAILURES as error:
        is_reachable = isinstance(error, SlackApiError)
        yield _problem(_failure(error, "SLACK_BOT_TOKEN", settings, COPY_AGAIN))
    else:
        workspace_id = str(identity["team_id"])
        headers = {name.lower(): value for name, value in identity.headers.items()}
        yield _token(identity)
        yield from _scopes(headers.get("x-oauth-scopes"))
        yield _clock(headers.get("date"), now())
    yield _requests(settings, is_reachable=is_reachable)
    yield _store(settings, workspace_id or "none")


def _failure(error: Exception, variable: str, settings: Settings, advice: str) -> str:
    """Return what went wrong in a call with a token. `advice` says what to do if Slack rejects the token."""
    failure = classify(error)
    if failure.passes:
        return slack_startup.slack_failure(error, settings.slack_api_url, variable)
    return f"{variable}: Slack rejects it ({failure.reason}). {advice}"


def _token(identity: Any) -> Finding:
    if identity.get("is_enterprise_install"):
        return _problem(
            "SLACK_BOT_TOKEN belongs to an installation in a whole organization. Install the app in one"
            " workspace, and use that workspace's token."
        )
    if not identity.get("bot_id"):
        return _problem("SLACK_BOT_TOKEN is not a bot's token. Copy the Bot User OAuth Token.")
    return _ok(f"SLACK_BOT_TOKEN: the workspace is {identity.get('team')} ({identity['team_id']}).")


def _scopes(header: Any) -> Iterator[Finding]:
    if header is None:
        yield _note("Scopes: this server doesn't say which scopes the token has.")
        return
    text = header[0] if isinstance(header, list) else header
    granted = {scope.strip() for scope in str(text).split(",")}
    needed, optional = manifest.scopes()
    missing = sorted(needed - granted)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        yield _problem(f"Scopes: {', '.join(missing)} {verb} missing. {REINSTALL}")
    for scope in sorted(optional - granted):
        yield _note(f"Scopes: the optional {scope} was not granted: {WITHOUT[scope]}.")
    if not missing and optional <= granted:
        yield _ok("Scopes: all of the manifest's.")


def _clock(header: Any, now: datetime) -> Finding:
    text = header[0] if isinstance(header, list) else header
    slack_time = None
    with suppress(TypeError, ValueError):
        slack_time = parsedate_to_datetime(str(text))
    if slack_time is None or slack_time.tzinfo is None:
        return _note("Clock: this server doesn't tell its time.")
    ahead = now - slack_time
    if abs(ahead) > CLOCK_TOLERANCE:
        direction = "ahead of" if ahead > timedelta() else "behind"
        return _problem(
            f"Clock: this machine's is {abs(ahead).total_seconds():.0f} seconds {direction} Slack's."
            " Turn on time synchronization (timedatectl set-ntp true)."
        )
    return _ok("Clock: within a minute of Slack's.")


def _requests(settings: Settings, *, is_reachable: bool) -> Finding:
    """Check how Slack's requests come in: through a socket, or signed over HTTP."""
    if settings.app_token and not is_reachable:
        return _note("SLACK_APP_TOKEN: not checked, because Slack can't be reached.")
    if settings.app_token:
        client = WebClient(base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
        try:
            client.apps_connections_open(app_token=settings.app_token)
        except FAILURES as error:
            return _problem(_failure(error, "SLACK_APP_TOKEN", settings, GENERATE_NEW))
        return _ok("SLACK_APP_TOKEN: Slack offers a connection, so `rollcall socket` can run.")
    if settings.signing_secret:
        return _ok(
            "SLACK_SIGNING_SECRET is set, so `rollcall http` can run. Whether it is this app's shows when"
            " Slack verifies the request URL."
        )
    return _problem(
        "Set SLACK_APP_TOKEN for `rollcall socket`, or SLACK_SIGNING_SECRET for `rollcall http`."
    )


def _store(settings: Settings, workspace_id: str) -> Finding:
    path = settings.sqlite_path
    if path is not None:
        folder = Path(path).absolute().parent
        has_folder = os.path.isdir(folder)  # noqa: PTH112  # False also for an impossible name
        if has_folder and not os.access(folder, os.W_OK | os.X_OK):
            return _problem(
                f"ROLLCALL_STORE: you don't have permission to write to the folder of {path}."
            )
        if has_folder and _is_yet_to_be_made(path):
            return _ok(f"ROLLCALL_STORE: {path} doesn't exist yet; the first start creates it.")
    try:
        with stores.open_store(settings, workspace_id, must_exist=True) as store:
            store.list_unfinished_users(limit=1)
        missing = () if path is not None else stores.missing_dynamodb_tables(settings)
    except MigrationNeeded as error:
        return _note(str(error))
    except StartupError as error:
        return _problem(str(error))
    if missing:
        return _problem(
            f"ROLLCALL_STORE: {', '.join(missing)} missing. `rollcall tables create` creates tables;"
            " an index (after the slash) is of a newer version, and is added in AWS."
        )
    return _ok("ROLLCALL_STORE: it can be read, and its schema is right.")


def _is_yet_to_be_made(path: str) -> bool:
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and not found.st_size
