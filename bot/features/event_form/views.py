"""The forms that create and edit an event, and their confirmations (R8.7, R8.8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock
from slack_sdk.models.views import View

from bot.blocks.builders import Message, button, context, plain, section, sections, warning
from bot.blocks.formatting import headcount, when_and_where
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import (
    channel_input,
    input_block,
    number_element,
    option_list,
    paragraph_element,
)
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold
from bot.features.cards.views import card_sentence
from bot.features.event_form.end_choices import NO_END, end_label, end_value, ends_meant
from bot.features.event_form.form_content import FormContent
from bot.features.event_form.input_views import (
    about_inputs,
    end_date_input,
    end_input,
    last_inputs,
    location_input,
    options_input,
    question_inputs,
    start_inputs,
    time_zone_input,
    title_input,
)
from bot.features.event_form.repetition_views import (
    edit_rule_inputs,
    opening_inputs,
    repeats_input,
    rule_inputs,
)
from bot.features.event_form.series_views import series_created
from bot.slack.context import CardStatus
from bot.slack.frame_limits import fits
from bot.slack.view_metadata import CreateMetadata, EditMetadata
from domain.commands import ChangeOutcome
from domain.enums import CreationWarning
from domain.inputs import MAX_REASON_LENGTH
from domain.models import Event


def create_form(
    event_id: str,
    content: FormContent,
    *,
    is_complete: bool = False,
    is_copy: bool = False,
    warnings: Sequence[CreationWarning] = (),
    preview: Sequence[str] = (),
    warned: str = "",
) -> View:
    """Ask for a new event (R8.7). `event_id` is already chosen, so a second submit creates nothing (R8.13).

    Until it is complete, the form has what most events need, and a button for the rest. A form filled in
    from another event says that it is a copy. `warnings` and the `preview` of a series stand at the top;
    `warned` is their fingerprint. A series is not created without a preview (R13.1).
    """
    blocks = _all_inputs(content, event_id) if is_complete else _first_inputs(content, event_id)
    if is_copy:
        blocks.insert(0, context(COPY_NOTE))
    blocks = [*sections(preview), *([DividerBlock()] if preview else []), *blocks]
    if warnings:
        blocks.insert(0, warning(warning_text(warnings, is_previewed=bool(preview))))
    needs_preview = content.repetition.repeats and not preview
    metadata = {
        "event_id": event_id,
        "time_zone": content.time_zone,
        "warned": "" if needs_preview else warned,
        "is_copy": is_copy,
    }
    return View(
        type="modal",
        callback_id=CallbackId.CREATE_EVENT,
        private_metadata=json.dumps(metadata),
        title=plain("Create event"),
        submit=plain("Preview" if needs_preview else "Create"),
        close=plain("Cancel"),
        blocks=blocks,
    )


def form_to_confirm(
    form: CreateMetadata,
    content: FormContent,
    warnings: Sequence[CreationWarning],
    preview: Sequence[str] = (),
    *,
    is_complete: bool,
) -> View:
    """Show the form that was submitted again, with warnings (R12.6) or the preview of a series (R13.1).

    The acknowledgement must carry it. If the texts are too long for that, it has none of the long ones: Slack keeps
    what was typed into an input that stays.
    """
    texts = (content, _without_long_texts(content))
    whole, short = (
        create_form(
            form.event_id,
            one,
            is_complete=is_complete,
            is_copy=form.is_copy,
            warnings=warnings,
            preview=preview,
            warned=form.warned,
        )
        for one in texts
    )
    return whole if fits(whole.to_dict()) else short


def _without_long_texts(content: FormContent) -> FormContent:
    questions = tuple(replace(slot, text="", options="") for slot in content.questions)
    repetition = replace(content.repetition, left_out="")
    return replace(
        content,
        location="",
        description="",
        join_link="",
        questions=questions,
        repetition=repetition,
    )


def warning_text(warnings: Sequence[CreationWarning], *, is_previewed: bool = False) -> str:
    """Say what to check before an event is created, and how to create it all the same (R12.6).

    The preview of a series says how.
    """
    found = " ".join(_WARNINGS[warning] for warning in warnings)
    return found if is_previewed else f"{found} If that’s right, press *Create* again."


COPY_NOTE = "This is a copy. All times are one week later, and attendees aren’t copied."

_WARNINGS = {
    CreationWarning.SAME_EVENT: "There’s already an event with this title and start.",
    CreationWarning.FAR_AWAY: "The start is more than two years away.",
}


def _first_inputs(content: FormContent, event_id: str) -> list[Block]:
    zone = content.time_zone
    return [
        title_input(content),
        *start_inputs(content),
        end_input(
            content,
            "Type a time on the same day or how long the event lasts, and choose it from the list.",
        ),
        # Never a zone that nobody chose: times in it would be wrong, and nobody would see that.
        context(times_in(zone)) if zone else time_zone_input(content),
        *_dates_inputs(content),
        location_input(content),
        *_seats_and_channel(content, _WAITLIST),
        *opening_inputs(content.repetition),
        ActionsBlock(elements=[button("More options", ActionId.MORE_OPTIONS, event_id)]),
    ]


def _all_inputs(content: FormContent, event_id: str) -> list[Block]:
    return [
        title_input(content),
        *start_inputs(content),
        end_input(content, _SAME_DAY),
        end_date_input(content),
        time_zone_input(content),
        *_dates_inputs(content),
        location_input(content),
        *_seats_and_channel(content),
        *opening_inputs(content.repetition),
        *about_inputs(content),
        options_input(content.options, "Show it in event lists even if its channel is private"),
        *last_inputs(content),
        *question_inputs(content.questions, ActionId.ADD_QUESTION, event_id),
    ]


def _dates_inputs(content: FormContent) -> list[Block]:
    return [repeats_input(content.repetition), *rule_inputs(content.repetition)]


def _seats_and_channel(content: FormContent, hint: str | None = None) -> list[Block]:
    channel = channel_input(
        optional=True, channel_id=content.channel_id, is_current=content.uses_current_channel
    )
    seats = number_element(content.capacity)
    return [input_block(BlockId.CAPACITY, "Seats", seats, hint=hint), channel]


def times_in(time_zone: str) -> str:
    """Say which time zone the times of the form are in."""
    return f"Times are in {bold(time_zone)}. To choose another time zone, press *More options*."


def edit_form(form: EditMetadata, content: FormContent, *, note: str = "", about: str = "") -> View:
    """Ask for changes to an event. `form` knows how its fields were shown first (see `changed_fields`).

    `about` says which dates of a series it changes.
    """
    note_element = paragraph_element(MAX_REASON_LENGTH, note)
    return View(
        type="modal",
        callback_id=CallbackId.EDIT_EVENT,
        private_metadata=form.model_dump_json(),
        title=plain("Edit series" if form.series_id else "Edit event"),
        submit=plain("Save"),
        close=plain("Back"),
        blocks=[
            context(about or _ABOUT_EDIT),
            title_input(content),
            *start_inputs(content),
            end_input(content, _SAME_DAY),
            end_date_input(content),
            time_zone_input(content),
            *edit_rule_inputs(content.repetition),
            location_input(content),
            input_block(BlockId.NOTE, "Note to attendees", note_element, optional=True, hint=_NOTE),
            *about_inputs(content),
            options_input(content.options, "Show it in event lists"),
            *last_inputs(content),
            *question_inputs(
                content.questions,
                ActionId.ADD_QUESTION_TO_EVENT,
                form.event_id,
                stored=len(form.questions),
            ),
        ],
    )


_ABOUT_EDIT = (
    "If the time or location changes, all attendees are notified."
    " To change the number of seats, use *Change capacity*."
)
_WAITLIST = (
    "Once they’re all taken, people join a waitlist. When a seat opens up, the next person gets it."
)
_NOTE = "Sent with the message about a new time or location. If neither changes, it isn’t sent."
_SAME_DAY = (
    "Type how long the event lasts or a time, and choose it from the list. Without an end date, a time is"
    " on the same day."
)


def time_zone_options(names: Sequence[str]) -> dict[str, Any]:
    """Return time zones as select options."""
    return option_list((name, name) for name in names[:100])


def end_options(typed: str) -> dict[str, Any]:
    """Return what may be meant by what is typed for the end, as select options. Without anything, also no end."""
    choices = [(end_label(end), end_value(end)) for end in ends_meant(typed)]
    return option_list(choices if typed.strip() else [*choices, ("No end", NO_END)])


def event_created(event: Event, card: CardStatus | None, *, is_privacy_known: bool = True) -> View:
    """Confirm a new event, and say where its card is, if it has one; of a series, the card of its first date."""
    if event.series is not None:
        blocks = series_created(event, event.series, card)
    else:
        blocks = [
            section(f"{bold(event.title)} is open for registration.\n{when_and_where(event)}"),
            section(card_sentence(event, card) if card is not None else NO_CARD),
            context(_how_to_use(event, has_card=card is not None and card.refusal is None)),
        ]
    if not is_privacy_known:
        blocks.append(section(PRIVACY_UNKNOWN))
    title = "Event created" if event.series is None else "Series created"
    return note_modal(title, Message(title, blocks))


def _how_to_use(event: Event, *, has_card: bool) -> str:
    if has_card:
        return "To manage the event, press *Manage* on its card."
    return (
        f"To register, type `/register {event.event_id}`."
        f" To manage the event, type `/event {event.event_id}`."
    )


def event_edited(outcome: ChangeOutcome, *, has_note: bool = False) -> View:
    """Confirm changes to an event, and say who is notified. `has_note`: the organizer wrote one."""
    event = outcome.event
    text = NO_CHANGES
    if outcome.changed:
        text = f"{bold(event.title)} has been updated.\n{when_and_where(event)}"
    attendees = event.registered_count + event.waitlist_count
    if outcome.is_moved and attendees and outcome.notifies:
        text += f"\n{headcount(attendees)} will be notified of the change."
    if outcome.new_questions and attendees:
        text += f"\n{asked(attendees, outcome.new_questions)}"
    if has_note and not (outcome.changed and outcome.is_moved):
        text += f"\n{NOTE_NOT_SENT}"
    elif has_note and not outcome.notifies:
        text += f"\n{NOTE_NOT_SENT_ONCE_OVER}"
    elif has_note and not attendees:
        text += f"\n{NOTE_WITHOUT_READERS}"
    return note_modal("Edit event", Message(text, [section(text)]), close="Back")


def asked(attendees: int, new_questions: int) -> str:
    """Say who is asked questions that were added."""
    asked_what = "question" if new_questions == 1 else "questions"
    return f"{headcount(attendees)} who already signed up will be asked the new {asked_what}."


NO_CARD = (
    "It has no card, because you chose no channel. You can post one with *Post card* in Manage."
)

PRIVACY_UNKNOWN = (
    ":warning: Slack didn’t say whether the channel is private, so the event isn’t in event lists"
    " yet. I’ll ask again, and list it if the channel is public. You can list it yourself with *Edit*."
)

NO_CHANGES = "No changes to save."

NOTE_NOT_SENT = "Your note wasn’t sent, because neither the time nor the location changed."

NOTE_NOT_SENT_ONCE_OVER = "Your note wasn’t sent, because the event is over."

NOTE_WITHOUT_READERS = "Your note wasn’t sent, because no one is registered."
