"""Replies of a process that stays: after the acknowledgement, until Slack takes them, each told once (R8.12)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import Background, threads_for_background
from bot.entrypoints.http_server import build_http
from bot.features.calendar import views as calendar_views
from bot.slack.job_queue import JobQueue
from bot.slack.reply_sender import GIVE_UP_SECONDS
from bot.slack.request_budget import ACKNOWLEDGED_BY, request_received
from domain.ports import Clock
from playground.client import payloads
from playground.client.member_client import MemberClient, find_element
from playground.client.transport import BotResponse, into_app, over_http, signed
from playground.demo.http_server import serve
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Member
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.slack import sentences
from tests.support.slack.harness import (
    BJORN,
    CHLOE,
    SECRET,
    SlackHarness,
    files,
    run_bot,
    shown,
    stepped,
)

PRESSES = 100
"""More than there are threads."""


@pytest.fixture
def queueing(server: tuple[object, str], tmp_path: Path) -> Iterator[SlackHarness]:
    """Return a harness whose replies wait for `send_replies`."""
    path = tmp_path / "rollcall.sqlite"
    with run_bot(server, SQLiteStore, path, run_now, stepped) as harness:
        yield harness
        background_of(harness).replies.drain(0)


def background_of(harness: SlackHarness) -> Background:
    assert harness.bot.background is not None
    return harness.bot.background


def send_replies(harness: SlackHarness, seconds: float = 0) -> None:
    """Let time pass, and send what is due."""
    jobs = background_of(harness).replies
    jobs.run_due_jobs()
    for _ in range(round(seconds)):
        harness.clock.advance(timedelta(seconds=1))
        jobs.run_due_jobs()


def received(harness: SlackHarness, user_id: str = BJORN) -> list[str]:
    """Return what a member was told: on the card, then in direct messages."""
    replies = [
        shown(message)
        for message in harness.workspace.messages(EVENTS, visible_to=user_id)
        if message.ephemeral_to == user_id
    ]
    return replies + harness.direct_messages(user_id)


def press(harness: SlackHarness, user_id: str = BJORN, event_id: str = "yoga") -> None:
    """Press Register on a new card. The press is acknowledged, whatever happens to its reply."""
    card = harness.card(harness.bot.service.get_event(event_id))
    result = harness.slack.click(user_id, card, ActionId.REGISTER)
    assert result.failure is None
    assert result.messages == []


# The acknowledgement


def test_acknowledgements_do_not_wait_for_slack(server: tuple[object, str], tmp_path: Path) -> None:
    """Slack holds all replies back until every press is acknowledged. Then each person is told once."""
    path, answered = tmp_path / "rollcall.sqlite", threading.Event()
    with run_bot(server, SQLiteStore, path, run_now, threads_for_background) as harness:
        harness.event(capacity=PRESSES // 2)
        harness.api.faults.set_default(
            lambda method: Fault.held(answered) if method == "response_url" else None
        )
        bodies = presses(harness, PRESSES)
        web = build_http(harness.bot.app, harness.bot.executor, SECRET, harness.clock)
        with serve(web) as url, ThreadPoolExecutor(PRESSES) as members:
            deliver = over_http(f"{url}/slack/events", seconds=60)
            now = int(harness.clock.now().timestamp())
            sent = [members.submit(deliver, body, signed(body, SECRET, now)) for body in bodies]
            assert {one.result().status for one in sent} == {200}
        answered.set()
        assert background_of(harness).replies.drain(60) == []
        everything = harness.assert_invariants()
        assert len(everything.registrations) == PRESSES
        for number in range(PRESSES):
            (one,) = received(harness, f"U{number:05}")
            assert ("You have a seat" in one) is (f"U{number:05}" in everything.seated("yoga"))


def presses(harness: SlackHarness, count: int) -> list[bytes]:
    """Return the requests of people who press Register on one card."""
    card = harness.card(harness.bot.service.get_event("yoga"))
    block, element = find_element(card.blocks, ActionId.REGISTER)
    action = payloads.action(block, element, None, {})
    bodies = []
    for number in range(count):
        member = harness.workspace.put_member(
            Member(f"U{number:05}", f"member{number}", f"Member {number}", "Europe/Berlin")
        )
        payload = payloads.block_actions(harness.workspace, member, card, action)
        bodies.append(urlencode({"payload": json.dumps(payload)}).encode())
    return bodies


# Until Slack takes it


def test_reply_goes_out_after_an_outage(queueing: SlackHarness) -> None:
    """A minute without Slack: the response URL has uses left."""
    queueing.event()
    press(queueing)
    queueing.api.faults.set_default(Fault.server_error(503))
    send_replies(queueing, seconds=60)
    assert received(queueing) == []
    queueing.api.faults.set_default(None)
    send_replies(queueing, seconds=60)
    (reply,) = received(queueing)
    assert sentences.seat() in reply


def test_reply_goes_out_as_a_direct_message_after_five_uses(queueing: SlackHarness) -> None:
    queueing.event()
    press(queueing)
    queueing.api.fail_next("response_url", Fault.server_error(503), times=5)
    send_replies(queueing, seconds=300)
    assert len(queueing.api.calls("response_url")) == 5
    (reply,) = received(queueing)
    assert [reply] == queueing.direct_messages(BJORN)
    assert sentences.seat() in reply


def test_reply_to_an_expired_url_is_a_direct_message(queueing: SlackHarness) -> None:
    """The process had no thread or no Slack for half an hour."""
    queueing.event()
    press(queueing)
    queueing.clock.advance(timedelta(minutes=31))
    send_replies(queueing)
    assert queueing.api.calls("response_url") == []
    (reply,) = queueing.direct_messages(BJORN)
    assert sentences.seat() in reply


def test_direct_message_is_sent_again_until_slack_takes_it(queueing: SlackHarness) -> None:
    queueing.event()
    press(queueing)
    queueing.clock.advance(timedelta(minutes=31))
    queueing.api.faults.set_default(Fault.refused("token_revoked"))
    send_replies(queueing, seconds=120)
    queueing.api.faults.set_default(None)
    send_replies(queueing, seconds=120)
    assert len(queueing.direct_messages(BJORN)) == 1


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(Fault.refused("user_disabled"), 0), (Fault.server_error(503), GIVE_UP_SECONDS)],
)
def test_reply_that_nobody_takes_is_logged_once(
    queueing: SlackHarness, fault: Fault, seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    queueing.event()
    press(queueing)
    queueing.clock.advance(timedelta(minutes=31))
    queueing.api.faults.set_default(fault)
    for _ in range(round(seconds / 60) + 1):
        queueing.clock.advance(timedelta(minutes=1.5))
        send_replies(queueing)
    assert len(background_of(queueing).replies) == 0
    lost = [one for one in caplog.records if "a reply is lost" in one.getMessage()]
    assert len(lost) == 1


def test_closed_connection_costs_one_use(queueing: SlackHarness) -> None:
    queueing.event()
    press(queueing)
    queueing.api.fail_next("response_url", Fault.closed())
    send_replies(queueing)
    assert len(received(queueing)) == 1


def test_rate_limit_is_kept(queueing: SlackHarness) -> None:
    queueing.event()
    press(queueing)
    queueing.api.fail_next("response_url", Fault.rate_limited(20))
    send_replies(queueing, seconds=19)
    assert received(queueing) == []
    send_replies(queueing, seconds=1)
    assert len(received(queueing)) == 1


def test_replies_about_one_event_keep_their_order(queueing: SlackHarness) -> None:
    """The last reply that a member reads is true: they left, and registered again."""
    queueing.event()
    press(queueing)
    queueing.api.fail_next("response_url", Fault.server_error(503))
    send_replies(queueing)
    queueing.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    press(queueing)
    send_replies(queueing)
    assert received(queueing) == []
    send_replies(queueing, seconds=5)
    assert len(received(queueing)) == 2


def test_reply_about_another_event_does_not_wait(queueing: SlackHarness) -> None:
    """Slack did not take the reply about the first one, which is tried again after a pause."""
    queueing.event()
    queueing.event("chess", title="Chess")
    queueing.api.fail_next("response_url", Fault.server_error(503))
    press(queueing)
    press(queueing, event_id="chess")
    send_replies(queueing)
    (reply,) = received(queueing)
    assert "Chess" in reply
    send_replies(queueing, seconds=5)
    assert len(received(queueing)) == 2


# In views


@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.refused("expired_trigger_id"), Fault.closed()]
)
def test_reply_that_no_view_shows_is_a_direct_message(queueing: SlackHarness, fault: Fault) -> None:
    queueing.event()
    home = queueing.slack.open_home(BJORN).home
    assert home is not None
    queueing.api.fail_next("views.open", fault)
    assert queueing.slack.click(BJORN, home, ActionId.REGISTER).failure is None
    send_replies(queueing)
    (reply,) = queueing.direct_messages(BJORN)
    assert sentences.seat() in reply


def test_home_is_refreshed_after_the_acknowledgement(queueing: SlackHarness) -> None:
    queueing.event()
    home = queueing.slack.open_home(BJORN).home
    assert home is not None
    queueing.slack.click(BJORN, home, ActionId.REGISTER)
    assert len(queueing.api.calls("views.publish")) == 1
    background_of(queueing).chores.run_due_jobs()
    assert len(queueing.api.calls("views.publish")) == 2


# Calendar files


def press_add_to_calendar(harness: SlackHarness) -> None:
    harness.event()
    harness.register(BJORN)
    (own,) = harness.slack.command(BJORN, EVENTS, "/registrations").ephemeral
    harness.slack.click(BJORN, own, ActionId.ADD_TO_CALENDAR)


def test_calendar_file_is_sent_after_the_acknowledgement(queueing: SlackHarness) -> None:
    press_add_to_calendar(queueing)
    assert queueing.api.calls() == []
    send_replies(queueing)
    assert len(files(queueing)) == 1
    assert (
        calendar_views.file_sent(queueing.bot.service.get_event("yoga")).text
        in received(queueing)[1]
    )


def test_calendar_file_that_fails_unexpectedly_leaves_a_reference(queueing: SlackHarness) -> None:
    press_add_to_calendar(queueing)
    queueing.api.fail_next("files.completeUploadExternal", Fault.refused("purple_moon"))
    send_replies(queueing)
    assert "reference" in received(queueing)[1]


# The limits of the queue


def test_reply_goes_out_before_the_acknowledgement_if_too_many_wait(
    server: tuple[object, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def small(clock: Clock) -> Background:
        return Background(
            JobQueue("replies", clock, threads=0, limit=1),
            JobQueue("chores", clock, threads=0, limit=1),
        )

    with run_bot(server, SQLiteStore, tmp_path / "rollcall.sqlite", run_now, small) as harness:
        harness.event()
        card = harness.card(harness.bot.service.get_event("yoga"))
        harness.slack.click(BJORN, card, ActionId.REGISTER)
        result = harness.slack.click(CHLOE, card, ActionId.REGISTER)
        assert len(result.messages) == 1
        assert "replies: 1 are pending, and no more are taken" in caplog.text
        send_replies(harness)


# Commands


@pytest.mark.parametrize(
    ("slow", "text", "expected"),
    [("commit", "yoga", "You have a seat"), ("get_event", "tea", "Slack didn’t tell me")],
)
def test_command_that_took_too_long_gets_its_reply_at_the_response_url(
    queueing: SlackHarness, monkeypatch: pytest.MonkeyPatch, slow: str, text: str, expected: str
) -> None:
    """Found by the simulation: the reply was in an acknowledgement that Slack no longer waited for."""
    queueing.event()
    clock, store, deliver = queueing.clock, queueing.store, into_app(queueing.bot.app)
    call = getattr(store, slow)

    def slow_call(*args: object) -> object:
        clock.advance(timedelta(seconds=ACKNOWLEDGED_BY + 0.1))
        return call(*args)

    def deliver_now(body: bytes, headers: Mapping[str, str]) -> BotResponse:
        with request_received(clock.monotonic(), clock):
            return deliver(body, headers)

    monkeypatch.setattr(store, slow, slow_call)
    member = MemberClient(queueing.workspace, deliver_now, SECRET)
    result = member.command(BJORN, EVENTS, "/register", text)
    assert result.response is not None
    assert result.response.body == ""
    send_replies(queueing)
    (reply,) = received(queueing)
    assert expected in reply
