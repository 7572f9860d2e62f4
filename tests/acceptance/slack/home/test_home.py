"""App Home: one's own, what one organizes, what is coming, each list page by page (R8.6)."""

from __future__ import annotations

from datetime import timedelta

from bot.blocks.ids import ActionId
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
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
    """Return what stands under a heading."""
    after = text.partition(title)[2]
    for other in ("Your registrations", "Coming up", "You organize"):
        after = after.partition(f"\n{other}\n")[0]
    return after


def test_it_shows_ones_own_with_the_place_and_what_can_be_done(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(DIEGO, CHLOE)
    waits = part(said(home(harness)), "Your registrations")
    assert "*Yoga in the park* · you are 1st in line" in waits
    assert "[Leave]" in waits
    assert "[Add to calendar]" not in waits, "who waits is not to look like one who comes"
    has_seat = part(said(home(harness, DIEGO)), "Your registrations")
    assert "*Yoga in the park* · you have a seat" in has_seat
    assert "[Add to calendar]" in has_seat


def test_it_shows_what_one_organizes_with_its_numbers_also_what_is_not_listed(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=CHLOE, capacity=1, listed=False)
    harness.event("b", organizer_id=BJORN, co_organizer_ids=[CHLOE], title="Chess")
    harness.event("c", organizer_id=BJORN, title="Choir")
    harness.register(DIEGO, HARUKI)
    text = part(said(home(harness)), "You organize")
    assert "*Yoga in the park*" in text
    assert "1 of 1 seats · 1 waiting" in text
    assert "*Chess*" in text
    assert "*Choir*" not in text
    assert "[Manage]" in text


def test_who_organizes_nothing_sees_nothing_of_it(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert "You organize" not in said(home(harness))


def test_a_new_members_home_says_how_to_begin(harness: SlackHarness) -> None:
    text = said(home(harness))
    assert "[Create an event]" in text
    assert "You are not registered for anything yet." in text
    assert "Nothing is coming up." in text


def test_an_event_created_there_shows_at_once(harness: SlackHarness) -> None:
    harness.slack.click(CHLOE, home(harness), ActionId.CREATE_EVENT)
    seen = harness.slack.submit(CHLOE, top(harness, CHLOE).id, filled(harness))
    assert seen.errors == {}
    assert "[Manage]" in part(now(harness), "You organize")


def test_manage_opens_from_there(harness: SlackHarness) -> None:
    harness.event(organizer_id=CHLOE)
    harness.slack.click(CHLOE, home(harness), ActionId.MANAGE)
    assert top(harness, CHLOE).title == "Manage event"


def test_registering_there_shows_at_once(harness: SlackHarness) -> None:
    harness.event()
    seen = harness.slack.click(CHLOE, home(harness), ActionId.REGISTER)
    assert "You have a seat" in said(seen.view)
    assert "you have a seat" in part(now(harness), "Your registrations")


def test_registering_twice_there_is_said_and_changes_nothing(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.slack.click(CHLOE, view, ActionId.REGISTER)
    before = harness.assert_invariants()
    harness.workspace.views.publish(CHLOE, view.body)
    again = harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert "You already have a seat" in said(again.view)
    assert harness.assert_invariants() == before


def test_what_is_coming_offers_to_register_or_to_leave_and_not_both(harness: SlackHarness) -> None:
    harness.event()
    harness.event("chess", title="Chess", capacity=5)
    harness.register(CHLOE)
    text = part(said(home(harness)), "Coming up")
    chess, yoga = sorted(text.split("*Yoga in the park*"), key=lambda one: "[Leave]" in one)
    assert "[Register]" in chess
    assert "[Leave]" not in chess
    assert "[Leave]" in yoga
    assert "waitlist]" not in yoga
    assert "*you have a seat* · 1 of 2 seats" in yoga, (
        "it is not to look like one that one is not in"
    )
    assert "you have" not in chess


def test_a_canceled_event_is_not_one_that_one_still_has_a_seat_in(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")
    for user_id, had in ((CHLOE, "had a seat"), (DIEGO, "were 1st in line")):
        assert f"*Yoga in the park* · *canceled*, you {had}" in said(home(harness, user_id))


def test_a_leave_that_is_asked_first_shows_once_it_is_done(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.slack.click(CHLOE, home(harness), ActionId.LEAVE, value="yoga")
    assert "you have a seat" in now(harness)
    harness.slack.click(CHLOE, top(harness, CHLOE), ActionId.LEAVE_CONFIRMED)
    assert "You are not registered for anything yet." in now(harness)


def test_an_event_that_vanished_meanwhile_says_so(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.bot.service.delete_event("yoga")
    seen = harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert "no longer exists" in said(seen.view)


def test_each_list_is_turned_by_itself(harness: SlackHarness) -> None:
    for number in range(20):
        starts_at = harness.clock.now() + timedelta(days=2 + number)
        harness.event(
            f"e{number:02}", title=f"Talk {number:02}", organizer_id=CHLOE, starts_at=starts_at
        )
        harness.register(CHLOE, event_id=f"e{number:02}")
    first = home(harness)
    harness.slack.click(CHLOE, first, ActionId.HOME_COMING)
    harness.slack.click(CHLOE, harness.workspace.views.home(CHLOE) or first, ActionId.HOME_OWN)
    text = now(harness)
    assert "Talk 08" in part(text, "Coming up")
    assert "Talk 00" not in part(text, "Coming up")
    assert "Talk 08" in part(text, "Your registrations")
    assert "Talk 00" in part(text, "You organize")
    harness.slack.click(
        CHLOE, harness.workspace.views.home(CHLOE) or first, ActionId.HOME_ORGANIZED
    )
    assert "Talk 00" not in part(now(harness), "You organize")
    for action in (ActionId.HOME_COMING, ActionId.HOME_OWN, ActionId.HOME_ORGANIZED):
        view = harness.workspace.views.home(CHLOE)
        assert view is not None
        harness.slack.click(CHLOE, view, action, value="first")
    assert now(harness) == said(first)


def test_what_is_done_is_done_where_home_can_not_be_shown_anew(harness: SlackHarness) -> None:
    harness.event()
    view = home(harness)
    harness.api.fail_next("views.publish", Fault.server_error())
    seen = harness.slack.click(CHLOE, view, ActionId.REGISTER)
    assert seen.failure is None
    assert "You have a seat" in said(seen.view)


def test_a_home_of_an_older_form_is_turned_from_its_beginning(harness: SlackHarness) -> None:
    """One that was published before lists had places."""
    for number in range(10):
        harness.event(f"e{number}", title=f"Talk {number}")
        harness.register(CHLOE, event_id=f"e{number}")
    view = home(harness)
    harness.workspace.views.publish(
        CHLOE, {key: value for key, value in view.body.items() if key != "private_metadata"}
    )
    old = harness.workspace.views.home(CHLOE)
    assert old is not None
    seen = harness.slack.click(CHLOE, old, ActionId.HOME_OWN)
    assert seen.failure is None
