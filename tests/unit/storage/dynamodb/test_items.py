"""Attributes of items: keys sort, indexes stay sparse, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import Deletion, Frequency
from domain.models import Card, DeliveryState, DueEvent, Event, ListedEvent, Occurrence, Series
from domain.ports import UnreadableRow
from domain.recurrence import Recurrence
from storage.dynamodb.items import SERIES_VERSION, VERSION, Item, Items, from_wire, moment, to_wire
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_user,
    a_waitlist_entry,
    a_waitlisted_registration,
    an_event,
)
from tests.support.environment import START

ITEMS = Items("T024")

moments = st.datetimes(
    datetime(1000, 1, 1),  # noqa: DTZ001  # a bound, in the zone below
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


@given(moments, moments)
def test_times_sort_as_text(one: datetime, other: datetime) -> None:
    assert (moment(one) < moment(other)) == (one < other)


@given(moments)
def test_time_keeps_its_microseconds_in_utc(at: datetime) -> None:
    assert datetime.fromisoformat(moment(at)) == at
    assert moment(at).endswith("+00:00")
    assert len(moment(at)) == len("2026-01-01T00:00:00.000000+00:00")


@given(
    st.dictionaries(st.integers(0, 100), st.integers(1, 1_000)),
    st.integers(1, 10**17),
    st.integers(1, 10**17),
)
def test_numbers_are_read_as_integers(
    blocks: dict[int, int], version: int, next_ticket: int
) -> None:
    event = an_event(waitlist_by_block=blocks, version=version, next_ticket=next_ticket)
    again = ITEMS.to_event(ITEMS.event(event))
    assert again == event
    assert all(type(number) is int for pair in again.waitlist_by_block.items() for number in pair)


plain_values = st.recursive(
    st.text() | st.booleans() | st.integers(-(10**37), 10**37),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1), plain_values, max_size=5))
def test_values_are_converted_as_boto3_does(values: dict[str, object]) -> None:
    """It takes several times as long, and gives numbers as decimals."""
    wire = {name: TypeSerializer().serialize(value) for name, value in values.items()}
    assert to_wire(values) == wire
    assert from_wire(wire) == values


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ({"NULL": True}, None),
        ({"N": "1.5"}, Decimal("1.5")),
        ({"N": "2E+3"}, 2_000),
        ({"N": "-7"}, -7),
        ({"SS": ["a", "b"]}, {"a", "b"}),
    ],
)
def test_value_that_rollcall_does_not_write_is_read_as_boto3_reads_it(
    wire: dict[str, object], value: object
) -> None:
    assert from_wire({"other": wire}) == {"other": value}


def test_items_have_a_version_and_keys_have_the_workspace() -> None:
    delivery = DeliveryState(event_id="e1")
    card = Card(event_id="e1", channel_id="C1", message_ts="1.2", rendered_version=3)
    items: list[Item] = [
        ITEMS.event(an_event()),
        ITEMS.user(a_user()),
        ITEMS.registration(a_registration()),
        ITEMS.waitlist_entry("e1", a_waitlist_entry()),
        ITEMS.journal_entry(a_journal_entry()),
        ITEMS.delivery(delivery),
        ITEMS.card(card),
    ]
    for item in items:
        values = from_wire(item)
        assert values["v"] == VERSION
        for name in ("event_id", "user_id"):
            assert values.get(name, "T024#").startswith("T024#")
        for name in (
            "upcoming_in",
            "unfinished_in",
            "due_in",
            "member_of",
            "seated_in",
            "undelivered_in",
        ):
            assert values.get(name, "T024").startswith("T024")


def test_delivery_rows_cards_and_entries_round_trip() -> None:
    """The contract tests cover events, users, registrations and journal entries."""
    card = Card(event_id="e1", channel_id="C1", message_ts="1.2", rendered_version=3)
    delivery = DeliveryState(event_id="e1", delivered_version=7, holder="me", leased_until=START)
    assert ITEMS.to_card(ITEMS.card(card)) == card
    assert ITEMS.to_delivery(ITEMS.delivery(delivery)) == delivery
    assert (
        ITEMS.to_waitlist_entry(ITEMS.waitlist_entry("e1", a_waitlist_entry()))
        == a_waitlist_entry()
    )


def test_field_that_older_items_lack_is_empty() -> None:
    """R9.2 came later: older journal entries and delivery rows have no unreachable recipients."""
    entry, delivery = (
        ITEMS.journal_entry(a_journal_entry()),
        ITEMS.delivery(DeliveryState(event_id="e1")),
    )
    for name in ("unreported", "more_unreported"):
        del delivery[name]
    del entry["unreachable"]
    assert ITEMS.to_journal_entry(entry) == a_journal_entry()
    assert ITEMS.to_delivery(delivery) == DeliveryState(event_id="e1")


def test_only_what_an_earlier_version_would_mistake_has_a_newer_form() -> None:
    """R7.7: it reads everything else, also while both versions run."""
    recurrence = Recurrence(frequency=Frequency.WEEKLY, until=date(2027, 1, 1))
    occurrence = Occurrence(series_id="s", number=1, day=date(2027, 1, 1), opens_after=2)
    forms = [
        from_wire(ITEMS.event(an_event(**values)))["v"]
        for values in (
            {"series": Series(recurrence=recurrence)},
            {"occurrence": occurrence},
            {"occurrence": occurrence.model_copy(update={"honored": 2})},
        )
    ]
    assert forms == [SERIES_VERSION, SERIES_VERSION, VERSION]


def test_series_is_in_no_list_of_events() -> None:
    recurrence = Recurrence(frequency=Frequency.WEEKLY, until=date(2027, 1, 1))
    item = ITEMS.event(an_event(series=Series(recurrence=recurrence)))
    assert item["upcoming_in"] == {"S": ITEMS.series_list} != {"S": ITEMS.workspace_id}


def test_item_of_a_newer_version_is_refused() -> None:
    item = ITEMS.user(a_user()) | to_wire({"v": SERIES_VERSION + 1})
    with pytest.raises(ValueError, match=f"form {SERIES_VERSION + 1}, written by a newer Rollcall"):
        ITEMS.to_user(item)


@pytest.mark.parametrize("deletion", Deletion)
def test_event_leaves_the_upcoming_index_when_its_deletion_starts(deletion: Deletion) -> None:
    assert "upcoming_in" in ITEMS.event(an_event())
    assert "upcoming_in" not in ITEMS.event(an_event(deletion=deletion))


@given(st.none() | st.just(START + timedelta(hours=1)))
def test_upcoming_index_carries_when_registration_closes(deadline: datetime | None) -> None:
    event: Event = an_event(registration_deadline=deadline)
    assert ITEMS.to_listed(ITEMS.event(event)) == ListedEvent.of(event)


def test_only_registered_users_are_in_the_roster_index() -> None:
    assert "seated_in" in ITEMS.registration(a_registration())
    assert "seated_in" not in ITEMS.registration(a_waitlisted_registration())


def test_unfinished_index_holds_operations_until_they_finish() -> None:
    assert "unfinished_in" not in ITEMS.event(an_event())
    assert "unfinished_in" in ITEMS.event(an_event(operation_id="o", capacity_target=9))
    assert "unfinished_in" not in ITEMS.user(a_user())
    assert "unfinished_in" in ITEMS.user(a_user(deletion_id="deletion1"))


def test_due_index_holds_events_with_a_due_time() -> None:
    due: Event = an_event(next_due_at=START)
    assert ITEMS.to_due(ITEMS.event(due)) == DueEvent("e1", START)
    assert not {"due_in", "next_due_at"} & ITEMS.event(an_event()).keys()


def test_undelivered_index_is_spread_over_four_shards() -> None:
    entries = (a_journal_entry(f"e{number}") for number in range(100))
    assert len({from_wire(ITEMS.journal_entry(entry))["undelivered_in"] for entry in entries}) == 4


def test_item_that_lacks_an_attribute_is_named() -> None:
    item = ITEMS.event(an_event(next_due_at=START))
    del item["next_due_at"]
    with pytest.raises(UnreadableRow, match=r"row of events with event_id e1 .*next_due_at: it is"):
        ITEMS.to_due(item)
