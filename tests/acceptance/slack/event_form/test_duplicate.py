"""The form that *Duplicate* opens, filled in from an event (R8.7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import as_typed
from bot.features.event_form.views import COPY_NOTE, warning_text
from domain.enums import CreationWarning
from domain.models import Event
from tests.support.slack.event_form import INPUTS, changes_of_the_clock, opened
from tests.support.slack.harness import BJORN, SlackHarness, text_of
from tests.support.slack.modals import form


def copied(harness: SlackHarness, **values: str) -> Event:
    """Duplicate the event, with these values, by names of `BlockId`; return the copy."""
    view = form(harness, ActionId.DUPLICATE)
    given = {INPUTS[BlockId[name]]: value for name, value in values.items()}
    assert harness.slack.submit(BJORN, view.id, given).errors == {}
    events = harness.assert_invariants().events
    (copy,) = (event for event_id, event in events.items() if event_id != "yoga")
    return copy


def test_form_says_that_it_is_a_copy(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert text_of(form(harness, ActionId.DUPLICATE).blocks[:1]) == as_typed(COPY_NOTE)


def test_form_that_warns_still_says_that_it_is_a_copy(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    view = form(harness, ActionId.DUPLICATE)
    day = (harness.clock.now() + timedelta(days=800)).date().isoformat()
    warned = harness.slack.submit(BJORN, view.id, {INPUTS[BlockId.START_DATE]: day}).view
    assert warned is not None
    assert as_typed(warning_text([CreationWarning.FAR_AWAY])) in text_of(warned.blocks[:1])
    assert as_typed(COPY_NOTE) in text_of(warned.blocks[1:2])


def test_new_form_does_not_say_that_it_is_a_copy(harness: SlackHarness) -> None:
    assert as_typed(COPY_NOTE) not in text_of(opened(harness).blocks)


def test_copy_with_another_start_lasts_as_long(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    harness.event(organizer_id=BJORN, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    day = (starts_at + timedelta(days=3)).date().isoformat()
    copy = copied(harness, START_DATE=day, START_TIME="23:30")
    assert copy.ends_at == copy.starts_at + timedelta(hours=2)


def test_copy_of_a_short_event_lasts_as_long_when_clocks_change(harness: SlackHarness) -> None:
    _, back = changes_of_the_clock(harness.clock.now().year + 1)
    night = datetime.fromisoformat(f"{back}T01:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    starts_at = night - timedelta(weeks=1)
    harness.event(organizer_id=BJORN, starts_at=starts_at, ends_at=starts_at + timedelta(hours=5))
    copy = copied(harness)
    assert copy.starts_at == night
    assert copy.ends_at == copy.starts_at + timedelta(hours=5)
