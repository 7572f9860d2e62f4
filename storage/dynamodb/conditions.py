"""A plan's actions as one transaction: each write or check with its condition, explained clause by clause.

The same plan gives the same bytes, so it can be sent again under its idempotency token.
"""

from __future__ import annotations

from typing import Any, assert_never

from domain.models import Event, Registration, WaitlistEntry
from domain.planning.plan import (
    Action,
    CheckRegistration,
    CheckUser,
    CreateUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    PutBatchResults,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from storage.dynamodb.items import to_wire
from storage.dynamodb.keys import Keys
from storage.dynamodb.request_items import batch_results_item
from storage.dynamodb.schema import EVENTS, JOURNAL, REGISTRATIONS, REQUESTS, USERS, WAITLIST


def transact_item(keys: Keys, action: Action) -> dict[str, Any]:
    """Return the element of TransactWriteItems that carries out an action."""
    match action:
        case PutEvent(event, replaces):
            return {"Put": _put_event(keys, event, replaces)}
        case PutRegistration(registration, replaces):
            return {"Put": _put_registration(keys, registration, replaces)}
        case DeleteRegistration(registration):
            address = keys.registration(registration.user_id, registration.event_id)
            return {"Delete": keys.at(address, **_unchanged(registration))}
        case PutWaitlistEntry(event_id, entry):
            # The event gives each ticket once, so no one else can have this entry's key.
            item = keys.items.waitlist_entry(event_id, entry)
            return {"Put": keys.put(WAITLIST, item, **_absent("event_id"))}
        case DeleteWaitlistEntry(event_id, entry):
            return {"Delete": _delete_waitlist_entry(keys, event_id, entry)}
        case CheckUser(user_id, may_be_missing):
            return {"ConditionCheck": _check_user(keys, user_id, may_be_missing=may_be_missing)}
        case CheckRegistration(registration):
            address = keys.registration(registration.user_id, registration.event_id)
            return {"ConditionCheck": keys.at(address, **_unchanged(registration))}
        case CreateUser(user):
            # There is no such user, not even one that is being deleted.
            return {"Put": keys.put(USERS, keys.items.user(user), **_absent("user_id"))}
        case PutJournalEntry(journal_entry, is_undelivered):
            # One entry per version: it proves which plan made that version.
            item = keys.items.journal_entry(journal_entry, is_undelivered=is_undelivered)
            return {"Put": keys.put(JOURNAL, item, **_absent("event_id"))}
        case PutBatchResults(batch):
            # Its slot has results that were all written elsewhere, too. The event's condition decides.
            return {"Put": keys.put(REQUESTS, batch_results_item(keys, batch))}
        case _:
            assert_never(action)


def _put_event(keys: Keys, event: Event, replaces: int | None) -> dict[str, Any]:
    item = keys.items.event(event)
    if replaces is None:
        # The id was never used: a deleted event leaves its tombstone (R7.2).
        return keys.put(EVENTS, item, **_absent("event_id"))
    # R3, R4 and R7 rest on this condition: nothing of the event has changed since it was read,
    # because every change raises the version.
    return keys.put(
        EVENTS,
        item,
        ConditionExpression="version = :version",
        ExpressionAttributeValues=to_wire({":version": replaces}),
    )


def _put_registration(
    keys: Keys, registration: Registration, replaces: Registration | None
) -> dict[str, Any]:
    item = keys.items.registration(registration)
    # One registration per user and event.
    condition = _absent("user_id") if replaces is None else _unchanged(replaces)
    return keys.put(REGISTRATIONS, item, **condition)


def _delete_waitlist_entry(keys: Keys, event_id: str, entry: WaitlistEntry) -> dict[str, Any]:
    return keys.at(
        keys.waitlist_entry(event_id, entry.ticket),
        # The entry exists and is this user's, so no one is promoted twice or for someone else.
        ConditionExpression="user_id = :user",
        ExpressionAttributeValues=to_wire({":user": keys.items.key(entry.user_id)}),
    )


def _check_user(keys: Keys, user_id: str, *, may_be_missing: bool) -> dict[str, Any]:
    # The user exists (R7.1), unless an organizer is no user (R2.9), and no deletion has started.
    exists = "" if may_be_missing else "attribute_exists(user_id) AND "
    condition = f"{exists}attribute_not_exists(deletion_id)"
    return keys.at(keys.user(user_id), ConditionExpression=condition)


def _absent(hash_key: str) -> dict[str, Any]:
    """Return the condition that no item has this key. An item always has its hash key."""
    return {"ConditionExpression": f"attribute_not_exists({hash_key})"}


def _unchanged(registration: Registration) -> dict[str, Any]:
    """Return the condition that a registration still has the ticket and the status that were read."""
    return {
        "ConditionExpression": "ticket = :ticket AND #status = :status",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_wire(
            {":ticket": registration.ticket, ":status": registration.status}
        ),
    }
