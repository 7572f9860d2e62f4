"""`python -m tests.support.slack.openapi` prints the API's description, as docs/openapi.json has it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bot.api.app import build_api
from tests.support.environment import ManualClock, ids, service_on
from tests.support.memory_store import MemoryStore


def description() -> dict[str, Any]:
    """Return what the code serves at /openapi.json."""
    service = service_on(MemoryStore())
    api = build_api(service, tokens=["t"], clock=ManualClock(), new_id=ids())
    described: dict[str, Any] = json.loads(json.dumps(api.openapi()))
    return described


if __name__ == "__main__":
    sys.stdout.write(json.dumps(description(), indent=2, ensure_ascii=False) + "\n")

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
