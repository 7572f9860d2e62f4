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
from tests.support.environment import at_once, ids
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import AMARA, BJORN, SECRET, Town, answer

LONG = 600
"""Time-out of the bot's client in seconds; a call that took so long would make the test time out."""

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def hushed(town: Town) -> Iterator[MemberClient]:
    """The town's bot, when Slack accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server, silent_bot(town, server) as slack:
        yield slack


@contextmanager
def silent_bot(town: Town, server: socket.socket) -> Iterator[MemberClient]:
    url = f"http://127.0.0.1:{server.getsockname()[1]}/api/"
    bot = assemble(
        town.store,
        WebClient(token=town.client.token, base_url=url, retry_handlers=[], timeout=LONG),
        workspace_id=town.workspace.team_id,
        signing_secret=SECRET,
        clock=town.clock,
        new_id=ids("other"),
        jitter=lambda: 0.5,
        spawn=at_once,
    )
    try:
        yield MemberClient(town.workspace, into_app(bot.app), SECRET)
    finally:
        bot.stop()


def test_a_form_whose_card_slack_does_not_take_is_answered_in_time(
    town: Town, hushed: MemberClient
) -> None:
    form = opened(town)
    seen = hushed.submit(BJORN, form.id, filled(town))
    assert "*Pottery* is open for registration." in answer(seen)
    assert "The card may not be posted: Slack did not answer." in answer(seen)
    (event,) = town.sound().events.values()
    assert event.listed is False, "whether its channel is private could not be learned"


def test_an_admin_about_whom_slack_is_silent_is_refused_in_time(
    town: Town, hushed: MemberClient
) -> None:
    town.event(organizer_id=BJORN)
    seen = hushed.command(AMARA, RANDOM, "/event", "yoga")
    assert SENTENCES[NotOrganizer](None) in answer(seen)


def test_registering_asks_slack_nothing_that_it_could_wait_for(
    town: Town, hushed: MemberClient
) -> None:
    card = town.card(town.event())
    assert "You have a seat" in answer(hushed.click(BJORN, card, ActionId.REGISTER))
