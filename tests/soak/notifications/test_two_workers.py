"""Two notifiers at one event, one of them held up at any moment: nothing is out of order, no card stays stale (R9)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.notifications.card_updater import CardUpdater
from bot.notifications.delivery import LEASE, _Round
from bot.notifications.worker import NotificationWorker
from domain.inputs import EventChanges
from domain.models import Card, Event
from tests.support.notifications.scenarios import (
    SCENARIOS,
    Scenario,
    assert_in_order_but_for_one,
    assert_nothing_is_left,
    moments_of,
)
from tests.support.notifications.workers import UPDATE, HeldUp, Moments, WaitlistPosition, place
from tests.support.slack.harness import SlackHarness
from tests.support.stores import Kind

Meeting = Callable[[WaitlistPosition, Scenario, int], None]


def while_the_lease_lasts(place: WaitlistPosition, scenario: Scenario, at: int) -> None:
    """The second comes while the first is at it: it leaves everything to the first."""
    event = scenario.prepare(place)
    first = HeldUp(place, event, "first", at)
    second = place.process("second")
    second.attend(event.event_id)
    first.finish()
    _settle(place, event, first, second)
    assert place.heard(event) == scenario.owed
    assert_nothing_is_left(place, scenario, event)


def after_the_lease(
    place: WaitlistPosition, scenario: Scenario, at: int, second_at: int | None = None
) -> None:
    """The first is held up for longer than its lease; the event changes, and the second takes over.

    The first goes on at that moment of the second's work; None: when it is done.
    """
    event = scenario.prepare(place)
    first = HeldUp(place, event, "first", at)
    place.harness.clock.advance(LEASE)
    place.service.edit_event(event.event_id, EventChanges.of(description="Bring a mat"))
    goes_on = {} if second_at is None else {second_at: first.finish}
    second = place.process("second", Moments(goes_on))
    second.attend(event.event_id)
    first.finish()
    if second_at != 0:  # at 0 the second has not taken the lease over yet
        assert first.sent_since() <= first.was_sending
    _settle(place, event, first, second)
    assert_in_order_but_for_one(scenario, place.heard(event))
    assert_nothing_is_left(place, scenario, event)


def without_a_lease(place: WaitlistPosition, scenario: Scenario, at: int) -> None:
    """Both believe that the lease is theirs: they have the same name."""
    event = scenario.prepare(place)
    first = HeldUp(place, event, "the same", at)
    second = place.process("the same")
    second.attend(event.event_id)
    first.finish()
    _settle(place, event, first, second)
    assert place.heard(event) == scenario.owed
    assert_nothing_is_left(place, scenario, event)


def _settle(place: WaitlistPosition, event: Event, *processes: Any) -> None:
    """Both go on as long as they have something to do: each knows when it wants to look again."""
    for process in processes:
        place.run(getattr(process, "notification_worker", process), event.event_id)


def meet_at_moments(
    harness: SlackHarness, kind: Kind, scenario: Scenario, meeting: Meeting, step: int
) -> int:
    """Hold the first up at each `step`th moment of its work; return how many moments there are."""
    with place(harness, kind) as here:
        total = len(moments_of(here, scenario))
        for at in range(step - 1, total, step):
            meeting(here, scenario, at)
    harness.workspace.refusals.clear()  # one of them is not in Slack
    return total


# An event that was canceled can't be edited meanwhile.
EDITABLE = {name: scenario for name, scenario in SCENARIOS.items() if name != "canceled"}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_second_notifier_leaves_all_to_the_first_while_its_lease_lasts(
    harness: SlackHarness, scenario: Scenario
) -> None:
    """Each message comes once."""
    assert meet_at_moments(harness, "sqlite", scenario, while_the_lease_lasts, step=5) >= 20


@pytest.mark.parametrize("scenario", EDITABLE.values(), ids=EDITABLE)
def test_who_lost_the_lease_sends_at_most_what_was_on_its_way(
    harness: SlackHarness, scenario: Scenario
) -> None:
    """And the card shows the change that came meanwhile, though an older state was shown after it."""
    assert meet_at_moments(harness, "sqlite", scenario, after_the_lease, step=4) >= 20


@pytest.mark.parametrize("second_at", range(1, 24, 4))
def test_card_is_right_whenever_an_older_state_arrives(
    harness: SlackHarness, second_at: int
) -> None:
    """The first's update was on its way when it lost the lease, and comes at any moment of the second's work."""
    scenario = SCENARIOS["card"]
    with place(harness, "sqlite") as here:
        at = moments_of(here, scenario).index(f"before {UPDATE}")
        after_the_lease(here, scenario, at, second_at)


@pytest.mark.soak
@pytest.mark.parametrize("scenario", EDITABLE.values(), ids=EDITABLE)
@pytest.mark.parametrize("meeting", [while_the_lease_lasts, after_the_lease])
@pytest.mark.parametrize("kind", ["sqlite", "local"])
def test_two_notifiers_at_every_moment_of_the_first(
    harness: SlackHarness, kind: Kind, meeting: Meeting, scenario: Scenario
) -> None:
    """Each of them on SQLite; every other one on AWS's own engine."""
    assert (
        meet_at_moments(harness, kind, scenario, meeting, step=1 if kind == "sqlite" else 2) >= 20
    )


@pytest.mark.soak
@pytest.mark.parametrize("part", range(6))
@pytest.mark.parametrize("scenario", EDITABLE.values(), ids=EDITABLE)
def test_first_goes_on_in_the_middle_of_the_seconds_work(
    harness: SlackHarness, scenario: Scenario, part: int
) -> None:
    """Each moment at which the first is held up, with every seventh of the second's."""
    with place(harness, "sqlite") as here:
        total = len(moments_of(here, scenario))
        for at in range(part, total, 6):
            for second_at in range(at % 7, total, 7):
                after_the_lease(here, scenario, at, second_at)
    harness.workspace.refusals.clear()  # one of them is not in Slack


@pytest.mark.parametrize("kind", ["sqlite", "local"])
def test_three_notifiers_at_once_send_each_message_once_and_in_order(
    harness: SlackHarness, kind: Kind
) -> None:
    """Threads of their own, on several events, as fast as they can."""
    scenario = SCENARIOS["everyone"]
    with place(harness, kind) as here:
        events = [scenario.prepare(here) for _ in range(4)]

        def work(notification_worker: NotificationWorker) -> None:
            for _ in range(5):
                for event in events:
                    notification_worker.attend(event.event_id)

        with ThreadPoolExecutor(3) as threads:
            for done in [threads.submit(work, here.process(f"no {n}")) for n in range(3)]:
                done.result()
        here.restart()
        for event in events:
            assert here.heard(event) == scenario.owed
            assert_nothing_is_left(here, scenario, event)


# With a guard taken out, what it guards against happens


def failures(harness: SlackHarness, scenario: Scenario, meeting: Meeting, step: int) -> int:
    """Return at how many moments a meeting ends otherwise than it should."""
    failed = 0
    with place(harness, "sqlite") as here:
        for at in range(0, len(moments_of(here, scenario)), step):
            try:
                meeting(here, scenario, at)
            except AssertionError:
                failed += 1
    return failed


def test_without_the_lease_messages_come_twice(harness: SlackHarness) -> None:
    """Negative control of the lease."""
    assert failures(harness, SCENARIOS["everyone"], while_the_lease_lasts, step=11) == 0
    assert failures(harness, SCENARIOS["everyone"], without_a_lease, step=11) > 0


def test_without_a_look_at_the_lease_before_each_message_the_loser_sends_one_more(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of `hold`: a process that slept reads the journal from where it stopped, and sends."""
    monkeypatch.setattr(_Round, "hold", lambda _: None)
    assert failures(harness, SCENARIOS["promotions"], after_the_lease, step=3) > 0


def test_without_doubt_an_older_state_stays_on_the_card(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the cards in doubt."""

    class Carefree(dict[tuple[str, str], Card]):
        def __setitem__(self, key: tuple[str, str], card: Card) -> None:
            """Forget it."""

    made = CardUpdater.__init__

    def carefree(board: CardUpdater, *args: Any) -> None:
        made(board, *args)
        board._doubtful = Carefree()

    monkeypatch.setattr(CardUpdater, "__init__", carefree)
    assert failures(harness, SCENARIOS["card"], after_the_lease, step=1) > 0
