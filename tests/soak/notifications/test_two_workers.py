"""Two workers on one event, one suspended at any moment: order is kept, and cards end right (R9)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.notifications.card_updater import CardUpdater
from bot.notifications.delivery import LEASE
from bot.notifications.worker import NotificationWorker
from domain.execution.leases import Lease
from domain.inputs import EventChanges
from domain.models import Card, Event
from tests.support.notifications.scenarios import (
    SCENARIOS,
    Scenario,
    assert_all_delivered,
    assert_in_order_but_for_one,
    moments_of,
)
from tests.support.notifications.workers import (
    UPDATE,
    DeliveryScene,
    Moments,
    SuspendedWorker,
    delivery_scene,
)
from tests.support.slack.harness import SlackHarness
from tests.support.stores import Kind

Meeting = Callable[[DeliveryScene, Scenario, int], None]


def while_the_lease_lasts(scene: DeliveryScene, scenario: Scenario, at: int) -> None:
    """Run the second during the first's lease, so it leaves everything to the first."""
    event = scenario.prepare(scene)
    first = SuspendedWorker(scene, event, "first", at)
    second = scene.worker("second")
    second.process_event(event.event_id)
    first.finish()
    _finish(scene, event, first, second)
    assert scene.received(event) == scenario.expected
    assert_all_delivered(scene, scenario, event)


def after_the_lease(
    scene: DeliveryScene, scenario: Scenario, at: int, second_at: int | None = None
) -> None:
    """Suspend the first for longer than its lease, change the event, and let the second take over.

    The first continues at moment `second_at` of the second's work, or after it if that is None.
    """
    event = scenario.prepare(scene)
    first = SuspendedWorker(scene, event, "first", at)
    resume: dict[int, Callable[[], None]] = {}
    moments = Moments(resume)
    second = scene.worker("second", moments)
    second.process_event(event.event_id)  # it sees the lease
    scene.harness.clock.advance(LEASE)
    scene.service.edit_event(event.event_id, EventChanges.of(description="Bring a mat"))
    if second_at is not None:
        resume[len(moments.names) + second_at] = first.finish
    second.process_event(event.event_id)
    first.finish()
    if second_at != 0:  # at 0, the second does not have the lease yet
        assert first.sent_since() <= first.was_sending
    _finish(scene, event, first, second)
    assert_in_order_but_for_one(scenario, scene.received(event))
    assert_all_delivered(scene, scenario, event)


def without_a_lease(scene: DeliveryScene, scenario: Scenario, at: int) -> None:
    """Give both the same name, so both believe that they hold the lease."""
    event = scenario.prepare(scene)
    first = SuspendedWorker(scene, event, "the same", at)
    second = scene.worker("the same")
    second.process_event(event.event_id)
    first.finish()
    _finish(scene, event, first, second)
    assert scene.received(event) == scenario.expected
    assert_all_delivered(scene, scenario, event)


def _finish(scene: DeliveryScene, event: Event, *processes: Any) -> None:
    """Run both until they have nothing left to do."""
    for process in processes:
        scene.run(getattr(process, "notification_worker", process), event.event_id)


def meet_at_moments(
    harness: SlackHarness, kind: Kind, scenario: Scenario, meeting: Meeting, step: int
) -> int:
    """Suspend the first at each `step`th moment of its work. Return the number of moments."""
    with delivery_scene(harness, kind) as scene:
        total = len(moments_of(scene, scenario))
        for at in range(step - 1, total, step):
            meeting(scene, scenario, at)
    harness.workspace.refusals.clear()  # one recipient does not exist in Slack
    return total


# A canceled event can't be edited.
EDITABLE = {name: scenario for name, scenario in SCENARIOS.items() if name != "canceled"}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_second_worker_leaves_everything_to_the_lease_holder(
    harness: SlackHarness, scenario: Scenario
) -> None:
    """Each message is sent once."""
    assert meet_at_moments(harness, "sqlite", scenario, while_the_lease_lasts, step=5) >= 15


@pytest.mark.parametrize("scenario", EDITABLE.values(), ids=EDITABLE)
def test_worker_that_lost_its_lease_sends_at_most_the_current_message(
    harness: SlackHarness, scenario: Scenario
) -> None:
    """The card shows the newer state, even if the older one arrives last."""
    assert meet_at_moments(harness, "sqlite", scenario, after_the_lease, step=4) >= 15


@pytest.mark.parametrize("second_at", range(1, 24, 4))
def test_card_ends_current_whenever_an_older_state_arrives(
    harness: SlackHarness, second_at: int
) -> None:
    """The first loses the lease during its update, which arrives at any moment of the second's work."""
    scenario = SCENARIOS["card"]
    with delivery_scene(harness, "sqlite") as scene:
        at = moments_of(scene, scenario).index(f"before {UPDATE}")
        after_the_lease(scene, scenario, at, second_at)


@pytest.mark.soak
@pytest.mark.parametrize("scenario", EDITABLE.values(), ids=EDITABLE)
@pytest.mark.parametrize("meeting", [while_the_lease_lasts, after_the_lease])
@pytest.mark.parametrize("kind", ["sqlite", "local"])
def test_two_workers_at_every_moment_of_the_first(
    harness: SlackHarness, kind: Kind, meeting: Meeting, scenario: Scenario
) -> None:
    """Every moment on SQLite, every fourth on DynamoDB Local."""
    assert (
        meet_at_moments(harness, kind, scenario, meeting, step=1 if kind == "sqlite" else 4) >= 15
    )


@pytest.mark.parametrize("kind", ["sqlite", "local"])
def test_three_concurrent_workers_send_each_message_once_and_in_order(
    harness: SlackHarness, kind: Kind
) -> None:
    """They run in threads, on several events."""
    scenario = SCENARIOS["everyone"]
    with delivery_scene(harness, kind) as scene:
        events = [scenario.prepare(scene) for _ in range(4)]

        def work(notification_worker: NotificationWorker) -> None:
            for _ in range(5):
                for event in events:
                    notification_worker.process_event(event.event_id)

        with ThreadPoolExecutor(3) as threads:
            for done in [threads.submit(work, scene.worker(f"no {n}")) for n in range(3)]:
                done.result()
        scene.restart()
        for event in events:
            assert scene.received(event) == scenario.expected
            assert_all_delivered(scene, scenario, event)


# Negative controls


def failures(harness: SlackHarness, scenario: Scenario, meeting: Meeting, step: int) -> int:
    """Return the number of moments at which a meeting ends wrong."""
    failed = 0
    with delivery_scene(harness, "sqlite") as scene:
        for at in range(0, len(moments_of(scene, scenario)), step):
            try:
                meeting(scene, scenario, at)
            except AssertionError:
                failed += 1
    return failed


def test_without_the_lease_messages_are_repeated(harness: SlackHarness) -> None:
    """Negative control of the lease."""
    assert failures(harness, SCENARIOS["everyone"], while_the_lease_lasts, step=11) == 0
    assert failures(harness, SCENARIOS["everyone"], without_a_lease, step=11) > 0


def test_without_renewals_a_worker_that_lost_its_lease_sends_more(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of `renew`: a suspended process would continue and send."""
    monkeypatch.setattr(Lease, "renew", lambda _: None)
    assert failures(harness, SCENARIOS["promotions"], after_the_lease, step=3) > 0


def test_without_uncertain_cards_an_older_state_stays(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the uncertain cards."""

    class ForgetfulDict(dict[tuple[str, str], Card]):
        def __setitem__(self, key: tuple[str, str], card: Card) -> None:
            """Forget the card."""

    original = CardUpdater.__init__

    def forgetful(card_updater: CardUpdater, *args: Any) -> None:
        original(card_updater, *args)
        card_updater._uncertain = ForgetfulDict()

    monkeypatch.setattr(CardUpdater, "__init__", forgetful)
    assert failures(harness, SCENARIOS["card"], after_the_lease, step=1) > 0
