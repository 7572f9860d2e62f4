"""The Bolt app: every listener, and the one place where errors become answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.errors import OtherWorkspace
from bot.failing import Failing
from bot.haste import ASKING, PATIENCE, in_haste
from bot.listeners import (
    browsing,
    calendar,
    creating,
    editing,
    ending,
    history,
    home,
    managing,
    membership,
    messaging,
    registering,
    rollcall,
)
from bot.parts import Cards, Parts
from bot.payloads import workspaces_of
from bot.people import People
from bot.shapes import WellFormed
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
    failing = Failing(new_id)
    app = App(
        # Its token comes with `authorize`: with one of its own, Bolt warns that it ignores it.
        client=in_haste(client, token=None, seconds=PATIENCE),
        signing_secret=signing_secret,
        # Work first, then acknowledge: a commit takes tens of milliseconds, and an
        # acknowledgement can say how it ended.
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        listener_executor=executor,
        before_authorize=WellFormed(failing.refuse),
        authorize=lambda: AuthorizeResult(
            enterprise_id=None, team_id=workspace_id, bot_token=client.token
        ),
    )
    app.error(failing.answer)
    app.use(_only_from(workspace_id))
    asking = in_haste(client, token=client.token, seconds=ASKING)
    parts = Parts(service, cards, People(asking, clock), asking, new_id, workspace_id)
    for flow in (
        *(registering, browsing, home, calendar, rollcall),
        *(creating, managing, editing, messaging, ending, history, membership),
    ):
        flow.register(app, parts)
    return app


def _only_from(workspace_id: str) -> Callable[..., BoltResponse]:
    """Refuse every request of another workspace, or of its people, or of none (R10.2)."""

    def guard(body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:  # Bolt's
        if workspaces_of(body) != {workspace_id}:
            raise OtherWorkspace
        return next()

    return guard
