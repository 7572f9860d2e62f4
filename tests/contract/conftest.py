"""Empty stores of each kind: SQLite, DynamoDB in moto, and DynamoDB Local."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stores import (
    STORES,
    AnyStore,
)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[AnyStore]:
    with STORES[request.param]() as store:
        yield store
