"""What members read about a series (R13.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from bot.features.browsing.series_views import registered_for_all
from bot.features.cards.views import ALL_OF_SERIES, MISSED_FIRST, event_card
from bot.outcome_messages import outcome_message
from domain.commands import ChangeOutcome, RegisterOutcome, UnregisterOutcome
from domain.enums import EventStatus, Frequency
from domain.models import Event, EventForUser, Occurrence, Series, SeriesRegistration
from domain.recurrence import Recurrence
from tests.support.builders import a_waitlisted_registration, an_event
from tests.support.environment import START
from tests.support.slack.harness import text_of

LATER = "I’ll register you for each later date"
STILL = "I’m still registering you for the dates that are open now"


def a_series(*ahead: int, has_more: bool = True) -> Event:
    rule = Recurrence(frequency=Frequency.WEEKLY, until=(START + timedelta(days=70)).date())
    series = Series(recurrence=rule, ahead=ahead)
    due = START + timedelta(days=7) if has_more else None
    return an_event(event_id="yoga", title="Yoga", series=series, next_due_at=due)


def a_date(**values: Any) -> Event:
    made = Occurrence(series_id="yoga", number=1, day=START.date(), missed_first=True)
    return an_event(event_id="yoga-1", title="Yoga", occurrence=made, **values)


def text(series: Event, *seen: EventForUser, is_finished: bool = True) -> str:
    message = registered_for_all(SeriesRegistration(series, seen, is_finished))
    return text_of(message.to_dict()["blocks"])


@pytest.mark.parametrize(
    ("values", "accepts", "says"),
    [
        ({"capacity": 1, "registered_count": 1, "has_waitlist": False}, False, "it’s full"),
        ({"status": EventStatus.CLOSED}, False, "registration is closed"),
        ({}, True, "you’re not registered"),
    ],
)
def test_reply_says_why_there_is_no_seat(values: dict[str, Any], accepts: bool, says: str) -> None:
    assert says in text(a_series(1), EventForUser(a_date(**values), accepts=accepts))


def test_reply_that_is_not_finished_lists_no_date_that_was_not_tried() -> None:
    shown = text(a_series(1), EventForUser(a_date(), accepts=True), is_finished=False)
    assert "•" not in shown
    assert STILL in shown
    assert LATER in shown


def test_reply_that_knows_no_dates_says_where_they_are() -> None:
    assert "type `/registrations`" in text(a_series(1))


def test_last_dates_promise_no_later_ones() -> None:
    shown = text(a_series(has_more=False))
    assert LATER not in shown
    assert "No more dates will follow." in shown


def test_late_outcomes_speak_of_the_series() -> None:
    """R8.12."""
    own = a_waitlisted_registration()
    registered = outcome_message(RegisterOutcome(a_series(1), own, 1), own.user_id)
    assert text_of(registered.to_dict()["blocks"]).startswith(
        "You’re registered for all of *Yoga*."
    )
    left = outcome_message(UnregisterOutcome(a_series(1), own), own.user_id)
    for shown in (registered, left):
        assert "on the waitlist" not in text_of(shown.to_dict()["blocks"])
        assert "all of *Yoga*" in shown.text


def test_late_outcome_of_a_new_series_does_not_call_it_changed() -> None:
    """R8.12: creating a series and changing one end in the same sentence."""
    created = outcome_message(ChangeOutcome(a_series()), "organizer")
    assert created.text == "Done. The series *Yoga* has been saved."


@pytest.mark.parametrize(
    ("event", "offers"),
    [
        (a_date(starts_at=START + timedelta(days=1)), True),
        (a_date(starts_at=START + timedelta(days=1), status=EventStatus.CLOSED), True),
        (a_date(starts_at=START + timedelta(days=1), status=EventStatus.CANCELED), False),
        (a_date(starts_at=START, last_due_at=START), False),
        (an_event(), False),
    ],
)
def test_card_offers_the_series_and_says_its_rule_while_it_is_to_come(
    event: Event, offers: bool
) -> None:
    """R13.4, R13.5."""
    blocks = event_card(event).to_dict()["blocks"]
    assert (ALL_OF_SERIES in str(blocks)) is offers
    assert (MISSED_FIRST in text_of(blocks)) is offers


def test_card_that_opens_has_no_button_that_would_be_refused() -> None:
    """R8.3: for now, nobody else can register, and nobody can leave."""
    opening = Occurrence(series_id="yoga", number=1, day=START.date(), opens_after=40, honored=32)
    event = an_event(starts_at=START + timedelta(days=1), occurrence=opening, registered_count=1)
    shown = text_of(event_card(event).to_dict()["blocks"])
    assert "Opens in a minute" in shown
    assert f"[{ActionId.ALL_OF_SERIES}]" in shown
    assert f"[{ActionId.REGISTER}]" not in shown
    assert f"[{ActionId.UNREGISTER}]" not in shown
