"""Replies to registering and unregistering (R8.1, R8.4)."""

from __future__ import annotations

from slack_sdk.models.blocks import ActionsBlock, Block

from bot.blocks.builders import Message, button, context, note
from bot.blocks.formatting import ordinal, waitlist_note, when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import bold
from bot.features.browsing import series_views
from bot.features.browsing import views as browsing_views
from bot.features.cards.views import all_of_series_buttons, register_label
from domain.commands import AnswersOutcome, RegisterOutcome, UnregisterOutcome
from domain.enums import EventStatus, RegistrationStatus
from domain.models import Event, SeriesRegistration, UnregisterPreview, UserRegistration

_TITLE = "Your registration"

ONLY_THIS = "Nothing changes for the other dates of this series."


def registered(outcome: RegisterOutcome) -> Message:
    """Tell a user that they have a seat, or their position on the waitlist (R8.4).

    Of a series: that they are registered for all of it, and that its events follow.
    """
    if outcome.event.series is not None:
        result = SeriesRegistration(outcome.event, (), is_finished=False)
        return series_views.registered_for_all(result)
    title = bold(outcome.event.title)
    if outcome.position is None:
        text = f"You have a seat in {title}."
    else:
        text = (
            f"{title} is full. You’re {ordinal(outcome.position)} on the waitlist,"
            " and I’ll message you if you get a seat."
        )
    own = UserRegistration(outcome.registration, outcome.event, outcome.position)
    return _with_buttons(text, own)


def answers_saved(outcome: AnswersOutcome) -> Message:
    """Tell a user that their answers are saved, or that they were so before (R12.3)."""
    title = bold(outcome.event.title)
    text = f"Your answers for {title} have been saved."
    if not outcome.changed:
        text = f"Your answers for {title} are the same as before."
    if outcome.event.series is None:
        return note(text, title="Your answers")
    for_others = "I use them for later dates. Change those for a single date in `/registrations`."
    return note(text, context(for_others), title="Your answers")


def no_questions(event: Event) -> Message:
    """Tell a user that an event has no questions anymore (R12.3)."""
    return note(f"{bold(event.title)} has no questions anymore.", title="Your answers")


def unregistered(outcome: UnregisterOutcome) -> Message:
    """Tell a user that they are no longer registered, and what happens to their seat.

    If they can, one button registers them again (R8.4).
    """
    event = outcome.event
    if event.series is not None:
        return series_views.stopped_late(event)
    title = bold(event.title)
    text = f"You’re no longer registered for {title}."
    if outcome.registration.status is RegistrationStatus.WAITLISTED:
        text = f"You left the waitlist for {title}."
    elif outcome.promoted and event.status is not EventStatus.CANCELED:
        text += " Your seat goes to the next person on the waitlist."
    blocks: list[Block] = []
    if event.occurrence is not None:
        blocks.append(_only_this(event))
    if outcome.can_return:
        label = f"{register_label(event)} again"
        again = button(label, ActionId.CHOOSE_TO_REGISTER, event.event_id)
        blocks.append(ActionsBlock(elements=[again]))
    return note(text, *blocks, title=_TITLE)


def unregister_question(preview: UnregisterPreview) -> Message:
    """Ask before unregistering costs a seat or a position (R8.4), unless the event is canceled."""
    event = preview.registration.event
    title = bold(event.title)
    if event.status is EventStatus.CANCELED:
        return note(f"{title} has been canceled, so you don’t need to unregister.", title=_TITLE)
    if preview.registration.position is not None:
        more = waitlist_note(has_started=preview.registration.has_started)
        cost = f"You’re {ordinal(preview.registration.position)} on the waitlist for {title}.{more}"
    elif preview.next_gets_seat:
        cost = f"Your seat in {title} will go to the next person on the waitlist."
    elif preview.is_open:
        cost = f"{title} is full, so someone else can take your seat right away."
    else:
        cost = f"You have a seat in {title}."
    keep = "Keep my seat" if preview.registration.position is None else "Stay on waitlist"
    leave = browsing_views.leave_label(preview.registration)
    buttons = [
        button(leave, ActionId.UNREGISTER_CONFIRMED, event.event_id, style="danger"),
        button(keep, ActionId.KEEP_REGISTRATION, event.event_id),
    ]
    which = [_only_this(event)] if event.occurrence is not None else []
    return note(cost + _on_return(preview), *which, ActionsBlock(elements=buttons), title=_TITLE)


def _only_this(occurrence: Event) -> Block:
    """Say which date of a series it is about: all of them have the same title."""
    return context(f"{when_and_where(occurrence)} · {ONLY_THIS}")


def _on_return(preview: UnregisterPreview) -> str:
    """Say what a user who leaves would come back to, unless they read already that it is too late for a seat."""
    own = preview.registration
    if own.position is not None and own.has_started:
        return ""
    if preview.position_on_return is not None:
        position = ordinal(preview.position_on_return)
        return f" If you change your mind, you’ll be {position} on the waitlist."
    if not preview.is_open:
        return " Registration has ended, so you won’t be able to register again."
    if own.event.waitlist_count:
        return " No one can join its waitlist anymore, so you’d need a free seat to come back."
    return ""


def registration_kept(registration: UserRegistration, *, is_over: bool = False) -> Message:
    """Tell a user who decided not to unregister what they still have, or that the event has ended meanwhile."""
    title = bold(registration.event.title)
    if registration.event.status is EventStatus.CANCELED:
        return note(f"{title} has been canceled.", title=_TITLE)
    if is_over:
        return note(f"{title} is over.", title=_TITLE)
    if registration.position is None:
        text = f"You still have your seat in {title}."
    else:
        more = waitlist_note(has_started=registration.has_started)
        text = f"You’re still {ordinal(registration.position)} on the waitlist for {title}.{more}"
    return _with_buttons(text, registration)


def _with_buttons(text: str, own: UserRegistration) -> Message:
    """Add time, location and buttons. Only a user with a seat gets the join link and the calendar."""
    event_id = own.event.event_id
    label = browsing_views.leave_label(own)
    buttons = [button(label, ActionId.CHOOSE_TO_UNREGISTER, event_id)]
    if own.position is None:
        buttons.append(button("Add to calendar", ActionId.ADD_TO_CALENDAR, event_id))
    buttons += browsing_views.answer_buttons(own)
    buttons += all_of_series_buttons(own.event)
    join = browsing_views.join_blocks(own)
    details = [context(when_and_where(own.event)), *join, ActionsBlock(elements=buttons)]
    return note(text, *details, title=_TITLE)
