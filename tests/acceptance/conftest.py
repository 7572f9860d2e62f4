"""An empty store of each kind, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.ports import Store
from tests.support.environment import ManualClock
from tests.support.stores import Kind, empty_store


@pytest.fixture(params=["memory", "sqlite", "local"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
