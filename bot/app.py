"""The Bolt app: every listener, and the one place where errors become answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.answers import PATIENCE
from bot.errors import OtherWorkspace
from bot.failing import Failing
from bot.listeners import browsing, creating, managing, registering, rollcall
from bot.parts import Cards, Parts
from bot.payloads import workspaces_of
from bot.people import People
from domain.ports import Clock, NewId
from domain.service import Service


def build_app(
    service: Service,
    *,
    cards: Cards,
    workspace_id: str,
    client: WebClient,
    signing_secret: str,
    clock: Clock,
    new_id: NewId,
    executor: Executor | None = None,
) -> App:
    """Return the app of one workspace. It never calls Slack before it is asked something.

    `executor` runs the listeners: as many threads as people who press at the same time.
    """
    app = App(
        # Its token comes with `authorize`: with one of its own, Bolt warns that it ignores it.
        client=_in_haste(client, token=None, seconds=PATIENCE),
        signing_secret=signing_secret,
        # Work first, then acknowledge: a commit takes tens of milliseconds, and an
        # acknowledgement can say how it ended.
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        listener_executor=executor,
        authorize=lambda: AuthorizeResult(
            enterprise_id=None, team_id=workspace_id, bot_token=client.token
        ),
    )
    app.error(Failing(new_id).answer)
    app.use(_only_from(workspace_id))
    asking = _in_haste(client, token=client.token, seconds=ASKING)
    parts = Parts(service, cards, People(asking, clock), asking, new_id)
    for flow in (registering, browsing, creating, managing, rollcall):
        flow.register(app, parts)
    return app


ASKING = 1
"""Seconds for what must be known of a person or a channel before an answer can be given."""


def _in_haste(client: WebClient, *, token: str | None, seconds: int) -> WebClient:
    """Return a client for calls before the acknowledgement: it asks once, and gives up in time (R8.12)."""
    return WebClient(
        token=token,
        base_url=client.base_url,
        timeout=seconds,
        ssl=client.ssl,
        proxy=client.proxy,
        headers=client.headers,
        retry_handlers=[],
    )


def _only_from(workspace_id: str) -> Callable[..., BoltResponse]:
    """Refuse every request of another workspace, or of its people (R10.2)."""

    def guard(body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:  # Bolt's
        if workspaces_of(body) - {workspace_id}:
            raise OtherWorkspace
        return next()

    return guard
