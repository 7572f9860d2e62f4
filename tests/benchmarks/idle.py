"""Counts what a deployment costs each month while nobody uses it, from its template.

Prices are AWS's for `us-east-1` in July 2025, without the free tier. Nothing else that the template has costs
anything while it is idle: an HTTP API, a queue, a topic, tables on demand and their streams (Lambda reads these
for free), roles, rules and budgets.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tests.benchmarks.units import PER_MILLION as OF_UNITS
from tests.support.infra.synthesis import Resources

PER_ALARM_METRIC, PER_OWN_METRIC, PER_DASHBOARD, PER_SECRET = 0.10, 0.30, 3.00, 0.40
PER_MILLION_INVOCATIONS, PER_GB_SECOND = 0.20, 0.0000133334
PER_LOGGED_GB = 0.50

HOURS = 730
"""AWS's month."""

GB = 1769 / 1024
SECONDS = {"sweep": 0.15, "export": 0.05, "members": 30.0}
"""Estimates for one run that finds nothing to do. The members are compared with a workspace of 10,000."""

QUERIES = {"sweep": 12, "export": 4, "members": 200}
"""Queries of one run that finds nothing to do. `tests/benchmarks/test_idle.py` counts the first two."""

UNITS_OF_AN_EMPTY_QUERY = 0.5

LOGGED = 600
"""Bytes of a run's log lines, an estimate."""


@dataclass(frozen=True)
class Cost:
    """Something that costs, how many of it there are, and the price of one for a month."""

    name: str
    number: int
    each: float
    free: int = 0
    """How many each account has for free, for good."""

    @property
    def dollars(self) -> float:
        """The list price of all of them."""
        return self.number * self.each

    @property
    def dollars_beyond_free(self) -> float:
        """The price in an account that has nothing else."""
        return max(0, self.number - self.free) * self.each


def idle_costs(resources: Resources) -> list[Cost]:
    """Return what a template costs each month while nobody uses it."""
    alarm_metrics = sum(map(_metrics_of_alarm, resources.of("AWS::CloudWatch::Alarm")))
    dashboards = len(resources.of("AWS::CloudWatch::Dashboard"))
    secrets = len(resources.of("AWS::SecretsManager::Secret"))
    runs = runs_of_a_month(resources)
    of_runs = sum(number * _of_a_run(name) for name, number in runs.items())
    return [
        Cost("metrics that alarms watch", alarm_metrics, PER_ALARM_METRIC, free=10),
        Cost("Rollcall's own metrics", len(_own_metrics(resources)), PER_OWN_METRIC, free=10),
        Cost("dashboards", dashboards, PER_DASHBOARD, free=3),
        Cost("secrets", secrets, PER_SECRET),
        Cost("runs each minute and each day", runs.total(), of_runs / runs.total()),
    ]


def idle_table(resources: Resources) -> str:
    """Return the table of docs/operations.md."""
    costs = idle_costs(resources)
    total = sum(one.dollars for one in costs)
    beyond = sum(one.dollars_beyond_free for one in costs)
    rows = [
        f"| {one.name} | {one.number:,} | {one.dollars:.2f} | {one.dollars_beyond_free:.2f} |"
        for one in costs
    ]
    return "\n".join([*rows, f"| **dollars** | | **{total:.2f}** | **{beyond:.2f}** |"])


def _metrics_of_alarm(alarm: object) -> int:
    """Return how many metrics an alarm is charged for: those of its expression, or its one."""
    assert isinstance(alarm, dict)
    return sum("MetricStat" in one for one in alarm.get("Metrics", ())) or 1


def _own_metrics(resources: Resources) -> set[tuple[str, str]]:
    """Return the metrics of the template's log filters. Several filters may feed one."""
    made = [
        one
        for each in resources.of("AWS::Logs::MetricFilter")
        for one in each["MetricTransformations"]
    ]
    assert not any("Dimensions" in one for one in made), "each value of a dimension is a metric"
    return {(one["MetricNamespace"], one["MetricName"]) for one in made}


def runs_of_a_month(resources: Resources) -> Counter[str]:
    """Return how often each function is started by a schedule."""
    runs: Counter[str] = Counter()
    for rule in resources.of("AWS::Events::Rule"):
        if "ScheduleExpression" not in rule:
            continue
        found = re.fullmatch(r"rate\(1 (minute|day)\)", rule["ScheduleExpression"])
        assert found is not None, rule["ScheduleExpression"]
        times = HOURS * 60 if found[1] == "minute" else HOURS // 24
        for target in rule["Targets"]:
            runs[resources.named(target["Arn"])] += times
    return runs


def _of_a_run(name: str) -> float:
    return (
        PER_MILLION_INVOCATIONS / 1e6
        + SECONDS[name] * GB * PER_GB_SECOND
        + QUERIES[name] * UNITS_OF_AN_EMPTY_QUERY * OF_UNITS["read"] / 1e6
        + LOGGED / 1024**3 * PER_LOGGED_GB
    )
