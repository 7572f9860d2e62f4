"""Fixtures of series: a service on each store, whose data is sound at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.ports import Store
from domain.service import Service
from tests.support.environment import ManualClock, service_on
from tests.support.invariants import assert_invariants


@pytest.fixture
def store(store: Store) -> Iterator[Store]:
    yield store
    assert_invariants(store)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: Store, clock: ManualClock) -> Iterator[Service]:
    service = service_on(store, clock=clock)
    yield service
    assert list(service.check(lambda _: None)) == []
