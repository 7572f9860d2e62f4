"""The service on each store, with six users."""

from __future__ import annotations

import pytest

from domain.ports import Store
from domain.service import Service
from tests.support.environment import ManualClock, new_users, service_on


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: Store, clock: ManualClock) -> Service:
    service = service_on(store, clock=clock)
    new_users(service, *"abcdef")
    return service
