"""Rollcall's own metrics, which CloudWatch extracts from the logs.

The functions send no metrics and have no permission to. A test compares this with what
`bot.telemetry` logs. One is in Lambda's own lines: no metric of Lambda's has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LogMetric:
    """A metric that is the sum of a log field, or, if `field` is None, the number of lines."""

    lines: str
    """The filter pattern for the log lines."""
    field: str | None
    functions: tuple[str, ...]
    unit: str = "COUNT"


_SERVE = ("slack", "api")
_COMMIT = (*_SERVE, "queue", "sweep", "members")
_DELIVER = ("notifier", "sweep")

_COMMITTED = '$.message = "committed"'
_REFUSED = '$.message = "refused"'

LOG_METRICS: Mapping[str, LogMetric] = {
    "Registrations": LogMetric(_COMMITTED, "registrations", _COMMIT),
    "Promotions": LogMetric(_COMMITTED, "promotions", _COMMIT),
    "Unregistrations": LogMetric(_COMMITTED, "unregistrations", _COMMIT),
    "BatchSize": LogMetric(_COMMITTED, "batch", _COMMIT),
    "Conflicts": LogMetric('$.message = "conflict"', None, _COMMIT),
    "Refusals": LogMetric(_REFUSED, None, _SERVE),
    "Busy": LogMetric(f'{_REFUSED} && ($.refusal = "Busy" || $.refusal = "TooLate")', None, _SERVE),
    "NotConfirmed": LogMetric(f'{_REFUSED} && $.refusal = "NotConfirmed"', None, _SERVE),
    "DeliveryLag": LogMetric('$.message = "delivered"', "lag_ms", _DELIVER, "MILLISECONDS"),
    "OldestUndelivered": LogMetric(
        '$.message = "undelivered"', "oldest_seconds", ("sweep",), "SECONDS"
    ),
    # People wait only for the Slack function to start. Lambda writes these lines at the level INFO.
    "Initialization": LogMetric(
        '$.type = "platform.report" && $.record.metrics.initDurationMs > 0',
        "record.metrics.initDurationMs",
        ("slack",),
        "MILLISECONDS",
    ),
    # Rollcall's own loggers only: Slack's client logs every failed request as an error.
    "Failures": LogMetric(
        '$.logger = "bot.*" && ($.level = "ERROR" || $.level = "CRITICAL")',
        None,
        (*_SERVE, "queue", "reply", *_DELIVER, "export", "members"),
    ),
}
"""Rollcall's own metrics, by name."""
