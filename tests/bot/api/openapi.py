"""`python -m tests.bot.api.openapi` prints the API's description, as docs/openapi.json has it."""

from __future__ import annotations

import json
import sys
from typing import Any

from bot.api.app import build_api
from tests.memory import MemoryStore
from tests.surroundings import ManualClock, ids, service_on


def description() -> dict[str, Any]:
    """Return what the code serves at /openapi.json."""
    service = service_on(MemoryStore())
    api = build_api(service, tokens=["t"], clock=ManualClock(), new_id=ids())
    described: dict[str, Any] = json.loads(json.dumps(api.openapi()))
    return described


if __name__ == "__main__":
    sys.stdout.write(json.dumps(description(), indent=2, ensure_ascii=False) + "\n")
