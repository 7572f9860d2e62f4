"""Links that add an event to Google Calendar and Outlook, and the join link in the calendar (R8.16, R12.2)."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import vobject

from bot.blocks.ids import ActionId
from bot.features.calendar import views as calendar_views
from bot.features.calendar.calendar_links import google_link, outlook_link
from domain.inputs import MAX_JOIN_LINK_LENGTH
from domain.models import Event
from playground.demo.seed import RANDOM
from playground.workspace.block_kit_limits import block_errors
from tests.support.builders import an_event
from tests.support.environment import START
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, files, reply

LINK = "https://example.org/meet?a=1&b=2"

STARTS_AT = START + timedelta(days=2)

EVENT = an_event(
    title='Yoga & <tea>, "100%"|',
    location="Café+Bar, 2nd floor",
    starts_at=STARTS_AT,
    ends_at=STARTS_AT + timedelta(hours=1),
)


def parameters(address: str) -> dict[str, str]:
    """Return the parameters of an address, as a web server reads them."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def test_google_link_has_title_times_and_location() -> None:
    address = google_link(EVENT, LINK)
    assert address.startswith("https://calendar.google.com/calendar/render?")
    assert parameters(address) == {
        "action": "TEMPLATE",
        "text": EVENT.title,
        "dates": "20261104T090000Z/20261104T100000Z",
        "location": EVENT.location,
        "details": LINK,
    }


def test_outlook_link_has_title_times_and_location() -> None:
    address = outlook_link(EVENT, LINK)
    assert address.startswith("https://outlook.office.com/calendar/deeplink/compose?")
    assert "+" not in address
    assert parameters(address) == {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": EVENT.title,
        "startdt": "2026-11-04T09:00:00Z",
        "enddt": "2026-11-04T10:00:00Z",
        "location": EVENT.location,
        "body": LINK.replace("&", "&amp;"),
    }


def test_event_without_an_end_ends_when_it_starts() -> None:
    event = EVENT.model_copy(update={"ends_at": None, "location": ""})
    assert parameters(google_link(event))["dates"] == "20261104T090000Z/20261104T090000Z"
    assert "location" not in parameters(google_link(event))


SCRIPTS = {"ASCII": "&", "Cyrillic": "Ж", "CJK": "漢", "emoji": "🎉"}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("link_of", [google_link, outlook_link])
def test_links_of_the_largest_event_fit(link_of: Callable[[Event, str], str], script: str) -> None:
    units = len(script.encode("utf-16-le")) // 2
    event = an_event(title=script * (120 // units), location=script * (200 // units))
    longest = MAX_JOIN_LINK_LENGTH - len("https://")
    for join_link in (f"https://{script * (longest // units)}", f"https://{'x' * longest}"):
        sent = calendar_views.file_sent(event, join_link).to_dict()
        assert block_errors(sent["blocks"]) == []
        given = parameters(link_of(event, join_link))
        assert event.title in given.values()
        shown = {html.unescape(value) for value in given.values() if "://" in value}
        assert shown <= {join_link}, "a join link is never cut"


def press(harness: SlackHarness, user_id: str = CHLOE) -> str:
    result = harness.slack.command(user_id, RANDOM, "/registrations")
    return reply(harness.slack.click(user_id, result.ephemeral[-1], ActionId.ADD_TO_CALENDAR))


def test_reply_links_to_both_calendars_beside_the_file(harness: SlackHarness) -> None:
    event = harness.event(join_link=LINK)
    harness.register(CHLOE)
    said = press(harness)
    for address in (google_link(event, LINK), outlook_link(event, LINK)):
        assert f"<{address.replace('&', '&amp;')}|" in said
    assert len(files(harness, CHLOE)) == 1


def test_canceled_event_has_no_links(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    assert "https://" not in press(harness)


def test_file_of_a_user_with_a_seat_has_the_join_link(harness: SlackHarness) -> None:
    harness.event(join_link=LINK, description="Bring a mat")
    harness.register(CHLOE)
    press(harness)
    (file,) = files(harness, CHLOE)
    entry = vobject.readOne((file.content or b"").decode()).vevent
    assert entry.url.value == LINK
    assert entry.description.value == f"Join: {LINK}\n\nBring a mat"


def test_calendar_of_a_user_without_a_seat_has_no_join_link(harness: SlackHarness) -> None:
    """Someone who left still has the message with the button."""
    harness.event(join_link=LINK)
    harness.register(BJORN, CHLOE)
    result = harness.slack.command(CHLOE, RANDOM, "/registrations")
    harness.bot.service.unregister("yoga", CHLOE)
    said = reply(harness.slack.click(CHLOE, result.ephemeral[-1], ActionId.ADD_TO_CALENDAR))
    (file,) = files(harness, CHLOE)
    assert b"example.org" not in (file.content or b"")
    assert "example.org" not in said


def test_file_that_removes_a_canceled_event_has_no_join_link_for_someone_who_left(
    harness: SlackHarness,
) -> None:
    harness.event(join_link=LINK)
    harness.register(CHLOE)
    message = harness.slack.command(CHLOE, RANDOM, "/registrations").ephemeral[-1]
    harness.bot.service.unregister("yoga", CHLOE)
    harness.bot.service.cancel_event("yoga")
    harness.slack.click(CHLOE, message, ActionId.ADD_TO_CALENDAR)
    (file,) = files(harness, CHLOE)
    assert b"example.org" not in (file.content or b"")
