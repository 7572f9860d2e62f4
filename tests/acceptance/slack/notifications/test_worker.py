"""Direct messages that follow commits: at least once, in order, and only while they are true (R9)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.notifications.delivery import LEASE
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.worker import SWEEP_INTERVAL, NotificationWorker
from bot.slack.api_errors import PAUSE
from domain.commands import Command, Register, Remove, Unregister
from domain.enums import NotificationKind
from domain.execution.loader import load_snapshot
from domain.inputs import EventChanges
from domain.models import DeliveryState, Page, Registration
from domain.planning import planner
from domain.ports import INDEX_LAG, DeliveryRows, Spawn, Unavailable
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.notifications.message_kinds import buttons_of, kind_of, kinds_of
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness


class DyingOutbox(SQLiteStore):
    """The same file in a process that dies at a chosen write of its worker."""

    def __init__(self, path: Path, workspace_id: str, writes: int) -> None:
        super().__init__(path, workspace_id)
        self._writes_left = writes

    def _die_or_count(self) -> None:
        self._writes_left -= 1
        if self._writes_left < 0:
            raise KeyboardInterrupt

    def save_delivery(
        self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
    ) -> DeliveryState:
        self._die_or_count()
        return super().save_delivery(delivery, delivered=delivered)


class UnavailableStore(SQLiteStore):
    """The same file behind a store that does not respond to the first read."""

    failures = 1

    def get_delivery_rows(self, event_id: str, version: int) -> DeliveryRows:
        if self.failures:
            self.failures -= 1
            raise Unavailable("no response")
        return super().get_delivery_rows(event_id, version)


class HookedSlack(WebClient):
    """Slack client that calls a hook after each message."""

    after_post: Callable[[str], None]

    def chat_postMessage(self, *, channel: str, **content: Any) -> SlackResponse:  # noqa: N802
        response = super().chat_postMessage(channel=channel, **content)
        self.after_post(channel)
        return response


def second_worker(
    harness: SlackHarness,
    store: StoreWithOutbox,
    after_post: Callable[[str], None] = lambda _: None,
    *,
    sweep: Callable[[], object] = lambda: 0,
    spawn: Spawn = run_now,
) -> NotificationWorker:
    """Return the worker of a second process on the same data."""
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
        workspace_id=harness.workspace.team_id,
        sweep=sweep,
        reconcile=lambda: None,
        spawn=spawn,
    )


# Content and recipients


def test_promoted_user_is_notified_once_with_a_button_to_give_up_the_seat(
    harness: SlackHarness,
) -> None:
    """R8.5: the message says which event, when and where. R9.1: nothing stays undelivered."""
    harness.event()
    promote(harness, CHLOE)
    harness.deliver_due()
    harness.deliver_due(120)
    (message,) = harness.direct_messages(CHLOE)
    assert kind_of(message) == "promoted"
    assert "*Yoga in the park*" in message
    assert "Riverside lawn" in message
    assert all(button in message for button in buttons_of(NotificationKind.PROMOTED))
    assert undelivered(harness) == ()


def test_promoted_user_who_left_again_is_not_notified(harness: SlackHarness) -> None:
    """R9.3."""
    harness.event()
    promote(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due()
    assert harness.direct_messages(CHLOE) == []
    assert undelivered(harness) == ()


def test_promoted_user_who_left_and_returned_is_not_notified_of_the_first_seat(
    harness: SlackHarness,
) -> None:
    """R9.3: the ticket distinguishes the two registrations."""
    harness.event()
    promote(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.register(CHLOE)
    harness.deliver_due()
    assert harness.direct_messages(CHLOE) == []


def test_removed_user_is_notified_with_the_reason(harness: SlackHarness) -> None:
    """R4.6. Typed text is escaped (R8.11)."""
    harness.event()
    harness.register(BJORN)
    harness.bot.service.remove("yoga", BJORN, reason="no show <!channel>")
    harness.deliver_due()
    (message,) = harness.direct_messages(BJORN)
    assert kind_of(message) == "removed"
    assert "*Yoga in the park*" in message
    assert "no show &lt;!channel&gt;" in message


def test_every_attendee_is_notified_of_a_new_location(harness: SlackHarness) -> None:
    """R8.8: registered and waitlisted alike, but not one who registered after the change."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.clock.advance(timedelta(seconds=1))
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 5"))
    harness.clock.advance(timedelta(seconds=1))
    harness.register(PRIYA)
    harness.deliver_due(2 * INDEX_LAG + 1)
    for user_id in (BJORN, CHLOE, DIEGO):
        (message,) = harness.direct_messages(user_id)
        assert kind_of(message) == "moved"
        assert "Room 5" in message
        assert "Riverside lawn" in message
    assert harness.direct_messages(PRIYA) == []


def test_cancellation_reaches_every_page_of_attendees(harness: SlackHarness) -> None:
    """R8.8, with more attendees than a page of recipients holds."""
    user_ids = [f"U0GUEST{number}" for number in range(130)]
    harness.event(capacity=110)
    harness.register(*user_ids)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(4)
    assert sorted(sent_to(harness)) == sorted([*user_ids, AMARA])
    assert undelivered(harness) == ()
    harness.workspace.refusals.clear()  # none of them exists in Slack


@pytest.mark.parametrize("after", [BJORN, CHLOE, DIEGO])
def test_attendee_promoted_during_delivery_is_notified_once(
    harness: SlackHarness, after: str
) -> None:
    """Canceled events still promote. The promoted attendee must not be missed between waitlist and roster."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")

    def leave(message: str) -> None:
        if message == after:
            harness.bot.service.unregister("yoga", CHLOE)

    notification_worker = second_worker(harness, harness.store, leave)
    assert notification_worker.process_event("yoga") == harness.clock.monotonic() + INDEX_LAG
    harness.clock.advance(INDEX_LAG)
    notification_worker.process_event("yoga")
    harness.clock.advance(INDEX_LAG)
    assert notification_worker.process_event("yoga") is None
    (message,) = harness.direct_messages(DIEGO)
    assert kind_of(message) == "canceled"
    assert len(harness.direct_messages(BJORN)) == 1


def test_promotions_are_sent_before_messages_to_everyone(harness: SlackHarness) -> None:
    """One edit moves the event and promotes. The promoted attendee hears first."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 5", capacity=3))
    harness.deliver_due()
    assert sent_to(harness)[0] == DIEGO
    assert kinds_of(harness.direct_messages(DIEGO)) == ["promoted", "moved"]
    assert sorted(sent_to(harness)) == sorted([BJORN, CHLOE, DIEGO, DIEGO])


def test_attendees_of_a_deleted_event_are_notified(harness: SlackHarness) -> None:
    """R7.2."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.bot.service.delete_event("yoga")
    harness.deliver_due()
    for user_id in (BJORN, CHLOE, DIEGO):
        (message,) = harness.direct_messages(user_id)
        assert kind_of(message) == "deleted"
    assert undelivered(harness) == ()


# Failures


def test_message_with_a_lost_response_is_sent_twice(harness: SlackHarness) -> None:
    """R9.1: that is the only reason to send twice."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.closed(applied=True))
    harness.deliver_due(10)
    assert len(harness.direct_messages(CHLOE)) == 2


def test_server_error_delays_only_its_recipient_with_growing_delays(harness: SlackHarness) -> None:
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.server_error(503), times=1)
    harness.deliver_due(3)
    assert (len(harness.direct_messages(CHLOE)), len(harness.direct_messages(DIEGO))) == (0, 1)
    assert undelivered(harness) == ("yoga",)
    harness.api.fail_next(POST, Fault.server_error(503), times=1)
    harness.deliver_due(8)  # the retry after 5 s fails too; the next comes 10 s later
    assert harness.direct_messages(CHLOE) == []
    harness.deliver_due(8)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


def test_later_messages_wait_for_a_retried_one(harness: SlackHarness) -> None:
    """R9.1: order is kept per user and event."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.server_error(500), times=2)
    harness.deliver_due(1)
    harness.bot.service.remove("yoga", CHLOE)
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(20)
    # The promotion is no longer true. The others come in order.
    assert kinds_of(harness.direct_messages(CHLOE)) == ["removed", "canceled"]


def test_rate_limit_pauses_every_event(harness: SlackHarness) -> None:
    """`Retry-After` applies to the method, not to one message."""
    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE)
    promote(harness, CHLOE, event_id="chess")
    harness.api.fail_next(POST, Fault.rate_limited(7))
    harness.deliver_due(6)
    assert len(sent_to(harness)) == 1
    harness.deliver_due(3)
    assert len(harness.direct_messages(CHLOE)) == 2


def test_app_failure_pauses_everything_with_one_alarm(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """With a revoked token, few calls are made. Once it is replaced, everything is sent."""
    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE, DIEGO)
    promote(harness, CHLOE, event_id="chess")
    harness.api.faults.set_default(Fault.refused("token_revoked"))
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(2 * PAUSE)
    assert len(sent_to(harness)) <= 3
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    harness.api.faults.set_default(None)
    harness.deliver_due(PAUSE + 5)
    assert (len(harness.direct_messages(CHLOE)), len(harness.direct_messages(DIEGO))) == (2, 1)
    assert undelivered(harness) == ()


def test_malformed_message_is_skipped_with_an_error(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in one message must not block the others."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.refused("invalid_blocks"))
    harness.deliver_due(60)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert len(harness.direct_messages(DIEGO)) == 1
    assert undelivered(harness) == ()


def test_message_that_cannot_be_built_is_skipped_with_an_error(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Retries would fail forever and block the others."""
    harness.event()
    promote(harness, CHLOE)
    with harness.store._file.writing() as connection:
        connection.execute("UPDATE journal SET body = json_set(body, '$.about', NULL)")
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due()
    # One error for her message, one for the report to the organizer.
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert kinds_of(harness.direct_messages(CHLOE)) == ["canceled"]
    assert undelivered(harness) == ()


def test_messages_to_everyone_wait_for_a_lagging_index(
    harness: SlackHarness, tmp_path: Path
) -> None:
    """DynamoDB's roster may lack an attendee who registered just before the cancellation."""

    class LaggingStore(SQLiteStore):
        def list_roster(
            self, event_id: str, *, limit: int | None, cursor: str | None = None
        ) -> Page[Registration]:
            page = super().list_roster(event_id, limit=limit, cursor=cursor)
            since = harness.clock.now() - timedelta(seconds=1)
            return Page(tuple(row for row in page.items if row.registered_at < since), None)

    harness.event()
    harness.register(BJORN)
    harness.bot.service.cancel_event("yoga")
    store = LaggingStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    notification_worker = second_worker(harness, store)
    again = notification_worker.process_event("yoga")
    assert again is not None
    harness.clock.advance(again - harness.clock.monotonic())
    assert notification_worker.process_event("yoga") is None
    store.close()
    assert len(harness.direct_messages(BJORN)) == 1


# Processes, crashes and restarts


@pytest.mark.parametrize("writes", range(4))
def test_crash_repeats_at_most_one_message(
    harness: SlackHarness, tmp_path: Path, writes: int
) -> None:
    """R9.1: the cursor moves with each message, so a crash repeats at most the current one."""
    harness.event()
    promote(harness, CHLOE, DIEGO, HARUKI)
    die_during_delivery(harness, tmp_path, writes)
    counts = [len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO, HARUKI)]
    assert min(counts) == 1
    assert sum(counts) <= 4
    assert undelivered(harness) == ()


@pytest.mark.parametrize("writes", range(2))
def test_crash_after_a_retry_leaves_nothing_behind(
    harness: SlackHarness, tmp_path: Path, writes: int
) -> None:
    """The retry's entry loses its mark, so no sweep finds it again."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(1)
    harness.clock.advance(timedelta(seconds=5))
    die_during_delivery(harness, tmp_path, writes)
    assert 1 <= len(harness.direct_messages(CHLOE)) <= 2
    assert len(harness.direct_messages(DIEGO)) == 1
    assert undelivered(harness) == ()


def die_during_delivery(harness: SlackHarness, tmp_path: Path, writes: int) -> None:
    """Let a second process die at a write. The first one's sweep finds what it left."""
    dying = DyingOutbox(tmp_path / "rollcall.sqlite", harness.workspace.team_id, writes)
    with pytest.raises(KeyboardInterrupt):
        second_worker(harness, dying).process_event("yoga")
    dying.close()
    harness.deliver_due(SWEEP_INTERVAL + LEASE)


def test_one_process_at_a_time_delivers_for_an_event(harness: SlackHarness) -> None:
    """Nothing is sent while another process holds the lease, and everything after it expired."""
    harness.event()
    promote(harness, CHLOE)
    harness.store.take_lease("yoga", holder="another", until=harness.clock.now())
    harness.deliver_due(LEASE - 2)
    assert harness.direct_messages(CHLOE) == []
    harness.deliver_due(60)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_message_is_sent_soon_after_the_lease_is_released(harness: SlackHarness) -> None:
    """Its holder read the journal just before our commit. The message is sent within 2 s all the same."""
    harness.event()
    promote(harness, CHLOE)
    held = harness.store.take_lease("yoga", holder="another", until=harness.clock.now())
    harness.deliver_due(0.5)
    harness.store.save_delivery(held.model_copy(update={"leased_until": None}))
    harness.deliver_due(1)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_unavailable_store_is_retried_soon_with_a_warning(
    harness: SlackHarness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event()
    promote(harness, CHLOE)
    store = UnavailableStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    notification_worker = second_worker(harness, store)
    assert notification_worker.process_due_events() <= 1
    assert harness.direct_messages(CHLOE) == []
    harness.clock.advance(timedelta(seconds=1))
    notification_worker.process_due_events()
    store.close()
    assert len(harness.direct_messages(CHLOE)) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_sweep_finds_what_a_dead_process_left(harness: SlackHarness, tmp_path: Path) -> None:
    """No commit schedules it in the new process."""
    harness.event()
    promote(harness, CHLOE)
    store = SQLiteStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    later = second_worker(harness, store)
    later.process_due_events()
    later.process_due_events()
    store.close()
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


def test_worker_waits_for_an_event_and_stops_on_request(harness: SlackHarness) -> None:
    """`schedule` neither blocks nor calls Slack. The worker does, in its thread."""
    harness.event()
    promote(harness, CHLOE)
    calls_before = len(harness.api.calls())
    harness.bot.notification_worker.schedule("yoga")
    assert len(harness.api.calls()) == calls_before
    has_swept = threading.Event()
    notification_worker = second_worker(harness, harness.store, sweep=has_swept.set)
    notification_worker.start()
    assert has_swept.wait(20)
    notification_worker.schedule("yoga")
    notification_worker.stop()
    harness.deliver_due()
    assert len(harness.direct_messages(CHLOE)) == 1


def test_sweep_runs_each_minute_during_a_long_delivery(harness: SlackHarness) -> None:
    """Four messages take half a minute each. They don't delay the repair of crashed work (R7.4)."""
    harness.event()
    promote(harness, CHLOE, DIEGO, HARUKI, PRIYA)
    sweeps: list[int] = []
    notification_worker = second_worker(
        harness,
        harness.store,
        lambda _: harness.clock.advance(timedelta(seconds=29)),
        sweep=lambda: sweeps.append(len(sent_to(harness))),
    )
    notification_worker.process_due_events()
    assert sweeps == [0, 3]


def test_event_that_is_scheduled_repeatedly_keeps_its_turn(
    harness: SlackHarness, tmp_path: Path
) -> None:
    """A rush on one event and a long delivery of another both progress."""

    class RushedStore(SQLiteStore):
        def save_delivery(
            self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
        ) -> DeliveryState:
            saved = super().save_delivery(delivery, delivered=delivered)
            if delivery.event_id == "chess":
                harness.clock.advance(timedelta(seconds=1))
                notification_worker.schedule("yoga")
            return saved

    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE, DIEGO, HARUKI, event_id="chess")
    promote(harness, PRIYA)
    store = RushedStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    notification_worker = second_worker(harness, store)
    notification_worker.schedule("chess")
    notification_worker.process_due_events()
    store.close()
    assert PRIYA in sent_to(harness)[:2]


def test_service_sweep_delays_neither_cards_nor_messages(harness: SlackHarness) -> None:
    """It runs in the background, one at a time (R7.4)."""
    background: list[Callable[[], None]] = []
    finished: list[int] = []
    notification_worker = second_worker(
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


def test_notifications_of_one_commit_are_sent_in_order(harness: SlackHarness) -> None:
    """R9.1: one batch removes, waitlists and promotes the same person."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    commands: list[Command] = [Remove(BJORN, None), Register(BJORN), Unregister(CHLOE)]
    plan = planner.plan(
        load_snapshot(harness.store, "yoga", commands),
        commands,
        event_id="yoga",
        now=harness.clock.now(),
        plan_id="batch",
    )
    harness.store.commit(plan)
    harness.bot.notification_worker.schedule("yoga")
    harness.deliver_due()
    assert kinds_of(harness.direct_messages(BJORN)) == ["removed", "promoted"]
