"""Editing an event: changes, wrong input, and notifications (R8.8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.browsing.choice_views import NONE_ORGANIZED
from bot.features.event_form.end_choices import NO_END
from bot.features.event_form.views import (
    NO_CHANGES,
    NOTE_NOT_SENT,
    NOTE_NOT_SENT_ONCE_OVER,
    NOTE_WITHOUT_READERS,
)
from bot.slack.error_messages import FieldProblem, field_error
from domain.enums import ChangeKind, NotificationKind
from domain.inputs import EventChanges
from domain.models import Event
from playground.demo.seed import RANDOM
from playground.workspace.model import View
from tests.support.notifications.message_kinds import kind_of
from tests.support.slack import sentences
from tests.support.slack.event_form import INPUTS, offered_ends
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, reply
from tests.support.slack.modals import (
    GONE,
    NOT_ALLOWED,
    form,
    manage_modal,
    press,
    said,
    submit,
    top,
)

BERLIN = ZoneInfo("Europe/Berlin")
THE_YEAR_OF_THE_CLOCKS = 2037
"""Berlin's clocks go forward on March 29, and back on October 25."""


def yoga(harness: SlackHarness, **values: Any) -> None:
    harness.event(organizer_id=BJORN, capacity=1, **values)
    harness.register(CHLOE, DIEGO)


def test_form_shows_current_event(harness: SlackHarness) -> None:
    yoga(
        harness,
        description="Bring a mat",
        co_organizer_ids=[HARUKI],
        ends_at=harness.clock.now() + timedelta(days=2, hours=1),
    )
    view = form(harness, ActionId.EDIT)
    event = harness.bot.service.get_event("yoga")
    state = {block: next(iter(inputs.values())) for block, inputs in view.state.items()}
    assert state["title"]["value"] == "Yoga in the park"
    assert state["description"]["value"] == "Bring a mat"
    assert state["co_organizer_ids"]["selected_users"] == [HARUKI]
    assert [one["value"] for one in state["reminders"]["selected_options"]] == ["1440", "60"]
    local = event.starts_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert state["starts_at"]["selected_date"] == f"{local:%Y-%m-%d}"
    assert state["starts_at_time"]["selected_time"] == f"{local:%H:%M}"
    assert state["ends_at_time"]["selected_option"]["value"] == "60 min"
    assert state["ends_at"]["selected_date"] is None


def test_form_shows_when_an_event_of_days_ends(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    yoga(harness, ends_at=starts_at + timedelta(hours=25))
    view = form(harness, ActionId.EDIT)
    state = {block: next(iter(inputs.values())) for block, inputs in view.state.items()}
    ends = (starts_at + timedelta(hours=25)).astimezone(ZoneInfo("Europe/Berlin"))
    assert state["ends_at_time"]["selected_option"]["value"] == f"{ends:%H:%M}"
    assert state["ends_at"]["selected_date"] == f"{ends:%Y-%m-%d}"


def test_duration_sets_the_end_and_notifies(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    offered_ends(harness, view, "90 min")
    assert harness.slack.submit(BJORN, view.id, {INPUTS[BlockId.END]: "90 min"}).errors == {}
    event = harness.bot.service.get_event("yoga")
    shown = event.starts_at.replace(second=0, microsecond=0)
    assert event.ends_at == shown + timedelta(minutes=90)
    harness.deliver_due(5)
    (message,) = harness.direct_messages(CHLOE)
    assert kind_of(message) == NotificationKind.MOVED


# The end of a short event moves with its start


def edited(harness: SlackHarness, view: View, **values: Any) -> Event:
    """Submit a form with these values, by names of `BlockId`; return the event after that."""
    given = {INPUTS[BlockId[name]]: value for name, value in values.items()}
    if "END" in values:
        offered_ends(harness, view, "3h" if values["END"] == "180 min" else "")
    assert harness.slack.submit(BJORN, view.id, given).errors == {}
    return harness.bot.service.get_event("yoga")


@pytest.mark.parametrize(
    ("month", "day", "at"),
    [(7, 1, "09:00"), (7, 1, "23:30"), (10, 25, "01:30"), (3, 29, "01:30")],
    ids=["another day", "over midnight", "clocks go back", "clocks go forward"],
)
def test_new_start_keeps_how_long_the_event_lasts(
    harness: SlackHarness, month: int, day: int, at: str
) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    yoga(harness, ends_at=starts_at + timedelta(minutes=90))
    date = f"{THE_YEAR_OF_THE_CLOCKS}-{month:02}-{day:02}"
    event = edited(harness, form(harness, ActionId.EDIT), START_DATE=date, START_TIME=at)
    assert f"{event.starts_at.astimezone(BERLIN):%Y-%m-%d %H:%M}" == f"{date} {at}"
    assert event.ends_at == event.starts_at + timedelta(minutes=90)


def test_new_time_zone_keeps_how_long_the_event_lasts(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    yoga(harness, ends_at=starts_at + timedelta(minutes=90))
    view = form(harness, ActionId.EDIT)
    harness.slack.options(BJORN, view, ActionId.TIME_ZONE, query="lima")
    event = edited(harness, view, TIME_ZONE="America/Lima")
    assert event.starts_at > starts_at
    assert event.ends_at == event.starts_at + timedelta(minutes=90)


def test_new_start_of_an_event_without_end_adds_none(harness: SlackHarness) -> None:
    yoga(harness)
    assert edited(harness, form(harness, ActionId.EDIT), START_TIME="23:59").ends_at is None


def test_end_of_a_short_event_can_be_taken_back(harness: SlackHarness) -> None:
    yoga(harness, ends_at=harness.clock.now() + timedelta(days=2, hours=2))
    view = form(harness, ActionId.EDIT)
    assert edited(harness, view, END=NO_END, START_TIME="23:59").ends_at is None


def test_end_date_that_contradicts_how_long_the_event_lasts_is_a_field_error(
    harness: SlackHarness,
) -> None:
    yoga(harness, ends_at=harness.clock.now() + timedelta(days=2, hours=2))
    before = harness.everything()
    result = submit(harness, form(harness, ActionId.EDIT), {BlockId.END_DATE: "2099-01-01"})
    assert result.errors == {BlockId.END_DATE: field_error(FieldProblem.ENDS_ON_ANOTHER_DAY)}
    assert harness.everything() == before


def test_start_whose_end_is_past_the_last_year_is_a_field_error(harness: SlackHarness) -> None:
    yoga(harness, ends_at=harness.clock.now() + timedelta(days=2, hours=2))
    result = submit(harness, form(harness, ActionId.EDIT), {BlockId.START_DATE: "9999-12-31"})
    assert result.errors == {BlockId.END: field_error(FieldProblem.NO_SUCH_MOMENT)}


def test_new_start_keeps_how_long_another_organizer_lets_the_event_last(
    harness: SlackHarness,
) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    yoga(harness, ends_at=starts_at + timedelta(hours=2))
    view = form(harness, ActionId.EDIT)
    harness.bot.service.edit_event(
        "yoga", EventChanges.of(ends_at=starts_at + timedelta(minutes=45))
    )
    event = edited(harness, view, START_TIME="23:59")
    assert event.ends_at == event.starts_at + timedelta(minutes=45)


def test_new_length_counts_from_the_start_that_another_organizer_chose(
    harness: SlackHarness,
) -> None:
    starts_at = (harness.clock.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    yoga(harness, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    view = form(harness, ActionId.EDIT)
    moved = EventChanges.of(
        starts_at=starts_at + timedelta(days=9), ends_at=starts_at + timedelta(days=9, hours=2)
    )
    harness.bot.service.edit_event("yoga", moved)
    event = edited(harness, view, END="180 min")
    assert event.starts_at == starts_at + timedelta(days=9)
    assert event.ends_at == event.starts_at + timedelta(hours=3)


def test_other_changes_leave_times_to_another_organizer(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    yoga(harness, ends_at=starts_at + timedelta(hours=2))
    view = form(harness, ActionId.EDIT)
    moved = EventChanges.of(
        starts_at=starts_at + timedelta(days=9), ends_at=starts_at + timedelta(days=10)
    )
    harness.bot.service.edit_event("yoga", moved)
    event = edited(harness, view, TITLE="Pilates")
    assert (event.starts_at, event.ends_at) == (moved.starts_at, moved.ends_at)


# Two organizers change the same time


@pytest.fixture
def starts_at(harness: SlackHarness) -> datetime:
    """Return a start in the evening, a week from now."""
    local = harness.clock.now().astimezone(BERLIN) + timedelta(days=7)
    return local.replace(hour=18, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize("later_by", [-2, 2], ids=["earlier", "later"])
def test_end_as_a_time_is_refused_after_another_organizer_moved_the_event(
    harness: SlackHarness, starts_at: datetime, later_by: int
) -> None:
    yoga(harness, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    view = form(harness, ActionId.EDIT)
    move(harness, timedelta(days=later_by))
    assert refused(harness, view, END="21:30", offered="9:30 PM") == {BlockId.END}


@pytest.mark.parametrize("lasts", [timedelta(hours=2), timedelta(days=3)], ids=["short", "days"])
def test_start_is_refused_after_another_organizer_moved_the_event(
    harness: SlackHarness, starts_at: datetime, lasts: timedelta
) -> None:
    yoga(harness, starts_at=starts_at, ends_at=starts_at + lasts)
    view = form(harness, ActionId.EDIT)
    move(harness, timedelta(days=9))
    assert refused(harness, view, START_TIME="19:00") == {BlockId.START_TIME}


def test_start_is_refused_after_another_organizer_changed_an_end_that_does_not_move(
    harness: SlackHarness, starts_at: datetime
) -> None:
    yoga(harness, starts_at=starts_at, ends_at=starts_at + timedelta(days=3))
    view = form(harness, ActionId.EDIT)
    harness.bot.service.edit_event("yoga", EventChanges.of(ends_at=starts_at + timedelta(days=2)))
    day = (starts_at + timedelta(days=2, hours=1)).date().isoformat()
    assert refused(harness, view, START_DATE=day) == {BlockId.START_TIME}


def test_length_is_refused_after_another_organizer_changed_it(
    harness: SlackHarness, starts_at: datetime
) -> None:
    yoga(harness, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    view = form(harness, ActionId.EDIT)
    harness.bot.service.edit_event("yoga", EventChanges.of(ends_at=starts_at + timedelta(hours=1)))
    assert refused(harness, view, END="180 min", offered="3h") == {BlockId.END}


def test_time_is_refused_after_another_organizer_changed_the_time_zone(
    harness: SlackHarness, starts_at: datetime
) -> None:
    yoga(harness, starts_at=starts_at)
    view = form(harness, ActionId.EDIT)
    harness.bot.service.edit_event("yoga", EventChanges.of(time_zone="America/Lima"))
    assert refused(harness, view, START_TIME="19:00") == {BlockId.START_TIME}


def test_deadline_is_refused_after_another_organizer_changed_it(
    harness: SlackHarness, starts_at: datetime
) -> None:
    deadline = starts_at - timedelta(days=2)
    yoga(harness, starts_at=starts_at, registration_deadline=deadline)
    view = form(harness, ActionId.EDIT)
    earlier = EventChanges.of(registration_deadline=deadline - timedelta(days=1))
    harness.bot.service.edit_event("yoga", earlier)
    assert refused(harness, view, DEADLINE_TIME="19:00") == {BlockId.DEADLINE_TIME}


def test_times_sent_twice_are_no_collision(harness: SlackHarness, starts_at: datetime) -> None:
    yoga(harness, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    view = form(harness, ActionId.EDIT)
    offered_ends(harness, view, "9:30 PM")
    values = {INPUTS[BlockId.START_TIME]: "19:00", INPUTS[BlockId.END]: "21:30"}
    harness.slack.submit(BJORN, view.id, values)
    again = harness.workspace.views.open(BJORN, view.body, None)
    offered_ends(harness, again, "9:30 PM")
    assert NO_CHANGES in said(harness.slack.submit(BJORN, again.id, values).view)


def move(harness: SlackHarness, by: timedelta) -> None:
    """Let another organizer move the event."""
    event = harness.bot.service.get_event("yoga")
    assert event.ends_at is not None
    moved = EventChanges.of(starts_at=event.starts_at + by, ends_at=event.ends_at + by)
    harness.bot.service.edit_event("yoga", moved)


def refused(harness: SlackHarness, view: View, *, offered: str = "", **values: str) -> set[str]:
    """Submit a form that collides, and return the inputs that say so. Nothing is saved."""
    before = harness.everything()
    if offered:
        offered_ends(harness, view, offered)
    given = {INPUTS[BlockId[name]]: value for name, value in values.items()}
    errors = harness.slack.submit(BJORN, view.id, given).errors
    assert set(errors.values()) == {field_error(FieldProblem.CHANGED_MEANWHILE)}
    assert harness.everything() == before
    return set(errors)


SECOND_HALF_PAST_TWO = datetime.fromisoformat(f"{THE_YEAR_OF_THE_CLOCKS}-10-25T01:30:00+00:00")
"""A start in the hour that comes twice in Berlin."""


def test_form_shows_how_long_an_event_lasts_that_starts_in_the_repeated_hour(
    harness: SlackHarness,
) -> None:
    yoga(harness, starts_at=SECOND_HALF_PAST_TWO, ends_at=SECOND_HALF_PAST_TWO + timedelta(hours=2))
    (end,) = form(harness, ActionId.EDIT).state[BlockId.END].values()
    assert end["selected_option"]["value"] == "120 min"


def test_new_length_counts_from_a_start_in_the_repeated_hour(harness: SlackHarness) -> None:
    yoga(harness, starts_at=SECOND_HALF_PAST_TWO, ends_at=SECOND_HALF_PAST_TWO + timedelta(hours=2))
    event = edited(harness, form(harness, ActionId.EDIT), END="180 min")
    assert event.starts_at == SECOND_HALF_PAST_TWO
    assert event.ends_at == SECOND_HALF_PAST_TWO + timedelta(hours=3)


@pytest.mark.parametrize(
    ("starts", "lasts"),
    [
        ("07-01T16:00:40", timedelta(seconds=30)),
        ("07-01T16:00:40", timedelta(minutes=90, seconds=25)),
        ("07-01T16:00:40", timedelta(days=1, seconds=59)),
        ("07-01T16:00:00", timedelta(days=3)),
        ("10-24T23:30:00", timedelta(hours=2)),
        ("10-25T01:30:00", timedelta(hours=2)),
        ("10-24T10:00:00", timedelta(hours=25)),
        ("03-28T23:30:00", timedelta(hours=2)),
    ],
    ids=[
        *("half a minute", "seconds", "a day", "days"),
        *("ends in the repeated hour", "starts in the repeated hour", "clocks go back"),
        "clocks go forward",
    ],
)
def test_unchanged_times_stay_to_the_second(
    harness: SlackHarness, starts: str, lasts: timedelta
) -> None:
    starts_at = datetime.fromisoformat(f"{THE_YEAR_OF_THE_CLOCKS}-{starts}+00:00")
    yoga(harness, starts_at=starts_at, ends_at=starts_at + lasts)
    event = edited(harness, form(harness, ActionId.EDIT), TITLE="Pilates")
    assert (event.title, event.starts_at, event.ends_at) == (
        "Pilates",
        starts_at,
        starts_at + lasts,
    )


def test_unchanged_form_changes_nothing(harness: SlackHarness) -> None:
    yoga(harness, description="Two\nlines")
    before = harness.everything()
    result = submit(harness, form(harness, ActionId.EDIT))
    assert NO_CHANGES in said(result.view)
    assert harness.everything() == before


def test_only_touched_fields_are_changed(harness: SlackHarness) -> None:
    """Changes of another organizer while the form is open stay."""
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    harness.bot.service.edit_event("yoga", EventChanges.of(description="Bring a mat"))
    submit(harness, view, {BlockId.TITLE: "Yoga by the lake"})
    event = harness.bot.service.get_event("yoga")
    assert (event.title, event.description) == ("Yoga by the lake", "Bring a mat")


def test_note_about_a_new_location_reaches_attendees(harness: SlackHarness) -> None:
    yoga(harness)
    submit(
        harness,
        form(harness, ActionId.EDIT),
        {BlockId.LOCATION: "Room 2", BlockId.NOTE: "The lawn is wet."},
    )
    notes = [
        notification.note
        for entry in harness.bot.service.list_history("yoga").items
        for notification in entry.notifications
    ]
    assert "The lawn is wet." in notes


def test_form_says_when_the_note_is_sent(harness: SlackHarness) -> None:
    yoga(harness)
    blocks = form(harness, ActionId.EDIT).blocks
    (note,) = [block for block in blocks if block["block_id"] == BlockId.NOTE]
    assert "time or location" in note["hint"]["text"]


def test_note_that_is_not_sent_is_named_in_the_reply(harness: SlackHarness) -> None:
    yoga(harness)
    changed = {BlockId.TITLE: "Pilates", BlockId.NOTE: "The lawn is wet."}
    assert NOTE_NOT_SENT in said(submit(harness, form(harness, ActionId.EDIT), changed).view)
    moved = {BlockId.LOCATION: "Room 2", BlockId.NOTE: "The lawn is wet."}
    assert NOTE_NOT_SENT not in said(submit(harness, form(harness, ActionId.EDIT), moved).view)


def test_note_once_the_event_is_over_is_neither_sent_nor_kept(harness: SlackHarness) -> None:
    """The history must not claim that attendees got it."""
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    harness.clock.advance(timedelta(days=2, minutes=1))
    moved = {BlockId.LOCATION: "Room 2", BlockId.NOTE: "The lawn is wet."}
    assert NOTE_NOT_SENT_ONCE_OVER in said(submit(harness, view, moved).view)
    (entry, *_) = harness.bot.service.list_history("yoga").items
    assert [change.note for change in entry.changes] == [None]


def test_note_as_the_only_input_is_named_in_the_reply(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    answered = said(submit(harness, view, {BlockId.NOTE: "The lawn is wet."}).view)
    assert NO_CHANGES in answered
    assert NOTE_NOT_SENT in answered


def test_note_with_a_location_that_was_saved_meanwhile_is_named_in_the_reply(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    moved = {BlockId.LOCATION: "Room 2", BlockId.NOTE: "The lawn is wet."}
    assert NOTE_NOT_SENT in said(submit(harness, view, moved).view)


def test_note_that_nobody_gets_is_named_in_the_reply(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    moved = {BlockId.LOCATION: "Room 2", BlockId.NOTE: "The lawn is wet."}
    view = form(harness, ActionId.EDIT)
    assert NOTE_WITHOUT_READERS in said(submit(harness, view, moved).view)


def test_new_location_notifies_with_old_location(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    result = submit(harness, view, {BlockId.LOCATION: "Room 2"})
    assert "2 people will be notified" in said(result.view)
    harness.deliver_due(5)
    for user_id in (CHLOE, DIEGO):
        (message,) = harness.direct_messages(user_id)
        assert kind_of(message) == NotificationKind.MOVED
        assert "Room 2" in message
        assert "Before:" in message
        assert "Riverside lawn" in message


def test_manage_below_is_updated(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.EDIT), {BlockId.TITLE: "Pilates"})
    assert "Pilates" in said(harness.workspace.views.stack(BJORN)[0])


def test_new_title_notifies_no_one(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.EDIT), {BlockId.TITLE: "Pilates"})
    harness.deliver_due(5)
    assert harness.direct_messages(CHLOE) == []


def test_added_co_organizer_can_manage(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.EDIT), {BlockId.CO_ORGANIZERS: [HARUKI]})
    assert sentences.taken(1, 1) in said(manage_modal(harness, HARUKI))


def test_co_organizer_not_in_slack_is_kept(harness: SlackHarness) -> None:
    yoga(harness, co_organizer_ids=["payroll", CHLOE])
    submit(harness, form(harness, ActionId.EDIT), {BlockId.CO_ORGANIZERS: [HARUKI]})
    assert set(harness.bot.service.get_event("yoga").co_organizer_ids) == {"payroll", HARUKI}


def test_reminders_can_be_dropped(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.EDIT), {BlockId.REMINDERS: []})
    event = harness.bot.service.get_event("yoga")
    assert (event.reminders, event.next_due_at) == ((), event.starts_at)


@pytest.mark.parametrize(
    ("values", "field", "why"),
    [
        ({BlockId.TITLE: " "}, "title", "Must not be empty."),
        ({BlockId.START_DATE: "2020-01-01"}, "starts_at", "Must be in the future."),
        ({BlockId.END_DATE: "2020-01-01"}, "ends_at_time", field_error(FieldProblem.TIME_MISSING)),
        (
            {BlockId.DEADLINE_DATE: "2099-01-01", BlockId.DEADLINE_TIME: "10:00"},
            "registration_deadline",
            "Must not be after the start.",
        ),
    ],
)
def test_wrong_input_is_a_field_error(
    harness: SlackHarness, values: dict[BlockId, str], field: str, why: str
) -> None:
    yoga(harness)
    before = harness.everything()
    assert submit(harness, form(harness, ActionId.EDIT), values).errors == {field: why}
    assert harness.everything() == before


def test_non_organizer_is_refused(harness: SlackHarness) -> None:
    """A non-organizer can neither open the form nor submit one opened as organizer."""
    yoga(harness, co_organizer_ids=[HARUKI])
    view = form(harness, ActionId.EDIT, HARUKI)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    result = submit(harness, view, {BlockId.TITLE: "Mine"}, HARUKI)
    assert NOT_ALLOWED in said(result.view)
    assert harness.everything() == before


def test_admin_can_edit(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.EDIT, AMARA), {BlockId.TITLE: "Pilates"}, AMARA)
    assert harness.bot.service.get_event("yoga").title == "Pilates"


def test_submit_twice_changes_and_notifies_once(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    submit(harness, view, {BlockId.LOCATION: "Room 2"})
    # The same request, as a retry after a lost answer would bring it.
    again = harness.workspace.views.open(BJORN, view.body, None)
    result = submit(harness, again, {BlockId.LOCATION: "Room 2"})
    assert NO_CHANGES in said(result.view)
    harness.deliver_due(5)
    assert len(harness.direct_messages(CHLOE)) == 1
    changes = [
        one for entry in harness.store.list_journal("yoga", limit=50) for one in entry.changes
    ]
    assert [one.kind for one in changes].count(ChangeKind.EDITED) == 1


def test_deleted_event_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(submit(harness, view, {BlockId.TITLE: "Pilates"}).view)
    assert NONE_ORGANIZED in reply(harness.slack.command(BJORN, RANDOM, "/event", "yoga"))


def test_canceled_event_is_not_edited(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    harness.bot.service.cancel_event("yoga")
    result = submit(harness, view, {BlockId.TITLE: "Pilates"})
    assert sentences.EVENT_CANCELED in said(result.view)
    assert harness.bot.service.get_event("yoga").title == "Yoga in the park"


def test_stale_manage_modal_says_event_is_gone(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(press(harness, ActionId.EDIT))
    assert top(harness).title == "Manage event"
