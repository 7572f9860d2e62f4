"""Faults of Slack for messages and card updates, and a worker with a short timeout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.notifications.worker import NotificationWorker
from playground.web_api.fault_injection import Fault
from tests.support.environment import run_now
from tests.support.slack.harness import SlackHarness

LONG_ENOUGH = 60
NOT_APPLIED = {
    "rate limit": Fault.rate_limited(7),
    "500": Fault.server_error(500),
    "503": Fault.server_error(503),
    "time-out": Fault.timed_out(),
    "closed": Fault.closed(),
    "cut off": Fault.cut_off(),
    "proxy's page": Fault.proxy_page(),
    "ratelimited": Fault.refused("ratelimited"),
    "internal_error": Fault.refused("internal_error"),
    "message limit": Fault.refused("message_limit_exceeded"),
}
ANSWER_LOST = {
    "500": Fault.server_error(500, applied=True),
    "time-out": Fault.timed_out(applied=True),
    "closed": Fault.closed(applied=True),
    "cut off": Fault.cut_off(applied=True),
    "proxy's page": Fault.proxy_page(applied=True),
}
OURS = [
    "account_inactive",
    "invalid_auth",
    "token_revoked",
    "missing_scope",
    "accesslimited",
    "app_access_restricted",
    "enterprise_is_restricted",
]
BUGS = ["invalid_blocks", "msg_too_long"]


class ImpatientClient(WebClient):
    """Slack client with a short timeout when no response is coming."""

    harness: SlackHarness

    def api_call(self, api_method: str, **rest: Any) -> SlackResponse:
        fault = self.harness.api.faults.peek(api_method)
        self.timeout = 0.4 if fault is not None and fault.never_answers else 5  # type: ignore[assignment]  # the socket takes fractions
        return super().api_call(api_method, **rest)


@pytest.fixture
def impatient(harness: SlackHarness) -> SlackHarness:
    """Give the town's bot a worker with that client."""
    client = ImpatientClient(
        token=harness.workspace.app.bot_token,
        base_url=f"{harness.workspace.url}/api/",
        retry_handlers=[],
    )
    client.harness = harness
    notification_worker = NotificationWorker(
        harness.store,
        client,
        harness.clock,
        holder="impatient",
        workspace_id=harness.workspace.team_id,
        sweep=harness.bot.service.finish_unfinished,
        reconcile=lambda: None,
        spawn=run_now,
    )
    harness.bot = replace(harness.bot, notification_worker=notification_worker)
    return harness
