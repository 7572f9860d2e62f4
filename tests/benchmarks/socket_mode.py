"""The table of Socket Mode clients: Rollcall's and slack_sdk's own, against losses (docs/adr/0018)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Figure
from tests.support.slack.socket_mode_clients import built_in, rollcall
from tests.support.slack.socket_mode_losses import SCENARIOS, measure

LONGEST = 60.0
"""Seconds after which an envelope counts as lost."""


def figures() -> Iterator[Figure]:
    """Yield each scenario's time to recover, lost envelopes, latest acknowledgement, and processor time."""
    for name, scenario in SCENARIOS.items():
        for client, start in {"Rollcall": rollcall, "slack_sdk": built_in}.items():
            result = measure(start, scenario, seconds=LONGEST)
            target = client == "Rollcall"
            where = f"{client}, {name}"
            yield Figure(f"{where}: back", result.recovery, "s", at_most=5 if target else None)
            yield Figure(f"{where}: lost", result.lost, at_most=0 if target else None)
            yield Figure(
                f"{where}: latest acknowledgement",
                result.latest,
                "s",
                at_most=3 if target else None,
            )
            yield Figure(f"{where}: processor", result.processor * 100, "%")
