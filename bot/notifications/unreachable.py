"""Reports to organizers: about recipients who can't be reached by direct message (R9.2), and refused cards (R9.7)."""

from __future__ import annotations

from datetime import datetime

from domain.models import Deferred, DeliveryState, Event, UnreachableRecipient

MAX_NAMED = 40
"""Recipients that one report names, to fit in one section. It gives a count of the others."""


def add_unreported(state: DeliveryState, recipient: UnreachableRecipient) -> DeliveryState:
    """Return the state with one more recipient to report to the organizers."""
    if len(state.unreported) < MAX_NAMED:
        return state.model_copy(update={"unreported": (*state.unreported, recipient)})
    return state.model_copy(update={"more_unreported": state.more_unreported + 1})


def refused_card_report(refused: UnreachableRecipient, user_id: str, now: datetime) -> Deferred:
    """Return the message to whoever asked for a card that Slack refuses (R9.7)."""
    return Deferred(
        user_id=user_id,
        version=refused.version,
        notification=0,
        attempts=0,
        not_before=now,
        unreachable=(refused,),
    )


def organizer_reports(state: DeliveryState, event: Event, now: datetime) -> tuple[Deferred, ...]:
    """Return one report to each organizer, about all unreported recipients."""
    return tuple(
        Deferred(
            user_id=user_id,
            # This entry stays marked undelivered until the report is sent, so the sweep finds it.
            version=max(recipient.version for recipient in state.unreported),
            notification=0,
            attempts=0,
            not_before=now,
            unreachable=state.unreported,
            more_unreachable=state.more_unreported,
        )
        for user_id in event.organizer_ids
    )
