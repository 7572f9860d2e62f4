"""The calendar file of a whole series (R8.16, R13): its rule, and each occurrence that is otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, assert_never
from zoneinfo import ZoneInfo

from bot.features.calendar.entries import (
    Identity,
    event_entry,
    file_of,
    recurrence_id,
    wall_clock,
)
from bot.slack.files import File
from domain.enums import EventStatus, Frequency, RegistrationStatus
from domain.models import Event, Registration, WholeSeries
from domain.recurrence import Recurrence, days, nth_weekday

if TYPE_CHECKING:
    from icalendar import Event as Entry


@dataclass(frozen=True, slots=True)
class _Date:
    """A date that belongs in the user's calendar."""

    recurrence_id: datetime
    made: Event | None = None
    """The occurrence, unless it is to be made."""
    registration: Registration | None = None

    @property
    def is_waitlisted(self) -> bool:
        """Whether the user has no seat yet."""
        own = self.registration
        return own is not None and own.status is RegistrationStatus.WAITLISTED

    @property
    def join_link(self) -> str:
        """The join link, or "" without a seat (R12.2)."""
        has_seat = self.registration is not None and not self.is_waitlisted
        return self.made.join_link if self.made is not None and has_seat else ""


def series_file(whole: WholeSeries, workspace_id: str) -> File | None:
    """Return the .ics file of a series for someone who registered for all of it, or None if it has no dates.

    It has the occurrences in which the user has a seat or is waitlisted, and the dates to come. What was changed in
    one of them, and the join links of those with a seat (R12.2), are exceptions from the rule. A calendar that has the
    series replaces it as a whole.
    """
    dates = _dates(whole)
    if not dates:
        return None
    identity = Identity.of_series(whole, workspace_id)
    rule = [wall_clock(whole.event, day) for day in _rule_days(whole.event)]
    regular = [one for one in dates if one.recurrence_id in rule]
    others = [one for one in dates if one.recurrence_id not in rule]
    entries = [_rule_entry(whole, identity, rule, regular, others)] if regular else []
    entries += (
        _exception(one, whole.event, identity)
        for one in dates
        if one in others or _is_different(one, whole.event)
    )
    comment = "Open this file to add all of the series to your calendar."
    return file_of(whole.event.title, entries, comment)


def _dates(whole: WholeSeries) -> list[_Date]:
    """Return the dates that belong in the user's calendar, in the order that the rule has for them."""
    series, own = whole.event, whole.registrations
    made = (
        _Date(recurrence_id(one, series), one, own.get(one.event_id))
        for one in whole.made
        if _is_kept(one, whole)
    )
    coming = (_Date(wall_clock(series, day)) for day in whole.coming)
    return sorted((*made, *coming), key=lambda one: one.recurrence_id)


def _is_kept(made: Event, whole: WholeSeries) -> bool:
    """Return whether the user has a seat in an occurrence or may get one; also if they are to be registered in it."""
    if made.status is EventStatus.CANCELED or made.deletion is not None:
        return False
    registration = whole.registrations.get(made.event_id)
    if registration is not None and registration.status is RegistrationStatus.REGISTERED:
        return True
    if made.has_started(whole.read_at):
        return False
    of_all = whole.registrations.get(whole.event.event_id)
    honored = made.occurrence.honored if made.occurrence else 0
    return registration is not None or (of_all is not None and honored < of_all.ticket)


def _rule_days(series: Event) -> Iterator[date]:
    """Yield all days of the rule, also those left out."""
    return days(_recurrence(series).model_copy(update={"left_out": ()}), _first_day(series))


def _recurrence(series: Event) -> Recurrence:
    if series.recurrence is None:
        raise TypeError(f"{series.event_id} is not a series")
    return series.recurrence


def _first_day(series: Event) -> date:
    return series.starts_at.astimezone(ZoneInfo(series.time_zone)).date()


def _rule_entry(
    whole: WholeSeries,
    identity: Identity,
    rule: Sequence[datetime],
    regular: Sequence[_Date],
    others: Sequence[_Date],
) -> Entry:
    """Return the entry that repeats, from the first to the last of the dates that the rule has.

    It lasts a `DURATION`: what an end would mean for the other dates depends on the clocks of the first.
    """
    kept = [one.recurrence_id for one in regular]
    first, last = kept[0], kept[-1]
    newest = max(one.updated_at for one in (whole.event, *whole.made))
    planned = _planned(whole.event, first).model_copy(update={"updated_at": newest})
    entry = event_entry(planned.model_copy(update={"ends_at": None}), identity)
    del entry["dtstart"]
    entry.add("dtstart", first)
    if planned.ends_at is not None:
        entry.add("duration", planned.ends_at - planned.starts_at)
    entry.add("rrule", {**_rule_parts(whole.event), "until": last.astimezone(UTC)})
    left_out = [at for at in rule if first <= at <= last and at not in kept]
    if left_out:
        entry.add("exdate", left_out)
    if others:
        entry.add("rdate", [one.recurrence_id for one in others])
    return entry


def _rule_parts(series: Event) -> dict[str, object]:
    """Return the rule as RFC 5545 (3.3.10) writes it, without its end."""
    first, rule = _first_day(series), _recurrence(series)
    weekday = _WEEKDAYS[first.weekday()]
    match rule.frequency:
        case Frequency.WEEKLY:
            return {"freq": "WEEKLY", "interval": rule.interval, "byday": weekday}
        case Frequency.MONTHLY_BY_DATE:
            return {"freq": "MONTHLY", "bymonthday": first.day}
        case Frequency.MONTHLY_BY_WEEKDAY:
            return {"freq": "MONTHLY", "byday": f"{nth_weekday(first)}{weekday}"}
        case _:
            assert_never(rule.frequency)


_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _planned(series: Event, at: datetime) -> Event:
    """Return an occurrence as the series has it, without what only those with a seat may know."""
    start = at.astimezone(UTC)
    end = None if series.ends_at is None else start + (series.ends_at - series.starts_at)
    values = {"starts_at": start, "ends_at": end, "status": EventStatus.OPEN}
    return series.model_copy(update=values)


_SHOWN = ("title", "location", "description", "starts_at", "ends_at", "time_zone")
"""The fields of an occurrence that a calendar shows."""


def _is_different(one: _Date, series: Event) -> bool:
    """Return whether a calendar would show a date wrongly by the rule alone."""
    planned = _planned(series, one.recurrence_id)
    if _crosses_clock_change(one.recurrence_id, planned):
        return True
    if one.made is None:
        return False
    has_changed = any(getattr(one.made, name) != getattr(planned, name) for name in _SHOWN)
    return has_changed or one.is_waitlisted or bool(one.join_link)


def _crosses_clock_change(at: datetime, planned: Event) -> bool:
    """Return whether the clocks change between start and end: calendars differ in what they make of that."""
    if planned.ends_at is None:
        return False
    by_the_clock = at + (planned.ends_at - planned.starts_at)
    return by_the_clock.astimezone(UTC) != planned.ends_at


def _exception(one: _Date, series: Event, identity: Identity) -> Entry:
    event = one.made or _planned(series, one.recurrence_id)
    return event_entry(
        event,
        identity.at(one.recurrence_id),
        one.join_link,
        zone=ZoneInfo(event.time_zone),
        is_tentative=one.is_waitlisted,
    )
