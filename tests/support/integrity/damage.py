"""Hypothesis strategies for any corruption of an event."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st

from domain.enums import Deletion, RegistrationStatus
from domain.ports import Conflict
from tests.support.environment import START
from tests.support.integrity.corruption import (
    NAMES,
    CorruptibleEvent,
)

Damage = Callable[[CorruptibleEvent], object]
names = st.sampled_from(NAMES)
anybody = st.sampled_from([*NAMES, "nobody"])
tickets = st.integers(-1, 12)
few = st.integers(-2, 8)
times = st.none() | st.integers(-2, 2).map(lambda days: START + timedelta(days=days))
versions = st.none() | st.integers(1, 12)
numbers = st.fixed_dictionaries(
    {},
    optional={
        "registered_count": few,
        "waitlist_count": few,
        "waitlist_by_block": st.dictionaries(st.integers(0, 2), st.integers(1, 5), max_size=2),
        "capacity": st.integers(1, 7),
        "next_ticket": st.integers(1, 9),
        "capacity_target": st.none() | st.integers(1, 9),
        "operation_id": st.none() | st.just("o"),
        "deletion": st.none() | st.sampled_from(Deletion),
        "organizer_id": st.none() | st.just("ada"),
        "co_organizer_ids": st.just(()) | st.just(("bob", "eve")),
    },
)
values = st.fixed_dictionaries(
    {},
    optional={
        "ticket": tickets,
        "status": st.sampled_from(RegistrationStatus),
        "seated_at": times,
        "registered_at": times.filter(bool),
        "registered_version": versions,
        "seated_version": versions,
    },
)
damages: st.SearchStrategy[Damage] = st.one_of(
    numbers.map(lambda given: lambda target: target.rewrite_event(given)),
    st.tuples(names, values).map(
        lambda pair: lambda target: target.rewrite_row(pair[0], **pair[1])
    ),
    st.tuples(names, values).map(
        lambda pair: lambda target: target.rewrite_row(pair[0], **pair[1])
    ),
    names.map(lambda name: lambda target: target.lose_row(name)),
    names.map(lambda name: lambda target: target.lose_waitlist_entry(name)),
    names.map(lambda name: lambda target: target.lose_user(name)),
    st.tuples(tickets, anybody).map(lambda pair: lambda target: target.add_waitlist_entry(*pair)),
    st.tuples(names, versions).map(
        lambda pair: lambda target: target.rewrite_waitlist_entry(*pair)
    ),
    names.map(lambda name: lambda target: target.copy_row(name, event_id="gone")),
    st.integers(1, 6).map(lambda version: lambda target: target.lose_entry(version)),
    st.integers(7, 9).map(lambda version: lambda target: target.add_entry(version)),
)
lists_of_damage = st.lists(damages, min_size=1, max_size=6)


def damage(target: CorruptibleEvent, how: list[Damage]) -> None:
    """Do all damage, except what earlier damage made impossible."""
    for one in how:
        with suppress(Conflict, KeyError, AssertionError):
            one(target)
