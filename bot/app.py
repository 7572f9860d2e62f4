"""The Bolt app: middleware, the listeners of every feature, and the error handler."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped
from slack_sdk import WebClient

from bot.error_handler import ErrorHandler
from bot.features.account import listeners as account_listeners
from bot.features.account import rollcall_command
from bot.features.adding import listeners as adding_listeners
from bot.features.announcement import listeners as announcement_listeners
from bot.features.browsing import listeners as browsing_listeners
from bot.features.calendar import listeners as calendar_listeners
from bot.features.ending import listeners as ending_listeners
from bot.features.event_form import create, edit, event_command
from bot.features.going import listeners as going_listeners
from bot.features.history import listeners as history_listeners
from bot.features.home import listeners as home_listeners
from bot.features.home.publisher import HomePublisher
from bot.features.manage import listeners as manage_listeners
from bot.features.manage import series_listeners as manage_series_listeners
from bot.features.registration import listeners as registration_listeners
from bot.features.series import listeners as series_listeners
from bot.slack.context import AppContext, Cards, Later
from bot.slack.member_directory import MemberDirectory
from bot.slack.middleware import ParsePayload, only_from
from bot.slack.registrar import Registrar
from bot.slack.reply_sender import ReplySender
from bot.slack.web_client import LOOKUP_SECONDS, REPLY_SECONDS, bounded_client, patient_client
from domain.models import Event
from domain.ports import Clock, NewId
from domain.service import Service

FEATURES = (
    registration_listeners,
    series_listeners,
    browsing_listeners,
    home_listeners,
    calendar_listeners,
    going_listeners,
    event_command,
    create,
    edit,
    manage_listeners,
    manage_series_listeners,
    adding_listeners,
    announcement_listeners,
    ending_listeners,
    history_listeners,
    account_listeners,
    rollcall_command,
)


# Bolt reads SLACK_BOT_TOKEN, too, and warns that it makes no use of it.
_BOLT_WARNING = warning_client_prioritized_and_token_skipped()
logging.getLogger("slack_bolt.App").addFilter(lambda record: record.msg != _BOLT_WARNING)


def build_app(
    service: Service,
    *,
    cards: Cards,
    members: MemberDirectory,
    follow_channel_later: Callable[[Event], None],
    sender: ReplySender,
    later: Later,
    workspace_id: str,
    client: WebClient,
    signing_secret: str,
    new_id: NewId,
    clock: Clock,
    executor: Executor | None = None,
) -> App:
    """Return the app of one workspace. Building it calls nothing in Slack.

    `executor` runs the listeners: it has as many threads as people may press at the same time.
    """
    reply_client = bounded_client(client, token=client.token, seconds=REPLY_SECONDS)
    lookup_client = bounded_client(client, token=client.token, seconds=LOOKUP_SECONDS)
    context = AppContext(
        service=service,
        cards=cards,
        members=members,
        client=lookup_client,
        reply_client=reply_client,
        later=later,
        new_id=new_id,
        workspace_id=workspace_id,
        follow_channel_later=follow_channel_later,
        clock=clock,
    )
    home = HomePublisher(context)
    error_handler = ErrorHandler(new_id, sender, reply_client, home.refresh_if_shown)
    app = App(
        # Without a name, Bolt reads the source of the whole call stack to find one.
        name="rollcall",
        # Bolt copies it for each request, and nobody calls Slack with it: a copy loses the request's budget. The
        # token comes with `authorize`; Bolt warns if the client has one of its own.
        client=patient_client(client, token=None),
        signing_secret=signing_secret,
        # Work first, then acknowledge: a commit takes tens of milliseconds, and the acknowledgement can carry
        # its result.
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        listener_executor=executor,
        before_authorize=ParsePayload(error_handler.refuse),
        authorize=lambda: AuthorizeResult(
            enterprise_id=None, team_id=workspace_id, bot_token=client.token
        ),
    )
    app.error(error_handler.handle)
    app.use(only_from(workspace_id, members))
    registrar = Registrar(sender, reply_client, home.refresh_if_shown)
    for feature in FEATURES:
        feature.add_listeners(registrar, context)
    registrar.register(app)
    return app
