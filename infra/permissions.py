"""The permissions of each function, by table, action and index (R10.5).

A test compares them with the requests that the code makes: none is missing and none is unused. A
transaction needs the permission of each of its actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.dynamodb.schema import (
    CARDS,
    EVENTS,
    JOURNAL,
    REGISTRATIONS,
    REQUESTS,
    USERS,
    WAITLIST,
    Table,
)


@dataclass(frozen=True)
class Access:
    """The allowed actions on a table's items, and the indexes that may be queried."""

    table: Table
    actions: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


_SERVICE = (
    # Read, commit, and find out whether a commit applied. Scan for the events of an organizer who is deleted. Register
    # in the events of a series whoever still wants the whole series.
    Access(EVENTS, ("BatchGetItem", "GetItem", "PutItem", "Scan"), ("upcoming",)),
    Access(
        REGISTRATIONS,
        ("BatchGetItem", "ConditionCheckItem", "DeleteItem", "PutItem", "Query"),
        ("roster",),
    ),
    Access(WAITLIST, ("DeleteItem", "PutItem", "Query")),
    Access(JOURNAL, ("GetItem", "PutItem")),
)

_USERS = (
    *("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem"),
    # Start and finish the deletion of a user.
    *("UpdateItem", "DeleteItem"),
)

_IN_QUEUE = Access(
    # See whether an event's queue is open, open it, put a request, look for its result, or ask for a later reply.
    REQUESTS,
    ("BatchGetItem", "GetItem", "PutItem"),
)

_EXPORTED_NAMES = Access(USERS, ("BatchGetItem",), ("members",))
"""Attendees' names for an export. Earlier versions left exports in events' journals, which any delivery may meet."""

PERMISSIONS: Mapping[str, tuple[Access, ...]] = {
    "slack": (
        *_SERVICE,
        # Find events that their organizers still manage.
        Access(EVENTS, indexes=("ending",)),
        # Show histories.
        Access(JOURNAL, ("Query",)),
        Access(USERS, _USERS),
        # See whether a new card is posted, and adopt the ones that are clicked.
        Access(CARDS, ("PutItem", "Query")),
        _IN_QUEUE,
    ),
    "api": (
        *_SERVICE,
        Access(USERS, _USERS, ("members",)),
        _IN_QUEUE,
    ),
    "queue": (
        # Read what the requests need, commit their plans with the results, and find out whether a commit applied.
        # A refusal is written only while the event is as it was read. A change of a series reads its events.
        Access(EVENTS, ("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem")),
        Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem")),
        # Adding attendees creates users.
        Access(USERS, ("BatchGetItem", "ConditionCheckItem", "PutItem")),
        Access(WAITLIST, ("DeleteItem", "PutItem", "Query")),
        Access(JOURNAL, ("GetItem", "PutItem")),
        Access(REQUESTS, ("BatchGetItem", "BatchWriteItem", "PutItem")),
    ),
    "reply": (
        # Read results and who waits for them, reply, and keep a reply that Slack does not take.
        Access(REQUESTS, ("BatchGetItem", "DeleteItem")),
        Access(JOURNAL, ("PutItem",)),
    ),
    "notifier": (
        # Read what messages need. Write only delivery rows, delivered marks and cards. Delete jobs.
        Access(EVENTS, ("BatchGetItem", "GetItem")),
        Access(REGISTRATIONS, ("BatchGetItem",), ("roster",)),
        _EXPORTED_NAMES,
        Access(WAITLIST, ("Query",)),
        Access(
            JOURNAL,
            ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        ),
        Access(CARDS, ("DeleteItem", "PutItem", "Query")),
    ),
    "export": (
        # Read attendees and their names, of a series all events. Write only in the journal: the job, and who is
        # unreachable.
        Access(EVENTS, ("BatchGetItem", "GetItem")),
        Access(REGISTRATIONS, (), ("roster",)),
        _EXPORTED_NAMES,
        Access(WAITLIST, ("Query",)),
        Access(
            JOURNAL, ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"), ("undelivered",)
        ),
    ),
    "members": (
        # Read the stored users, write new names, and delete users whose account is gone. List events
        # by the privacy of their channels.
        Access(EVENTS, ("BatchGetItem", "GetItem", "PutItem", "Scan"), ("upcoming",)),
        Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem", "Query"), ("roster",)),
        Access(USERS, ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem")),
        Access(WAITLIST, ("DeleteItem", "Query")),
        # With the row that keeps the comparison's place.
        Access(JOURNAL, ("GetItem", "PutItem", "UpdateItem")),
    ),
    "sweep": (
        # Do what is due, finish deletions and capacity increases, and deliver as the notifier does. Make events of
        # series, if their organizers are not being deleted, and register in them whoever still wants the whole series.
        Access(EVENTS, ("BatchGetItem", "GetItem", "PutItem", "Scan"), ("due", "unfinished")),
        Access(
            REGISTRATIONS,
            ("BatchGetItem", "ConditionCheckItem", "DeleteItem", "PutItem", "Query"),
            ("roster",),
        ),
        Access(USERS, ("ConditionCheckItem", "DeleteItem", "GetItem"), ("unfinished",)),
        _EXPORTED_NAMES,
        Access(WAITLIST, ("DeleteItem", "PutItem", "Query")),
        Access(
            JOURNAL,
            ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
            ("undelivered",),
        ),
        Access(CARDS, ("DeleteItem", "PutItem", "Query")),
        # Reply to those who still wait.
        Access(REQUESTS, ("BatchGetItem", "DeleteItem"), ("pending",)),
    ),
}
"""The permissions, by function."""
