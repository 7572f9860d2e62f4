"""A memory store to which a test says what happens to the next commits and reads."""

from __future__ import annotations

from collections.abc import Callable, Collection

from domain.models import Event, JournalEntry, User
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Conflict, Rows, Unavailable
from tests.support.memory_store import MemoryStore

Fault = Callable[["FaultyStore", Plan], None]


def lost(store: FaultyStore, plan: Plan) -> None:
    """The commit applies, and its answer is lost."""
    store.really_commit(plan)
    raise AnswerLost


def never_sent(store: FaultyStore, plan: Plan) -> None:
    """The commit does not arrive, and nobody says so."""
    raise AnswerLost


def on_its_way(store: FaultyStore, plan: Plan) -> None:
    """The commit arrives later, when the test says so."""
    store.under_way.append(plan)
    raise AnswerLost


def conflict(store: FaultyStore, plan: Plan) -> None:
    """The commit is rejected, as DynamoDB rejects one that meets another."""
    raise Conflict


class Denied(Exception):
    """What a store does not translate: a request that is refused for good, such as one with a token that expired."""


def denied(store: FaultyStore, plan: Plan) -> None:
    """The commit is refused with an error that nobody foresaw."""
    raise Denied


class FaultyStore(MemoryStore):
    """Meets its `faults` one commit after the other, then works; so with `unreadable` reads of events."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Fault] = []
        self.unreadable = 0
        self.attempts: list[Plan] = []
        self.under_way: list[Plan] = []
        self.before_commit: Callable[[], None] | None = None
        self.before_reading: Callable[[], None] | None = None
        self.before_reading_journal: Callable[[], None] | None = None
        self.after_reading_rows: Callable[[], None] | None = None
        self.event_reads = 0
        self.user_reads = 0

    def commit(self, plan: Plan) -> None:
        self.attempts.append(plan)
        if self.before_commit is not None:
            meanwhile, self.before_commit = self.before_commit, None
            meanwhile()
        if self.faults:
            self.faults.pop(0)(self, plan)
        self.really_commit(plan)

    def really_commit(self, plan: Plan) -> None:
        """Apply a plan once: sent again, it is the same request, as DynamoDB's token makes it."""
        entry = self.journal.get((plan.event_id, plan.event.version)) if plan.event else None
        if entry is None or entry.plan_id != plan.plan_id:
            super().commit(plan)

    def arrive(self) -> list[bool]:
        """Let what is on its way arrive; return whether each applied."""
        applied = []
        for plan in self.under_way:
            try:
                self.really_commit(plan)
                applied.append(True)
            except Conflict:
                applied.append(False)
        self.under_way.clear()
        return applied

    def get_user(self, user_id: str) -> User | None:
        self.user_reads += 1
        return super().get_user(user_id)

    def get_event(self, event_id: str) -> Event | None:
        self.event_reads += 1
        if self.unreadable:
            self.unreadable -= 1
            raise Unavailable
        event = super().get_event(event_id)
        if self.before_reading is not None:
            # Between this read and the next, something happens.
            meanwhile, self.before_reading = self.before_reading, None
            meanwhile()
        return event

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        if self.before_reading_journal is not None:
            meanwhile, self.before_reading_journal = self.before_reading_journal, None
            meanwhile()
        return super().get_journal_entry(event_id, version)

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        rows = super().get_rows(event_id, registrations_of=registrations_of, users=users)
        if self.after_reading_rows is not None:
            meanwhile, self.after_reading_rows = self.after_reading_rows, None
            meanwhile()
        return rows
