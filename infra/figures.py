"""Rollcall's own figures: metrics that filters take out of the lines that it logs.

The code sends none, and has no permission to. A test holds this to what is logged (`bot.telemetry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A metric taken out of the functions' logs: of which lines, and which field (None: they are counted)."""

    lines: str
    """In the syntax of filter patterns."""
    field: str | None
    functions: tuple[str, ...]
    unit: str = "COUNT"


_SERVE = ("slack", "api")
_COMMIT = (*_SERVE, "sweep", "members")
_DELIVER = ("notifier", "sweep")

_COMMITTED = '$.message = "committed"'
_REFUSED = '$.message = "refused"'

FIGURES: Mapping[str, Figure] = {
    "Registrations": Figure(_COMMITTED, "registrations", _COMMIT),
    "Promotions": Figure(_COMMITTED, "promotions", _COMMIT),
    "Departures": Figure(_COMMITTED, "departures", _COMMIT),
    "BatchSize": Figure(_COMMITTED, "batch", _COMMIT),
    "Conflicts": Figure('$.message = "conflict"', None, _COMMIT),
    "Refusals": Figure(_REFUSED, None, _SERVE),
    "Busy": Figure(f'{_REFUSED} && $.refusal = "Busy"', None, _SERVE),
    "NotConfirmed": Figure(f'{_REFUSED} && $.refusal = "NotConfirmed"', None, _SERVE),
    "DeliveryLag": Figure('$.message = "delivered"', "lag_ms", _DELIVER, "MILLISECONDS"),
    "OldestUndelivered": Figure(
        '$.message = "undelivered"', "oldest_seconds", ("sweep",), "SECONDS"
    ),
    # Not the libraries': Slack's client calls each answer of a sick Slack an error.
    "Failures": Figure(
        '$.logger = "bot.*" && ($.level = "ERROR" || $.level = "CRITICAL")',
        None,
        (*_SERVE, *_DELIVER, "members"),
    ),
}
"""By name."""
