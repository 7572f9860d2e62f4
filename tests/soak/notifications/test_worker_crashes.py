"""A notifier dies at any moment of its work: nothing is lost, one message at most comes twice, cards are right (R9)."""

from __future__ import annotations

import pytest

from playground.web_api.fault_injection import Fault
from tests.support.notifications.scenarios import (
    SCENARIOS,
    Scenario,
    assert_in_order,
    assert_nothing_is_left,
    moments_of,
)
from tests.support.notifications.workers import POST, Killed, Moments, die, place
from tests.support.slack.harness import SlackHarness
from tests.support.stores import Kind

FAULTS = {
    "closed": Fault.closed(),
    "answer lost": Fault.closed(applied=True),
    "500": Fault.server_error(500),
    "rate limit": Fault.rate_limited(3),
}
MESSAGES = {name: scenario for name, scenario in SCENARIOS.items() if scenario.owed}


def crash_at_moments(
    harness: SlackHarness, kind: Kind, scenario: Scenario, step: int, fault: Fault | None = None
) -> int:
    """Kill a notifier at each `step`th moment of its work; return how many moments there are.

    Its first message meets the fault, if there is one: a lost answer is a second reason to send twice.
    """
    with place(harness, kind) as here:
        total = len(moments_of(here, scenario))
        for at in range(step - 1, total, step):
            event = scenario.prepare(here)
            if fault is not None:
                harness.api.fail_next(POST, fault)
            with pytest.raises(Killed):
                here.run(here.process("dying", Moments({at: die})), event.event_id)
            here.restart()
            doubles = 2 if fault is not None and fault.applied else 1
            assert_in_order(scenario, here.heard(event), doubles)
            assert_nothing_is_left(here, scenario, event)
    harness.workspace.refusals.clear()  # one of them is not in Slack
    return total


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize(("kind", "step"), [("sqlite", 3), ("moto", 17)])
def test_crash_loses_nothing_and_doubles_one_message_at_most(
    harness: SlackHarness, kind: Kind, step: int, scenario: Scenario
) -> None:
    """Right before or right after some of the calls to the store and to Slack."""
    assert crash_at_moments(harness, kind, scenario, step) >= 20


@pytest.mark.soak
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize("kind", ["sqlite", "local"])
def test_crash_at_every_moment(harness: SlackHarness, kind: Kind, scenario: Scenario) -> None:
    """Right before and right after each of them, and DynamoDB is AWS's own engine."""
    assert crash_at_moments(harness, kind, scenario, step=1) >= 20


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("scenario", MESSAGES.values(), ids=MESSAGES)
def test_crash_at_every_moment_while_slack_fails_too(
    harness: SlackHarness, scenario: Scenario, fault: Fault
) -> None:
    """What waits for another try is not lost with the process either."""
    assert crash_at_moments(harness, "sqlite", scenario, step=1, fault=fault) >= 20
