"""A notifier dies at any moment of its work: nothing is lost, one message at most comes twice, cards are right (R9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from domain.drafts import EventChanges
from domain.models import Event
from playground.faults import Fault
from tests.bot.conftest import AMARA, BJORN, CHLOE, DIEGO, Town
from tests.bot.processes import POST, Killed, Moments, Place, die, place
from tests.stores import Kind

Heard = Mapping[str, list[str]]


@dataclass(frozen=True)
class Scenario:
    """Something that the notifier owes, and what everyone is to hear in the end."""

    prepare: Callable[[Place], Event]
    owed: Heard
    unreached: set[str] = field(default_factory=set)


def _promotions(place: Place) -> Event:
    event = place.event(AMARA, BJORN, CHLOE, capacity=1)
    place.service.edit_event(event.event_id, EventChanges.of(capacity=3))
    return event


def _everyone(place: Place) -> Event:
    """One edit gives a seat and moves the event: the line, the seats, and the one between."""
    event = place.event(AMARA, BJORN, CHLOE, capacity=1)
    place.service.edit_event(event.event_id, EventChanges.of(capacity=2, location="Room 2"))
    place.town.clock.advance(timedelta(seconds=3))
    return event


def _cancelled(place: Place) -> Event:
    event = place.event(AMARA, BJORN, capacity=2)
    place.service.cancel_event(event.event_id)
    place.town.clock.advance(timedelta(seconds=3))
    return event


def _late(place: Place) -> Event:
    """The first promotion failed, and there is more to tell the same person."""
    event = _promotions(place)
    place.town.api.fail_next(POST, Fault.server_error(503))
    place.process("before").attend(event.event_id)
    place.service.edit_event(event.event_id, EventChanges.of(location="Room 2"))
    place.town.clock.advance(timedelta(seconds=6))
    return event


def _unreachable(place: Place) -> Event:
    """One who is not in Slack: the organisers are to be told."""
    event = place.event(CHLOE, "U0NOBODY", BJORN, capacity=1)
    changes = EventChanges.of(capacity=3, co_organizer_ids=(DIEGO,))
    place.service.edit_event(event.event_id, changes)
    return event


def _card(place: Place) -> Event:
    """Nobody is to be told anything."""
    event = place.event(AMARA, capacity=2)
    place.service.unregister(event.event_id, AMARA)
    return event


SCENARIOS = {
    "promotions": Scenario(_promotions, {BJORN: ["seat"], CHLOE: ["seat"]}),
    "everyone": Scenario(_everyone, {AMARA: ["moved"], BJORN: ["seat", "moved"], CHLOE: ["moved"]}),
    "cancelled": Scenario(_cancelled, {AMARA: ["cancelled"], BJORN: ["cancelled"]}),
    "late": Scenario(_late, {AMARA: ["moved"], BJORN: ["seat", "moved"], CHLOE: ["seat", "moved"]}),
    "unreachable": Scenario(
        _unreachable,
        {AMARA: ["unreached"], BJORN: ["seat"], DIEGO: ["unreached"]},
        {"U0NOBODY"},
    ),
    "card": Scenario(_card, {}),
}


def moments_of(place: Place, scenario: Scenario) -> list[str]:
    """Return the names of all moments of the work that a scenario makes, found by doing it."""
    event = scenario.prepare(place)
    moments = Moments()
    place.run(place.process("counting", moments), event.event_id)
    assert place.heard(event) == scenario.owed
    return moments.names


def assert_all_is_right(place: Place, scenario: Scenario, event: Event, doubles: int) -> None:
    """Everyone was told all, in order; so many messages at most came twice; the card and the record are true."""
    heard = place.heard(event)
    assert {user_id: list(dict.fromkeys(one)) for user_id, one in heard.items()} == scenario.owed
    assert {
        user_id: sorted(one, key=scenario.owed[user_id].index) for user_id, one in heard.items()
    } == heard
    assert sum(map(len, heard.values())) - sum(map(len, scenario.owed.values())) <= doubles
    place.assert_card_is_true(event)
    assert place.undelivered() == set()
    entries = place.store.list_journal(event.event_id, limit=100)
    recorded = [person.user_id for entry in entries for person in entry.unreached]
    assert recorded == sorted(scenario.unreached)


def crash_at_moments(town: Town, kind: Kind, scenario: Scenario, step: int) -> int:
    """Kill a notifier at each `step`th moment of its work; return how many moments there are."""
    with place(town, kind) as here:
        total = len(moments_of(here, scenario))
        for at in range(step - 1, total, step):
            event = scenario.prepare(here)
            with pytest.raises(Killed):
                here.run(here.process("dying", Moments(at, die)), event.event_id)
            here.restart()
            assert_all_is_right(here, scenario, event, doubles=1)
    town.workspace.refusals.clear()  # one of them is not in Slack
    return total


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_crash_at_any_moment_loses_nothing_and_doubles_one_message_at_most(
    town: Town, scenario: Scenario
) -> None:
    """Right before and right after every call to the store and to Slack."""
    assert crash_at_moments(town, "sqlite", scenario, step=1) >= 20


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_crash_on_dynamodb_loses_nothing_and_doubles_one_message_at_most(
    town: Town, scenario: Scenario
) -> None:
    """Some of the moments."""
    assert crash_at_moments(town, "moto", scenario, step=9) >= 20


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["moto", "local"])
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_crash_at_every_moment_on_dynamodb(town: Town, kind: Kind, scenario: Scenario) -> None:
    """All of them."""
    assert crash_at_moments(town, kind, scenario, step=1) >= 20
