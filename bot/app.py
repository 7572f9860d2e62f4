"""The Bolt app: every listener, and the one place where errors become answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.error_handler import ErrorHandler
from bot.features.account import listeners as account_listeners
from bot.features.account import rollcall_command
from bot.features.announcement import listeners as announcement_listeners
from bot.features.browsing import listeners as browsing_listeners
from bot.features.calendar import listeners as calendar_listeners
from bot.features.ending import listeners as ending_listeners
from bot.features.event_form import create, edit
from bot.features.history import listeners as history_listeners
from bot.features.home import listeners as home_listeners
from bot.features.manage import listeners as manage_listeners
from bot.features.registration import listeners as registration_listeners
from bot.slack.context import AppContext, Cards
from bot.slack.errors import OtherWorkspace
from bot.slack.interactions import workspaces_of
from bot.slack.member_directory import MemberDirectory
from bot.slack.payload_models import WellFormed
from bot.slack.web_client import ASKING, REQUEST_SECONDS, bounded_client
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
    failing = ErrorHandler(new_id)
    app = App(
        # Its token comes with `authorize`: with one of its own, Bolt warns that it ignores it.
        client=bounded_client(client, token=None, seconds=REQUEST_SECONDS),
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
    asking = bounded_client(client, token=client.token, seconds=ASKING)
    context = AppContext(
        service, cards, MemberDirectory(asking, clock), asking, new_id, workspace_id
    )
    for flow in (
        *(
            registration_listeners,
            browsing_listeners,
            home_listeners,
            calendar_listeners,
            rollcall_command,
        ),
        *(
            create,
            manage_listeners,
            edit,
            announcement_listeners,
            ending_listeners,
            history_listeners,
            account_listeners,
        ),
    ):
        flow.register(app, context)
    return app


def _only_from(workspace_id: str) -> Callable[..., BoltResponse]:
    """Refuse every request of another workspace, or of its people, or of none (R10.2)."""

    def guard(body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:  # Bolt's
        if workspaces_of(body) != {workspace_id}:
            raise OtherWorkspace
        return next()

    return guard
