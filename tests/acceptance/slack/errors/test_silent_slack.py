"""A silent Slack does not delay acknowledgements (R8.12)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from slack_sdk import WebClient

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import assemble
from bot.slack.error_messages import SENTENCES
from domain.errors import NotOrganizer
from playground.client.member_client import MemberClient
from playground.client.transport import into_app
from playground.demo.seed import RANDOM
from tests.support.environment import ids, run_now
from tests.support.slack import sentences
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import AMARA, BJORN, SECRET, SlackHarness, reply

LONG = 600
"""Time-out of the bot's client in seconds; a call that took so long would make the test time out."""

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def client(harness: SlackHarness) -> Iterator[MemberClient]:
    """Return a member client of a bot whose Slack accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server, silent_bot(harness, server) as slack:
        yield slack


@contextmanager
def silent_bot(harness: SlackHarness, server: socket.socket) -> Iterator[MemberClient]:
    url = f"http://127.0.0.1:{server.getsockname()[1]}/api/"
    bot = assemble(
        harness.store,
        WebClient(token=harness.client.token, base_url=url, retry_handlers=[], timeout=LONG),
        workspace_id=harness.workspace.team_id,
        signing_secret=SECRET,
        clock=harness.clock,
        new_id=ids("other"),
        jitter=lambda: 0.5,
        spawn=run_now,
    )
    try:
        yield MemberClient(harness.workspace, into_app(bot.app), SECRET)
    finally:
        bot.stop()


def test_form_reply_is_in_time_if_slack_does_not_accept_the_card(
    harness: SlackHarness, client: MemberClient
) -> None:
    harness.clock.while_sleeping = lambda: None  # the worker waits for Slack, too
    form = opened(harness)
    result = client.submit(BJORN, form.id, filled(harness))
    assert "*Pottery* is open for registration." in reply(result)
    (event,) = harness.assert_invariants().events.values()
    assert sentences.card_on_its_way(event) in reply(result)
    assert event.listed is False, "whether its channel is private could not be learned"


def test_admin_is_refused_in_time_if_slack_does_not_respond(
    harness: SlackHarness, client: MemberClient
) -> None:
    harness.event(organizer_id=BJORN)
    result = client.command(AMARA, RANDOM, "/event", "yoga")
    assert SENTENCES[NotOrganizer](None) in reply(result)


def test_register_does_not_wait_for_slack(harness: SlackHarness, client: MemberClient) -> None:
    card = harness.card(harness.event())
    assert "You have a seat" in reply(client.click(BJORN, card, ActionId.REGISTER))
