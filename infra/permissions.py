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
    # Read, commit, and find out whether a commit applied. Scan for the events of an organizer who is deleted.
    Access(EVENTS, ("BatchGetItem", "GetItem", "PutItem", "Scan"), ("upcoming",)),
    Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem", "Query"), ("roster",)),
    Access(WAITLIST, ("DeleteItem", "PutItem", "Query")),
    Access(JOURNAL, ("GetItem", "PutItem")),
)

_USERS = (
    *("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem"),
    # Start and finish the deletion of a user.
    *("UpdateItem", "DeleteItem"),
)

_QUEUE = Access(
    # See whether an event's queue is open, open it, put a request, wait for its result, and ask for a later reply.
    REQUESTS,
    ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query"),
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
        _QUEUE,
    ),
    "api": (
        *_SERVICE,
        Access(USERS, _USERS, ("members",)),
        _QUEUE,
    ),
    "queue": (
        # Decide and commit what the requests ask for, and write the results.
        Access(EVENTS, ("BatchGetItem", "GetItem", "PutItem")),
        Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem")),
        Access(WAITLIST, ("DeleteItem", "PutItem", "Query")),
        Access(JOURNAL, ("GetItem", "PutItem")),
        Access(USERS, ("BatchGetItem", "ConditionCheckItem")),
        Access(REQUESTS, ("BatchGetItem", "PutItem")),
    ),
    "reply": (
        # Read a result and who waits for it, reply, and keep a reply that Slack does not take.
        Access(JOURNAL, ("PutItem",)),
        Access(REQUESTS, ("BatchGetItem", "DeleteItem")),
    ),
    "notifier": (
        # Read what messages need. Write only delivery rows, delivered marks and cards. Delete jobs.
        Access(EVENTS, ("GetItem",)),
        Access(REGISTRATIONS, ("BatchGetItem",), ("roster",)),
        _EXPORTED_NAMES,
        Access(WAITLIST, ("Query",)),
        Access(JOURNAL, ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")),
        Access(CARDS, ("DeleteItem", "PutItem", "Query")),
    ),
    "export": (
        # Read attendees and their names. Write only in the journal: the job, and who is unreachable.
        Access(EVENTS, ("GetItem",)),
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
        # Do what is due, finish deletions and capacity increases, and deliver as the notifier does.
        Access(EVENTS, ("GetItem", "PutItem", "Scan"), ("due", "unfinished")),
        Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem", "Query"), ("roster",)),
        Access(USERS, ("DeleteItem", "GetItem"), ("unfinished",)),
        _EXPORTED_NAMES,
        Access(WAITLIST, ("DeleteItem", "Query")),
        Access(
            JOURNAL, ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"), ("undelivered",)
        ),
        Access(CARDS, ("DeleteItem", "PutItem", "Query")),
        # Tell those whose result came late, or say that there is none.
        Access(REQUESTS, ("BatchGetItem", "DeleteItem", "PutItem"), ("pending",)),
    ),
}
"""The permissions, by function."""
