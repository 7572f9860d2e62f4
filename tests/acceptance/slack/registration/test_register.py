"""Registering by command, button and picker, and the replies (R8.1, R8.4, R8.13)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from slack_sdk import WebClient

from bot.blocks.ids import ActionId, BlockId
from bot.features.browsing.choice_views import NO_MATCH, NONE_OPEN, nothing_to_register_for
from bot.features.cards.views import event_card
from bot.slack.error_messages import FieldProblem, field_error
from domain.enums import ClosedReason
from domain.errors import EventFull
from playground.demo.seed import EVENTS, RANDOM
from playground.workspace.model import Member
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, reply, shown

# /register: R8.1


def test_register_with_id_registers_also_for_unlisted_event(harness: SlackHarness) -> None:
    harness.event(listed=False)
    result = harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert sentences.seat() in reply(result)
    assert "Riverside lawn" in reply(result)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_register_with_part_of_title_registers(harness: SlackHarness) -> None:
    harness.event("one", title="Chess & <friends>")
    result = harness.slack.command(BJORN, RANDOM, "/register", "ESS & <fr")
    assert f"[{ActionId.ADD_TO_CALENDAR}]" in reply(result)
    assert harness.assert_invariants().seated("one") == [BJORN]


@pytest.mark.parametrize("state", ["started", "closed", "canceled"])
def test_register_with_title_says_why_an_event_takes_no_registrations(
    harness: SlackHarness, state: str
) -> None:
    start = harness.clock.now() + timedelta(hours=1)
    harness.event(starts_at=start, ends_at=start + timedelta(hours=3))
    match state:
        case "started":
            harness.clock.advance(timedelta(hours=2))
            expected = sentences.closed(ClosedReason.STARTED, start)
        case "closed":
            harness.bot.service.close_event("yoga")
            expected = sentences.closed(ClosedReason.CLOSED)
        case _:
            harness.bot.service.cancel_event("yoga")
            expected = sentences.closed(ClosedReason.CANCELED)
    assert expected in reply(harness.slack.command(BJORN, RANDOM, "/register", "in the park"))


def test_events_that_take_no_registrations_are_found_only_if_no_other_matches(
    harness: SlackHarness,
) -> None:
    for event_id in ("one", "two", "three"):
        harness.event(event_id, title=f"Standup {event_id}")
    for event_id in ("two", "three"):
        harness.bot.service.close_event(event_id)
    assert "Standup one" in reply(harness.slack.command(BJORN, RANDOM, "/register", "standup"))
    harness.bot.service.close_event("one")
    refused = reply(harness.slack.command(CHLOE, RANDOM, "/register", "standup"))
    assert NONE_OPEN in refused
    assert f"[{ActionId.CHOOSE_TO_REGISTER}]" not in refused


def test_exact_title_of_an_event_that_takes_no_registrations_wins(harness: SlackHarness) -> None:
    harness.event("one", title="Yoga")
    harness.event("two", title="Yoga in the park")
    harness.bot.service.close_event("one")
    said = reply(harness.slack.command(BJORN, RANDOM, "/register", "yoga"))
    assert "*Yoga* is closed" in said
    assert harness.assert_invariants().registrations == {}


def test_exact_title_of_an_event_that_is_over_hides_no_other(harness: SlackHarness) -> None:
    start = harness.clock.now() + timedelta(hours=1)
    harness.event("one", title="Standup", starts_at=start, ends_at=start + timedelta(hours=1))
    harness.event("two", title="Standup retro", starts_at=start + timedelta(days=1))
    harness.bot.service.close_event("two")
    harness.clock.advance(timedelta(hours=3))
    said = reply(harness.slack.command(BJORN, RANDOM, "/register", "standup"))
    assert "*Standup retro* is closed" in said


def test_open_events_that_are_full_are_not_called_closed(harness: SlackHarness) -> None:
    for event_id in ("one", "two"):
        harness.event(event_id, title=f"Chess {event_id}", capacity=1, has_waitlist=False)
        harness.register(CHLOE, event_id=event_id)
    said = reply(harness.slack.command(BJORN, RANDOM, "/register", "chess"))
    assert NONE_OPEN in said
    assert "full" in said


@pytest.mark.parametrize("ended", ["canceled", "over"])
def test_registered_user_reads_that_the_event_has_ended(harness: SlackHarness, ended: str) -> None:
    """Not "you have a seat": there is none anymore."""
    start = harness.clock.now() + timedelta(hours=1)
    card = harness.card(harness.event(starts_at=start, ends_at=start + timedelta(hours=1)))
    harness.register(BJORN)
    if ended == "canceled":
        harness.bot.service.cancel_event("yoga")
    else:
        harness.clock.advance(timedelta(hours=3))
    said = reply(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert ("has been canceled" if ended == "canceled" else "is over") in said
    assert "seat" not in said


@pytest.mark.parametrize("command", ["/register", "/unregister"])
def test_picker_shows_the_location_where_titles_and_starts_are_the_same(
    harness: SlackHarness, command: str
) -> None:
    for event_id, location in (("one", "Café"), ("two", "Library")):
        harness.event(event_id, title="Board games", location=location)
        if command == "/unregister":
            harness.register(BJORN, event_id=event_id)
    view = harness.slack.command(BJORN, RANDOM, command).view
    assert view is not None
    options = harness.slack.options(BJORN, view.id, ActionId.EVENT).options
    labels = [one["text"]["text"] for one in options]
    assert [label.split(" · ")[1] for label in labels] == ["Café", "Library"]


def test_event_that_is_over_is_not_found_by_title(harness: SlackHarness) -> None:
    start = harness.clock.now() + timedelta(hours=1)
    harness.event(starts_at=start, ends_at=start + timedelta(hours=1), title="Standup")
    harness.clock.advance(timedelta(hours=3))
    assert NO_MATCH in reply(harness.slack.command(BJORN, RANDOM, "/register", "standup"))


def test_unlisted_event_is_not_found_by_title(harness: SlackHarness) -> None:
    harness.event("hidden", title="Board meeting", listed=False)
    result = harness.slack.command(BJORN, RANDOM, "/register", "Board meeting")
    assert NO_MATCH in reply(result)
    assert harness.assert_invariants().seated("hidden") == []


def test_register_with_ambiguous_title_offers_choice(harness: SlackHarness) -> None:
    harness.event("y1", title="Yoga for beginners")
    harness.event("y2", title="Yoga in the park", starts_at=harness.clock.now() + timedelta(days=3))
    result = harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert reply(result).count(f"[{ActionId.CHOOSE_TO_REGISTER}]") == 2
    assert "Yoga for beginners" in reply(result)
    assert harness.assert_invariants().registrations == {}

    chosen = harness.slack.click(
        BJORN, result.ephemeral[-1], ActionId.CHOOSE_TO_REGISTER, value="y2"
    )
    assert sentences.seat() in shown(chosen.messages[-1])
    assert chosen.messages[-1].ts == result.ephemeral[-1].ts, "the reply replaces the question"
    assert harness.assert_invariants().seated("y2") == [BJORN]


def test_choice_shows_dates(harness: SlackHarness) -> None:
    first = harness.event("y1")
    second = harness.event("y2", starts_at=harness.clock.now() + timedelta(days=9))
    result = harness.slack.command(BJORN, RANDOM, "/register", "in the")
    for event in (first, second):
        assert f"<!date^{int(event.starts_at.timestamp())}^" in reply(result)


def test_register_with_similar_title_offers_nearest(harness: SlackHarness) -> None:
    harness.event()
    result = harness.slack.command(BJORN, RANDOM, "/register", "Joga im Park")
    assert f"[{ActionId.CHOOSE_TO_REGISTER}]" in reply(result)
    harness.slack.click(BJORN, result.ephemeral[-1], ActionId.CHOOSE_TO_REGISTER)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_register_with_unknown_title_says_so(harness: SlackHarness) -> None:
    result = harness.slack.command(BJORN, RANDOM, "/register", "nothing like it")
    assert NO_MATCH in reply(result)
    assert harness.everything().users == {}


@pytest.mark.parametrize("typed", ["park yoga", "YOGA  park", "in the\u00a0park", ":tada: yoga"])
def test_register_finds_a_title_by_its_words(harness: SlackHarness, typed: str) -> None:
    harness.event()
    harness.slack.command(BJORN, RANDOM, "/register", typed)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_register_offers_a_title_with_a_typo(harness: SlackHarness) -> None:
    """It registers for nothing at once: another event may be meant."""
    harness.event()
    result = harness.slack.command(BJORN, RANDOM, "/register", "yoag")
    assert f"[{ActionId.CHOOSE_TO_REGISTER}]" in reply(result)
    assert harness.assert_invariants().registrations == {}


def test_picker_offers_a_title_with_a_typo(harness: SlackHarness) -> None:
    harness.event()
    view = harness.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    offered = harness.slack.options(BJORN, view, ActionId.EVENT, query="yoag").options
    assert [option["value"] for option in offered] == ["yoga"]


def test_register_without_an_open_event_says_so(harness: SlackHarness) -> None:
    harness.event()
    harness.bot.service.close_event("yoga")
    result = harness.slack.command(BJORN, RANDOM, "/register")
    assert result.view is None
    assert nothing_to_register_for().text in reply(result)


def test_register_without_text_opens_picker_of_open_events(harness: SlackHarness) -> None:
    harness.event()
    harness.event("chess", title="Chess")
    harness.event("past", title="Yoga closed")
    harness.bot.service.close_event("past")
    view = harness.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    offered = harness.slack.options(BJORN, view, ActionId.EVENT, query="yog").options
    assert [option["value"] for option in offered] == ["yoga"]
    assert offered[0]["text"]["text"].startswith("Yoga in the park · ")

    result = harness.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert sentences.seat() in reply(result)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_empty_picker_is_a_field_error(harness: SlackHarness) -> None:
    harness.event()
    view = harness.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    result = harness.slack.submit(BJORN, view.id, client_checks=False)
    assert result.errors == {BlockId.EVENT: field_error(FieldProblem.NO_EVENT)}


def test_register_creates_user_without_calling_slack(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert harness.everything().users[BJORN].is_named is False
    assert harness.api.calls() == [], "no call before the acknowledgement"


def test_register_on_card_calls_response_url_only(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    before = len(harness.api.calls())
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert [call.method for call in harness.api.calls()[before:]] == ["response_url"]


# Replies: R8.4


def test_register_replies_with_seat_position_or_already(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event(capacity=1))
    assert sentences.seat() in reply(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert sentences.waitlisted(1) in reply(harness.slack.click(CHLOE, card, ActionId.REGISTER))
    assert sentences.waitlisted(2) in reply(harness.slack.click(DIEGO, card, ActionId.REGISTER))
    assert sentences.waitlisted(3) in reply(harness.slack.click(HARUKI, card, ActionId.REGISTER))
    again = harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert sentences.already() in reply(again)
    waits = harness.slack.click(DIEGO, card, ActionId.REGISTER)
    assert sentences.already(2) in reply(waits)


def test_register_reply_is_ephemeral_and_card_stays(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event())
    result = harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert [message.ephemeral_to for message in result.messages] == [BJORN]
    assert harness.workspace.message(EVENTS, card.ts).blocks == card.blocks


def test_register_for_full_event_without_waitlist_is_refused(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1, has_waitlist=False))
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    result = harness.slack.click(CHLOE, card, ActionId.REGISTER)
    assert sentences.refusal(EventFull("yoga", sentences.YOGA, 1, 1)) in reply(result)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_register_for_closed_ended_or_started_event_is_refused(harness: SlackHarness) -> None:
    now = harness.clock.now()
    deadline = now + timedelta(hours=1)
    harness.event("closed")
    harness.event("ended", registration_deadline=deadline)
    harness.event("started", starts_at=deadline)
    harness.bot.service.close_event("closed")
    harness.clock.advance(timedelta(hours=2))
    for event_id, words in (
        ("closed", sentences.closed(ClosedReason.CLOSED)),
        ("ended", sentences.closed(ClosedReason.DEADLINE, deadline)),
        ("started", sentences.closed(ClosedReason.STARTED, deadline)),
    ):
        assert words in reply(harness.slack.command(BJORN, RANDOM, "/register", event_id))
    assert harness.assert_invariants().registrations == {}


# Double clicks: R8.13


def test_double_click_on_register_changes_nothing(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    before = harness.assert_invariants()
    assert sentences.already() in reply(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert harness.assert_invariants() == before


def test_double_click_on_unregister_removes_no_one_else(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN, CHLOE, DIEGO)
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER).ephemeral[-1]
    harness.slack.click(BJORN, asked, ActionId.UNREGISTER_CONFIRMED)
    before = harness.assert_invariants()
    again = harness.slack.click(BJORN, asked, ActionId.UNREGISTER_CONFIRMED)
    assert sentences.not_registered() in reply(again)
    assert harness.assert_invariants() == before


def test_register_on_unknown_card_stores_card(harness: SlackHarness) -> None:
    answered = WebClient(
        token=harness.workspace.app.bot_token, base_url=f"{harness.workspace.url}/api/"
    ).chat_postMessage(channel=EVENTS, **event_card(harness.event()).to_dict())
    card = harness.workspace.message(EVENTS, answered["ts"])
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert sentences.taken(1, 2) in harness.current_card_text()


def test_sixteen_members_for_five_seats_get_true_replies(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event(capacity=5))
    ids = [f"U0CROWD{number:02}" for number in range(16)]
    for user_id in ids:
        harness.workspace.put_member(Member(user_id, user_id.lower(), user_id))
        harness.workspace.join(EVENTS, user_id)
    with ThreadPoolExecutor(16) as crowd:
        result = crowd.map(
            lambda user_id: harness.slack.click(user_id, card, ActionId.REGISTER), ids
        )
    said = [reply(one) for one in result]
    everything = harness.assert_invariants()
    assert sum(sentences.seat() in text for text in said) == 5
    for user_id, text in zip(ids, said, strict=True):
        if user_id in everything.waitlisted("yoga"):
            position = everything.waitlisted("yoga").index(user_id) + 1
            assert sentences.waitlisted(position) in text


def test_sixteen_clicks_of_one_member_give_one_seat(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=5))
    with ThreadPoolExecutor(16) as clicks:
        result = clicks.map(
            lambda _: harness.slack.click(BJORN, card, ActionId.REGISTER), range(16)
        )
    assert all(one.failure is None for one in result)
    assert harness.assert_invariants().seated("yoga") == [BJORN]
