"""Direct messages that follow commits: at least once, in order, and only while they are true (R9)."""

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

from bot.notifications.lease import LEASE
from bot.notifications.ports import Storage
from bot.notifications.worker import SWEEP_INTERVAL, NotificationWorker
from bot.slack.api_errors import PAUSE
from domain.commands import Command, Register, Remove, Unregister
from domain.enums import NotificationKind
from domain.inputs import EventChanges
from domain.models import DeliveryState, Event, Page, Registration
from domain.planning import planner
from domain.ports import Spawn, Unavailable
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.notifications.message_kinds import buttons_of, kind_of, kinds_of
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, Town


class DyingOutbox(SQLiteStore):
    """The same file in a process that dies at a chosen write of its worker."""

    def __init__(self, path: Path, workspace_id: str, writes: int) -> None:
        super().__init__(path, workspace_id)
        self._writes_left = writes

    def _die_or_count(self) -> None:
        self._writes_left -= 1
        if self._writes_left < 0:
            raise KeyboardInterrupt

    def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
        self._die_or_count()
        return super().save_delivery(delivery)

    def mark_delivered(self, event_id: str, version: int) -> None:
        self._die_or_count()
        super().mark_delivered(event_id, version)


class UnavailableStore(SQLiteStore):
    """The same file behind a store that does not respond to the first read."""

    failures = 1

    def get_event(self, event_id: str) -> Event | None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("no response")
        return super().get_event(event_id)


class HookedSlack(WebClient):
    """Slack client that calls a hook after each message."""

    after_post: Callable[[str], None]

    def chat_postMessage(self, *, channel: str, **content: Any) -> SlackResponse:  # noqa: N802
        response = super().chat_postMessage(channel=channel, **content)
        self.after_post(channel)
        return response


def second_worker(
    town: Town,
    store: Storage,
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
        sweep=sweep,
        reconcile=lambda: None,
        spawn=spawn,
    )


# Content and recipients


def test_promoted_user_is_notified_once_with_a_button_to_give_up_the_seat(town: Town) -> None:
    """R8.5: the message says which event, when and where. R9.1: nothing stays undelivered."""
    town.event()
    promote(town, CHLOE)
    town.settle()
    town.settle(120)
    (told,) = town.told(CHLOE)
    assert kind_of(told) == "promoted"
    assert "*Yoga in the park*" in told
    assert "Riverside lawn" in told
    assert all(button in told for button in buttons_of(NotificationKind.PROMOTED))
    assert undelivered(town) == ()


def test_promoted_user_who_left_again_is_not_notified(town: Town) -> None:
    """R9.3."""
    town.event()
    promote(town, CHLOE)
    town.bot.service.unregister("yoga", CHLOE)
    town.settle()
    assert town.told(CHLOE) == []
    assert undelivered(town) == ()


def test_promoted_user_who_left_and_returned_is_not_notified_of_the_first_seat(town: Town) -> None:
    """R9.3: the ticket distinguishes the two registrations."""
    town.event()
    promote(town, CHLOE)
    town.bot.service.unregister("yoga", CHLOE)
    town.register(CHLOE)
    town.settle()
    assert town.told(CHLOE) == []


def test_removed_user_is_notified_with_the_reason(town: Town) -> None:
    """R4.6. Typed text is escaped (R8.11)."""
    town.event()
    town.register(BJORN)
    town.bot.service.remove("yoga", BJORN, reason="no show <!channel>")
    town.settle()
    (told,) = town.told(BJORN)
    assert kind_of(told) == "removed"
    assert "*Yoga in the park*" in told
    assert "no show &lt;!channel&gt;" in told


def test_every_attendee_is_notified_of_a_new_location(town: Town) -> None:
    """R8.8: registered and waitlisted alike, but not one who registered after the change."""
    town.event()
    town.register(BJORN, CHLOE, DIEGO)
    town.clock.advance(timedelta(seconds=1))
    town.bot.service.edit_event("yoga", EventChanges.of(location="Room 5"))
    town.clock.advance(timedelta(seconds=1))
    town.register(PRIYA)
    town.settle()
    for user_id in (BJORN, CHLOE, DIEGO):
        (told,) = town.told(user_id)
        assert kind_of(told) == "moved"
        assert "Room 5" in told
        assert "Riverside lawn" in told
    assert harness.direct_messages(PRIYA) == []


def test_cancellation_reaches_every_page_of_attendees(town: Town) -> None:
    """R8.8, with more attendees than a page of recipients holds."""
    people = [f"U0GUEST{number}" for number in range(130)]
    town.event(capacity=110)
    town.register(*people)
    town.bot.service.cancel_event("yoga")
    town.settle(4)
    assert sorted(sent_to(town)) == sorted([*people, AMARA])
    assert undelivered(town) == ()
    town.workspace.refusals.clear()  # none of them exists in Slack


@pytest.mark.parametrize("after", [BJORN, CHLOE, DIEGO])
def test_attendee_promoted_during_delivery_is_notified_once(town: Town, after: str) -> None:
    """Canceled events still promote. The promoted attendee must not be missed between waitlist and roster."""
    town.event()
    town.register(BJORN, CHLOE, DIEGO)
    town.bot.service.cancel_event("yoga")
    town.clock.advance(timedelta(seconds=3))

    def leave(told: str) -> None:
        if told == after:
            harness.bot.service.unregister("yoga", CHLOE)

    notification_worker = second_worker(town, town.store, leave)
    assert notification_worker.process_event("yoga") is None
    (told,) = town.told(DIEGO)
    assert kind_of(told) == "canceled"
    assert len(town.told(BJORN)) == 1


def test_promotions_are_sent_before_messages_to_everyone(town: Town) -> None:
    """One edit moves the event and promotes. The promoted attendee hears first."""
    town.event()
    town.register(BJORN, CHLOE, DIEGO)
    town.bot.service.edit_event("yoga", EventChanges.of(location="Room 5", capacity=3))
    town.settle()
    assert sent_to(town)[0] == DIEGO
    assert kinds_of(town.told(DIEGO)) == ["promoted", "moved"]
    assert sorted(sent_to(town)) == sorted([BJORN, CHLOE, DIEGO, DIEGO])


def test_attendees_of_a_deleted_event_are_notified(town: Town) -> None:
    """R7.2."""
    town.event()
    town.register(BJORN, CHLOE, DIEGO)
    town.bot.service.delete_event("yoga")
    town.settle()
    for user_id in (BJORN, CHLOE, DIEGO):
        (told,) = town.told(user_id)
        assert kind_of(told) == "deleted"
    assert undelivered(town) == ()


# Failures


def test_message_with_a_lost_response_is_sent_twice(town: Town) -> None:
    """R9.1: that is the only reason to send twice."""
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.closed(applied=True))
    town.settle(10)
    assert len(town.told(CHLOE)) == 2


def test_server_error_delays_only_its_recipient_with_growing_delays(town: Town) -> None:
    town.event()
    promote(town, CHLOE, DIEGO)
    town.api.fail_next(POST, Fault.server_error(503), times=1)
    town.settle(3)
    assert (len(town.told(CHLOE)), len(town.told(DIEGO))) == (0, 1)
    assert undelivered(town) == ("yoga",)
    town.api.fail_next(POST, Fault.server_error(503), times=1)
    town.settle(8)  # the retry after 5 s fails too; the next comes 10 s later
    assert town.told(CHLOE) == []
    town.settle(8)
    assert len(town.told(CHLOE)) == 1
    assert undelivered(town) == ()


def test_later_messages_wait_for_a_retried_one(town: Town) -> None:
    """R9.1: order is kept per user and event."""
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.server_error(500), times=2)
    town.settle(1)
    town.bot.service.remove("yoga", CHLOE)
    town.register(CHLOE)
    town.bot.service.cancel_event("yoga")
    town.settle(20)
    # The promotion is no longer true. The others come in order.
    assert kinds_of(town.told(CHLOE)) == ["removed", "canceled"]


def test_rate_limit_pauses_every_event(town: Town) -> None:
    """`Retry-After` applies to the method, not to one message."""
    town.event()
    town.event("chess", title="Chess")
    promote(town, CHLOE)
    promote(town, CHLOE, event_id="chess")
    town.api.fail_next(POST, Fault.rate_limited(7))
    town.settle(6)
    assert len(sent_to(town)) == 1
    town.settle(3)
    assert len(town.told(CHLOE)) == 2


def test_app_failure_pauses_everything_with_one_alarm(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """With a revoked token, few calls are made. Once it is replaced, everything is sent."""
    town.event()
    town.event("chess", title="Chess")
    promote(town, CHLOE, DIEGO)
    promote(town, CHLOE, event_id="chess")
    town.api.faults.stand(Fault.refused("token_revoked"))
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(2 * PAUSE.total_seconds())
    assert len(sent_to(harness)) <= 3
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    harness.api.faults.stand(None)
    harness.deliver_due(PAUSE.total_seconds() + 5)
    assert (len(harness.direct_messages(CHLOE)), len(harness.direct_messages(DIEGO))) == (2, 1)
    assert undelivered(harness) == ()


def test_malformed_message_is_skipped_with_an_error(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in one message must not block the others."""
    town.event()
    promote(town, CHLOE, DIEGO)
    town.api.fail_next(POST, Fault.refused("invalid_blocks"))
    town.settle(60)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert len(harness.direct_messages(DIEGO)) == 1
    assert undelivered(harness) == ()


def test_message_that_cannot_be_built_is_skipped_with_an_error(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """Retries would fail forever and block the others."""
    town.event()
    promote(town, CHLOE)
    with town.store._file.writing() as connection:
        connection.execute("UPDATE journal SET body = json_set(body, '$.about', NULL)")
    town.bot.service.cancel_event("yoga")
    town.settle()
    # One error for her message, one for the report to the organizer.
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert kinds_of(town.told(CHLOE)) == ["canceled"]
    assert undelivered(town) == ()


def test_messages_to_everyone_wait_for_a_lagging_index(town: Town, tmp_path: Path) -> None:
    """DynamoDB's roster may lack an attendee who registered just before the cancellation."""

    class LaggingStore(SQLiteStore):
        def list_roster(
            self, event_id: str, *, limit: int, cursor: str | None = None
        ) -> Page[Registration]:
            page = super().list_roster(event_id, limit=limit, cursor=cursor)
            since = harness.clock.now() - timedelta(seconds=1)
            return Page(tuple(row for row in page.items if row.registered_at < since), None)

    town.event()
    town.register(BJORN)
    town.bot.service.cancel_event("yoga")
    store = LaggingStore(tmp_path / "rollcall.sqlite", town.workspace.team_id)
    notification_worker = second_worker(town, store)
    again = notification_worker.process_event("yoga")
    assert again is not None
    harness.clock.advance(again - harness.clock.now())
    assert notification_worker.process_event("yoga") is None
    store.close()
    assert len(harness.direct_messages(BJORN)) == 1


# Processes, crashes and restarts


@pytest.mark.parametrize("writes", range(8))
def test_crash_repeats_at_most_one_message(town: Town, tmp_path: Path, writes: int) -> None:
    """R9.1: the cursor moves with each message, so a crash repeats at most the current one."""
    town.event()
    promote(town, CHLOE, DIEGO, HARUKI)
    die_during_delivery(town, tmp_path, writes)
    counts = [len(town.told(user_id)) for user_id in (CHLOE, DIEGO, HARUKI)]
    assert min(counts) == 1
    assert sum(counts) <= 4
    assert undelivered(harness) == ()


@pytest.mark.parametrize("writes", range(4))
def test_crash_after_a_retry_leaves_nothing_behind(town: Town, tmp_path: Path, writes: int) -> None:
    """The retry's entry loses its mark, so no sweep finds it again."""
    town.event()
    promote(town, CHLOE, DIEGO)
    town.api.fail_next(POST, Fault.server_error(503))
    town.settle(1)
    town.clock.advance(timedelta(seconds=5))
    die_during_delivery(town, tmp_path, writes)
    assert 1 <= len(town.told(CHLOE)) <= 2
    assert len(town.told(DIEGO)) == 1
    assert undelivered(town) == ()


def die_during_delivery(town: Town, tmp_path: Path, writes: int) -> None:
    """Let a second process die at a write. The first one's sweep finds what it left."""
    dying = DyingOutbox(tmp_path / "rollcall.sqlite", town.workspace.team_id, writes)
    with pytest.raises(KeyboardInterrupt):
        second_worker(town, dying).process_event("yoga")
    dying.close()
    harness.clock.advance(LEASE)
    harness.deliver_due(SWEEP_INTERVAL.total_seconds())


def test_one_process_at_a_time_delivers_for_an_event(town: Town) -> None:
    """Nothing is sent while another process holds the lease, and everything after it expired."""
    town.event()
    promote(town, CHLOE)
    now = town.clock.now()
    town.store.take_lease("yoga", holder="another", now=now, until=now + LEASE)
    town.settle(LEASE.total_seconds() - 2)
    assert town.told(CHLOE) == []
    town.settle(60)
    assert len(town.told(CHLOE)) == 1


def test_message_is_sent_soon_after_the_lease_is_released(town: Town) -> None:
    """Its holder read the journal just before our commit. The message is sent within 2 s all the same."""
    town.event()
    promote(town, CHLOE)
    now = town.clock.now()
    held = town.store.take_lease("yoga", holder="another", now=now, until=now + LEASE)
    assert held is not None
    harness.deliver_due(0.5)
    harness.store.save_delivery(held.model_copy(update={"leased_until": None}))
    harness.deliver_due(1)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_unavailable_store_is_retried_soon_with_a_warning(
    town: Town, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    town.event()
    promote(town, CHLOE)
    store = UnavailableStore(tmp_path / "rollcall.sqlite", town.workspace.team_id)
    notification_worker = second_worker(town, store)
    assert notification_worker.process_due_events() <= 1
    assert harness.direct_messages(CHLOE) == []
    harness.clock.advance(timedelta(seconds=1))
    notification_worker.process_due_events()
    store.close()
    assert len(harness.direct_messages(CHLOE)) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_sweep_finds_what_a_dead_process_left(town: Town, tmp_path: Path) -> None:
    """No commit schedules it in the new process."""
    town.event()
    promote(town, CHLOE)
    store = SQLiteStore(tmp_path / "rollcall.sqlite", town.workspace.team_id)
    later = second_worker(town, store)
    later.process_due_events()
    later.process_due_events()
    store.close()
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


def test_worker_waits_for_an_event_and_stops_on_request(town: Town) -> None:
    """`schedule` neither blocks nor calls Slack. The worker does, in its thread."""
    town.event()
    promote(town, CHLOE)
    calls_before = len(town.api.calls())
    town.bot.notification_worker.schedule("yoga")
    assert len(town.api.calls()) == calls_before
    has_swept = threading.Event()
    notification_worker = second_worker(town, town.store, sweep=has_swept.set)
    notification_worker.start()
    assert has_swept.wait(20)
    notification_worker.schedule("yoga")
    notification_worker.stop()
    harness.deliver_due()
    assert len(harness.direct_messages(CHLOE)) == 1


def test_sweep_runs_each_minute_during_a_long_delivery(town: Town) -> None:
    """Four messages take half a minute each. They don't delay the repair of crashed work (R7.4)."""
    town.event()
    promote(town, CHLOE, DIEGO, HARUKI, PRIYA)
    sweeps: list[int] = []
    notification_worker = second_worker(
        town,
        town.store,
        lambda _: town.clock.advance(timedelta(seconds=29)),
        sweep=lambda: sweeps.append(len(sent_to(town))),
    )
    notification_worker.process_due_events()
    assert sweeps == [0, 3]


def test_event_that_is_scheduled_repeatedly_keeps_its_turn(town: Town, tmp_path: Path) -> None:
    """A rush on one event and a long delivery of another both progress."""

    class RushedStore(SQLiteStore):
        def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
            saved = super().save_delivery(delivery)
            if delivery.event_id == "chess":
                harness.clock.advance(timedelta(seconds=1))
                notification_worker.schedule("yoga")
            return saved

    town.event()
    town.event("chess", title="Chess")
    promote(town, CHLOE, DIEGO, HARUKI, event_id="chess")
    promote(town, PRIYA)
    store = RushedStore(tmp_path / "rollcall.sqlite", town.workspace.team_id)
    notification_worker = second_worker(town, store)
    notification_worker.schedule("chess")
    notification_worker.process_due_events()
    store.close()
    assert PRIYA in sent_to(harness)[:2]


def test_service_sweep_delays_neither_cards_nor_messages(town: Town) -> None:
    """It runs in the background, one at a time (R7.4)."""
    background: list[Callable[[], None]] = []
    finished: list[int] = []
    notification_worker = second_worker(
        town,
        town.store,
        sweep=lambda: finished.append(1),
        spawn=background.append,
    )
    notification_worker.sweep()
    notification_worker.sweep()
    assert (len(background), finished) == (1, [])
    background.pop()()
    notification_worker.sweep()
    assert (len(background), finished) == (1, [1])


def test_notifications_of_one_commit_are_sent_in_order(town: Town) -> None:
    """R9.1: one batch removes, waitlists and promotes the same person."""
    town.event()
    town.register(BJORN, CHLOE, DIEGO)
    executor = town.bot.service._executor
    commands: list[Command] = [Remove(BJORN, None), Register(BJORN), Unregister(CHLOE)]
    plan = planner.plan(
        load_snapshot(harness.store, "yoga", commands),
        commands,
        event_id="yoga",
        now=harness.clock.now(),
        plan_id="batch",
    )
    town.store.commit(plan)
    town.bot.notification_worker.schedule("yoga")
    town.settle()
    assert kinds_of(town.told(BJORN)) == ["removed", "promoted"]
