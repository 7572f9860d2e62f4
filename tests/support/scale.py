"""SCALE: the number by which the long tests multiply their repetitions.

`make soak SCALE=10` runs ten times the examples, histories, seeds and payloads of CI, whose SCALE is 1.
Kinds are not scaled: every store, guard, fault and crash point is tested at every SCALE.
"""

from __future__ import annotations

import os

SCALE = int(os.environ.get("SCALE") or 1)


def scaled(number: int) -> int:
    """Return the number of repetitions, which is `number` in CI."""
    return number * SCALE
