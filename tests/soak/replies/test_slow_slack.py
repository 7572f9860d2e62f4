"""300 presses while Slack takes 2 to 10 seconds for each call, or is down for a minute; at twenty times the speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.slack import sentences
from tests.support.slack.harness import SlackHarness
from tests.support.slack.slow_slack import SlowSlack, press_all

SPEED = 20
PEOPLE = 300
SEATS = 100

SLOW = SlowSlack(2 / SPEED, 10 / SPEED)
DOWN = SlowSlack(2 / SPEED, 10 / SPEED, down_from=5 / SPEED, down_for=60 / SPEED)


@pytest.mark.soak
@pytest.mark.timeout(400)
@pytest.mark.parametrize("is_stopped", [False, True], ids=["runs on", "SIGTERM"])
@pytest.mark.parametrize("slack", [SLOW, DOWN], ids=["slow", "down for a minute"])
def test_everyone_is_acknowledged_in_time_and_told_once(
    harness: SlackHarness, tmp_path: Path, slack: SlowSlack, is_stopped: bool
) -> None:
    harness.event(capacity=SEATS)
    told = press_all(harness, tmp_path, slack, people=PEOPLE, is_stopped=is_stopped)
    assert told.failed == 0, told.log
    assert max(told.acknowledged) < 3
    seated = set(harness.assert_invariants().seated("yoga"))
    for user_id, replies in told.replies.items():
        assert len(replies) == 1, (user_id, replies)
        assert (sentences.seat() in replies[0]) is (user_id in seated)
