"""Renders every view and message with its longest input, in lines of JSON for `rollcall validate`."""

from __future__ import annotations

import json
import sys

from tests.unit.bot.features.test_view_limits import CASES


def lines() -> list[str]:
    """Return a line for each case."""
    return [json.dumps({"name": name, "surface": make().to_dict()}) for name, make in CASES.items()]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()))
