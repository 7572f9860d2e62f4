"""What a notifier is found to owe, and what everyone is to hear and see of it in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from domain.inputs import EventChanges
from domain.models import Event
from playground.web_api.fault_injection import Fault
from tests.support.notifications.workers import POST, Moments, WaitlistPosition
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO

Heard = Mapping[str, list[str]]


@dataclass(frozen=True)
class Scenario:
    """Something that the notifier owes, and what everyone is to hear in the end."""

    prepare: Callable[[WaitlistPosition], Event]
    owed: Heard
    unreachable: set[str] = field(default_factory=set)


def _promotions(place: WaitlistPosition) -> Event:
    event = place.event(AMARA, BJORN, CHLOE, capacity=1)
    place.service.edit_event(event.event_id, EventChanges.of(capacity=3))
    return event


def _everyone(place: WaitlistPosition) -> Event:
    """One edit gives a seat and moves the event: the line, the seats, and the one between."""
    event = place.event(AMARA, BJORN, CHLOE, capacity=1)
    place.service.edit_event(event.event_id, EventChanges.of(capacity=2, location="Room 2"))
    place.harness.clock.advance(timedelta(seconds=3))
    return event


def _canceled(place: WaitlistPosition) -> Event:
    event = place.event(AMARA, BJORN, capacity=2)
    place.service.cancel_event(event.event_id)
    place.harness.clock.advance(timedelta(seconds=3))
    return event


def _late(place: WaitlistPosition) -> Event:
    """The first promotion failed, and there is more to tell the same person."""
    event = _promotions(place)
    place.harness.api.fail_next(POST, Fault.server_error(503))
    place.process("before").attend(event.event_id)
    place.service.edit_event(event.event_id, EventChanges.of(location="Room 2"))
    place.harness.clock.advance(timedelta(seconds=6))
    return event


def _unreachable(place: WaitlistPosition) -> Event:
    """One who is not in Slack: the organizers are to be told."""
    event = place.event(CHLOE, "U0NOBODY", BJORN, capacity=1)
    changes = EventChanges.of(capacity=3, co_organizer_ids=(DIEGO,))
    place.service.edit_event(event.event_id, changes)
    return event


def _card(place: WaitlistPosition) -> Event:
    """Nobody is to be told anything."""
    event = place.event(AMARA, capacity=2)
    place.service.unregister(event.event_id, AMARA)
    return event


SCENARIOS = {
    "promotions": Scenario(_promotions, {BJORN: ["seat"], CHLOE: ["seat"]}),
    "everyone": Scenario(_everyone, {AMARA: ["moved"], BJORN: ["seat", "moved"], CHLOE: ["moved"]}),
    "canceled": Scenario(_canceled, {AMARA: ["canceled"], BJORN: ["canceled"]}),
    "late": Scenario(_late, {AMARA: ["moved"], BJORN: ["seat", "moved"], CHLOE: ["seat", "moved"]}),
    "unreachable": Scenario(
        _unreachable,
        {AMARA: ["unreached"], BJORN: ["seat"], DIEGO: ["unreached"]},
        {"U0NOBODY"},
    ),
    "card": Scenario(_card, {}),
}


def moments_of(place: WaitlistPosition, scenario: Scenario) -> list[str]:
    """Return the names of all moments of the work that a scenario makes, found by doing it."""
    event = scenario.prepare(place)
    moments = Moments()
    place.run(place.process("counting", moments), event.event_id)
    assert place.heard(event) == scenario.owed
    return moments.names


def assert_in_order(scenario: Scenario, heard: Heard, doubles: int) -> None:
    """Everyone was told all, in order; so many messages at most came twice, one right after the other."""
    assert heard.keys() == scenario.owed.keys()
    for user_id, owed in scenario.owed.items():
        assert set(heard[user_id]) == set(owed)
        assert sorted(heard[user_id], key=owed.index) == heard[user_id]
    assert_twice_at_most(scenario, heard, doubles)


def assert_in_order_but_for_one(scenario: Scenario, heard: Heard) -> None:
    """Everyone was told all, in order, but that one message that was on its way may have come once more, late."""
    assert heard.keys() == scenario.owed.keys()
    for user_id, owed in scenario.owed.items():
        told = heard[user_id]
        without_one = [told[:index] + told[index + 1 :] for index in range(len(told))]
        assert owed in [told, *without_one]
    assert_twice_at_most(scenario, heard, 1)


def assert_twice_at_most(scenario: Scenario, heard: Heard, doubles: int) -> None:
    """So many messages came once more than they were owed, and no more."""
    assert sum(map(len, heard.values())) - sum(map(len, scenario.owed.values())) <= doubles


def assert_nothing_is_left(place: WaitlistPosition, scenario: Scenario, event: Event) -> None:
    """The card shows what is so, the journal names who was not reached, and nothing is owed any more."""
    place.assert_card_is_true(event)
    assert place.undelivered() == set()
    entries = place.store.list_journal(event.event_id, limit=100)
    recorded = [person.user_id for entry in entries for person in entry.unreachable]
    assert recorded == sorted(scenario.unreachable)
