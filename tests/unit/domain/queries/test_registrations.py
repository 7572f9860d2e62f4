"""Queries about registrations."""

from __future__ import annotations

import pytest

from domain.errors import UnknownEvent
from tests.support.environment import service_on
from tests.support.memory_store import MemoryStore


def test_own_history_of_a_missing_event_raises() -> None:
    service = service_on(MemoryStore())
    with pytest.raises(UnknownEvent):
        service.list_registration_history("e1", "a")
