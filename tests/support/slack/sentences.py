"""The bot's sentences, rendered by its own views, for tests to find in what a person sees."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime
from typing import Any

from bot.blocks.builders import Message
from bot.blocks.mrkdwn import as_typed
from bot.features.cards.views import card_sentence, occupancy
from bot.features.registration import views as registration_views
from bot.notifications.messages import notification_message
from bot.slack import error_messages
from bot.slack.api_errors import ClassifiedError
from bot.slack.context import CardStatus
from domain import errors
from domain.commands import RegisterOutcome, UnregisterOutcome
from domain.enums import Cause, ChangeKind, ClosedReason, NotificationKind, RegistrationStatus
from domain.models import (
    Change,
    Event,
    EventSummary,
    JournalEntry,
    Notification,
    UnregisterPreview,
    UserRegistration,
)
from playground.demo.seed import EVENTS
from tests.support.builders import a_registration, a_waitlisted_registration, an_event
from tests.support.environment import START

YOGA = "Yoga in the park"
"""The title of the harness's event."""


def seat(title: str = YOGA) -> str:
    """Return the reply to a user who got a seat."""
    return _text(registration_views.registered(RegisterOutcome(_event(title), a_registration())))


def waitlisted(position: int, title: str = YOGA) -> str:
    """Return the reply to a user who joined the waitlist."""
    outcome = RegisterOutcome(_event(title), a_waitlisted_registration(), position)
    return _text(registration_views.registered(outcome))


def already(position: int | None = None, title: str = YOGA) -> str:
    """Return the reply to a user who registers a second time."""
    status = RegistrationStatus.REGISTERED if position is None else RegistrationStatus.WAITLISTED
    return refusal(errors.AlreadyRegistered("yoga", title, "ada", status, position))


def card_posted(event: Event, channel_id: str = EVENTS) -> str:
    """Return the reply that says where a card is."""
    return as_typed(card_sentence(event, CardStatus(channel_id, is_posted=True)))


def card_on_its_way(event: Event, channel_id: str = EVENTS) -> str:
    """Return the reply that promises a card."""
    return as_typed(card_sentence(event, CardStatus(channel_id)))


def card_refused(event: Event, code: str, channel_id: str = EVENTS) -> str:
    """Return why Slack refuses a card, and what to do."""
    failure = ClassifiedError.of_code(code)
    refused = error_messages.card_not_posted(event.event_id, event.title, channel_id, failure)
    return as_typed(refused)


def unregistered(title: str = YOGA, *, promoted: str | None = None) -> str:
    """Return the reply to a user who gave up a seat, which may have promoted another."""
    outcome = UnregisterOutcome(_event(title), a_registration(), (promoted,) if promoted else ())
    return _text(registration_views.unregistered(outcome))


def left_waitlist(title: str = YOGA) -> str:
    """Return the reply to a user who left the waitlist."""
    return _text(
        registration_views.unregistered(
            UnregisterOutcome(_event(title), a_waitlisted_registration())
        )
    )


def question(
    position: int | None = None,
    *,
    back: int | None = None,
    heir: bool = False,
    is_open: bool = True,
    **event: Any,
) -> str:
    """Return the question before unregistering.

    `back` is the position after registering again, `heir` whether someone gets the seat, `is_open` whether the event
    takes registrations.
    """
    own = UserRegistration(a_registration(), _event(YOGA, **event), position)
    return _text(
        registration_views.unregister_question(UnregisterPreview(own, heir, back, is_open))
    )


def kept(position: int | None = None) -> str:
    """Return the reply to a user who decided to stay registered."""
    own = UserRegistration(a_registration(), _event(YOGA), position)
    return _text(registration_views.registration_kept(own))


def taken(registered: int, capacity: int, *, waitlist: int = 0) -> str:
    """Return how many seats a card shows as taken, and how many users are on the waitlist."""
    counts = {"registered_count": registered, "waitlist_count": waitlist, "capacity": capacity}
    shown = occupancy(_event(YOGA, **counts))
    return shown if waitlist else shown.partition(" · ")[0]


def refusal(error: errors.RollcallError) -> str:
    """Return the reply to a request that was refused."""
    return as_typed(error_messages.sentence(error))


def not_registered(title: str = YOGA) -> str:
    """Return the reply to a user who is not registered."""
    return refusal(errors.NotRegistered("yoga", title, "ada"))


def closed(because: ClosedReason, since: datetime | None = None) -> str:
    """Return the reply to a user who registers for an event that takes no registrations."""
    return refusal(errors.RegistrationClosed("yoga", YOGA, because, since))


def over(since: datetime) -> str:
    """Return the reply to a user who unregisters from an event that is over."""
    return refusal(errors.EventOver("yoga", YOGA, since))


def notified(kind: NotificationKind, *changes: Change, title: str = YOGA, **values: Any) -> str:
    """Return the first sentences of a notification. `changes` are those of its commit."""
    about = EventSummary.of(_event(title))
    notification = Notification(kind=kind, user_id="ada", **values)
    entry = JournalEntry(
        event_id="yoga", version=1, plan_id="p", at=START, changes=changes, about=about
    )
    return as_typed(notification_message(notification, entry).text.partition("\n")[0])


def promoted(*, by_capacity: bool = False) -> str:
    """Return the promotion message."""
    cause = Cause.CAPACITY_INCREASED if by_capacity else Cause.SEAT_FREED
    change = Change(kind=ChangeKind.PROMOTED, user_id="ada", cause=cause)
    return notified(NotificationKind.PROMOTED, change)


EVENT_GONE = refusal(errors.UnknownEvent("yoga"))
EVENT_CANCELED = refusal(errors.EventCanceled("yoga"))
NOT_ORGANIZER = refusal(errors.NotOrganizer("yoga", "ada"))
BUSY = refusal(errors.Busy())
TOO_LATE = refusal(errors.TooLate())
NOT_CONFIRMED = refusal(errors.NotConfirmed(Future()))
UNEXPECTED = error_messages.unexpected("").text.partition("`")[0]


def _event(title: str, **values: Any) -> Event:
    return an_event(title=title, **values)


def _text(message: Message) -> str:
    return as_typed(message.text)
