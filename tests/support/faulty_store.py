"""In-memory store with faults that a test chooses for the next commits and reads."""

from __future__ import annotations

from collections.abc import Callable, Collection

from domain.models import Event, JournalEntry, User
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Conflict, Rows, Unavailable
from tests.support.memory_store import MemoryStore

Fault = Callable[["FaultyStore", Plan], None]


def lost(store: FaultyStore, plan: Plan) -> None:
    """Apply the commit and lose its answer."""
    store.really_commit(plan)
    raise AnswerLost


def never_sent(store: FaultyStore, plan: Plan) -> None:
    """Lose the commit before it arrives."""
    raise AnswerLost


def on_its_way(store: FaultyStore, plan: Plan) -> None:
    """Delay the commit until the test calls `arrive`."""
    store.under_way.append(plan)
    raise AnswerLost


def conflict(store: FaultyStore, plan: Plan) -> None:
    """Reject the commit, as DynamoDB does when two transactions meet."""
    raise Conflict


class Denied(Exception):
    """Error that no store translates, such as expired credentials."""


def denied(store: FaultyStore, plan: Plan) -> None:
    """Refuse the commit with an unexpected error."""
    raise Denied


class FaultyStore(MemoryStore):
    """Store that meets one of its `faults` per commit, fails `unreadable` reads of events, and then works."""

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
        """Apply a plan, unless it was applied before: DynamoDB's token does the same."""
        entry = self.journal.get((plan.event_id, plan.event.version)) if plan.event else None
        if entry is None or entry.plan_id != plan.plan_id:
            super().commit(plan)

    def arrive(self) -> list[bool]:
        """Let the delayed commits arrive; return whether each was applied."""
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
            # The test's change happens between this read and the next.
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
