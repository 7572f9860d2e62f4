"""Replies that Slack did not take in time: kept in the journal, and sent as direct messages (R8.12)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from math import inf
from pathlib import Path

import pytest

from bot.blocks.builders import note
from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import Background
from bot.notifications.due_work import DueWork
from bot.notifications.reply_delivery import LEASE, RETRY, ReplyDelivery
from bot.notifications.sender import POST_METHOD, MessageSender
from bot.notifications.worker import NotificationWorker
from bot.slack.api_errors import CircuitBreaker
from bot.slack.job_queue import JobQueue
from bot.slack.kept_replies import KeptReplies
from bot.slack.reply_sender import GIVE_UP_SECONDS, STORE_SECONDS, PendingReply
from domain.errors import OperatorNeeded
from domain.models import JournalEntry, ReplyJob
from domain.ports import Clock, Unavailable
from playground.client.member_client import ActionResult
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import ids, run_now
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, run_bot, stepped

URL = "response_url"


def press_unanswered(harness: SlackHarness, user_id: str = BJORN) -> ActionResult:
    """Press Register on a new card. Slack doesn't take the reply, without a queue to wait in."""
    card = harness.card(harness.bot.service.get_event("yoga"))
    harness.api.fail_next(URL, Fault.server_error(503))
    return harness.slack.click(user_id, card, ActionId.REGISTER)


def worker(harness: SlackHarness, holder: str) -> NotificationWorker:
    """Return the notification worker of another process."""
    return NotificationWorker(
        harness.store,
        harness.client,
        harness.clock,
        holder=holder,
        workspace_id=harness.workspace.team_id,
        sweep=lambda: None,
        reconcile=lambda: None,
        spawn=run_now,
    )


def kept(harness: SlackHarness) -> list[str]:
    """Return the ids of the replies that wait."""
    return [id_ for id_ in harness.store.list_undelivered(limit=100).items if ReplyJob.of(id_)]


def test_reply_that_slack_does_not_take_is_sent_as_a_direct_message(harness: SlackHarness) -> None:
    harness.event()
    result = press_unanswered(harness)
    assert result.failure is None
    assert harness.direct_messages(BJORN) == []
    harness.deliver_due()
    (message,) = harness.direct_messages(BJORN)
    assert sentences.seat() in message
    assert kept(harness) == []


def test_kept_reply_says_when_it_was_true(harness: SlackHarness) -> None:
    """A later one may have arrived before."""
    harness.event()
    press_unanswered(harness)
    at = int(harness.clock.now().timestamp())
    harness.clock.advance(3600)
    harness.deliver_due()
    (message,) = harness.direct_messages(BJORN)
    (when,) = re.findall(r"It was true as of <!date\^(\d+)\^", message)
    assert at - 3 <= int(when) <= at


def test_kept_reply_is_sent_once_slack_is_back(harness: SlackHarness) -> None:
    harness.event()
    press_unanswered(harness)
    harness.api.faults.set_default(Fault.server_error(503))
    harness.deliver_due(60)
    harness.api.faults.set_default(None)
    harness.deliver_due(60)
    assert len(harness.direct_messages(BJORN)) == 1


def test_kept_reply_of_another_process_is_found_by_the_sweep(harness: SlackHarness) -> None:
    """It stopped right after it kept the reply."""
    keep(harness, BJORN, "You have a seat")
    harness.clock.advance(60)
    harness.deliver_due()
    assert len(harness.direct_messages(BJORN)) == 1


def keep(harness: SlackHarness, user_id: str, text: str) -> ReplyJob:
    """Keep a reply, and tell no worker. Return its job."""
    found: list[str] = []
    KeptReplies(harness.store, harness.clock, ids(), found.append).keep(user_id, note(text))
    job = ReplyJob.of(found[0])
    assert job is not None
    return job


def test_kept_replies_to_one_member_keep_their_order(harness: SlackHarness) -> None:
    """The last one that they read is true. Nobody else waits."""
    for user_id, text in ((BJORN, "You have a seat"), (BJORN, "You gave it up"), (CHLOE, "Hello")):
        keep(harness, user_id, text)
        harness.clock.advance(1)
    harness.api.fail_next(POST_METHOD, Fault.server_error(503))
    harness.clock.advance(60)
    harness.deliver_due(RETRY / 2)
    assert [len(harness.direct_messages(one)) for one in (BJORN, CHLOE)] == [0, 1]
    harness.deliver_due(3 * RETRY)
    seat, gave_up = harness.direct_messages(BJORN)
    assert "You have a seat" in seat
    assert "You gave it up" in gave_up


def test_reply_waits_for_no_earlier_one_that_another_process_has_sent(
    harness: SlackHarness,
) -> None:
    """A Lambda function forgets what it could not send, and stays warm. Another one sends it."""
    first, second = (worker(harness, holder) for holder in ("first", "second"))
    keep(harness, BJORN, "You have a seat")
    harness.api.fail_next(POST_METHOD, Fault.server_error(503))
    for function in (first, second):
        run_function(harness, function)
    keep(harness, BJORN, "You gave it up")
    run_function(harness, first)
    assert len(harness.direct_messages(BJORN)) == 2


def run_function(harness: SlackHarness, function: NotificationWorker) -> None:
    function.sweep()
    function.process_until(harness.clock.monotonic() + 50)
    harness.clock.advance(60)


def test_event_waits_for_one_kept_reply_at_most(harness: SlackHarness) -> None:
    """After an outage there may be thousands (R9.6)."""
    processed: list[str] = []
    due = DueWork(harness.clock, processed.append)
    replies = [ReplyJob(BJORN, str(number)).job_id for number in range(3)]
    for id_ in [*replies, "yoga", "chess"]:
        due.add(id_)
        harness.clock.advance(1)
    while due.process_next():
        pass
    assert processed == [replies[0], "yoga", replies[1], "chess", replies[2]]


def test_kept_reply_to_a_deactivated_member_is_given_up(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    keep(harness, BJORN, "You have a seat")
    harness.api.fail_next(POST_METHOD, Fault.refused("user_disabled"))
    harness.clock.advance(60)
    harness.deliver_due()
    assert kept(harness) == []
    assert "can't reach" in caplog.text


def test_kept_reply_is_given_up_when_it_is_old(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """By then the person has looked for themselves."""
    keep(harness, BJORN, "You have a seat")
    harness.clock.advance(timedelta(seconds=GIVE_UP_SECONDS))
    harness.deliver_due()
    assert kept(harness) == harness.direct_messages(BJORN) == []
    assert "a reply is lost: Slack did not take it for 6 hours" in caplog.text


def test_kept_reply_is_sent_by_one_process_at_a_time(harness: SlackHarness) -> None:
    """A process that was killed while it sent the reply is waited for, then replaced."""
    job = keep(harness, BJORN, "You have a seat")
    until = harness.clock.now() + timedelta(seconds=LEASE)
    harness.store.take_lease(job.job_id, holder="killed", until=until)
    harness.clock.advance(60)
    harness.deliver_due(LEASE / 2)
    assert harness.direct_messages(BJORN) == []
    harness.deliver_due(LEASE)
    assert len(harness.direct_messages(BJORN)) == 1


def test_nothing_is_sent_at_the_end_of_a_functions_time(harness: SlackHarness) -> None:
    job = keep(harness, BJORN, "You have a seat")
    sender = MessageSender(harness.client, harness.clock, CircuitBreaker(harness.clock))
    delivery = ReplyDelivery(harness.store, sender, harness.clock, "me")
    assert delivery.deliver(job, until=harness.clock.monotonic()) is not None
    assert harness.direct_messages(BJORN) == []
    assert delivery.deliver(job, until=inf) is None
    assert delivery.deliver(job, until=inf) is None, "another process was told of it, too"
    assert len(harness.direct_messages(BJORN)) == 1


def test_reply_that_can_not_be_kept_either_shows_as_failed(
    server: tuple[object, str], tmp_path: Path
) -> None:
    """Slack and the store fail together. Slack shows that the press got no reply."""

    class FullStore(SQLiteStore):
        def add_job(self, entry: JournalEntry) -> None:
            raise OperatorNeeded("The disk is full.")

    with run_bot(server, FullStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        harness.event()
        assert press_unanswered(harness).failure is not None
        assert harness.everything().seated("yoga") == [BJORN]


# The stop


@pytest.fixture
def queueing(server: tuple[object, str], tmp_path: Path) -> Iterator[SlackHarness]:
    path = tmp_path / "rollcall.sqlite"
    with run_bot(server, SQLiteStore, path, run_now, stepped) as harness:
        yield harness


def test_stop_keeps_the_replies_that_slack_did_not_take(queueing: SlackHarness) -> None:
    queueing.event()
    card = queueing.card(queueing.bot.service.get_event("yoga"))
    for user_id in (BJORN, CHLOE):
        assert queueing.slack.click(user_id, card, ActionId.REGISTER).failure is None
    queueing.bot.stop(reply_seconds=0)
    assert len(kept(queueing)) == 2
    worker(queueing, "restarted").process_due_events()
    for user_id in (BJORN, CHLOE):
        (message,) = queueing.direct_messages(user_id)
        assert sentences.seat() in message


def test_stop_ends_although_the_store_takes_no_reply(
    server: tuple[object, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack and the store are both out of reach, for example because the network is down."""

    class SilentStore(SQLiteStore):
        def add_job(self, entry: JournalEntry) -> None:
            harness.clock.advance(1.5)
            raise Unavailable("no answer")

    def many(clock: Clock) -> Background:
        return Background(
            JobQueue("replies", clock, threads=0, limit=100),
            JobQueue("chores", clock, threads=0, limit=100),
        )

    with run_bot(server, SilentStore, tmp_path / "rollcall.sqlite", run_now, many) as harness:
        for _ in range(20):
            harness.bot.reply_sender.send(PendingReply(user_id=BJORN, message=note("Hello")))
        begun = harness.clock.monotonic()
        harness.bot.stop(reply_seconds=0)
        assert harness.clock.monotonic() - begun < STORE_SECONDS + 2
        assert "16 more replies are lost" in caplog.text
