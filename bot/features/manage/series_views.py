"""The Manage modal of a series, and the forms for its capacity and the dates that it skips (R13)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    DividerBlock,
    StaticMultiSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.builders import Message, button, context, plain, section, sections, warning
from bot.blocks.formatting import headcount, long_date, seats
from bot.blocks.fullness import fullness_lines
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block, number_element, option
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold
from bot.blocks.recurrence_text import registration_opens, time_of_day, when_or_rule
from bot.features.manage.attendee_views import attendee_list
from bot.slack.error_messages import capacity_too_low
from domain.commands import ChangeOutcome
from domain.enums import EventStatus
from domain.models import Event, EventRegistrations, Series, SeriesOverview, User

MAX_WITH_BUTTON = 12
"""Dates to come that have a button. With thirty attendees, they fit into the 100 blocks of a view."""

MAX_PAST = 4
"""Past dates that have a button, the last ones."""

MAX_LINES = 40
"""Other dates that are listed without a button."""

MAX_NAMED_DAYS = 3


def manage_series(
    overview: SeriesOverview,
    listing: EventRegistrations,
    users: Mapping[str, User],
    *,
    request_id: str,
    cursor: str | None = None,
    note: str | None = None,
    is_over: bool = False,
) -> View:
    """Show a series: its rule, its dates and how full they are, who registered for all of it, and what to do (R13).

    The parameters are those of `manage_event`.
    """
    event = listing.event
    lines = [bold(event.title), when_or_rule(event), time_of_day(event)]
    blocks: list[Block] = [section("\n".join(lines)), *map(context, _facts(overview))]
    if note is not None:
        blocks.append(context(f"✓ {note}"))
    blocks += _buttons(overview, request_id, is_over=is_over)
    blocks += [DividerBlock(), *_dates(overview)]
    blocks += attendee_list(listing, users, is_first=cursor is None)
    metadata = {"event_id": event.event_id, "cursor": cursor, "request_id": request_id}
    return View(
        type="modal",
        callback_id=CallbackId.MANAGE,
        private_metadata=json.dumps(metadata),
        title=plain("Manage series"),
        close=plain("Close"),
        blocks=blocks,
    )


def _facts(overview: SeriesOverview) -> list[str]:
    """Return what an organizer should know besides the rule, a line each."""
    event = overview.series
    series = event.series
    if series is None:
        return []
    if event.status is EventStatus.CANCELED:
        return [ENDED, *_on_its_way(series)]
    facts = [f"The next dates get {seats(event.capacity)} each. {registration_opens(series)}"]
    if series.missed_first:
        facts.append(MISSED_FIRST)
    if overview.skipped:
        facts.append(f"Skipped: {'; '.join(map(long_date, overview.skipped))}")
    return facts + _on_its_way(series)


ENDED = "This series has ended, so there won’t be any new dates."
MISSED_FIRST = "Those who miss a date because it’s full go first in the next one."


def _on_its_way(series: Series) -> list[str]:
    """Say that a change has not reached all dates yet. It takes a minute at most."""
    if series.carried is None:
        return []
    count = len(series.carried.numbers)
    return [f"The last change is still on its way to {_dates_count(count)}."]


def _dates_count(count: int) -> str:
    return "1 date" if count == 1 else f"{count:,} dates"


def _buttons(overview: SeriesOverview, request_id: str, *, is_over: bool) -> list[Block]:
    event = overview.series

    def of(label: str, action: ActionId, style: str | None = None) -> ButtonElement:
        return button(label, action, event.event_id, style=style)

    about_attendees = [
        *([of("Message attendees", ActionId.MESSAGE_ATTENDEES)] if event.waitlist_count else []),
        button("Export CSV", ActionId.EXPORT, request_id),
        of("History", ActionId.HISTORY),
    ]
    ends = [of("Delete", ActionId.DELETE_EVENT, "danger")]
    has_ended = event.status is EventStatus.CANCELED
    if has_ended and overview.to_come:
        ends.insert(0, of("Cancel its dates", ActionId.END_SERIES, "danger"))
    rows = [about_attendees, ends]
    if not has_ended and not is_over:
        changes = []
        if overview.to_come or overview.coming:
            changes += [
                of("Edit", ActionId.EDIT_SERIES),
                of("Change capacity", ActionId.CHANGE_SERIES_CAPACITY),
            ]
        if days_to_choose(overview):
            changes.append(of("Skip dates", ActionId.SKIP_DATES))
        ends.insert(0, of("End series", ActionId.END_SERIES, "danger"))
        rows = [*([changes] if changes else []), about_attendees, ends]
    return [ActionsBlock(elements=row) for row in rows]


def _dates(overview: SeriesOverview) -> list[Block]:
    """List the dates that were created, with how full each is, and then those that follow."""
    ids = {one.event_id for one in overview.to_come}
    others = [one for one in reversed(overview.occurrences) if one.event_id not in ids]
    blocks: list[Block] = []
    if overview.to_come:
        blocks += [section("*Dates to come*"), *_rows(overview.to_come[:MAX_WITH_BUTTON])]
        blocks += _lines(overview.to_come[MAX_WITH_BUTTON:])
    if overview.coming:
        blocks.append(context(f"Not open yet: {_next_days(overview)}"))
    elif not overview.to_come:
        blocks.append(context("No dates to come."))
    if others:
        blocks += [section("*Past and canceled dates*"), *_rows(others[:MAX_PAST])]
        blocks += _lines(others[MAX_PAST:])
    return blocks


def _rows(occurrences: Sequence[Event]) -> list[Block]:
    return [
        section(
            line,
            button(
                "Manage", ActionId.MANAGE_OTHER, one.event_id, spoken=f"Manage {local_date(one)}"
            ),
        )
        for one, line in zip(occurrences, fullness_lines(occurrences), strict=True)
    ]


def _lines(occurrences: Sequence[Event]) -> list[Block]:
    lines = fullness_lines(occurrences[:MAX_LINES])
    if more := len(occurrences) - len(lines):
        lines.append(f"and {more:,} more")
    return [*sections(lines)] if lines else []


def _next_days(overview: SeriesOverview) -> str:
    named = [long_date(day) for day, _ in overview.coming[:MAX_NAMED_DAYS]]
    more = len(overview.coming) - len(named)
    return "; ".join([*named, *([f"and {more:,} more"] if more else [])])


def local_date(event: Event) -> str:
    """Return the day on which an event starts, in its own time zone."""
    return long_date(_local_day(event.starts_at, event.time_zone))


def _local_day(moment: datetime, time_zone: str) -> date:
    return moment.astimezone(ZoneInfo(time_zone)).date()


# Of an occurrence


def part_of_series(series: Event) -> list[Block]:
    """Say that an event is one date of a series, with the button that shows the series in its place."""
    other = button("Manage series", ActionId.MANAGE_OTHER, series.event_id)
    text = f"One date of a series: {when_or_rule(series)}"
    if series.status is EventStatus.CANCELED:
        text = f"One date of a series that has ended: {when_or_rule(series)}"
    return [section(text, other)]


# Capacity


def capacity_form(overview: SeriesOverview, refused: tuple[int, Event] | None = None) -> View:
    """Ask for a new capacity of all dates to come. `refused` is the last one, and the date for which it is too low."""
    event = overview.series
    blocks: list[Block] = [section(f"{bold(event.title)}\n{_reach(overview)}")]
    initial = event.capacity
    if refused is not None:
        initial, occurrence = refused
        day = _local_day(occurrence.starts_at, occurrence.time_zone)
        blocks.append(warning(capacity_too_low(initial, occurrence.registered_count, day)))
    return _capacity_view(event, blocks, initial)


def _reach(overview: SeriesOverview) -> str:
    if not overview.to_come:
        return "This changes all dates that aren’t open yet."
    first = local_date(overview.to_come[0])
    return (
        f"This changes all dates from {first} on. A date whose capacity was changed on its own"
        " keeps it."
    )


def capacity_preview(overview: SeriesOverview, capacity: int) -> View:
    """Say what a capacity would do to each date, with a button to set it, or why it can't be or needn't be set."""
    event = overview.series
    concerned = [one for one in overview.to_come if not has_own(one, "capacity")]
    for one in concerned:
        if one.registered_count > capacity:
            return capacity_form(overview, (capacity, one))
    if capacity == event.capacity and all(one.capacity == capacity for one in concerned):
        text = f"The dates already have {seats(capacity)} each. Type another number to change that."
        return _capacity_view(event, [section(f"{bold(event.title)}\n{text}")], capacity)
    lines = [
        f"{bold(event.title)}",
        f"All dates {_from(overview)} will have {seats(capacity)}.",
        *_promotions(concerned, capacity),
    ]
    view = _capacity_view(event, sections(lines), capacity)
    view.callback_id = CallbackId.SERIES_CAPACITY_CONFIRMED
    view.private_metadata = json.dumps({"event_id": event.event_id, "capacity": capacity})
    view.submit = plain(f"Set to {capacity:,}")
    return view


def _from(overview: SeriesOverview) -> str:
    if overview.to_come:
        return f"from {local_date(overview.to_come[0])} on"
    return "that aren’t open yet"


def _promotions(occurrences: Iterable[Event], capacity: int) -> list[str]:
    """Say how many people on the waitlist of each date get a seat."""
    found = ((one, min(one.waitlist_count, capacity - one.registered_count)) for one in occurrences)
    lines = [
        f"• {local_date(one)}: {headcount(count)}"
        for one, count in found
        if count > 0 and capacity > one.capacity
    ]
    return [*([PROMOTES] if lines else []), *lines]


PROMOTES = "These people on the waitlist will get seats and be notified:"


def has_own(occurrence: Event, field: str) -> bool:
    """Return whether an occurrence keeps its own value of a field when the series changes (R13.3)."""
    return occurrence.occurrence is not None and field in occurrence.occurrence.own_fields


def _capacity_view(event: Event, blocks: Sequence[Block], capacity: int) -> View:
    return View(
        type="modal",
        callback_id=CallbackId.SERIES_CAPACITY,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain(_CAPACITY),
        submit=plain("Preview"),
        close=plain("Back"),
        blocks=[*blocks, input_block(BlockId.CAPACITY, "Seats", number_element(capacity))],
    )


def capacity_set(outcome: ChangeOutcome, overview: SeriesOverview) -> View:
    """Confirm a new capacity. `overview` is the series before it."""
    event = outcome.event
    text = f"All dates of {bold(event.title)} {_from(overview)} get {seats(event.capacity)}."
    if not outcome.changed:
        text = f"The dates of {bold(event.title)} already have {seats(event.capacity)} each."
    return note_modal(_CAPACITY, Message(text, [section(text)]), close="Back")


_CAPACITY = "Change capacity"


# Dates that are skipped


def days_to_choose(overview: SeriesOverview) -> list[date]:
    """Return the days that can be skipped, or no longer: those of the rule for which nothing was created yet."""
    return sorted((*(day for day, _ in overview.coming), *overview.skipped))


def skip_form(overview: SeriesOverview) -> View:
    """Ask which of the dates that aren't created yet are skipped. Those that are skipped now are chosen."""
    event = overview.series
    skipped = overview.skipped
    offered = {day: option(long_date(day), day.isoformat()) for day in days_to_choose(overview)}
    select = StaticMultiSelectElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_options=[offered[day] for day in skipped] or None,
        placeholder=plain("Choose dates"),
    )
    metadata = {"event_id": event.event_id, "skipped": [day.isoformat() for day in skipped]}
    return View(
        type="modal",
        callback_id=CallbackId.SKIP_DATES,
        private_metadata=json.dumps(metadata),
        title=plain(_SKIP),
        submit=plain("Save"),
        close=plain("Back"),
        blocks=[
            section(f"{bold(event.title)}\n{when_or_rule(event)}"),
            input_block(BlockId.SKIPPED, "Dates to skip", select, optional=True, hint=_HOW_TO_SKIP),
        ],
    )


def dates_skipped(outcome: ChangeOutcome) -> View:
    """Confirm which dates are skipped from now on."""
    event = outcome.event
    left_out = event.recurrence.left_out if event.recurrence else ()
    text = f"{bold(event.title)} skips no dates."
    if left_out:
        text = f"{bold(event.title)} skips: {'; '.join(map(long_date, left_out))}."
    if not outcome.changed:
        text = "No changes to save."
    return note_modal(_SKIP, Message(text, [*sections([text])]), close="Back")


_SKIP = "Skip dates"
_HOW_TO_SKIP = (
    "These dates aren’t open yet. To skip one that already is, press Manage next to it, then Cancel event."
    " The series goes on."
)
