"""A plan's actions as one transaction: each write or check on its condition, clause by clause.

The same plan gives the same bytes, so that it can be sent again under its idempotency token.
"""

from __future__ import annotations

from typing import Any, assert_never

from domain.models import Event, Registration, WaitlistEntry
from domain.planning.plan import (
    Action,
    CheckUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from storage.dynamodb.items import to_wire
from storage.dynamodb.schema import EVENTS, JOURNAL, REGISTRATIONS, WAITLIST
from storage.dynamodb.tables import Tables


def transact_item(tables: Tables, action: Action) -> dict[str, Any]:
    """Return the part of TransactWriteItems that carries an action out."""
    match action:
        case PutEvent(event, replaces):
            return {"Put": _put_event(tables, event, replaces)}
        case PutRegistration(row, replaces):
            return {"Put": _put_registration(tables, row, replaces)}
        case DeleteRegistration(row):
            address = tables.registration(row.user_id, row.event_id)
            return {"Delete": tables.at(address, **_stored_as(row))}
        case PutWaitlistEntry(event_id, waiting):
            # A ticket is given once: its place can't be taken.
            item = tables.items.waiting(event_id, waiting)
            return {"Put": tables.put(WAITLIST, item, **_absent("event_id"))}
        case DeleteWaitlistEntry(event_id, waiting):
            return {"Delete": _delete_waiting(tables, event_id, waiting)}
        case CheckUser(user_id):
            return {"ConditionCheck": _check_user(tables, user_id)}
        case PutJournalEntry(entry, owed):
            # Each version has one entry: it tells whose commit made it.
            item = tables.items.entry(entry, owed=owed)
            return {"Put": tables.put(JOURNAL, item, **_absent("event_id"))}
        case _:
            assert_never(action)


def _put_event(tables: Tables, event: Event, replaces: int | None) -> dict[str, Any]:
    item = tables.items.event(event)
    if replaces is None:
        # The id was never used: a deleted event leaves its tombstone (R7.2).
        return tables.put(EVENTS, item, **_absent("event_id"))
    # The one condition on which R3, R4 and R7 rest: nothing of the event has changed since it was
    # read, because every change moves the version.
    return tables.put(
        EVENTS,
        item,
        ConditionExpression="version = :version",
        ExpressionAttributeValues=to_wire({":version": replaces}),
    )


def _put_registration(
    tables: Tables, row: Registration, replaces: Registration | None
) -> dict[str, Any]:
    item = tables.items.registration(row)
    # One registration per user and event.
    condition = _absent("user_id") if replaces is None else _stored_as(replaces)
    return tables.put(REGISTRATIONS, item, **condition)


def _delete_waiting(tables: Tables, event_id: str, waiting: WaitlistEntry) -> dict[str, Any]:
    return tables.at(
        tables.waiting(event_id, waiting.ticket),
        # The place is there, and is this user's: nobody is promoted twice, nor in another's place.
        ConditionExpression="user_id = :user",
        ExpressionAttributeValues=to_wire({":user": tables.items.key(waiting.user_id)}),
    )


def _check_user(tables: Tables, user_id: str) -> dict[str, Any]:
    return tables.at(
        tables.user(user_id),
        # The user exists, and nobody has begun to delete it (R7.1).
        ConditionExpression="attribute_exists(user_id) AND attribute_not_exists(deletion)",
    )


def _absent(hash_key: str) -> dict[str, Any]:
    """Return the condition that no item stands there: one that does has its key."""
    return {"ConditionExpression": f"attribute_not_exists({hash_key})"}


def _stored_as(row: Registration) -> dict[str, Any]:
    """Return the condition that a registration is stored as it was read: its place and its status."""
    return {
        "ConditionExpression": "ticket = :ticket AND #status = :status",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_wire({":ticket": row.ticket, ":status": row.status}),
    }
