"""An empty store of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.ports import Store
from tests.support.stores import Kind, empty_store


@pytest.fixture(params=["memory", "sqlite", "local"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store
