"""Wall clocks that jump, and clocks of two processes that are apart: everything goes on at its usual times (R9.6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.notifications.card_updater import RETRY_DELAY
from bot.notifications.deferred import MAX_RETRY_DELAY
from bot.notifications.sender import FIRST_RETRY_DELAY
from bot.notifications.worker import SWEEP_INTERVAL, NotificationWorker
from bot.slack.api_errors import PAUSE
from domain.enums import Audience
from domain.inputs import AnnouncementDraft
from domain.ports import INDEX_LAG, Clock
from playground.web_api.fault_injection import Fault
from tests.support.environment import ApartClock, ids, run_now, service_on
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.notifications.message_kinds import kinds_of
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, SlackHarness

UPDATE = "chat.update"

ANNOUNCEMENT = AnnouncementDraft(text="Bring water", audience=Audience.EVERYONE)

JUMPS = [timedelta(hours=-1), timedelta(hours=1)]
"""Jumps of the wall clock; the monotonic clock goes on."""

APART = [timedelta(minutes=-10), timedelta(minutes=10)]
"""How far the other process's wall clock is from this one's."""

jumps = pytest.mark.parametrize("jump", JUMPS, ids=["back", "ahead"])
apart = pytest.mark.parametrize("by", APART, ids=["behind", "ahead"])


def jump_by(harness: SlackHarness, jump: timedelta) -> None:
    harness.clock.set_wall(harness.clock.now() + jump)


def another_worker(
    harness: SlackHarness,
    clock: Clock,
    *,
    client: WebClient | None = None,
    holder: str = "another",
    sweep: Callable[[], object] = lambda: 0,
) -> NotificationWorker:
    """Return the worker of another process on the same data."""
    return NotificationWorker(
        harness.store,
        client or harness.client,
        clock,
        holder=holder,
        workspace_id=harness.workspace.team_id,
        sweep=sweep,
        reconcile=lambda: None,
        spawn=run_now,
    )


class InterruptedSlack(WebClient):
    """Slack client that lets something happen right after each of its calls."""

    meanwhile: Callable[[], object]

    def api_call(self, api_method: str, **rest: Any) -> SlackResponse:
        response = super().api_call(api_method, **rest)
        self.meanwhile()
        return response


# One process, whose wall clock jumps


@jumps
def test_card_is_updated_within_two_seconds_of_a_jump(
    harness: SlackHarness, jump: timedelta
) -> None:
    """R8.3: the rate limiter and the schedule don't notice."""
    harness.card(harness.event())
    harness.register(BJORN)
    harness.deliver_due(2)
    jump_by(harness, jump)
    harness.register(CHLOE)
    assert "2 of 2 seats" in harness.current_card_text()


@jumps
def test_card_that_slack_failed_is_tried_again_after_its_usual_delay(
    harness: SlackHarness, jump: timedelta
) -> None:
    harness.card(harness.event())
    harness.api.fail_next(UPDATE, Fault.server_error(500))
    harness.register(BJORN)
    harness.deliver_due(1)
    jump_by(harness, jump)
    harness.deliver_due(RETRY_DELAY)
    assert "1 of 2 seats" in harness.current_card_text()


@jumps
def test_cancellation_reaches_everyone_within_seconds_of_a_jump(
    harness: SlackHarness, jump: timedelta
) -> None:
    """The jump comes between the commit and the messages."""
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(0.5)
    jump_by(harness, jump)
    harness.deliver_due(INDEX_LAG)
    assert sorted(sent_to(harness)) == sorted([BJORN, CHLOE, DIEGO])


@jumps
def test_retry_waits_for_no_longer_than_its_delay(harness: SlackHarness, jump: timedelta) -> None:
    """The stored time is a wall time. A jump may make a retry early, never late."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(1)
    jump_by(harness, jump)
    harness.deliver_due(FIRST_RETRY_DELAY)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


@jumps
def test_rate_limit_and_refusal_of_the_app_end_when_they_should(
    harness: SlackHarness, jump: timedelta
) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.rate_limited(7))
    harness.api.fail_next(POST, Fault.refused("token_revoked"))
    harness.deliver_due(1)
    jump_by(harness, jump)
    harness.deliver_due(5)
    assert len(sent_to(harness)) == 1
    harness.deliver_due(3)
    assert len(sent_to(harness)) == 2
    jump_by(harness, -jump)
    harness.deliver_due(PAUSE)
    assert len(harness.direct_messages(CHLOE)) == 1


@jumps
def test_sweep_runs_each_minute(harness: SlackHarness, jump: timedelta) -> None:
    sweeps: list[float] = []
    worker = another_worker(
        harness, harness.clock, sweep=lambda: sweeps.append(harness.clock.monotonic())
    )
    worker.process_due_events()
    jump_by(harness, jump)
    assert worker.process_due_events() == SWEEP_INTERVAL
    harness.clock.advance(SWEEP_INTERVAL)
    worker.process_due_events()
    assert sweeps == [0.0, SWEEP_INTERVAL]


def test_retries_go_on_however_many_there_were(harness: SlackHarness) -> None:
    """After half a day, 2 to the power of the tries is more than a time can hold."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.server_error(503), times=1)
    harness.deliver_due(1)
    row = harness.store.take_lease("yoga", holder="another", until=harness.clock.now())
    (late,) = row.deferred
    harness.store.save_delivery(
        row.model_copy(
            update={
                "deferred": (late.model_copy(update={"attempts": 5_000}),),
                "leased_until": None,
            }
        )
    )
    harness.api.fail_next(POST, Fault.server_error(503), times=1)
    harness.deliver_due(FIRST_RETRY_DELAY)
    assert len(sent_to(harness)) == 2
    harness.clock.advance(MAX_RETRY_DELAY)
    harness.deliver_due(1)
    assert len(harness.direct_messages(CHLOE)) == 1


# Two processes, whose wall clocks are apart


@apart
def test_message_to_everyone_by_another_process_is_sent_within_seconds(
    harness: SlackHarness, by: timedelta
) -> None:
    """The writer's clock says nothing about how old its entry is."""
    other = service_on(harness.store, clock=ApartClock(harness.clock, by), new_id=ids("other"))
    harness.event()
    harness.register(BJORN, CHLOE, DIEGO)
    other.announce("yoga", ANNOUNCEMENT, request_id="r1")
    harness.bot.notification_worker.schedule("yoga")
    harness.deliver_due(INDEX_LAG)
    assert sorted(sent_to(harness)) == sorted([BJORN, CHLOE, DIEGO])


@apart
def test_retry_that_another_process_deferred_waits_for_no_longer_than_its_delay(
    harness: SlackHarness, by: timedelta
) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.server_error(503))
    other = another_worker(harness, ApartClock(harness.clock, by))
    assert other.process_event("yoga") is not None
    assert harness.direct_messages(CHLOE) == []
    harness.deliver_due(FIRST_RETRY_DELAY)
    assert kinds_of(harness.direct_messages(CHLOE)) == ["promoted"]


@apart
def test_process_whose_clock_is_apart_sends_nothing_meanwhile(
    harness: SlackHarness, by: timedelta
) -> None:
    """It takes no lease from a process that is sending."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    other = another_worker(harness, ApartClock(harness.clock, by), holder="other")
    slack = InterruptedSlack(
        token=harness.client.token, base_url=harness.client.base_url, retry_handlers=[]
    )
    slack.meanwhile = lambda: other.process_event("yoga")
    worker = another_worker(harness, harness.clock, client=slack, holder="this")
    assert worker.process_event("yoga") is None
    assert sent_to(harness) == [CHLOE, DIEGO]
    assert undelivered(harness) == ()
