"""The event changes at any moment of a notifier's work: no word of a seat that is gone, no card stale (R9.3, R8.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from domain.inputs import EventChanges
from domain.models import Event
from playground.web_api.fault_injection import Fault
from tests.support.notifications.scenarios import SCENARIOS, assert_nothing_is_left, moments_of
from tests.support.notifications.workers import (
    UPDATE,
    Killed,
    Moments,
    WaitlistPosition,
    die,
    place,
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


def _leave(place: WaitlistPosition, event: Event) -> None:
    place.service.unregister(event.event_id, CHLOE)


def _leave_and_come_back(place: WaitlistPosition, event: Event) -> None:
    """There is a free seat, and the ticket is a new one."""
    _leave(place, event)
    place.service.register(event.event_id, CHLOE)


@pytest.mark.parametrize("kind", ["sqlite", "moto"])
@pytest.mark.parametrize("leave", [_leave, _leave_and_come_back])
def test_promoted_who_left_is_told_only_if_the_message_was_on_its_way(
    harness: SlackHarness, kind: Kind, leave: Callable[[WaitlistPosition, Event], None]
) -> None:
    """R9.3, for each moment of the work: Bjorn is told first, Chloe second."""
    scenario = SCENARIOS["promotions"]
    with place(harness, kind) as here:
        names = moments_of(here, scenario)
        looked = [at for at, name in enumerate(names) if name == "after get_rows"]
        assert len(looked) == 2
        for at in range(0, len(names), 3 if kind == "sqlite" else 12):
            event = scenario.prepare(here)
            gone = Moments({at: lambda event=event: leave(here, event)})  # type: ignore[misc]
            here.run(here.process("slow", gone), event.event_id)
            told = {CHLOE: ["seat"]} if at >= looked[1] else {}
            assert here.heard(event) == {BJORN: ["seat"]} | told
            here.restart()
            assert_nothing_is_left(here, scenario, event)


def change(place: WaitlistPosition, event: Event) -> None:
    """Commit something that the card shows."""
    changes = EventChanges.of(description=f"Changed for the {next(_changes)}th time")
    place.service.edit_event(event.event_id, changes)


def card_after(
    place: WaitlistPosition, at: int, fault: Fault | None, dies_at: int | None = None
) -> None:
    """Let a change come at a moment of a card's update, the update fail, and the process die; see the card.

    It is right within ten seconds, or once another process has taken over.
    """
    scenario = SCENARIOS["card"]
    event = scenario.prepare(place)
    if fault is not None:
        place.harness.api.fail_next(UPDATE, fault)
    happens: dict[int, Callable[[], None]] = {at: lambda: change(place, event)}
    if dies_at is not None:
        happens[dies_at] = die
    notification_worker = place.process("unlucky", Moments(happens))
    try:
        place.run(notification_worker, event.event_id, seconds=10)
        # The change may have come when all was done: a commit wakes the notifier.
        place.run(notification_worker, event.event_id, seconds=10)
    except Killed:
        place.restart()
    place.harness.api.faults.clear()
    place.assert_card_is_true(event)
    place.restart()
    assert_nothing_is_left(place, scenario, event)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_card_shows_a_change_that_came_at_any_moment_of_its_update(
    harness: SlackHarness, fault: Fault | None
) -> None:
    with place(harness, "sqlite") as here:
        for at in range(0, len(moments_of(here, SCENARIOS["card"])), 2):
            card_after(here, at, fault)


@pytest.mark.parametrize("dies_at", range(2, 22, 3))
def test_card_shows_a_change_after_a_crash_at_any_moment(
    harness: SlackHarness, dies_at: int
) -> None:
    """What the dead process did not show, the next one does."""
    with place(harness, "sqlite") as here:
        for at in range(dies_at % 4, dies_at, 4):
            card_after(here, at, None, dies_at)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "local"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_card_shows_a_change_whatever_fails_and_whenever_it_dies(
    harness: SlackHarness, kind: Kind, fault: Fault | None
) -> None:
    """Each moment of the change, each moment of the death."""
    with place(harness, kind) as here:
        total = len(moments_of(here, SCENARIOS["card"]))
        for at in range(total):
            for dies_at in range(at + 1, total + 10, 2 if kind == "sqlite" else 11):
                card_after(here, at, fault, dies_at)


def test_card_is_updated_once_a_second_at_most_by_one_notifier(harness: SlackHarness) -> None:
    """R8.3: a change every tenth of a second, at the moments of the work itself."""
    with place(harness, "sqlite") as here:
        event = SCENARIOS["card"].prepare(here)
        before = len(harness.api.calls(UPDATE))
        began = harness.clock.now()

        def rush() -> None:
            harness.clock.advance(timedelta(seconds=0.1))
            change(here, event)

        notification_worker = here.process("busy", Moments(dict.fromkeys(range(0, 200, 3), rush)))
        here.run(notification_worker, event.event_id)
        seconds = (harness.clock.now() - began).total_seconds()
        assert 5 <= len(harness.api.calls(UPDATE)) - before <= seconds + 2
        here.assert_card_is_true(event)
