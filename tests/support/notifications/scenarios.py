"""Scenarios of undelivered notifications, with the messages that everyone should receive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from domain.inputs import EventChanges
from domain.models import Event
from playground.web_api.fault_injection import Fault
from tests.support.notifications.workers import POST, DeliveryScene, Moments
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO

Received = Mapping[str, list[str]]


@dataclass(frozen=True)
class Scenario:
    """Undelivered notifications, and the kinds of messages that they should become."""

    prepare: Callable[[DeliveryScene], Event]
    expected: Received
    unreachable: set[str] = field(default_factory=set)


def _promotions(scene: DeliveryScene) -> Event:
    event = scene.event(AMARA, BJORN, CHLOE, capacity=1)
    scene.service.edit_event(event.event_id, EventChanges.of(capacity=3))
    return event


def _everyone(scene: DeliveryScene) -> Event:
    """Promote and move in one edit: recipients are waitlisted, registered and just promoted."""
    event = scene.event(AMARA, BJORN, CHLOE, capacity=1)
    scene.service.edit_event(event.event_id, EventChanges.of(capacity=2, location="Room 2"))
    return event


def _canceled(scene: DeliveryScene) -> Event:
    event = scene.event(AMARA, BJORN, capacity=2)
    scene.service.cancel_event(event.event_id)
    return event


def _late(scene: DeliveryScene) -> Event:
    """Let the first promotion fail, with a second notification for the same person."""
    event = _promotions(scene)
    scene.harness.api.fail_next(POST, Fault.server_error(503))
    scene.worker("before").process_event(event.event_id)
    scene.service.edit_event(event.event_id, EventChanges.of(location="Room 2"))
    scene.harness.clock.advance(timedelta(seconds=6))
    return event


def _unreachable(scene: DeliveryScene) -> Event:
    """Include a recipient who does not exist in Slack, so the organizers get a report."""
    event = scene.event(CHLOE, "U0NOBODY", BJORN, capacity=1)
    changes = EventChanges.of(capacity=3, co_organizer_ids=(DIEGO,))
    scene.service.edit_event(event.event_id, changes)
    return event


def _card(scene: DeliveryScene) -> Event:
    """Change only the card."""
    event = scene.event(AMARA, capacity=2)
    scene.service.unregister(event.event_id, AMARA)
    return event


SCENARIOS = {
    "promotions": Scenario(_promotions, {BJORN: ["promoted"], CHLOE: ["promoted"]}),
    "everyone": Scenario(
        _everyone, {AMARA: ["moved"], BJORN: ["promoted", "moved"], CHLOE: ["moved"]}
    ),
    "canceled": Scenario(_canceled, {AMARA: ["canceled"], BJORN: ["canceled"]}),
    "late": Scenario(
        _late, {AMARA: ["moved"], BJORN: ["promoted", "moved"], CHLOE: ["promoted", "moved"]}
    ),
    "unreachable": Scenario(
        _unreachable,
        {AMARA: ["report"], BJORN: ["promoted"], DIEGO: ["organizer_added", "report"]},
        {"U0NOBODY"},
    ),
    "card": Scenario(_card, {}),
}


def moments_of(scene: DeliveryScene, scenario: Scenario) -> list[str]:
    """Run a scenario and return the names of all its moments."""
    event = scenario.prepare(scene)
    moments = Moments()
    scene.run(scene.worker("counting", moments), event.event_id)
    assert scene.received(event) == scenario.expected
    return moments.names


def assert_in_order(scenario: Scenario, received: Received) -> None:
    """Assert that everyone received everything in order, with at most one message twice in a row."""
    assert received.keys() == scenario.expected.keys()
    for user_id, expected in scenario.expected.items():
        assert set(received[user_id]) == set(expected)
        assert sorted(received[user_id], key=expected.index) == received[user_id]
    _assert_one_twice_at_most(scenario, received)


def assert_in_order_but_for_one(scenario: Scenario, received: Received) -> None:
    """Assert that everyone received everything in order, except one message that may be repeated late."""
    assert received.keys() == scenario.expected.keys()
    for user_id, expected in scenario.expected.items():
        kinds = received[user_id]
        without_one = [kinds[:index] + kinds[index + 1 :] for index in range(len(kinds))]
        assert expected in [kinds, *without_one]
    _assert_one_twice_at_most(scenario, received)


def _assert_one_twice_at_most(scenario: Scenario, received: Received) -> None:
    assert sum(map(len, received.values())) - sum(map(len, scenario.expected.values())) <= 1


def assert_all_delivered(scene: DeliveryScene, scenario: Scenario, event: Event) -> None:
    """Assert that the card is current, unreachable recipients are recorded, and nothing is undelivered."""
    scene.assert_card_is_current(event)
    assert scene.undelivered() == set()
    entries = scene.store.list_journal(event.event_id, limit=100)
    recorded = [recipient.user_id for entry in entries for recipient in entry.unreachable]
    assert recorded == sorted(scenario.unreachable)
