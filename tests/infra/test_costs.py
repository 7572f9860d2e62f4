"""docs/operations.md says what the template costs while nobody uses it."""

from __future__ import annotations

from tests.benchmarks.idle import idle_table, runs_of_a_month
from tests.support.infra.service_calls import ROOT
from tests.support.infra.synthesis import Resources


def test_operations_page_has_the_costs_of_an_idle_month(prod: Resources) -> None:
    """If this fails, an alarm, a metric or a schedule has changed: put the table into the page."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = idle_table(prod)
    assert table in page, table


def test_each_schedule_is_counted(prod: Resources) -> None:
    minutes = 730 * 60
    assert runs_of_a_month(prod) == {"sweep": minutes, "export": minutes, "members": 30}
