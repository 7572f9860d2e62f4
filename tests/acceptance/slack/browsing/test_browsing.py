"""Upcoming events, one's own registrations, help, and forget-me, also with `/rollcall` (R8.2, R2.8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.features.account import views as account_views
from bot.features.browsing.views import NO_EVENTS, NO_REGISTRATIONS
from domain.errors import UnknownUser
from playground.demo.seed import EVENTS, RANDOM
from tests.support.slack import sentences
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    SlackHarness,
    answer,
    shown,
    text_of,
)


def test_events_lists_upcoming_events(town: Town) -> None:
    event = town.event(description="Bring a mat.")
    town.register(CHLOE)
    text = answer(town.slack.command(BJORN, RANDOM, "/events"))
    assert "*Yoga in the park*" in text
    assert f"<!date^{int(event.starts_at.timestamp())}^" in text
    for words in (
        "Riverside lawn",
        "Bring a mat.",
        sentences.taken(1, 2),
        f"[{ActionId.REGISTER}]",
    ):
        assert words in text


def test_events_omits_past_canceled_and_unlisted(town: Town) -> None:
    soon = town.clock.now() + timedelta(hours=1)
    town.event("past", title="Past", starts_at=soon)
    town.event("off", title="Called off")
    town.event("hidden", title="Hidden", listed=False)
    town.event("shut", title="Shut")
    town.bot.service.cancel_event("off")
    town.bot.service.close_event("shut")
    town.clock.advance(timedelta(hours=2))
    text = answer(town.slack.command(BJORN, RANDOM, "/events"))
    assert "*Shut*" in text
    for title in ("Past", "Called off", "Hidden"):
        assert title not in text


def test_events_when_empty_says_how_to_create_one(town: Town) -> None:
    assert NO_EVENTS in answer(town.slack.command(BJORN, RANDOM, "/events"))


def test_more_events_replaces_page(town: Town) -> None:
    for number in range(20):
        start = harness.clock.now() + timedelta(days=1, hours=number)
        harness.event(f"e{number}", title=f"Number {number}!", starts_at=start)
    seen = harness.slack.command(BJORN, RANDOM, "/events")
    message, texts = seen.ephemeral[-1], [answer(seen)]
    while f"[{ActionId.MORE_EVENTS}]" in texts[-1]:
        seen = harness.slack.click(BJORN, message, ActionId.MORE_EVENTS)
        assert seen.messages[-1].ts == message.ts
        message = seen.messages[-1]
        texts.append(shown(message))
    text = "\n".join(texts)
    assert [text.count(f"*Number {number}!*") for number in range(20)] == [1] * 20


def test_empty_page_is_skipped(town: Town) -> None:
    for number in range(20):
        harness.event(f"e{number}", listed=False)
    harness.event("shown", title="Late", starts_at=harness.clock.now() + timedelta(days=9))
    text = answer(harness.slack.command(BJORN, RANDOM, "/events"))
    assert "*Late*" in text


def test_register_in_list_replies_ephemerally(town: Town) -> None:
    town.event()
    listed = town.slack.command(BJORN, RANDOM, "/events").ephemeral[-1]
    seen = town.slack.click(BJORN, listed, ActionId.REGISTER)
    assert sentences.seat() in answer(seen)
    assert harness.store.get_cards("yoga") == (), "a list that one person sees is no card"


def test_registrations_are_sorted_by_start_with_position_and_button(
    town: Town,
) -> None:
    harness.event("late", title="Late", starts_at=harness.clock.now() + timedelta(days=5))
    harness.event("soon", title="Soon", capacity=1)
    harness.event("other", title="Other")
    harness.register(AMARA, BJORN, event_id="soon")
    harness.register(BJORN, event_id="late")
    seen = harness.slack.command(BJORN, RANDOM, "/registrations")
    text = answer(seen)
    assert "*Soon* · You’re 1st on the waitlist" in text
    assert "*Late* · You have a seat" in text
    assert text.index("*Soon*") < text.index("*Late*")
    assert "Other" not in text
    left = harness.slack.click(BJORN, seen.ephemeral[-1], ActionId.UNREGISTER, value="late")
    assert sentences.unregistered("Late") in answer(left)


@pytest.mark.parametrize(
    ("typed", "there", "not_there"),
    [
        ("registered", "Seat", "Line"),
        ("waitlisted", "Line", "Seat"),
        ("WAITLISTED", "Line", "Seat"),
    ],
)
def test_registrations_filter_by_status(town: Town, typed: str, there: str, not_there: str) -> None:
    town.event("seat", title="Seat")
    town.event("line", title="Line", capacity=1)
    town.register(AMARA, BJORN, event_id="line")
    town.register(BJORN, event_id="seat")
    text = answer(town.slack.command(BJORN, RANDOM, "/registrations", typed))
    assert f"*{there}*" in text
    assert f"*{not_there}*" not in text


def test_registrations_with_unknown_filter_names_filters(town: Town) -> None:
    text = answer(town.slack.command(BJORN, RANDOM, "/registrations", "<!channel>"))
    assert "“&lt;!channel&gt;”" in text


def test_registrations_when_empty_says_so(town: Town) -> None:
    text = answer(town.slack.command(BJORN, RANDOM, "/registrations"))
    assert NO_REGISTRATIONS in text


def test_registrations_are_paged_to_the_end(town: Town) -> None:
    for number in range(40):
        start = harness.clock.now() + timedelta(days=1, hours=number)
        harness.event(f"e{number}", title=f"Number {number}!", starts_at=start)
        harness.register(BJORN, event_id=f"e{number}")
    seen = harness.slack.command(BJORN, RANDOM, "/registrations", "registered")
    message, texts = seen.ephemeral[-1], [answer(seen)]
    while f"[{ActionId.MORE_REGISTRATIONS}]" in texts[-1]:
        seen = harness.slack.click(BJORN, message, ActionId.MORE_REGISTRATIONS)
        message = seen.messages[-1]
        texts.append(shown(message))
    text = "\n".join(texts)
    assert [text.count(f"*Number {number}!*") for number in range(40)] == [1] * 40


# /rollcall


def test_help_lists_every_command_on_one_screen(town: Town) -> None:
    text = answer(town.slack.command(BJORN, RANDOM, "/rollcall", "help"))
    commands = [command.name for command in town.workspace.app.commands or ()]
    for name in (*commands, "/rollcall forget-me"):
        assert f"`{name}" in text or f"`{name}`" in text
    assert len(text.splitlines()) < 25


@pytest.mark.parametrize("typed", ["", "what?", "HELP"])
def test_rollcall_with_unknown_text_shows_help(town: Town, typed: str) -> None:
    assert "`/register" in answer(town.slack.command(BJORN, RANDOM, "/rollcall", typed))


@pytest.mark.parametrize("typed", ["registrations", "events", "event nothing", "unregister x"])
def test_rollcall_command_equals_command_alone(town: Town, typed: str) -> None:
    town.event()
    name, _, rest = typed.partition(" ")
    behind = harness.slack.command(BJORN, RANDOM, "/rollcall", typed)
    alone = harness.slack.command(BJORN, RANDOM, f"/{name}", rest)
    assert answer(behind) == answer(alone)


def test_rollcall_registers_and_unregisters(town: Town) -> None:
    town.event()
    seen = town.slack.command(BJORN, RANDOM, "/rollcall", "register  in the park")
    assert sentences.seat() in answer(seen)
    seen = harness.slack.command(BJORN, RANDOM, "/rollcall", "Unregister yoga")
    assert sentences.unregistered() in answer(seen)


def test_rollcall_opens_picker_and_form(town: Town) -> None:
    picker = town.slack.command(BJORN, RANDOM, "/rollcall", "register").view
    form = town.slack.command(BJORN, EVENTS, "/rollcall", "event create").view
    assert picker is not None
    assert form is not None
    assert (picker.title, form.title) == ("Register for an event", "Create event")


def test_forget_me_asks_then_deletes_and_promotes(town: Town) -> None:
    town.event(capacity=1)
    town.register(BJORN, CHLOE)
    asked = town.slack.command(BJORN, RANDOM, "/rollcall", "forget-me")
    assert account_views.forget_me_question().text in answer(asked)
    assert BJORN in harness.everything().users

    done = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.FORGET_ME)
    assert account_views.forgotten(True).text in shown(done.messages[-1])
    assert done.messages[-1].ts == asked.ephemeral[-1].ts
    everything = harness.assert_invariants()
    assert BJORN not in everything.users
    assert everything.seated("yoga") == [CHLOE]


def test_forget_me_declined_keeps_everything(town: Town) -> None:
    town.event()
    town.register(BJORN)
    before = town.sound()
    asked = town.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    kept = town.slack.click(BJORN, asked, ActionId.KEEP_DATA)
    assert account_views.nothing_deleted().text in shown(kept.messages[-1])
    assert harness.assert_invariants() == before


def test_forget_me_pressed_twice_says_nothing_is_stored(town: Town) -> None:
    town.event()
    town.register(BJORN)
    asked = town.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    town.slack.click(BJORN, asked, ActionId.FORGET_ME)
    again = town.slack.click(BJORN, asked, ActionId.FORGET_ME)
    assert sentences.refusal(UnknownUser(BJORN)) in shown(again.messages[-1])


def test_forgotten_user_can_register_again(town: Town) -> None:
    town.event()
    town.register(BJORN)
    town.bot.service.delete_user(BJORN)
    assert sentences.seat() in answer(town.slack.command(BJORN, RANDOM, "/register", "yoga"))


# App Home


def test_app_home_shows_registrations_and_upcoming_events(town: Town) -> None:
    town.event()
    town.event("chess", title="Chess")
    town.register(DIEGO)
    home = town.slack.open_home(DIEGO).home
    assert home is not None
    text = str(home.blocks)
    assert "You have a seat" in text
    assert "*Chess*" in text


def test_register_in_app_home_replies_in_modal(town: Town) -> None:
    town.event()
    home = town.slack.open_home(DIEGO).home
    assert home is not None
    seen = harness.slack.click(DIEGO, home, ActionId.REGISTER)
    assert seen.view is not None
    assert sentences.seat() in answer(seen)


def test_more_registrations_in_app_home_replace_page(town: Town) -> None:
    for number in range(20):
        harness.event(f"e{number}", title=f"Number {number}!")
        harness.register(DIEGO, event_id=f"e{number}")
    home = harness.slack.open_home(DIEGO).home
    assert home is not None
    second = harness.slack.click(DIEGO, home, ActionId.HOME_OWN).home
    assert second is not None
    assert "Show 4 more" in str(second.blocks)
    first = harness.slack.click(DIEGO, second, ActionId.HOME_OWN, value="first").home
    assert first is not None
    assert text_of(first.blocks) == text_of(home.blocks)
