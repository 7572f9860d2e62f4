"""A notifier dies at any moment of its work: nothing is lost, one message at most comes twice, cards are right (R9)."""

from __future__ import annotations

import pytest

from tests.bot.conftest import Town
from tests.bot.processes import Killed, Moments, die, place
from tests.bot.scenarios import (
    SCENARIOS,
    Scenario,
    assert_in_order,
    assert_nothing_is_left,
    moments_of,
)
from tests.stores import Kind


def crash_at_moments(town: Town, kind: Kind, scenario: Scenario, step: int) -> int:
    """Kill a notifier at each `step`th moment of its work; return how many moments there are."""
    with place(town, kind) as here:
        total = len(moments_of(here, scenario))
        for at in range(step - 1, total, step):
            event = scenario.prepare(here)
            with pytest.raises(Killed):
                here.run(here.process("dying", Moments({at: die})), event.event_id)
            here.restart()
            assert_in_order(scenario, here.heard(event), doubles=1)
            assert_nothing_is_left(here, scenario, event)
    town.workspace.refusals.clear()  # one of them is not in Slack
    return total


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize(("kind", "step"), [("sqlite", 2), ("moto", 11)])
def test_crash_loses_nothing_and_doubles_one_message_at_most(
    town: Town, kind: Kind, step: int, scenario: Scenario
) -> None:
    """Right before or right after some of the calls to the store and to Slack."""
    assert crash_at_moments(town, kind, scenario, step) >= 20


@pytest.mark.soak
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize("kind", ["sqlite", "local"])
def test_crash_at_every_moment(town: Town, kind: Kind, scenario: Scenario) -> None:
    """Right before and right after each of them, and DynamoDB is AWS's own engine."""
    assert crash_at_moments(town, kind, scenario, step=1) >= 20
