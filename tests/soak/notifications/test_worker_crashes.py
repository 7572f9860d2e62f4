"""A worker dies at any moment: nothing is lost, at most one message is repeated, cards end right (R9)."""

from __future__ import annotations

import pytest

from playground.web_api.fault_injection import Fault
from tests.support.notifications.scenarios import (
    SCENARIOS,
    Scenario,
    assert_all_delivered,
    assert_in_order,
    moments_of,
)
from tests.support.notifications.workers import POST, Killed, Moments, delivery_scene, die
from tests.support.slack.harness import SlackHarness
from tests.support.stores import Kind

FAULTS = {
    "closed": Fault.closed(),
    "answer lost": Fault.closed(applied=True),
    "500": Fault.server_error(500),
    "rate limit": Fault.rate_limited(3),
}
MESSAGES = {name: scenario for name, scenario in SCENARIOS.items() if scenario.expected}


def crash_at_moments(
    harness: SlackHarness, kind: Kind, scenario: Scenario, step: int, fault: Fault | None = None
) -> int:
    """Kill a worker at each `step`th moment of its work. Return the number of moments.

    Its first message meets the fault, if any. A lost response is a second reason to send twice.
    """
    with delivery_scene(harness, kind) as scene:
        total = len(moments_of(scene, scenario))
        for at in range(step - 1, total, step):
            event = scenario.prepare(scene)
            if fault is not None:
                harness.api.fail_next(POST, fault)
            with pytest.raises(Killed):
                scene.run(scene.worker("dying", Moments({at: die})), event.event_id)
            scene.restart()
            doubles = 2 if fault is not None and fault.applied else 1
            assert_in_order(scenario, scene.received(event), doubles)
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


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("scenario", MESSAGES.values(), ids=MESSAGES)
def test_crash_at_every_third_moment_while_slack_fails_too(
    harness: SlackHarness, scenario: Scenario, fault: Fault
) -> None:
    """Deferred messages survive the process, too."""
    assert crash_at_moments(harness, "sqlite", scenario, step=3, fault=fault) >= 15
