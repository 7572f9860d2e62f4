"""How soon Socket Mode is back after a loss. docs/adr/0018 compares Rollcall's client with slack_sdk's."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Figure
from tests.support.slack.socket_mode_client import rollcall
from tests.support.slack.socket_mode_losses import SCENARIOS, measure

LONGEST = 60.0
"""Seconds after which an envelope counts as lost."""


def figures() -> Iterator[Figure]:
    """Yield each scenario's time to recover, lost envelopes, latest acknowledgement, and processor time."""
    for name, scenario in SCENARIOS.items():
        result = measure(rollcall, scenario, seconds=LONGEST)
        yield Figure(f"{name}: back", result.recovery, "s", at_most=5)
        yield Figure(f"{name}: lost", result.lost, at_most=0)
        yield Figure(f"{name}: latest acknowledgement", result.latest, "s", at_most=3)
        yield Figure(f"{name}: processor", result.processor * 100, "%")
