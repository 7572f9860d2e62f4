"""A worker dies at any moment: nothing is lost, at most one message is repeated, cards end right (R9)."""

from __future__ import annotations

import pytest

from tests.support.notifications.scenarios import (
    SCENARIOS,
    Scenario,
    assert_all_delivered,
    assert_in_order,
    moments_of,
)
from tests.support.notifications.workers import Killed, Moments, delivery_scene, die
from tests.support.slack.harness import SlackHarness
from tests.support.stores import Kind


def crash_at_moments(harness: SlackHarness, kind: Kind, scenario: Scenario, step: int) -> int:
    """Kill a worker at each `step`th moment of its work. Return the number of moments."""
    with delivery_scene(harness, kind) as scene:
        total = len(moments_of(scene, scenario))
        for at in range(step - 1, total, step):
            event = scenario.prepare(scene)
            with pytest.raises(Killed):
                scene.run(scene.worker("dying", Moments({at: die})), event.event_id)
            scene.restart()
            assert_in_order(scenario, scene.received(event))
            assert_all_delivered(scene, scenario, event)
    harness.workspace.refusals.clear()  # one recipient does not exist in Slack
    return total


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize(("kind", "step"), [("sqlite", 7), ("moto", 17)])
def test_crash_loses_nothing_and_repeats_at_most_one_message(
    harness: SlackHarness, kind: Kind, step: int, scenario: Scenario
) -> None:
    """The worker dies right before or after some of its calls to the store and to Slack."""
    assert crash_at_moments(harness, kind, scenario, step) >= 15


@pytest.mark.soak
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize(("kind", "step"), [("sqlite", 1), ("local", 3)])
def test_crash_at_every_moment(
    harness: SlackHarness, kind: Kind, step: int, scenario: Scenario
) -> None:
    """The worker dies right before and after every call on SQLite, and at every third moment on DynamoDB Local."""
    assert crash_at_moments(harness, kind, scenario, step) >= 15
