"""Those whom no direct message reaches: what the organizers are still to be told of them (R9.2)."""

from __future__ import annotations

from datetime import datetime

from domain.models import Deferred, Delivery, Event, Unreached

MOST_NAMED = 40
"""People whom one message to the organizers names, all in one section; of more it says how many."""


def with_untold(delivery: Delivery, person: Unreached) -> Delivery:
    """Return the row with one more of whom the organizers are to be told."""
    if len(delivery.untold) < MOST_NAMED:
        return delivery.model_copy(update={"untold": (*delivery.untold, person)})
    return delivery.model_copy(update={"more_untold": delivery.more_untold + 1})


def words_of(delivery: Delivery, event: Event, now: datetime) -> tuple[Deferred, ...]:
    """Return one message to each organizer, about all of whom they are still to be told."""
    return tuple(
        Deferred(
            user_id=user_id,
            # An entry whose mark is still on, and stays while it is owed: the sweep finds it.
            version=max(person.version for person in delivery.untold),
            notice=0,
            attempts=0,
            not_before=now,
            unreached=delivery.untold,
            more_unreached=delivery.more_untold,
        )
        for user_id in event.organizer_ids
    )
