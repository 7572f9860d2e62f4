"""Upcoming events, one's own registrations, help, and forget-me, also with `/rollcall` (R8.2, R2.8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.features.account import views as account_views
from bot.features.browsing.views import NO_EVENTS, NO_REGISTRATIONS
from bot.features.home.views import PAGE_SIZE
from domain.errors import UnknownUser
from domain.models import UserDeletion
from playground.demo.seed import EVENTS, RANDOM
from tests.support.slack import sentences
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    SlackHarness,
    reply,
    shown,
    text_of,
)


def test_events_lists_upcoming_events(harness: SlackHarness) -> None:
    event = harness.event(description="Bring a mat.")
    harness.register(CHLOE)
    text = reply(harness.slack.command(BJORN, RANDOM, "/events"))
    assert "*Yoga in the park*" in text
    assert f"<!date^{int(event.starts_at.timestamp())}^" in text
    for words in (
        "Riverside lawn",
        "Bring a mat.",
        sentences.taken(1, 2),
        f"[{ActionId.REGISTER}]",
    ):
        assert words in text


def test_events_omits_past_canceled_and_unlisted(harness: SlackHarness) -> None:
    soon = harness.clock.now() + timedelta(hours=1)
    harness.event("past", title="Past", starts_at=soon)
    harness.event("off", title="Called off")
    harness.event("hidden", title="Hidden", listed=False)
    harness.event("shut", title="Shut")
    harness.bot.service.cancel_event("off")
    harness.bot.service.close_event("shut")
    harness.clock.advance(timedelta(hours=2))
    text = reply(harness.slack.command(BJORN, RANDOM, "/events"))
    assert "*Shut*" in text
    for title in ("Past", "Called off", "Hidden"):
        assert title not in text


def test_events_when_empty_says_how_to_create_one(harness: SlackHarness) -> None:
    assert NO_EVENTS in reply(harness.slack.command(BJORN, RANDOM, "/events"))


def test_more_events_replaces_page(harness: SlackHarness) -> None:
    for number in range(20):
        start = harness.clock.now() + timedelta(days=1, hours=number)
        harness.event(f"e{number}", title=f"Number {number}!", starts_at=start)
    result = harness.slack.command(BJORN, RANDOM, "/events")
    message, texts = result.ephemeral[-1], [reply(result)]
    while f"[{ActionId.MORE_EVENTS}]" in texts[-1]:
        result = harness.slack.click(BJORN, message, ActionId.MORE_EVENTS)
        assert result.messages[-1].ts == message.ts
        message = result.messages[-1]
        texts.append(shown(message))
    text = "\n".join(texts)
    assert [text.count(f"*Number {number}!*") for number in range(20)] == [1] * 20


def test_empty_page_is_skipped(harness: SlackHarness) -> None:
    for number in range(20):
        harness.event(f"e{number}", listed=False)
    harness.event("shown", title="Late", starts_at=harness.clock.now() + timedelta(days=9))
    text = reply(harness.slack.command(BJORN, RANDOM, "/events"))
    assert "*Late*" in text


def test_register_in_list_replies_ephemerally(harness: SlackHarness) -> None:
    harness.event()
    listed = harness.slack.command(BJORN, RANDOM, "/events").ephemeral[-1]
    result = harness.slack.click(BJORN, listed, ActionId.REGISTER)
    assert sentences.seat() in reply(result)
    assert harness.store.get_cards("yoga") == (), "a list that one person sees is no card"


def test_registrations_are_sorted_by_start_with_position_and_button(
    harness: SlackHarness,
) -> None:
    harness.event("late", title="Late", starts_at=harness.clock.now() + timedelta(days=5))
    harness.event("soon", title="Soon", capacity=1)
    harness.event("other", title="Other")
    harness.register(AMARA, BJORN, event_id="soon")
    harness.register(BJORN, event_id="late")
    result = harness.slack.command(BJORN, RANDOM, "/registrations")
    text = reply(result)
    assert "*Soon* · You’re 1st on the waitlist" in text
    assert "*Late* · You have a seat" in text
    assert text.index("*Soon*") < text.index("*Late*")
    assert "Other" not in text
    left = harness.slack.click(BJORN, result.ephemeral[-1], ActionId.UNREGISTER, value="late")
    assert sentences.unregistered("Late") in reply(left)


@pytest.mark.parametrize(
    ("typed", "there", "not_there"),
    [
        ("registered", "Seat", "Line"),
        ("waitlisted", "Line", "Seat"),
        ("WAITLISTED", "Line", "Seat"),
    ],
)
def test_registrations_filter_by_status(
    harness: SlackHarness, typed: str, there: str, not_there: str
) -> None:
    harness.event("seat", title="Seat")
    harness.event("line", title="Line", capacity=1)
    harness.register(AMARA, BJORN, event_id="line")
    harness.register(BJORN, event_id="seat")
    text = reply(harness.slack.command(BJORN, RANDOM, "/registrations", typed))
    assert f"*{there}*" in text
    assert f"*{not_there}*" not in text


def test_registrations_with_unknown_filter_names_filters(harness: SlackHarness) -> None:
    text = reply(harness.slack.command(BJORN, RANDOM, "/registrations", "<!channel>"))
    assert "“&lt;!channel&gt;”" in text


def test_registrations_when_empty_says_so(harness: SlackHarness) -> None:
    text = reply(harness.slack.command(BJORN, RANDOM, "/registrations"))
    assert NO_REGISTRATIONS in text


def test_registrations_are_paged_to_the_end(harness: SlackHarness) -> None:
    for number in range(40):
        start = harness.clock.now() + timedelta(days=1, hours=number)
        harness.event(f"e{number}", title=f"Number {number}!", starts_at=start)
        harness.register(BJORN, event_id=f"e{number}")
    result = harness.slack.command(BJORN, RANDOM, "/registrations", "registered")
    message, texts = result.ephemeral[-1], [reply(result)]
    while f"[{ActionId.MORE_REGISTRATIONS}]" in texts[-1]:
        result = harness.slack.click(BJORN, message, ActionId.MORE_REGISTRATIONS)
        message = result.messages[-1]
        texts.append(shown(message))
    text = "\n".join(texts)
    assert [text.count(f"*Number {number}!*") for number in range(40)] == [1] * 40


def with_past_and_to_come(harness: SlackHarness, past: int = 12) -> None:
    """Register Björn for past lunches, one that is running, and tomorrow's."""
    for number in range(past):
        starts_at = harness.clock.now() + timedelta(hours=1)
        harness.event(f"past{number}", title=f"Lunch {number:02}", starts_at=starts_at, capacity=1)
        harness.register(BJORN, event_id=f"past{number}")
        harness.clock.advance(timedelta(days=1))
    starts_at = harness.clock.now() + timedelta(hours=1)
    harness.event(
        "runs", title="Lunch week", starts_at=starts_at, ends_at=starts_at + timedelta(days=3)
    )
    harness.event("next", title="Lunch tomorrow", starts_at=starts_at + timedelta(days=1))
    for event_id in ("runs", "next"):
        harness.register(BJORN, event_id=event_id)
    harness.clock.advance(timedelta(hours=2))


def test_registrations_show_what_is_to_come_with_the_past_a_press_away(
    harness: SlackHarness,
) -> None:
    """R5.5."""
    with_past_and_to_come(harness, past=17)
    listed = harness.slack.command(BJORN, RANDOM, "/registrations").ephemeral[-1]
    text = shown(listed)
    assert text.index("*Lunch week*") < text.index("*Lunch tomorrow*")
    assert "*Lunch 00*" not in text
    assert f"[{ActionId.PAST_REGISTRATIONS}]" in text
    past = harness.slack.click(BJORN, listed, ActionId.PAST_REGISTRATIONS).messages[-1]
    assert past.ts == listed.ts
    assert "*Lunch 16* · You had a seat" in shown(past)
    assert shown(past).index("*Lunch 16*") < shown(past).index("*Lunch 15*")
    assert "*Lunch 01*" not in shown(past)
    assert f"[{ActionId.UNREGISTER}]" not in shown(past), "one can't leave what is over"
    rest = harness.slack.click(BJORN, past, ActionId.PAST_REGISTRATIONS).messages[-1]
    assert "*Lunch 01*" in shown(rest)
    assert "*Lunch 00*" in shown(rest)
    back = harness.slack.click(BJORN, rest, ActionId.MORE_REGISTRATIONS).messages[-1]
    assert shown(back) == text


def test_registrations_say_that_none_is_to_come_and_offer_the_past(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(hours=1)
    harness.event(starts_at=starts_at, capacity=1)
    harness.register(AMARA, BJORN)
    harness.clock.advance(timedelta(hours=1))
    listed = harness.slack.command(BJORN, RANDOM, "/registrations", "waitlisted").ephemeral[-1]
    assert "not on the waitlist of any upcoming event" in shown(listed)
    past = harness.slack.click(BJORN, listed, ActionId.PAST_REGISTRATIONS).messages[-1]
    assert "*Yoga in the park* · You were 1st on the waitlist" in shown(past)
    registered = harness.slack.command(BJORN, RANDOM, "/registrations", "registered")
    assert f"[{ActionId.PAST_REGISTRATIONS}]" not in reply(registered)


def test_unregister_offers_what_is_to_come_only(harness: SlackHarness) -> None:
    """R5.5."""
    with_past_and_to_come(harness)
    result = harness.slack.command(BJORN, RANDOM, "/unregister", "lunch")
    text = reply(result)
    assert "*Lunch week*" in text
    assert "*Lunch tomorrow*" in text
    assert "*Lunch 0" not in text
    view = harness.slack.command(BJORN, RANDOM, "/unregister").view
    assert view is not None
    offered = harness.slack.options(BJORN, view, ActionId.EVENT).options
    assert [option["value"] for option in offered] == ["runs", "next"]
    past = reply(harness.slack.command(BJORN, RANDOM, "/unregister", "Lunch 07"))
    assert "*Lunch 07*" not in past


def test_unregister_with_more_matches_than_fit_says_how_many(harness: SlackHarness) -> None:
    for number in range(12):
        starts_at = harness.clock.now() + timedelta(days=1 + number)
        harness.event(f"e{number}", title=f"Lunch {number:02}", starts_at=starts_at)
        harness.register(BJORN, event_id=f"e{number}")
    text = reply(harness.slack.command(BJORN, RANDOM, "/unregister", "lunch"))
    assert text.startswith("12 of your registrations match.")
    assert "*Lunch 09*" in text
    assert "*Lunch 10*" not in text


# /rollcall


def test_help_lists_every_command_on_one_screen(harness: SlackHarness) -> None:
    text = reply(harness.slack.command(BJORN, RANDOM, "/rollcall", "help"))
    commands = [command.name for command in harness.workspace.app.commands or ()]
    for name in (*commands, "/rollcall forget-me"):
        assert f"`{name}" in text or f"`{name}`" in text
    assert len(text.splitlines()) < 25


@pytest.mark.parametrize("typed", ["", "what?", "HELP"])
def test_rollcall_shows_help(harness: SlackHarness, typed: str) -> None:
    assert "`/register" in reply(harness.slack.command(BJORN, RANDOM, "/rollcall", typed))


def test_rollcall_says_that_a_command_is_unknown(harness: SlackHarness) -> None:
    said = harness.slack.command(BJORN, RANDOM, "/rollcall", "foo bar").ephemeral[-1].text
    assert "foo" in said
    assert "foo" not in harness.slack.command(BJORN, RANDOM, "/rollcall", "help").ephemeral[-1].text


@pytest.mark.parametrize("typed", ["registrations", "events", "event nothing", "unregister x"])
def test_rollcall_command_equals_command_alone(harness: SlackHarness, typed: str) -> None:
    harness.event()
    name, _, rest = typed.partition(" ")
    behind = harness.slack.command(BJORN, RANDOM, "/rollcall", typed)
    alone = harness.slack.command(BJORN, RANDOM, f"/{name}", rest)
    assert reply(behind) == reply(alone)


def test_rollcall_registers_and_unregisters(harness: SlackHarness) -> None:
    harness.event()
    result = harness.slack.command(BJORN, RANDOM, "/rollcall", "register  in the park")
    assert sentences.seat() in reply(result)
    result = harness.slack.command(BJORN, RANDOM, "/rollcall", "Unregister yoga")
    assert sentences.unregistered() in reply(result)


def test_rollcall_opens_picker_and_form(harness: SlackHarness) -> None:
    harness.event()
    picker = harness.slack.command(BJORN, RANDOM, "/rollcall", "register").view
    form = harness.slack.command(BJORN, EVENTS, "/rollcall", "event create").view
    assert picker is not None
    assert form is not None
    assert (picker.title, form.title) == ("Register for an event", "Create event")


def test_forget_me_asks_then_deletes_and_promotes(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    asked = harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me")
    assert account_views.forget_me_question(UserDeletion(BJORN)).text in reply(asked)
    assert BJORN in harness.everything().users

    done = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.FORGET_ME)
    assert account_views.forgotten(UserDeletion(BJORN, is_done=True)).text in shown(
        done.messages[-1]
    )
    assert done.messages[-1].ts == asked.ephemeral[-1].ts
    everything = harness.assert_invariants()
    assert BJORN not in everything.users
    assert everything.seated("yoga") == [CHLOE]


def test_past_registration_shows_who_had_a_seat(harness: SlackHarness) -> None:
    """R12.1."""
    harness.event()
    harness.register(BJORN)
    harness.clock.advance(timedelta(days=9))
    listed = harness.slack.command(BJORN, RANDOM, "/registrations").ephemeral[-1]
    past = harness.slack.click(BJORN, listed, ActionId.PAST_REGISTRATIONS).messages[-1]
    assert f"[{ActionId.GOING}]" in shown(past)


def test_forget_me_declined_keeps_everything(harness: SlackHarness) -> None:
    harness.event()
    harness.register(BJORN)
    before = harness.assert_invariants()
    asked = harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    kept = harness.slack.click(BJORN, asked, ActionId.KEEP_DATA)
    assert account_views.nothing_deleted().text in shown(kept.messages[-1])
    assert harness.assert_invariants() == before


def test_forget_me_pressed_twice_says_nothing_is_stored(harness: SlackHarness) -> None:
    harness.event()
    harness.register(BJORN)
    asked = harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    harness.slack.click(BJORN, asked, ActionId.FORGET_ME)
    again = harness.slack.click(BJORN, asked, ActionId.FORGET_ME)
    assert sentences.refusal(UnknownUser(BJORN)) in shown(again.messages[-1])


def test_forgotten_user_can_register_again(harness: SlackHarness) -> None:
    harness.event()
    harness.register(BJORN)
    harness.bot.service.delete_user(BJORN)
    assert sentences.seat() in reply(harness.slack.command(BJORN, RANDOM, "/register", "yoga"))


# App Home


def test_app_home_shows_registrations_and_upcoming_events(harness: SlackHarness) -> None:
    harness.event()
    harness.event("chess", title="Chess")
    harness.register(DIEGO)
    home = harness.slack.open_home(DIEGO).home
    assert home is not None
    text = str(home.blocks)
    assert "You have a seat" in text
    assert "*Chess*" in text


def test_register_in_app_home_replies_in_modal(harness: SlackHarness) -> None:
    harness.event()
    home = harness.slack.open_home(DIEGO).home
    assert home is not None
    result = harness.slack.click(DIEGO, home, ActionId.REGISTER)
    assert result.view is not None
    assert sentences.seat() in reply(result)


def test_more_registrations_in_app_home_replace_page(harness: SlackHarness) -> None:
    for number in range(20):
        harness.event(f"e{number}", title=f"Number {number}!")
        harness.register(DIEGO, event_id=f"e{number}")
    home = harness.slack.open_home(DIEGO).home
    assert home is not None
    second = harness.slack.click(DIEGO, home, ActionId.HOME_REGISTRATIONS).home
    assert second is not None
    assert f"Show {20 - 2 * PAGE_SIZE} more" in str(second.blocks)
    first = harness.slack.click(DIEGO, second, ActionId.HOME_BACK).home
    assert first is not None
    assert text_of(first.blocks) == text_of(home.blocks)
