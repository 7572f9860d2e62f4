"""Reading attendees and their names for an export, in few requests (R6.5, R9.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import pytest

from bot.features.export.attendee_list import AttendeeReader
from domain.models import Page, User
from domain.ports import INDEX_LAG, Rows
from tests.support.builders import a_user
from tests.support.environment import ManualClock
from tests.support.memory_store import MemoryStore

PAGE = 500


class CountingStore(MemoryStore):
    """A store with these users that counts the reads of users, and lists 500 in one request."""

    def __init__(self, users: int) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()
        for number in range(users):
            user = a_user(f"u{number:05}", name=f"Name {number:05}")
            self.put_user(user, replaces=None)

    def list_users(self, *, limit: int | None, cursor: str | None = None) -> Page[User]:
        assert limit is None
        self.reads["pages"] += 1
        return super().list_users(limit=PAGE, cursor=cursor)

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        assert len(users) <= 100
        self.reads["batches"] += 1
        return super().get_rows(event_id, registrations_of=registrations_of, users=users)


@pytest.mark.parametrize(
    ("users", "wanted", "reads"),
    [
        pytest.param(50, range(10), {"batches": 1}, id="a small event"),
        pytest.param(3_000, range(3_000), {"pages": 6}, id="everybody"),
        pytest.param(3_000, range(0, 3_000, 2), {"pages": 6}, id="every other member"),
        pytest.param(6_000, range(5_700, 6_000), {"pages": 3, "batches": 3}, id="few, last"),
        pytest.param(600, range(500, 700), {"pages": 2, "batches": 1}, id="some unknown"),
    ],
)
def test_names_are_read_in_few_requests(
    users: int, wanted: Collection[int], reads: Mapping[str, int]
) -> None:
    store = CountingStore(users)
    checks: list[None] = []
    reader = AttendeeReader(store, ManualClock(), lambda: checks.append(None))
    names = reader.names("e1", [f"u{number:05}" for number in wanted])
    assert names == {f"u{number:05}": f"Name {number:05}" for number in wanted if number < users}
    assert store.reads == Counter(reads)
    assert len(checks) == sum(reads.values())


def test_roster_is_read_after_its_index_shows_who_had_left_the_waitlist() -> None:
    clock = ManualClock()
    reader = AttendeeReader(MemoryStore(), clock, lambda: None)
    assert reader.read("e1") == ()
    assert clock.monotonic() == INDEX_LAG
