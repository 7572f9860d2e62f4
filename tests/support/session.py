"""Pytest plugin for the whole session: one DynamoDB Local, files in memory, and the sums below pytest's report."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from tests.support.counting import Count
from tests.support.dynamodb.local import offer_engine
from tests.support.garbage import collect_garbage_rarely
from tests.support.scale import scaled

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # machines are shared: a slow example is no failure


LONGEST = (
    "tests/infra/",
    "tests/browser/",
    "tests/soak/notifications/test_large_export.py",
    "tests/soak/simulation/test_simulation.py",
)

SOAK_TIMEOUT = scaled(900) + 600
"""Seconds for a long test. The others have those of pyproject.toml."""

MEMORY = Path("/dev/shm")
"""Linux's file system in memory."""

MEMORY_NEEDED = 2 * 1024**3
"""Bytes that must be free there. A session has taken a quarter of this."""


def pytest_configure(config: pytest.Config) -> None:
    """Offer one DynamoDB Local to all workers; it starts when the first worker asks for it.

    Tests make hundreds of DynamoDB's clients; botocore reads its descriptions of AWS, a megabyte, for each.
    """
    botocore.session.create_loader = cache(botocore.session.create_loader)
    if not hasattr(config, "workerinput"):
        _keep_files_in_memory()
        config.add_cleanup(offer_engine())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the long tests more time, and run the longest first: at the end, workers would wait for them."""
    for item in items:
        if item.get_closest_marker("soak") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SOAK_TIMEOUT))
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Keep all that was imported and collected."""
    collect_garbage_rarely()


def _keep_files_in_memory() -> None:
    """Have temporary files made in memory: thousands of SQLite's commits wait for a disk."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    if shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it is determined again


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Return a function that adds to a sum below pytest's report."""
    return lambda what, number: request.node.user_properties.append((what, number))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums of all tests."""
    checked: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                for what, number in report.user_properties:
                    checked[what] += int(str(number))
    if checked:
        terminalreporter.section("checked")
        for what, number in sorted(checked.items()):
            terminalreporter.write_line(f"{number:9,} {what}")
