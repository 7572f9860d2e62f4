"""The daily comparison in a workspace of any size: within Slack's rate limit, page by page (R8.14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest
from slack_sdk.errors import SlackApiError

from bot.features.account.member_sync import JOB_ID, LEASE, PAGE_SIZE, MemberComparison
from playground.web_api.fault_injection import Fault
from playground.web_api.rate_limits import CALLS_A_MINUTE
from playground.workspace.model import Member
from tests.support.environment import ManualClock
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness

LIST = "users.list"
LAST = "U0LAST"


def fill(harness: SlackHarness, accounts: int) -> None:
    """Give the workspace so many accounts more; Haruki's and one more of them come last."""
    for number in range(accounts - 1):
        harness.workspace.put_member(
            Member(f"U1{number:06}", f"m{number}", f"Member {number}"), announce=False
        )
    harness.workspace.put_member(Member(LAST, "last", "Lea Last"), announce=False)


def comparison(
    harness: SlackHarness, clock: ManualClock | None = None, *, holder: str = "p1"
) -> MemberComparison:
    return MemberComparison(
        harness.bot.service, harness.store, harness.client, clock or harness.clock, holder=holder
    )


class CallingClock(ManualClock):
    """Clock that lets something happen whenever someone sleeps."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def sleep(self, seconds: float) -> None:
        self._meanwhile()
        super().sleep(seconds)


def calls(harness: SlackHarness) -> int:
    return len(harness.api.calls(LIST))


def deactivate_first_and_last(harness: SlackHarness) -> None:
    """Deactivate a member on the first page and one on the last, without an event."""
    harness.event(capacity=5)
    harness.register(BJORN, CHLOE, LAST)
    for user_id in (CHLOE, LAST):
        member = harness.workspace.member(user_id)
        harness.workspace.put_member(replace(member, deleted=True), announce=False)


def seated(harness: SlackHarness) -> list[str]:
    return list(harness.assert_invariants().seated("yoga"))


@pytest.mark.soak
def test_20000_accounts_are_compared_within_the_rate_limit(harness: SlackHarness) -> None:
    fill(harness, 20_000)
    deactivate_first_and_last(harness)
    harness.api.rate_limits.is_on = True
    started = harness.clock.now()
    assert comparison(harness).run() == 2
    assert seated(harness) == [BJORN]
    pages = -(-len(harness.workspace.members()) // PAGE_SIZE)
    assert pages > CALLS_A_MINUTE[LIST]
    assert calls(harness) == pages + 1  # one was refused, and repeated when Slack said
    assert timedelta(minutes=1) <= harness.clock.now() - started < timedelta(minutes=2)


def test_each_page_is_acted_on_before_the_next_is_read(harness: SlackHarness) -> None:
    fill(harness, PAGE_SIZE)
    deactivate_first_and_last(harness)
    harness.api.faults.enqueue(LIST, None, 1)
    harness.api.fail_next(LIST, Fault.server_error())
    with pytest.raises(SlackApiError):
        comparison(harness).run()
    assert seated(harness) == [BJORN, LAST]


def test_interrupted_comparison_continues_at_its_page_in_another_process(
    harness: SlackHarness,
) -> None:
    fill(harness, PAGE_SIZE)
    deactivate_first_and_last(harness)
    harness.api.faults.enqueue(LIST, None, 1)
    harness.api.fail_next(LIST, Fault.server_error())
    with pytest.raises(SlackApiError):
        comparison(harness).run()
    before = calls(harness)
    assert comparison(harness, holder="p2").run() == 1
    assert calls(harness) == before + 1
    assert seated(harness) == [BJORN]


def test_next_comparison_starts_at_the_first_page(harness: SlackHarness) -> None:
    fill(harness, PAGE_SIZE)
    for _ in range(2):
        comparison(harness).run()
    assert calls(harness) == 4


def test_cursor_that_slack_no_longer_knows_means_the_beginning(harness: SlackHarness) -> None:
    deactivate = harness.workspace.member(HARUKI)
    harness.event()
    harness.register(HARUKI)
    harness.workspace.put_member(replace(deactivate, deleted=True))
    state = harness.store.take_lease(JOB_ID, holder="p0", until=harness.clock.now())
    harness.store.save_delivery(
        state.model_copy(update={"recipient": "an old cursor", "leased_until": None})
    )
    assert comparison(harness).run() == 1
    harness.workspace.refusals.clear()


def test_one_process_compares_at_a_time(harness: SlackHarness) -> None:
    """Its progress shows that the other one is alive."""
    held = harness.store.take_lease(JOB_ID, holder="p0", until=harness.clock.now())
    clock = CallingClock(lambda: harness.store.save_delivery(held))
    assert comparison(harness, clock).run() == 0
    assert calls(harness) == 0


def test_comparison_of_a_process_that_died_is_continued(harness: SlackHarness) -> None:
    """Also by a function that runs once a day, each time in a new process."""
    harness.store.take_lease(JOB_ID, holder="p0", until=harness.clock.now())
    comparison(harness).run(harness.clock.monotonic() + LEASE)
    assert calls(harness) == 0
    comparison(harness).run(harness.clock.monotonic() + LEASE + 60)
    assert calls(harness) > 0


@pytest.mark.parametrize("seconds", [59.0, 61.0])
def test_wait_must_fit_the_time_that_a_function_has(harness: SlackHarness, seconds: float) -> None:
    """Otherwise the next run continues."""
    fill(harness, PAGE_SIZE)
    deactivate_first_and_last(harness)
    harness.api.faults.enqueue(LIST, None, 1)
    harness.api.fail_next(LIST, Fault.rate_limited(60))
    first = comparison(harness).run(harness.clock.monotonic() + seconds)
    assert first == (1 if seconds < 60 else 2)
    assert first + comparison(harness).run(inf) == 2
    assert seated(harness) == [BJORN]


def test_notifications_go_out_while_the_comparison_waits(harness: SlackHarness) -> None:
    """It runs in the background: the worker's thread only starts it."""
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(minutes=10))
    sent: list[str] = []
    sleep = harness.clock.sleep

    def deliver_meanwhile(seconds: float) -> None:
        harness.bot.service.unregister("yoga", CHLOE)
        harness.bot.notification_worker.process_event("yoga")
        sent.extend(harness.direct_messages(DIEGO))
        sleep(seconds)

    harness.clock.sleep = deliver_meanwhile  # type: ignore[method-assign]
    harness.api.fail_next(LIST, Fault.rate_limited(30))
    harness.bot.notification_worker.process_due_events()
    assert len(sent) == 1


def test_member_who_can_not_be_read_stops_nothing(harness: SlackHarness) -> None:
    harness.workspace.put_member(Member("no id", "odd", "Odd"), announce=False)
    fill(harness, 1)
    deactivate_first_and_last(harness)
    assert comparison(harness).run() == 2
