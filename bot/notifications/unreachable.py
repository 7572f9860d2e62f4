"""Those whom no direct message reaches: what the organizers are still to be told of them (R9.2)."""

from __future__ import annotations

from datetime import datetime

from domain.models import Deferred, DeliveryState, Event, UnreachableRecipient

MOST_NAMED = 40
"""People whom one message to the organizers names, all in one section; of more it says how many."""


def with_unreported(delivery: DeliveryState, person: UnreachableRecipient) -> DeliveryState:
    """Return the row with one more of whom the organizers are to be told."""
    if len(delivery.unreported) < MOST_NAMED:
        return delivery.model_copy(update={"unreported": (*delivery.unreported, person)})
    return delivery.model_copy(update={"more_unreported": delivery.more_unreported + 1})


def words_of(delivery: DeliveryState, event: Event, now: datetime) -> tuple[Deferred, ...]:
    """Return one message to each organizer, about all of whom they are still to be told."""
    return tuple(
        Deferred(
            user_id=user_id,
            # An entry whose mark is still on, and stays while it is owed: the sweep finds it.
            version=max(person.version for person in delivery.unreported),
            notification=0,
            attempts=0,
            not_before=now,
            unreachable=delivery.unreported,
            more_unreachable=delivery.more_unreported,
        )
        for user_id in event.organizer_ids
    )
