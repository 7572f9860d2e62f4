"""What each function may do in which table: index by index, action by action, and nothing else (R10.5).

A test holds this to the requests that the code makes: none lacks, and nothing is to spare. Of a
transaction, DynamoDB asks for the permission of each of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.dynamodb.schema import CARDS, EVENTS, JOURNAL, REGISTRATIONS, USERS, WAITLIST, Table


@dataclass(frozen=True)
class Access:
    """What may be done with a table's items, and which of its indexes may be queried."""

    table: Table
    actions: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


_SERVICE = (
    # Reading, committing, and finding out whether a commit applied.
    Access(EVENTS, ("BatchGetItem", "GetItem", "PutItem"), ("upcoming",)),
    Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem", "Query"), ("roster",)),
    Access(WAITLIST, ("DeleteItem", "PutItem", "Query")),
    Access(JOURNAL, ("GetItem", "PutItem")),
)

_USERS = (
    *("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem"),
    # The mark, and the end, of a user's deletion.
    *("UpdateItem", "DeleteItem"),
)

PERMISSIONS: Mapping[str, tuple[Access, ...]] = {
    "slack": (
        *_SERVICE,
        # Histories are read here.
        Access(JOURNAL, ("Query",)),
        Access(USERS, _USERS),
        # Cards are posted, and adopted where they are clicked.
        Access(CARDS, ("PutItem", "Query")),
    ),
    "api": (
        *_SERVICE,
        Access(USERS, _USERS, ("members",)),
    ),
    "notifier": (
        # Nothing but its own rows in the journal, the marks on entries, and the cards is written.
        Access(EVENTS, ("GetItem",)),
        Access(REGISTRATIONS, ("BatchGetItem",), ("roster",)),
        # The names in an exported list.
        Access(USERS, ("BatchGetItem",)),
        Access(WAITLIST, ("Query",)),
        Access(JOURNAL, ("GetItem", "PutItem", "Query", "UpdateItem")),
        Access(CARDS, ("DeleteItem", "PutItem", "Query")),
    ),
    "members": (
        # It reads who is stored, writes new names, and takes out those whose account is gone.
        Access(EVENTS, ("GetItem", "PutItem")),
        Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem", "Query"), ("roster",)),
        Access(USERS, ("DeleteItem", "GetItem", "PutItem", "UpdateItem"), ("members",)),
        Access(WAITLIST, ("DeleteItem", "Query")),
        Access(JOURNAL, ("GetItem", "PutItem")),
    ),
    "sweep": (
        # It does what is due, finishes deletions and raises, and delivers as the notifier does.
        Access(EVENTS, ("GetItem", "PutItem"), ("due", "unfinished")),
        Access(REGISTRATIONS, ("BatchGetItem", "DeleteItem", "PutItem", "Query"), ("roster",)),
        Access(USERS, ("BatchGetItem", "DeleteItem", "GetItem"), ("unfinished",)),
        Access(WAITLIST, ("DeleteItem", "Query")),
        Access(JOURNAL, ("GetItem", "PutItem", "Query", "UpdateItem"), ("undelivered",)),
        Access(CARDS, ("DeleteItem", "PutItem", "Query")),
    ),
}
"""By function."""
