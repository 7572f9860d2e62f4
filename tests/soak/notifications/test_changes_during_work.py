"""The event changes at any moment of a worker's run: messages are true, and cards end right (R9.3, R8.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from domain.inputs import EventChanges
from domain.models import Event
from playground.web_api.fault_injection import Fault
from tests.support.notifications.scenarios import SCENARIOS, assert_all_delivered, moments_of
from tests.support.notifications.workers import (
    UPDATE,
    DeliveryScene,
    Killed,
    Moments,
    delivery_scene,
    die,
)
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness
from tests.support.stores import Kind

FAULTS = {
    "none": None,
    "closed": Fault.closed(),
    "answer lost": Fault.closed(applied=True),
    "500": Fault.server_error(500),
    "rate limit": Fault.rate_limited(3),
}

_changes = count(1)


def _leave(scene: DeliveryScene, event: Event) -> None:
    scene.service.unregister(event.event_id, CHLOE)


def _leave_and_return(scene: DeliveryScene, event: Event) -> None:
    """There is a free seat, and the new registration has a new ticket."""
    _leave(scene, event)
    scene.service.register(event.event_id, CHLOE)


@pytest.mark.parametrize("kind", ["sqlite", "moto"])
@pytest.mark.parametrize("leave", [_leave, _leave_and_return])
def test_promoted_attendee_who_left_is_notified_only_if_the_message_was_being_sent(
    harness: SlackHarness, kind: Kind, leave: Callable[[DeliveryScene, Event], None]
) -> None:
    """R9.3, at each moment: Björn's message is sent first, Chloé's second."""
    scenario = SCENARIOS["promotions"]
    with delivery_scene(harness, kind) as scene:
        names = moments_of(scene, scenario)
        checks = [at for at, name in enumerate(names) if name == "after get_rows"]
        assert len(checks) == 2
        for at in range(0, len(names), 3 if kind == "sqlite" else 12):
            event = scenario.prepare(scene)
            moments = Moments({at: lambda event=event: leave(scene, event)})  # type: ignore[misc]  # mypy infers no lambda with a default
            scene.run(scene.worker("slow", moments), event.event_id)
            chloe = {CHLOE: ["promoted"]} if at >= checks[1] else {}
            assert scene.received(event) == {BJORN: ["promoted"]} | chloe
            scene.restart()
            assert_all_delivered(scene, scenario, event)


def change(scene: DeliveryScene, event: Event) -> None:
    """Commit a change that the card shows."""
    changes = EventChanges.of(description=f"Changed for the {next(_changes)}th time")
    scene.service.edit_event(event.event_id, changes)


def card_after(
    scene: DeliveryScene, at: int, fault: Fault | None, dies_at: int | None = None
) -> None:
    """Change the event at a moment of a card's update, which may fail, and may kill the process.

    Assert that the card is right within ten seconds, or after another process took over.
    """
    scenario = SCENARIOS["card"]
    event = scenario.prepare(scene)
    if fault is not None:
        scene.harness.api.fail_next(UPDATE, fault)
    actions: dict[int, Callable[[], None]] = {at: lambda: change(scene, event)}
    if dies_at is not None:
        actions[dies_at] = die
    notification_worker = scene.worker("unlucky", Moments(actions))
    try:
        scene.run(notification_worker, event.event_id, seconds=10)
        # The change may have come at the end. A commit schedules the event again.
        scene.run(notification_worker, event.event_id, seconds=10)
    except Killed:
        scene.restart()
    scene.harness.api.faults.clear()
    scene.assert_card_is_current(event)
    scene.restart()
    assert_all_delivered(scene, scenario, event)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_card_shows_a_change_during_its_update(harness: SlackHarness, fault: Fault | None) -> None:
    with delivery_scene(harness, "sqlite") as scene:
        for at in range(0, len(moments_of(scene, SCENARIOS["card"])), 2):
            card_after(scene, at, fault)


@pytest.mark.parametrize("dies_at", range(2, 22, 3))
def test_card_shows_a_change_after_a_crash(harness: SlackHarness, dies_at: int) -> None:
    """The next process shows the change."""
    with delivery_scene(harness, "sqlite") as scene:
        for at in range(dies_at % 4, dies_at, 4):
            card_after(scene, at, None, dies_at)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "local"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_card_shows_a_change_at_every_moment_of_every_crash(
    harness: SlackHarness, kind: Kind, fault: Fault | None
) -> None:
    """Every moment of the change on SQLite and every third on DynamoDB Local, with moments of the crash."""
    with delivery_scene(harness, kind) as scene:
        total = len(moments_of(scene, SCENARIOS["card"]))
        for at in range(0, total, 1 if kind == "sqlite" else 3):
            for dies_at in range(at + 1, total + 10, 4 if kind == "sqlite" else 23):
                card_after(scene, at, fault, dies_at)


def test_card_is_updated_at_most_once_a_second(harness: SlackHarness) -> None:
    """R8.3: changes come every tenth of a second, during the worker's run."""
    with delivery_scene(harness, "sqlite") as scene:
        event = SCENARIOS["card"].prepare(scene)
        before = len(harness.api.calls(UPDATE))
        began = harness.clock.now()

        def rush() -> None:
            harness.clock.advance(timedelta(seconds=0.1))
            change(scene, event)

        notification_worker = scene.worker("busy", Moments(dict.fromkeys(range(0, 200, 3), rush)))
        scene.run(notification_worker, event.event_id)
        seconds = (harness.clock.now() - began).total_seconds()
        assert 5 <= len(harness.api.calls(UPDATE)) - before <= seconds + 2
        scene.assert_card_is_current(event)
