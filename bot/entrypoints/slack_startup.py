"""A process's first calls to Slack: its client, its workspace, and what a failure means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.entrypoints.startup_errors import StartupError

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from bot.entrypoints.settings import Settings


def slack_client(settings: Settings) -> WebClient:
    """Return a Slack client that tries each call once. Callers decide what is safe to repeat."""
    from slack_sdk import WebClient

    return WebClient(
        token=settings.bot_token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[]
    )


def fetch_workspace_id(client: WebClient) -> str:
    """Ask Slack for the bot token's workspace, the one that this process serves. Raises `StartupError`."""
    with slack_startup_errors(client.base_url, "SLACK_BOT_TOKEN"):
        identity = client.auth_test()
    if identity.get("is_enterprise_install"):
        raise StartupError(
            "SLACK_BOT_TOKEN belongs to an installation in a whole organization. Rollcall serves one"
            " workspace: install the app there, and use that workspace's token."
        )
    return str(identity["team_id"])


def slack_failure(error: Exception, url: str, variable: str) -> str:
    """Return what went wrong in a call with a token, and what to do. `error` is one of `api_errors.FAILURES`."""
    from slack_sdk.errors import SlackApiError

    from bot.slack.api_errors import classify

    if not isinstance(error, SlackApiError):
        reason = getattr(error, "reason", None) or error
        return f"Slack can't be reached at {url} ({reason}). Check the network, the proxy and SLACK_API_URL."
    failure = classify(error)
    if not failure.passes:
        return f"Slack rejected {variable}: {failure.reason}. `rollcall doctor` says what to do."
    status = int(
        getattr(error.response, "status_code", None) or error.response.get("status") or 200
    )
    has_code = str(error.response.get("error") or "").isidentifier()  # not a page of HTML
    if status == 429 or status >= 500 or has_code:
        return f"Slack is busy or down ({failure.reason}). Try again in a minute."
    return (
        f"{url} doesn't respond as Slack's Web API does ({failure.reason}). Check SLACK_API_URL, which ends"
        " in /api/, and the proxy."
    )


@contextmanager
def slack_startup_errors(url: str, variable: str) -> Iterator[None]:
    """Turn Slack's errors into `StartupError`. `variable` names the token that was used."""
    from bot.slack.api_errors import FAILURES

    try:
        yield
    except FAILURES as error:
        raise StartupError(slack_failure(error, url, variable)) from error
