"""No loss of Socket Mode's connection loses an envelope, with the client's real timeouts.

How soon the connection is back is measured by `make bench ARGS=socket`: docs/adr/0018-a-socket-mode-client.md.
"""

from __future__ import annotations

import pytest

from tests.support.slack.socket_mode_client import rollcall
from tests.support.slack.socket_mode_losses import SCENARIOS, measure


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_no_envelope_is_lost(name: str) -> None:
    assert measure(rollcall, SCENARIOS[name], seconds=30).lost == 0
