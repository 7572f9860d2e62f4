"""Editing a date of a series: only that one, or all later ones, too (R13.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.blocks.formatting import long_date
from bot.blocks.ids import ActionId, BlockId
from bot.features.event_form.edit_series_views import OPEN_DATES_STAY
from bot.features.event_form.views import NO_CHANGES
from bot.slack.error_messages import FieldProblem, field_error
from domain.enums import NotificationKind
from domain.inputs import EventChanges, RecurrenceDraft
from domain.models import Event
from playground.workspace.model import View
from tests.support.series import new_series
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, reply
from tests.support.slack.modals import manage_modal, press, said, submit, top


def series(harness: SlackHarness, **values: Any) -> Event:
    """Create a series of Bjorn's whose first three dates were created. It takes place at noon in UTC."""
    starts_at = (harness.clock.now() + timedelta(days=2)).replace(hour=12)
    return new_series(
        harness.bot.service, starts_at=starts_at, organizer_id=BJORN, days_ahead=17, **values
    )


def titles(harness: SlackHarness) -> list[str]:
    """Return the titles of the three dates, and that of the series."""
    ids = ("yoga-1", "yoga-2", "yoga-3", "yoga")
    return [harness.bot.service.get_event(event_id).title for event_id in ids]


def form(harness: SlackHarness, event_id: str, action: ActionId) -> View:
    """Open Manage of a date, press Edit, and answer the question."""
    manage_modal(harness, event_id=event_id)
    press(harness, ActionId.EDIT)
    return press(harness, action)


def test_edit_asks_and_the_form_replaces_the_question(harness: SlackHarness) -> None:
    series(harness)
    manage_modal(harness, event_id="yoga-2")
    question = said(press(harness, ActionId.EDIT))
    assert "[edit_this_date]" in question
    assert "[edit_later_dates]" in question
    press(harness, ActionId.EDIT_LATER_DATES)
    assert len(harness.workspace.views.stack(BJORN)) == 2


def test_only_this_date_changes_and_keeps_it(harness: SlackHarness) -> None:
    series(harness)
    view = form(harness, "yoga-2", ActionId.EDIT_THIS_DATE)
    submit(harness, view, {BlockId.TITLE: "Yoga with a guest"})
    assert titles(harness) == ["Yoga", "Yoga with a guest", "Yoga", "Yoga"]
    view = form(harness, "yoga-1", ActionId.EDIT_LATER_DATES)
    text = said(submit(harness, view, {BlockId.TITLE: "Pilates"}).view)
    assert titles(harness) == ["Pilates", "Yoga with a guest", "Pilates", "Pilates"]
    assert "1 of them keeps what was changed" in text


def test_this_and_later_leaves_earlier_dates(harness: SlackHarness) -> None:
    series(harness)
    view = form(harness, "yoga-2", ActionId.EDIT_LATER_DATES)
    submit(harness, view, {BlockId.TITLE: "Pilates"})
    assert titles(harness) == ["Yoga", "Pilates", "Pilates", "Pilates"]
    assert "*Pilates*" in said(harness.workspace.views.stack(BJORN)[0])


def test_other_time_notifies_each_date_once_and_says_so(harness: SlackHarness) -> None:
    series(harness)
    harness.register(CHLOE, event_id="yoga-2")
    view = form(harness, "yoga-2", ActionId.EDIT_LATER_DATES)
    text = said(submit(harness, view, {BlockId.START_TIME: "20:15"}).view)
    assert "1 person will be notified of the change." in text
    days = [long_date(harness.bot.service.get_event(f"yoga-{n}").starts_at) for n in (2, 3)]
    assert f"{'; '.join(days)}. All later dates will have the new values, too." in text
    harness.deliver_due()
    assert len([one for one in harness.direct_messages(CHLOE) if "time of" in one]) == 1
    minutes = [harness.bot.service.get_event(f"yoga-{n}").starts_at.minute for n in (1, 2, 3)]
    assert minutes[1:] == [15, 15]


def test_everything_to_come_is_edited_from_the_series(harness: SlackHarness) -> None:
    series(harness)
    manage_modal(harness)
    view = press(harness, ActionId.EDIT_SERIES)
    submit(harness, view, {BlockId.LOCATION: "Hall"})
    events = [harness.bot.service.get_event(f"yoga-{n}") for n in (1, 2, 3)]
    assert [one.location for one in events] == ["Hall"] * 3
    assert not events[0].occurrence or events[0].occurrence.own_fields == ()


def test_series_without_created_dates_is_edited(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=90)
    new_series(harness.bot.service, starts_at=starts_at, organizer_id=BJORN)
    manage_modal(harness)
    view = press(harness, ActionId.EDIT_SERIES)
    text = said(submit(harness, view, {BlockId.TITLE: "Pilates"}).view)
    assert "All dates that aren’t open yet" in text
    assert harness.bot.service.get_event("yoga").title == "Pilates"


def test_nothing_that_was_touched_is_nothing_saved(harness: SlackHarness) -> None:
    series(harness)
    view = form(harness, "yoga-2", ActionId.EDIT_LATER_DATES)
    version = harness.bot.service.get_event("yoga").version
    assert NO_CHANGES in said(submit(harness, view).view)
    assert harness.bot.service.get_event("yoga").version == version


def test_field_that_was_left_alone_keeps_another_organizers_change(harness: SlackHarness) -> None:
    series(harness)
    view = form(harness, "yoga-1", ActionId.EDIT_LATER_DATES)
    harness.bot.service.edit_series("yoga", EventChanges.of(location="Hall"), number=1)
    submit(harness, view, {BlockId.TITLE: "Pilates"})
    event = harness.bot.service.get_event("yoga-3")
    assert (event.title, event.location) == ("Pilates", "Hall")


def test_time_that_someone_else_changed_meanwhile_is_refused(harness: SlackHarness) -> None:
    starts_at = series(harness).starts_at
    view = form(harness, "yoga-1", ActionId.EDIT_LATER_DATES)
    later = EventChanges.of(starts_at=starts_at + timedelta(hours=3))
    harness.bot.service.edit_series("yoga", later, number=1)
    result = submit(harness, view, {BlockId.START_TIME: "20:15"})
    assert field_error(FieldProblem.CHANGED_MEANWHILE) in (result.errors or {}).values()


def test_new_question_is_asked_of_later_dates(harness: SlackHarness) -> None:
    series(harness)
    form(harness, "yoga-2", ActionId.EDIT_LATER_DATES)
    view = press(harness, ActionId.ADD_QUESTION_TO_EVENT)
    result = harness.slack.submit(
        BJORN, view.id, {("question_1_text", ActionId.INPUT): "Mat?"}, client_checks=False
    )
    assert result.failure is None
    asked = [len(harness.bot.service.get_event(f"yoga-{n}").questions) for n in (1, 2, 3)]
    assert asked == [0, 1, 1]


def test_series_that_has_ended_leaves_only_this_date(harness: SlackHarness) -> None:
    series(harness)
    view = form(harness, "yoga-2", ActionId.EDIT_LATER_DATES)
    harness.bot.service.end_series("yoga")
    text = reply(submit(harness, view, {BlockId.TITLE: "Pilates"}))
    assert "This series has ended" in text
    assert titles(harness)[1] == "Yoga"
    manage_modal(harness, event_id="yoga-2")
    press(harness, ActionId.EDIT)
    assert top(harness).title == "Edit event"
    assert "title" in top(harness).state


def test_form_of_an_event_does_not_change_a_series(harness: SlackHarness) -> None:
    """Its metadata is forged: a series' own values are changed by the form of a series only."""
    series(harness)
    view = form(harness, "yoga-1", ActionId.EDIT_THIS_DATE)
    view.body["private_metadata"] = view.private_metadata.replace('"yoga-1"', '"yoga"')
    before = harness.everything()
    text = reply(submit(harness, view, {BlockId.TITLE: "Pilates"}))
    assert "one date of a series at a time" in text
    assert harness.everything() == before


def test_moves_are_said_once_per_date(harness: SlackHarness) -> None:
    series(harness)
    for number in (2, 3):
        harness.register(CHLOE, event_id=f"yoga-{number}")
    view = form(harness, "yoga-2", ActionId.EDIT_LATER_DATES)
    note = {BlockId.LOCATION: "Hall", BlockId.NOTE: "The park is closed."}
    assert "once for each date" in said(submit(harness, view, note).view)
    for number, count in ((1, 0), (2, 1), (3, 1)):
        entries = harness.store.list_journal(f"yoga-{number}", limit=20)
        moved = [
            one
            for entry in entries
            for one in entry.notifications
            if one.kind is NotificationKind.MOVED
        ]
        assert [one.note for one in moved] == ["The park is closed."] * count


class TestRule:
    """How the series repeats from a date on."""

    def test_later_dates_follow_the_new_rule(self, harness: SlackHarness) -> None:
        starts_at = series(harness, times=8).starts_at
        view = form(harness, "yoga-2", ActionId.EDIT_LATER_DATES)
        text = said(submit(harness, view, {BlockId.REPEATS: "weekly_2"}).view)
        assert OPEN_DATES_STAY in text
        coming = harness.bot.service.get_series("yoga").coming
        assert [(day - starts_at.date()).days // 7 for day, _ in coming] == [3, 5, 7]
        third = harness.bot.service.get_event("yoga-3").starts_at.date()
        assert third == (starts_at + timedelta(weeks=2)).date()

    def test_last_date_is_changed_and_skipped_dates_stay(self, harness: SlackHarness) -> None:
        starts_at = series(harness, times=8).starts_at
        skipped, last = ((starts_at + timedelta(weeks=n)).date() for n in (4, 5))
        harness.bot.service.change_left_out("yoga", leave_out=[skipped])
        view = form(harness, "yoga-1", ActionId.EDIT_LATER_DATES)
        submit(harness, view, {BlockId.UNTIL: last.isoformat()})
        rule = harness.bot.service.get_event("yoga").recurrence
        assert rule is not None
        assert (rule.until, rule.left_out) == (last, (skipped,))
        manage_modal(harness)
        assert "Repeats: Every " in said(press(harness, ActionId.HISTORY))

    def test_rule_that_someone_else_changed_meanwhile_is_refused(
        self, harness: SlackHarness
    ) -> None:
        series(harness)
        view = form(harness, "yoga-1", ActionId.EDIT_LATER_DATES)
        rule = RecurrenceDraft.of(frequency="weekly", interval=2, times=9)
        harness.bot.service.edit_series("yoga", EventChanges(), number=1, recurrence=rule)
        result = submit(harness, view, {BlockId.REPEATS: "weekly_3"})
        assert BlockId.REPEATS in (result.errors or {})

    def test_too_many_dates_are_refused_at_their_field(self, harness: SlackHarness) -> None:
        starts_at = series(harness).starts_at
        view = form(harness, "yoga-1", ActionId.EDIT_LATER_DATES)
        late = (starts_at + timedelta(weeks=60)).date()
        result = submit(harness, view, {BlockId.UNTIL: late.isoformat()})
        assert "at most 52" in (result.errors or {})[BlockId.UNTIL]


def test_waitlist_stays_where_those_who_missed_a_date_go_first(harness: SlackHarness) -> None:
    series(harness, missed_first=True)
    view = form(harness, "yoga-1", ActionId.EDIT_LATER_DATES)
    result = submit(harness, view, {BlockId.OPTIONS: []})
    assert list(result.errors) == [BlockId.OPTIONS]
    assert "must stay" in result.errors[BlockId.OPTIONS].lower()
