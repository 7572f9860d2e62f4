"""App Home: registrations, organized and upcoming events, each list page by page (R8.6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId, HomeList
from bot.features.browsing.views import NO_EVENTS, NO_REGISTRATIONS
from bot.features.calendar import views as calendar_views
from bot.features.home.views import NO_OTHER_EVENTS
from bot.features.home.views import ORGANIZED_HEADING as ORGANIZED
from bot.features.home.views import REGISTRATIONS_HEADING as OWN
from bot.features.home.views import UPCOMING_HEADING as UPCOMING
from playground.client.member_client import find_element
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.event_form import filled
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness
from tests.support.slack.modals import said, top


def home(harness: SlackHarness, user_id: str = CHLOE) -> View:
    view = harness.slack.open_home(user_id).home
    assert view is not None
    return view


def now(harness: SlackHarness, user_id: str = CHLOE) -> str:
    return said(harness.workspace.views.home(user_id))


def part(text: str, title: str) -> str:
    """Return the text under a heading."""
    after = text.partition(f"\n{title}\n")[2]
    for other in (OWN, UPCOMING, ORGANIZED):
        after = after.partition(f"\n{other}\n")[0]
    return after


def test_home_shows_registrations_with_status_and_buttons(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(DIEGO, CHLOE)
    waits = part(said(home(harness)), OWN)
    assert "*Yoga in the park* · You’re 1st on the waitlist" in waits
    assert f"[{ActionId.UNREGISTER}]" in waits
    assert f"[{ActionId.ADD_TO_CALENDAR}]" not in waits, (
        "who waits is not to look like one who comes"
    )
    has_seat = part(said(home(harness, DIEGO)), OWN)
    assert "*Yoga in the park* · You have a seat" in has_seat
    assert f"[{ActionId.ADD_TO_CALENDAR}]" in has_seat


def test_home_shows_organized_events_also_unlisted(harness: SlackHarness) -> None:
    harness.event(organizer_id=CHLOE, capacity=1, listed=False)
    harness.event("b", organizer_id=BJORN, co_organizer_ids=[CHLOE], title="Chess")
    harness.event("c", organizer_id=BJORN, title="Choir")
    harness.register(DIEGO, HARUKI)
    text = part(said(home(harness)), ORGANIZED)
    assert "*Yoga in the park*" in text
    assert sentences.taken(1, 1, waitlist=1) in text
    assert "*Chess*" in text
    assert "*Choir*" not in text
    assert f"[{ActionId.MANAGE}]" in text


def test_home_without_organized_events_omits_section(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert ORGANIZED not in said(home(harness))


def test_home_of_new_member_says_how_to_start(harness: SlackHarness) -> None:
    text = said(home(harness))
    assert f"[{ActionId.CREATE_EVENT}]" in text
    assert NO_REGISTRATIONS in text
    assert NO_EVENTS in text


def test_event_created_in_home_shows_immediately(harness: SlackHarness) -> None:
    harness.slack.click(CHLOE, home(harness), ActionId.CREATE_EVENT)
    result = harness.slack.submit(CHLOE, top(harness, CHLOE).id, filled(harness))
    assert result.errors == {}
    assert f"[{ActionId.MANAGE}]" in part(now(harness), ORGANIZED)


def test_manage_opens_from_home(harness: SlackHarness) -> None:
    harness.event(organizer_id=CHLOE)
    harness.slack.click(CHLOE, home(harness), ActionId.MANAGE)
    assert top(harness, CHLOE).title == "Manage event"


def test_register_in_home_shows_immediately(harness: SlackHarness) -> None:
    harness.event()
    result = harness.slack.click(CHLOE, home(harness), ActionId.REGISTER)
    assert sentences.seat() in said(result.view)
    assert "You have a seat" in part(now(harness), OWN)


def test_register_twice_in_home_changes_nothing(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.slack.click(CHLOE, view, ActionId.REGISTER)
    before = harness.assert_invariants()
    harness.workspace.views.publish(CHLOE, view.body)
    again = harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert sentences.already() in said(again.view)
    assert harness.assert_invariants() == before


def test_event_is_shown_once(harness: SlackHarness) -> None:
    """R8.6: with what one can do with it, where one looks for it."""
    harness.event()
    harness.event("chess", title="Chess", capacity=5)
    harness.event("choir", title="Choir", organizer_id=CHLOE)
    harness.event("dinner", title="Dinner", organizer_id=CHLOE)
    harness.register(CHLOE)
    harness.register(CHLOE, event_id="dinner")
    text = said(home(harness))
    titles = ("Yoga in the park", "Chess", "Choir", "Dinner")
    assert [text.count(f"*{title}*") for title in titles] == [1, 1, 1, 1]
    own, organized, upcoming = part(text, OWN), part(text, ORGANIZED), part(text, UPCOMING)
    assert "*Yoga in the park* · You have a seat" in own
    assert "You’re also registered for an event that you organize." in own
    choir, dinner = sorted(organized.split("*Dinner*"), key=lambda one: "You have a seat" in one)
    assert organized.count(f"[{ActionId.MANAGE}]") == 2
    assert f"[{ActionId.REGISTER}]" in choir
    assert f"[{ActionId.UNREGISTER}]" in dinner
    assert f"[{ActionId.REGISTER}]" not in dinner
    assert f"[{ActionId.REGISTER}]" in upcoming
    assert f"[{ActionId.UNREGISTER}]" not in upcoming


def test_home_does_not_say_that_nothing_is_coming_up_if_all_of_it_is_above(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=CHLOE)
    harness.register(CHLOE)
    text = said(home(harness))
    assert NO_OTHER_EVENTS in part(text, UPCOMING)
    assert NO_REGISTRATIONS not in text
    assert "You’re registered for an event that you organize." in part(text, OWN)


def test_home_says_that_an_organizer_is_waitlisted(harness: SlackHarness) -> None:
    harness.event(organizer_id=CHLOE, capacity=1)
    harness.register(DIEGO, CHLOE)
    own = part(said(home(harness)), OWN)
    assert "You’re on the waitlist for an event that you organize." in own


def test_home_says_of_several_organized_events_what_holds_for_all(harness: SlackHarness) -> None:
    harness.event(organizer_id=CHLOE, capacity=1)
    harness.event("chess", title="Chess", organizer_id=CHLOE)
    harness.register(DIEGO, CHLOE)
    harness.register(CHLOE, event_id="chess")
    own = part(said(home(harness)), OWN)
    assert "You’re registered or waitlisted for 2 events that you organize." in own


def test_organized_event_is_found_behind_a_hundred_of_others(harness: SlackHarness) -> None:
    for number in range(150):
        starts_at = harness.clock.now() + timedelta(days=1, minutes=number)
        harness.event(f"o{number}", organizer_id=BJORN, starts_at=starts_at)
    harness.event("mine", title="Mine", organizer_id=CHLOE, listed=False)
    assert "*Mine*" in part(said(home(harness)), ORGANIZED)


def test_running_event_stays_with_its_organizer_until_a_day_after_its_end(
    harness: SlackHarness,
) -> None:
    starts_at = harness.clock.now() + timedelta(hours=1)
    harness.event(organizer_id=CHLOE, starts_at=starts_at, ends_at=starts_at + timedelta(days=3))
    for days, is_shown in ((2.5, True), (1, True), (1, False)):
        harness.clock.advance(timedelta(days=days))
        assert ("*Yoga in the park*" in part(said(home(harness)), ORGANIZED)) is is_shown
        assert f"[{ActionId.REGISTER}]" not in now(harness), "it takes no registrations"


def test_past_registrations_are_one_press_away(harness: SlackHarness) -> None:
    """R5.5: ten past events once hid tomorrow's."""
    for number in range(10):
        starts_at = harness.clock.now() + timedelta(hours=1)
        harness.event(f"past{number}", title=f"Lunch {number}", starts_at=starts_at)
        harness.register(CHLOE, event_id=f"past{number}")
        harness.clock.advance(timedelta(days=1))
    harness.event("next", title="Dinner")
    harness.register(CHLOE, event_id="next")
    first = home(harness)
    assert "*Dinner* · You have a seat" in part(said(first), OWN)
    assert "Lunch" not in said(first)
    harness.slack.click(CHLOE, first, ActionId.HOME_PAST_REGISTRATIONS)
    text = now(harness)
    assert text.index("*Lunch 9* · You had a seat") < text.index("*Lunch 8*")
    assert "*Lunch 1*" not in text
    assert "*Dinner*" not in text, "it is shown once, and not as one to register for"
    view = harness.workspace.views.home(CHLOE)
    assert view is not None
    harness.slack.click(CHLOE, view, ActionId.HOME_PAST_REGISTRATIONS)
    assert "*Lunch 1*" in now(harness)
    view = harness.workspace.views.home(CHLOE)
    assert view is not None
    harness.slack.click(CHLOE, view, ActionId.HOME_REGISTRATIONS)
    assert now(harness) == said(first)


def test_past_event_that_one_organizes_is_shown_once(harness: SlackHarness) -> None:
    """R8.6: it stays among the organized ones for a day, and could be in both lists."""
    starts_at = harness.clock.now() + timedelta(hours=1)
    harness.event(organizer_id=CHLOE, starts_at=starts_at)
    harness.event("chess", organizer_id=CHLOE, title="Chess", starts_at=starts_at)
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=2))
    first = home(harness)
    assert "*Yoga in the park* · You had a seat" in part(said(first), ORGANIZED)
    assert f"[{ActionId.UNREGISTER}]" not in said(first)
    harness.slack.click(CHLOE, first, ActionId.HOME_PAST_REGISTRATIONS)
    text = now(harness)
    assert text.count("*Yoga in the park*") == 1
    assert "*Yoga in the park* · You had a seat" in text
    assert "*Chess*" in part(text, ORGANIZED)
    assert text.partition(ORGANIZED)[0].count(f"[{ActionId.MANAGE}]") == 1


def test_own_registration_for_an_organized_event_is_where_it_is_said_to_be(
    harness: SlackHarness,
) -> None:
    """It may be on another page of that list, so it is not said to be below."""
    for number in range(9):
        starts_at = harness.clock.now() + timedelta(days=1 + number)
        harness.event(
            f"e{number}", organizer_id=CHLOE, title=f"Number {number}!", starts_at=starts_at
        )
    harness.register(CHLOE, event_id="e8")
    text = said(home(harness))
    assert "*Number 8!*" not in text
    assert "below" not in text
    assert f"It’s under “{ORGANIZED}”" in text
    view = harness.workspace.views.home(CHLOE)
    assert view is not None
    harness.slack.click(CHLOE, view, ActionId.HOME_ORGANIZED)
    assert "*Number 8!* · You have a seat" in part(now(harness), ORGANIZED)


def test_canceled_event_shows_former_status(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")
    for user_id, had in ((CHLOE, "had a seat"), (DIEGO, "were 1st on the waitlist")):
        assert f"*Yoga in the park* · Canceled (you {had})" in said(home(harness, user_id))


def test_canceled_event_offers_only_its_removal_from_the_calendar(harness: SlackHarness) -> None:
    """There is no seat to give up."""
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")
    shown = said(home(harness))
    assert f"[{ActionId.ADD_TO_CALENDAR}]" in shown
    assert f"[{ActionId.UNREGISTER}]" not in shown
    assert f"[{ActionId.UNREGISTER}]" not in said(home(harness, DIEGO))


def test_confirmed_unregister_shows_in_home(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.slack.click(CHLOE, home(harness), ActionId.UNREGISTER, value="yoga")
    assert "You have a seat" in now(harness)
    harness.slack.click(CHLOE, top(harness, CHLOE), ActionId.UNREGISTER_CONFIRMED)
    assert NO_REGISTRATIONS in now(harness)


def test_deleted_event_is_refused(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.bot.service.delete_event("yoga")
    result = harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert sentences.EVENT_GONE in said(result.view)


def test_refused_press_to_register_updates_home(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.bot.service.close_event("yoga")
    result = harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert sentences.seat() not in said(result.view)
    assert f"[{ActionId.REGISTER}]" not in now(harness)


def test_press_for_a_deleted_event_updates_home(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.bot.service.delete_event("yoga")
    harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert NO_EVENTS in now(harness)


def test_refused_press_to_unregister_updates_home(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    view = home(harness)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.slack.click(CHLOE, view, ActionId.UNREGISTER)
    assert NO_REGISTRATIONS in now(harness)


def test_answer_that_comes_too_late_updates_home(harness: SlackHarness) -> None:
    """The question is in a modal over App Home."""
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.slack.click(CHLOE, home(harness), ActionId.UNREGISTER, value="yoga")
    harness.bot.service.unregister("yoga", CHLOE)
    harness.slack.click(CHLOE, top(harness, CHLOE), ActionId.UNREGISTER_CONFIRMED)
    assert NO_REGISTRATIONS in now(harness)


def test_refusal_comes_before_the_update_of_home(harness: SlackHarness) -> None:
    """R8.12: without background threads, as on Lambda, both come before the acknowledgement."""
    harness.event()
    view = home(harness)
    harness.bot.service.delete_event("yoga")
    before = len(harness.api.calls())
    harness.slack.click(CHLOE, view, ActionId.REGISTER)
    methods = [call.method for call in harness.api.calls()[before:]]
    assert methods == ["views.open", "views.publish"]


def test_each_list_is_paged_separately(harness: SlackHarness) -> None:
    for number in range(20):
        starts_at = harness.clock.now() + timedelta(days=2 + number)
        harness.event(
            f"m{number:02}", title=f"Mine {number:02}", organizer_id=CHLOE, starts_at=starts_at
        )
        harness.event(f"o{number:02}", title=f"Other {number:02}", starts_at=starts_at)
        harness.event(f"e{number:02}", title=f"Talk {number:02}", starts_at=starts_at)
        harness.register(CHLOE, event_id=f"e{number:02}")
    first = home(harness)
    harness.slack.click(CHLOE, first, ActionId.HOME_UPCOMING)
    harness.slack.click(
        CHLOE, harness.workspace.views.home(CHLOE) or first, ActionId.HOME_REGISTRATIONS
    )
    text = now(harness)
    assert "Other 06" in part(text, UPCOMING)
    assert "Other 00" not in part(text, UPCOMING)
    assert "Talk 06" in part(text, OWN)
    assert "Talk 00" not in part(text, OWN)
    assert "Mine 00" in part(text, ORGANIZED)
    harness.slack.click(
        CHLOE, harness.workspace.views.home(CHLOE) or first, ActionId.HOME_ORGANIZED
    )
    assert "Mine 00" not in part(now(harness), ORGANIZED)
    assert "Mine 06" in part(now(harness), ORGANIZED)
    for name in HomeList:
        view = harness.workspace.views.home(CHLOE)
        assert view is not None
        harness.slack.click(CHLOE, view, ActionId.HOME_BACK, value=name)
    assert now(harness) == said(first)


def test_home_shows_own_registrations_then_upcoming_then_organized_events(
    harness: SlackHarness,
) -> None:
    """R8.6."""
    harness.event()
    harness.event("mine", title="Mine", organizer_id=CHLOE)
    harness.event("chess", title="Chess")
    harness.register(CHLOE)
    view = home(harness)
    text = said(view)
    headings = [text.index(f"\n{heading}\n") for heading in (OWN, UPCOMING, ORGANIZED)]
    assert headings == sorted(headings)
    assert [block["type"] for block in view.blocks].count("divider") == 2


def test_home_separates_the_events_of_a_list(harness: SlackHarness) -> None:
    for number in range(3):
        harness.event(f"e{number}")
    view = home(harness)
    assert [block["type"] for block in view.blocks].count("divider") == 1 + 2


def test_home_offers_nothing_that_is_refused(harness: SlackHarness) -> None:
    """Whether the member organizes the event or not."""
    deadline = harness.clock.now() + timedelta(hours=1)
    harness.event("late", title="Late", registration_deadline=deadline)
    harness.event("full", title="Full", capacity=1, has_waitlist=False)
    harness.event("mine", title="Mine", organizer_id=CHLOE, registration_deadline=deadline)
    harness.register(DIEGO, event_id="full")
    harness.clock.advance(timedelta(hours=2))
    text = said(home(harness))
    assert [text.count(f"*{title}*") for title in ("Late", "Full", "Mine")] == [1, 1, 1]
    assert f"[{ActionId.REGISTER}]" not in text


def test_only_who_waited_is_offered_the_history(harness: SlackHarness) -> None:
    """R8.10: everybody else's has one line, that they got a seat."""
    harness.event(capacity=1)
    harness.register(DIEGO, CHLOE)
    assert f"[{ActionId.REGISTRATION_HISTORY}]" in said(home(harness))
    assert f"[{ActionId.REGISTRATION_HISTORY}]" not in said(home(harness, DIEGO))
    harness.bot.service.unregister("yoga", DIEGO)
    text = said(home(harness))
    assert "You have a seat" in text
    assert f"[{ActionId.REGISTRATION_HISTORY}]" in text


def test_start_of_an_unknown_list_changes_nothing(harness: SlackHarness) -> None:
    for number in range(20):
        harness.event(f"e{number}", starts_at=harness.clock.now() + timedelta(days=1 + number))
    first = home(harness)
    second = harness.slack.click(CHLOE, first, ActionId.HOME_UPCOMING).home
    assert second is not None
    _, element = find_element(second.blocks, ActionId.HOME_BACK)
    element["value"] = "is_past"
    shown = said(second)
    assert harness.slack.click(CHLOE, second, ActionId.HOME_BACK).failure is not None
    assert now(harness) == shown


def test_register_succeeds_if_home_cannot_be_published(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.api.fail_next("views.publish", Fault.server_error())
    result = harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert result.failure is None
    assert sentences.seat() in said(result.view)


def test_home_without_metadata_is_paged_from_start(harness: SlackHarness) -> None:
    """It was published before App Home had pages."""
    for number in range(10):
        harness.event(f"e{number}", title=f"Talk {number}")
        harness.register(CHLOE, event_id=f"e{number}")
    view = home(harness)
    harness.workspace.views.publish(
        CHLOE, {key: value for key, value in view.body.items() if key != "private_metadata"}
    )
    old = harness.workspace.views.home(CHLOE)
    assert old is not None
    result = harness.slack.click(CHLOE, old, ActionId.HOME_REGISTRATIONS)
    assert result.failure is None


@pytest.mark.parametrize(
    ("action", "title"),
    [(ActionId.REGISTER, "Your registration"), (ActionId.GOING, "Who’s going")],
)
def test_reply_in_home_has_a_title_of_its_own(
    harness: SlackHarness, action: ActionId, title: str
) -> None:
    """Slack's payloads have "View Title" as the title of every App Home."""
    harness.event()
    harness.register(DIEGO)
    shown = harness.slack.click(CHLOE, home(harness), action).view
    assert shown is not None
    assert shown.title == title


@pytest.mark.parametrize("fault", [None, "file_uploads_disabled", "internal_error"])
@pytest.mark.parametrize("is_canceled", [False, True])
def test_reply_about_the_calendar_in_home_has_a_title_of_its_own(
    harness: SlackHarness, is_canceled: bool, fault: str | None
) -> None:
    harness.event()
    harness.register(CHLOE)
    if is_canceled:
        harness.bot.service.cancel_event("yoga")
    if fault is not None:
        harness.api.fail_next("files.getUploadURLExternal", Fault.refused(fault))
    shown = harness.slack.click(CHLOE, home(harness), ActionId.ADD_TO_CALENDAR).view
    assert shown is not None
    assert shown.title == calendar_views.TITLE


def test_reply_to_a_waitlisted_member_in_home_has_the_title_of_the_calendar(
    harness: SlackHarness,
) -> None:
    """The button is still shown from when they had a seat."""
    harness.event(capacity=1)
    harness.register(CHLOE)
    view = home(harness)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.register(DIEGO, CHLOE)
    shown = harness.slack.click(CHLOE, view, ActionId.ADD_TO_CALENDAR).view
    assert shown is not None
    assert shown.title == calendar_views.TITLE
