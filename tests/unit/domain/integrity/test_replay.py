"""The replay: what a journal leads to, what it can't know, and which rules its entries break."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.enums import ChangeKind, EventStatus, Frequency, RegistrationStatus
from domain.inputs import EventChanges
from domain.integrity.replay import UNKNOWN, Replay, Row
from domain.models import Change, FixedRegistration, JournalEntry, Occurrence, Series
from domain.planning.event_values import as_json
from domain.recurrence import Recurrence
from tests.support.builders import an_event
from tests.support.environment import START, service_on
from tests.support.integrity.corruption import NAMES, CorruptibleEvent
from tests.support.memory_store import MemoryStore

REGISTERED, WAITLISTED = RegistrationStatus.REGISTERED, RegistrationStatus.WAITLISTED
K = ChangeKind


SERIES = Series(recurrence=Recurrence(frequency=Frequency.WEEKLY, until=date(2027, 1, 1)))

OPENING = Occurrence(series_id="yoga", number=1, day=date(2026, 11, 4), opens_after=1)


def did(kind: ChangeKind, user_id: str, ticket: int, status: str | None = None) -> Change:
    """Return a change of a registration."""
    has_status = RegistrationStatus(status) if status else None
    return Change(kind=kind, user_id=user_id, ticket=ticket, status=has_status)


def replayed(*commits: list[Change], values: dict[str, object] | None = None) -> Replay:
    """Return the replay of an event with two seats and a waitlist, and of commits with these changes.

    `values` are the event's, from its creation on.
    """
    given = {"capacity": 2, "starts_at": START + timedelta(days=2)} | (values or {})
    event = an_event().model_copy(update=given)
    replay = Replay()
    replay.apply(entry(1, [Change(kind=K.CREATED)], as_json(event, list(given))))
    for version, changes in enumerate(commits, start=2):
        replay.apply(entry(version, changes, {}))
    return replay


def entry(version: int, changes: list[Change], values: dict[str, str] | None) -> JournalEntry:
    return JournalEntry(
        event_id="e1",
        version=version,
        plan_id=f"p{version}",
        at=START,
        changes=tuple(changes),
        event_values=values,
    )


FULL = [
    [did(K.REGISTERED, "ada", 1)],
    [did(K.REGISTERED, "ben", 2)],
    [did(K.WAITLISTED, "cleo", 3)],
    [did(K.WAITLISTED, "dora", 4)],
]


def test_replay_leads_to_the_event_and_each_registration() -> None:
    store = MemoryStore()
    service = service_on(store)
    target = CorruptibleEvent(service, store)
    service.edit_event("e1", EventChanges.of(title="Other", capacity=3))
    service.unregister("e1", target.user_id("seated1"))
    service.close_event("e1")
    replay = Replay()
    for one in store.list_journal("e1", limit=99):
        replay.apply(one)
    assert replay.broken_rules == []
    assert [*replay.differences(target.event())] == []
    for name in NAMES[1:]:
        row = target.row(name)
        assert replay.state(row.user_id) == Row(row.ticket, row.status)
    assert replay.state(target.user_id("seated1")) is None


def test_changed_answers_leave_the_registrations_as_they_are() -> None:
    """R12.3: the journal does not have them."""
    changes = [did(K.ANSWERED, "ada", 1), did(K.ANSWERED, "cleo", 3)]
    replay = replayed(*FULL, changes)
    assert replay.broken_rules == []
    assert replay.state("ada") == Row(1, REGISTERED)
    assert replay.state("cleo") == Row(3, WAITLISTED)


def test_answers_of_someone_unknown_to_the_replay_break_no_rule() -> None:
    replay = replayed(*FULL)
    replay.skip_to(7)
    replay.apply(entry(8, [did(K.ANSWERED, "eve", 9)], {}))
    assert replay.state("eve") == UNKNOWN
    assert replay.broken_rules == []


def test_other_values_and_counts_are_differences() -> None:
    replay = replayed(*FULL)
    wrong = an_event().model_copy(
        update={
            "capacity": 5,
            "starts_at": START + timedelta(days=2),
            "registered_count": 2,
            "waitlist_count": 1,
            "next_ticket": 7,
        }
    )
    assert [(one.name, one.stored, one.expected) for one in replay.differences(wrong)] == [
        ("capacity", "5", "2"),
        ("waitlist_count", "1", "2"),
        ("next_ticket", "7", "5"),
    ]


BREAKS: dict[str, tuple[list[list[Change]], dict[str, object], str]] = {
    "a seat above the capacity": (
        [*FULL[:2], [did(K.REGISTERED, "eve", 3)]],
        {},
        "given a seat as number 3, in entry 4",
    ),
    "a promotion above the capacity": (
        [*FULL, [did(K.PROMOTED, "cleo", 3)]],
        {},
        "given a seat as number 3, in entry 6",
    ),
    "a promotion out of order": (
        [*FULL, [did(K.UNREGISTERED, "ada", 1, "registered"), did(K.PROMOTED, "dora", 4)]],
        {},
        "promoted before ticket 3, in entry 6",
    ),
    "a seat ahead of the waitlist": (
        [*FULL, [did(K.UNREGISTERED, "ada", 1, "registered"), did(K.REGISTERED, "eve", 5)]],
        {},
        "given a seat ahead of the waitlist, in entry 6",
    ),
    "a ticket given twice": (
        [*FULL[:1], [did(K.REGISTERED, "ben", 1)]],
        {},
        "given ticket 1 again, in entry 3",
    ),
    "registered twice": (
        [*FULL[:1], [did(K.REGISTERED, "ada", 2)]],
        {},
        "registered with ticket 2, in entry 3",
    ),
    "left without being there": (
        [[did(K.UNREGISTERED, "ada", 1, "registered")]],
        {},
        "unregistered, in entry 2",
    ),
    "left with another ticket": (
        [*FULL[:1], [did(K.UNREGISTERED, "ada", 9, "registered")]],
        {},
        "unregistered when registered with ticket 9, in entry 3",
    ),
    "promoted from a seat": (
        [*FULL[:1], [did(K.PROMOTED, "ada", 1)]],
        {},
        "promoted with ticket 1, in entry 3",
    ),
    "waitlisted without a waitlist": (
        FULL[:3],
        {"has_waitlist": False},
        "waitlisted in an event without a waitlist, in entry 4",
    ),
    "registered in a closed event": (
        FULL[:1],
        {"status": EventStatus.CLOSED},
        "registered in an event that was closed, in entry 2",
    ),
    "registered after the deadline": (
        FULL[:1],
        {"registration_deadline": START},
        "registered after the end of registration, in entry 2",
    ),
    "answers of someone who is not in the event": (
        [*FULL, [did(K.ANSWERED, "eve", 5)]],
        {},
        "answers changed with ticket 5, in entry 6",
    ),
    "answers of another registration": (
        [*FULL, [did(K.ANSWERED, "cleo", 4)]],
        {},
        "answers changed with ticket 4, in entry 6",
    ),
    "answers after the start": (
        [[did(K.REGISTERED, "ada", 1)], [did(K.ANSWERED, "ada", 1)]],
        {"starts_at": START},
        "answers changed after the start, in entry 3",
    ),
    "a seat in a series": (
        FULL[:1],
        {"series": SERIES},
        "given a seat in a series, in entry 2",
    ),
    "registered while an occurrence opens": (
        FULL[:1],
        {"occurrence": OPENING},
        "registered ahead of those who registered for the whole series, in entry 2",
    ),
    "promoted after the start": (
        [
            [*FULL[0], *FULL[1], *FULL[2]],
            [did(K.UNREGISTERED, "ada", 1, "registered"), did(K.PROMOTED, "cleo", 3)],
        ],
        {"starts_at": START},
        "promoted after the start, in entry 3",
    ),
}


@pytest.mark.parametrize(("commits", "values", "stored"), BREAKS.values(), ids=BREAKS)
def test_rule_that_an_entry_breaks_is_found(
    commits: list[list[Change]], values: dict[str, object], stored: str
) -> None:
    broken = replayed(*commits, values=values).broken_rules
    assert stored in [one.stored for one in broken]
    assert replayed(*FULL).broken_rules == []


def test_series_takes_registrations_after_its_first_start_and_without_a_waitlist() -> None:
    values = {"series": SERIES, "starts_at": START, "has_waitlist": False}
    assert replayed([did(K.WAITLISTED, "ada", 1)], values=values).broken_rules == []


def test_registrations_for_the_whole_series_come_first() -> None:
    """R13.4: the entry that honors them says so."""
    replay = replayed(values={"occurrence": OPENING})
    honored = OPENING.model_copy(update={"honored": 1})
    values = as_json(an_event(occurrence=honored), ["occurrence"])
    replay.apply(entry(2, FULL[0], values))
    replay.apply(entry(3, FULL[1], {}))
    assert replay.broken_rules == []


def test_value_that_changes_in_the_same_entry_is_not_held_against_it() -> None:
    """Which came first, the edit or the registration, is not told."""
    replay = replayed(values={"has_waitlist": True})
    replay.apply(entry(2, [*FULL[0], *FULL[1], *FULL[2]], {"has_waitlist": "false"}))
    assert replay.broken_rules == []


def test_entry_of_an_earlier_version_breaks_no_rule_and_leaves_values_unknown() -> None:
    replay = replayed(*FULL[:2])
    replay.apply(entry(4, [did(K.REGISTERED, "eve", 3)], None))
    assert replay.broken_rules == []
    assert replay.state("eve") == Row(3, REGISTERED)
    event = an_event().model_copy(update={"registered_count": 3, "next_ticket": 4, "capacity": 9})
    assert [*replay.differences(event)] == []


@pytest.mark.parametrize(
    "lost",
    [
        entry(8, [], {}),
        entry(6, [Change(kind=K.REPAIRED)], None),
        entry(6, [Change(kind=K.UNREGISTERED)], None),
        entry(6, [Change(kind=K.REGISTERED, user_id="eve")], None),
    ],
    ids=["a gap", "a repair that does not say what it did", "a leave", "a registration"],
)
def test_after_an_entry_that_does_not_tell_nothing_is_known(lost: JournalEntry) -> None:
    replay = replayed(*FULL)
    states = replay.watch(["ada"])
    replay.apply(lost)
    assert replay.state("ada") is UNKNOWN
    assert states["ada"] == [Row(1, REGISTERED), UNKNOWN]
    assert [*replay.user_ids()] == []
    assert [*replay.differences(an_event())] == []
    replay.apply(entry(lost.version + 1, [did(K.REGISTERED, "finn", 9)], {}))
    assert replay.state("finn") == Row(9, REGISTERED)


def test_repair_is_the_truth_and_ends_what_was_broken_before() -> None:
    replay = replayed(*FULL, [did(K.PROMOTED, "dora", 4)])
    assert replay.broken_rules
    fixed = (
        FixedRegistration(user_id="ada"),
        FixedRegistration(user_id="cleo", ticket=7, status=WAITLISTED),
    )
    repair = entry(7, [Change(kind=K.REPAIRED)], {"capacity": "3", "next_ticket": "8"})
    replay.apply(repair.model_copy(update={"fixed": fixed}))
    assert replay.broken_rules == []
    assert (replay.state("ada"), replay.state("cleo")) == (None, Row(7, WAITLISTED))
    replay.apply(entry(8, [did(K.REGISTERED, "eve", 7)], {}))
    assert [one.stored for one in replay.broken_rules] == [
        "given ticket 7 again, in entry 8",
        "given a seat ahead of the waitlist, in entry 8",
    ]


def test_tombstone_has_no_registrations_after_a_repair() -> None:
    replay = replayed(*FULL)
    replay.apply(entry(6, [Change(kind=K.REPAIRED)], {"deletion": '"done"', "next_ticket": "5"}))
    assert [*replay.user_ids()] == []


def test_watched_user_has_each_state_from_now_on() -> None:
    """Also those of someone who leaves and returns."""
    replay = replayed(*FULL)
    states = replay.watch(["cleo"])
    replay.apply(entry(6, [did(K.UNREGISTERED, "cleo", 3, "waitlisted")], {}))
    replay.apply(entry(7, [did(K.WAITLISTED, "cleo", 5)], {}))
    assert states["cleo"] == [Row(3, WAITLISTED), None, Row(5, WAITLISTED)]
