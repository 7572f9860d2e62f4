"""Direct messages that follow from commits: at least once, in order, and only as long as they are true (R9)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.notifications.delivery import LEASE, Storage
from bot.notifications.worker import SWEEP_EVERY, NotificationWorker
from bot.slack.api_errors import PAUSE
from domain.commands import Command, Register, Remove, Unregister
from domain.inputs import EventChanges
from domain.models import DeliveryState, Event, Page, Registration
from domain.planning import planner
from domain.ports import Spawn, Unavailable
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import at_once
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness


class DyingOutbox(SQLiteStore):
    """The same file, seen by a process that dies at a chosen write of the notifier's."""

    def __init__(self, path: Path, workspace_id: str, writes: int) -> None:
        super().__init__(path, workspace_id)
        self._writes_left = writes

    def _live_or_die(self) -> None:
        self._writes_left -= 1
        if self._writes_left < 0:
            raise KeyboardInterrupt

    def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
        self._live_or_die()
        return super().save_delivery(delivery)

    def mark_delivered(self, event_id: str, version: int) -> None:
        self._live_or_die()
        super().mark_delivered(event_id, version)


class SilentStore(SQLiteStore):
    """The same file behind a store that does not answer so many times."""

    silences = 1

    def get_event(self, event_id: str) -> Event | None:
        if self.silences:
            self.silences -= 1
            raise Unavailable("no answer")
        return super().get_event(event_id)


class HookedSlack(WebClient):
    """Slack, to whom things happen behind each message sent."""

    after_post: Callable[[str], None]

    def chat_postMessage(self, *, channel: str, **content: Any) -> SlackResponse:  # noqa: N802
        response = super().chat_postMessage(channel=channel, **content)
        self.after_post(channel)
        return response


def another(
    harness: SlackHarness,
    store: Storage,
    after_post: Callable[[str], None] = lambda _: None,
    *,
    sweep: Callable[[], object] = lambda: 0,
    spawn: Spawn = at_once,
) -> NotificationWorker:
    """A second process's notifier on the same data."""
    slack = HookedSlack(
        token=harness.workspace.app.bot_token,
        base_url=f"{harness.workspace.url}/api/",
        retry_handlers=[],
    )
    slack.after_post = after_post
    return NotificationWorker(
        store,
        slack,
        harness.clock,
        holder="another",
        sweep=sweep,
        reconcile=lambda: None,
        spawn=spawn,
    )


# What is said, and to whom


def test_promoted_user_is_told_once_with_a_button_to_give_the_seat_up(
    harness: SlackHarness,
) -> None:
    """R8.5: which event, when, where; R9.1: nothing is owed afterwards."""
    harness.event()
    promote(harness, CHLOE)
    harness.deliver_due()
    harness.deliver_due(120)
    (told,) = harness.direct_messages(CHLOE)
    assert "There are more seats now: you have a seat in *Yoga in the park*" in told
    assert "Riverside lawn" in told
    assert "[Give up my seat]" in told
    assert undelivered(harness) == ()


def test_promoted_user_who_left_again_is_not_told(harness: SlackHarness) -> None:
    """R9.3: no word of a seat that is gone."""
    harness.event()
    promote(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due()
    assert harness.direct_messages(CHLOE) == []
    assert undelivered(harness) == ()


def test_promoted_user_who_left_and_came_back_is_not_told_of_the_first_seat(
    harness: SlackHarness,
) -> None:
    """R9.3: the ticket tells one stay from the next."""
    harness.event()
    promote(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.register(CHLOE)
    harness.deliver_due()
    assert harness.direct_messages(CHLOE) == []


def test_removed_user_is_told_with_the_reason(harness: SlackHarness) -> None:
    """R4.6, and typed text stays text (R8.11)."""
    harness.event()
    harness.register(BJORN)
    harness.bot.service.remove("yoga", BJORN, reason="no show <!channel>")
    harness.deliver_due()
    (told,) = harness.direct_messages(BJORN)
    assert "took you out of *Yoga in the park*" in told
    assert "no show &lt;!channel&gt;" in told


def test_everyone_registered_or_waiting_is_told_of_a_new_place(harness: SlackHarness) -> None:
    """R8.8: those with a seat and those in line, not one who came when the place was new already."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.clock.advance(timedelta(seconds=1))
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 5"))
    harness.clock.advance(timedelta(seconds=1))
    harness.register(PRIYA)
    harness.deliver_due()
    for user_id in (BJORN, CHLOE, DIEGO):
        (told,) = harness.direct_messages(user_id)
        assert "It is now:" in told
        assert "Room 5" in told
        assert "Riverside lawn" in told
    assert harness.direct_messages(PRIYA) == []


def test_everyone_is_told_of_a_cancellation_page_by_page(harness: SlackHarness) -> None:
    """R8.8, with more people than one page of the audience holds; each of them once."""
    people = [f"U0GUEST{number}" for number in range(130)]
    harness.event(capacity=110)
    harness.register(*people)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(4)
    assert sorted(sent_to(harness)) == sorted([*people, AMARA])
    assert undelivered(harness) == ()
    harness.workspace.refusals.clear()  # nobody of these exists in Slack


@pytest.mark.parametrize("after", [BJORN, CHLOE, DIEGO])
def test_one_who_is_promoted_while_all_are_told_hears_it_once(
    harness: SlackHarness, after: str
) -> None:
    """A seat of a canceled event still passes on; its taker must not fall between seats and line."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")
    harness.clock.advance(timedelta(seconds=3))

    def leave(told: str) -> None:
        if told == after:
            harness.bot.service.unregister("yoga", CHLOE)

    notification_worker = another(harness, harness.store, leave)
    assert notification_worker.attend("yoga") is None
    (told,) = harness.direct_messages(DIEGO)
    assert "was canceled" in told
    assert len(harness.direct_messages(BJORN)) == 1


def test_promotions_go_before_words_to_everyone(harness: SlackHarness) -> None:
    """One edit moves the event and gives a seat: who got it knows first."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 5", capacity=3))
    harness.deliver_due()
    assert sent_to(harness)[0] == DIEGO
    assert [line.splitlines()[0] for line in harness.direct_messages(DIEGO)] == [
        "There are more seats now: you have a seat in *Yoga in the park*.",
        harness.direct_messages(DIEGO)[1].splitlines()[0],
    ]
    assert sorted(sent_to(harness)) == sorted([BJORN, CHLOE, DIEGO, DIEGO])


def test_people_of_a_deleted_event_are_told(harness: SlackHarness) -> None:
    """R7.2 takes them out; they hear of it."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.bot.service.delete_event("yoga")
    harness.deliver_due()
    for user_id in (BJORN, CHLOE, DIEGO):
        (told,) = harness.direct_messages(user_id)
        assert "was deleted" in told
    assert undelivered(harness) == ()


# Failures


def test_lost_answer_sends_a_message_twice_and_no_less_than_once(harness: SlackHarness) -> None:
    """R9.1: sent twice only if Slack's answer was lost."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.closed(applied=True))
    harness.deliver_due(10)
    assert len(harness.direct_messages(CHLOE)) == 2


def test_server_error_delays_only_its_recipient_with_growing_pauses(harness: SlackHarness) -> None:
    """A person who must be retried delays nobody else."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.server_error(503), times=1)
    harness.deliver_due(3)
    assert (len(harness.direct_messages(CHLOE)), len(harness.direct_messages(DIEGO))) == (0, 1)
    assert undelivered(harness) == ("yoga",)
    harness.api.fail_next(POST, Fault.server_error(503), times=1)
    harness.deliver_due(
        8
    )  # the second try, 5 s after the first, fails too; the third comes 10 s later
    assert harness.direct_messages(CHLOE) == []
    harness.deliver_due(8)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


def test_later_messages_wait_behind_one_that_is_retried(harness: SlackHarness) -> None:
    """R9.1: in order per user and event."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.server_error(500), times=2)
    harness.deliver_due(1)
    harness.bot.service.remove("yoga", CHLOE)
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(20)
    heard = [told.splitlines()[0] for told in harness.direct_messages(CHLOE)]
    # The promotion is not true any more; the rest comes in order.
    assert ["took you out" in heard[0], "was canceled" in heard[1]] == [True, True]
    assert len(heard) == 2


def test_rate_limit_is_kept_as_told_for_every_event(harness: SlackHarness) -> None:
    """`Retry-After` counts for the method, not for one message of one event."""
    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE)
    promote(harness, CHLOE, event_id="chess")
    harness.api.fail_next(POST, Fault.rate_limited(7))
    harness.deliver_due(6)
    assert len(sent_to(harness)) == 1
    harness.deliver_due(3)
    assert len(harness.direct_messages(CHLOE)) == 2


def test_our_own_failure_stops_everything_alarms_once_and_keeps_all(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A revoked token: no call a message, one alarm; once it is mended, everything is sent."""
    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE, DIEGO)
    promote(harness, CHLOE, event_id="chess")
    harness.api.faults.set_default(Fault.refused("token_revoked"))
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(2 * PAUSE.total_seconds())
    assert len(sent_to(harness)) <= 3
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    harness.api.faults.set_default(None)
    harness.deliver_due(PAUSE.total_seconds() + 5)
    assert (len(harness.direct_messages(CHLOE)), len(harness.direct_messages(DIEGO))) == (2, 1)
    assert undelivered(harness) == ()


def test_message_that_slack_calls_malformed_is_skipped_with_an_error(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours must not hold up those behind it."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.refused("invalid_blocks"))
    harness.deliver_due(60)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert len(harness.direct_messages(DIEGO)) == 1
    assert undelivered(harness) == ()


def test_entry_of_which_no_message_can_be_made_is_skipped_with_an_error(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """It would fail each time, and nobody behind it would ever hear anything."""
    harness.event()
    promote(harness, CHLOE)
    with harness.store._file.writing() as connection:
        connection.execute("UPDATE journal SET body = json_set(body, '$.about', NULL)")
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due()
    # Of hers, and of the organizers' about her.
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    (told,) = harness.direct_messages(CHLOE)
    assert "was canceled" in told
    assert undelivered(harness) == ()


def test_words_to_everyone_wait_for_an_index_that_lags(
    harness: SlackHarness, tmp_path: Path
) -> None:
    """DynamoDB's roster may not have yet who was seated just before the cancellation."""

    class Lagging(SQLiteStore):
        def list_roster(
            self, event_id: str, *, limit: int, cursor: str | None = None
        ) -> Page[Registration]:
            page = super().list_roster(event_id, limit=limit, cursor=cursor)
            since = harness.clock.now() - timedelta(seconds=1)
            return Page(tuple(row for row in page.items if row.registered_at < since), None)

    harness.event()
    harness.register(BJORN)
    harness.bot.service.cancel_event("yoga")
    store = Lagging(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    notification_worker = another(harness, store)
    again = notification_worker.attend("yoga")
    assert again is not None
    harness.clock.advance(again - harness.clock.now())
    assert notification_worker.attend("yoga") is None
    store.close()
    assert len(harness.direct_messages(BJORN)) == 1


# Several processes, crashes, restarts


@pytest.mark.parametrize("writes", range(8))
def test_crash_repeats_at_most_one_message(
    harness: SlackHarness, tmp_path: Path, writes: int
) -> None:
    """R9.1: the cursor moves with each message, so that a crash can repeat the one in hand only."""
    harness.event()
    promote(harness, CHLOE, DIEGO, HARUKI)
    die_attending(harness, tmp_path, writes)
    counts = [len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO, HARUKI)]
    assert min(counts) == 1
    assert sum(counts) <= 4
    assert undelivered(harness) == ()


@pytest.mark.parametrize("writes", range(4))
def test_crash_after_a_retry_leaves_nothing_behind(
    harness: SlackHarness, tmp_path: Path, writes: int
) -> None:
    """A message sent late, and the mark of its entry: no sweep finds it for ever."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(1)
    harness.clock.advance(timedelta(seconds=5))
    die_attending(harness, tmp_path, writes)
    assert 1 <= len(harness.direct_messages(CHLOE)) <= 2
    assert len(harness.direct_messages(DIEGO)) == 1
    assert undelivered(harness) == ()


def die_attending(harness: SlackHarness, tmp_path: Path, writes: int) -> None:
    """Have another process die at a write, and the sweep of this one find what it left."""
    dying = DyingOutbox(tmp_path / "rollcall.sqlite", harness.workspace.team_id, writes)
    with pytest.raises(KeyboardInterrupt):
        another(harness, dying).attend("yoga")
    dying.close()
    harness.clock.advance(LEASE)
    harness.deliver_due(SWEEP_EVERY.total_seconds())


def test_one_process_at_a_time_delivers_for_an_event(harness: SlackHarness) -> None:
    """While another holds the lease nothing is sent; once it ran out, everything is."""
    harness.event()
    promote(harness, CHLOE)
    now = harness.clock.now()
    harness.store.take_lease("yoga", holder="another", now=now, until=now + LEASE)
    harness.deliver_due(LEASE.total_seconds() - 2)
    assert harness.direct_messages(CHLOE) == []
    harness.deliver_due(60)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_message_does_not_wait_for_a_lease_that_is_let_go(harness: SlackHarness) -> None:
    """Another process read the journal just before our commit: it is attended to within 2 s all the same."""
    harness.event()
    promote(harness, CHLOE)
    now = harness.clock.now()
    held = harness.store.take_lease("yoga", holder="another", now=now, until=now + LEASE)
    assert held is not None
    harness.deliver_due(0.5)
    harness.store.save_delivery(held.model_copy(update={"leased_until": None}))
    harness.deliver_due(1)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_store_that_does_not_answer_is_asked_again_soon(
    harness: SlackHarness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It passes by itself: a word in the log, and no alarm."""
    harness.event()
    promote(harness, CHLOE)
    store = SilentStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    notification_worker = another(harness, store)
    assert notification_worker.run_due_events() <= 1
    assert harness.direct_messages(CHLOE) == []
    harness.clock.advance(timedelta(seconds=1))
    notification_worker.run_due_events()
    store.close()
    assert len(harness.direct_messages(CHLOE)) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_sweep_finds_what_a_process_left_that_is_gone(
    harness: SlackHarness, tmp_path: Path
) -> None:
    """Nobody wakes a new process for what was committed before it began."""
    harness.event()
    promote(harness, CHLOE)
    store = SQLiteStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    later = another(harness, store)
    later.run_due_events()
    later.run_due_events()
    store.close()
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


def test_worker_sleeps_until_it_is_woken_and_stops_when_told(harness: SlackHarness) -> None:
    """`wake` neither blocks nor calls Slack: the worker does, in its own thread."""
    harness.event()
    promote(harness, CHLOE)
    calls_before = len(harness.api.calls())
    harness.bot.notification_worker.wake("yoga")
    assert len(harness.api.calls()) == calls_before
    has_swept = threading.Event()
    notification_worker = another(harness, harness.store, sweep=has_swept.set)
    notification_worker.start()
    assert has_swept.wait(20)
    notification_worker.wake("yoga")
    notification_worker.stop()
    harness.deliver_due()
    assert len(harness.direct_messages(CHLOE)) == 1


def test_sweep_comes_each_minute_however_much_is_due(harness: SlackHarness) -> None:
    """Four messages that take half a minute each: what a crash left is not found any later for it (R7.4)."""
    harness.event()
    promote(harness, CHLOE, DIEGO, HARUKI, PRIYA)
    sweeps: list[int] = []
    notification_worker = another(
        harness,
        harness.store,
        lambda _: harness.clock.advance(timedelta(seconds=29)),
        sweep=lambda: sweeps.append(len(sent_to(harness))),
    )
    notification_worker.run_due_events()
    assert sweeps == [0, 3]


def test_event_that_is_woken_again_and_again_keeps_its_turn(
    harness: SlackHarness, tmp_path: Path
) -> None:
    """A rush on one event, and a long run of messages of another: both go on."""

    class Rushed(SQLiteStore):
        def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
            saved = super().save_delivery(delivery)
            if delivery.event_id == "chess":
                harness.clock.advance(timedelta(seconds=1))
                notification_worker.wake("yoga")
            return saved

    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE, DIEGO, HARUKI, event_id="chess")
    promote(harness, PRIYA)
    store = Rushed(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    notification_worker = another(harness, store)
    notification_worker.wake("chess")
    notification_worker.run_due_events()
    store.close()
    assert PRIYA in sent_to(harness)[:2]


def test_what_is_unfinished_holds_up_neither_cards_nor_messages(harness: SlackHarness) -> None:
    """It is finished beside the worker, one sweep's work at a time (R7.4)."""
    background: list[Callable[[], None]] = []
    finished: list[int] = []
    notification_worker = another(
        harness,
        harness.store,
        sweep=lambda: finished.append(1),
        spawn=background.append,
    )
    notification_worker.sweep()
    notification_worker.sweep()
    assert (len(background), finished) == (1, [])
    background.pop()()
    notification_worker.sweep()
    assert (len(background), finished) == (1, [1])


def test_person_hears_of_one_commit_as_it_happened(harness: SlackHarness) -> None:
    """R9.1: removed, back in line, and promoted in one batch: in that order."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    executor = harness.bot.service._executor
    commands: list[Command] = [Remove(BJORN, None), Register(BJORN), Unregister(CHLOE)]
    plan = planner.plan(
        executor.load("yoga", commands),
        commands,
        event_id="yoga",
        now=harness.clock.now(),
        plan_id="batch",
    )
    harness.store.commit(plan)
    harness.bot.notification_worker.wake("yoga")
    harness.deliver_due()
    heard = [told.splitlines()[0] for told in harness.direct_messages(BJORN)]
    assert ["took you out" in heard[0], "A seat came free" in heard[1]] == [True, True]
