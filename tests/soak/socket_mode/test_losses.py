"""The targets of Socket Mode's connection, with its real timeouts: docs/adr/0018-a-socket-mode-client.md."""

from __future__ import annotations

import pytest

from tests.support.slack.socket_mode_clients import rollcall
from tests.support.slack.socket_mode_losses import SCENARIOS, measure

RUNS = 3


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_connection_is_back_in_time(name: str) -> None:
    """Back in under 5 seconds, nothing lost, no acknowledgement later than 3 seconds, no spinning."""
    for _ in range(RUNS):
        result = measure(rollcall, SCENARIOS[name], seconds=30)
        assert result.lost == 0
        assert result.recovery < 5
        assert result.latest < 3
        assert result.recovery < 0.5 or result.processor < 0.5
