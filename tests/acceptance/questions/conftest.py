"""The service on each store, with six users."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.ports import Store
from domain.service import Service
from tests.support.environment import ManualClock, new_users, service_on
from tests.support.stores import Kind, empty_store


@pytest.fixture(params=["memory", "sqlite", "local"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: Store, clock: ManualClock) -> Service:
    service = service_on(store, clock=clock)
    new_users(service, *"abcdef")
    return service
