"""Options offered for the text typed as an event's end (R8.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.event_form.end_choices import end_label, end_value, ends_meant, read_end


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("2h", ["2 hours", "2:00 AM"]),
        ("19h", ["7:00 PM", "19 hours"]),
        ("9h30", ["9 hours 30 minutes", "9:30 AM"]),
        ("24:00", ["12:00 AM", "1 day"]),
        ("24h", ["1 day", "12:00 AM"]),
        ("24:01", ["1 day 1 minute"]),
        ("noon", ["12:00 PM"]),
        ("12 Noon", ["12:00 PM"]),
        ("Midnight", ["12:00 AM"]),
        ("7 a m", ["7:00 AM"]),
        ("1 hour and 30 minutes", ["1 hour 30 minutes"]),
        ("1 hr., 30 mins.", ["1 hour 30 minutes"]),
        ("1 day,4h", ["1 day 4 hours"]),
        ("an hour", ["1 hour"]),
        ("An hour and 5 min", ["1 hour 5 minutes"]),
        ("half an hour", ["30 minutes"]),
        ("half a day", ["12 hours"]),
        ("1 1/2 hours", ["1 hour 30 minutes"]),
        ("1½h", ["1 hour 30 minutes"]),
        ("½ hour", ["30 minutes"]),
        ("1.5 days", ["1 day 12 hours"]),
        ("a week", ["7 days"]),
        ("1w", ["7 days"]),
        ("1930", ["7:30 PM", "1 day 8 hours 10 minutes"]),
        ("0730", ["7:30 AM", "7:30 PM", "12 hours 10 minutes"]),
        ("130", ["2 hours 10 minutes"]),
        ("730pm", ["7:30 PM"]),
        ("1130 a.m.", ["11:30 AM"]),
        ("19.30h", ["7:30 PM", "19 hours 30 minutes"]),
        ("18.15 h", ["6:15 PM", "18 hours 15 minutes"]),
        ("18.25 h", ["6:25 PM", "18 hours 25 minutes"]),
        ("19:30 h", ["7:30 PM", "19 hours 30 minutes"]),
        ("1.30h", ["1 hour 30 minutes", "1:30 AM"]),
        ("1:30h", ["1 hour 30 minutes", "1:30 AM"]),
        ("1.25h", ["1 hour 15 minutes"]),
        ("an hour and a half", ["1 hour 30 minutes"]),
        ("two and a half hours", ["2 hours 30 minutes"]),
        ("a half hour", ["30 minutes"]),
        ("Two hours", ["2 hours"]),
        ("twelve hours", ["12 hours"]),
        ("1.5", ["1 hour 30 minutes"]),
        ("2,5", ["2 hours 30 minutes"]),
        ("12:00 noon", ["12:00 PM"]),
        ("19 Uhr", ["7:00 PM"]),
        ("19.30 Uhr", ["7:30 PM"]),
        ("\uff11\uff19\uff1a\uff13\uff10", ["7:30 PM", "19 hours 30 minutes"]),
    ],
)
def test_end_is_offered_for_what_is_usually_typed(typed: str, offered: list[str]) -> None:
    assert [end_label(end) for end in ends_meant(typed)] == offered


@pytest.mark.parametrize(
    "typed",
    [
        *("3 months", "5 dec", "2 moons", "1 hello", "1 dog", "11/2 hours", "2 weeks", "1 week 1h"),
        *("24 pm", "25:00:00", "and", "a", "half", "1/2", ",", "an hour ago"),
    ],
)
def test_nothing_is_offered_for_other_words(typed: str) -> None:
    assert ends_meant(typed) == []


_PARTS = st.sampled_from(
    [
        *("0", "1", "2", "7", "12", "19", "24", "30", "60", "99999", "½", "1/2", "half", "a", "an"),
        *(".", ",", ":", " ", "and", "am", "pm", "noon", "midnight"),
        *("m", "min", "h", "hours", "d", "days", "w", "week", "one", "uhr", "\uff13", "٣", "²"),
    ]
)


@given(st.text() | st.lists(_PARTS, max_size=6).map("".join))
def test_whatever_is_typed_only_ends_that_can_be_read_are_offered(typed: str) -> None:
    offered = ends_meant(typed)
    values = [end_value(end) for end in offered]
    assert list(map(read_end, values)) == offered
    assert len(set(values)) == len(values)
    assert all(0 < len(end_label(end)) <= 75 for end in offered)
