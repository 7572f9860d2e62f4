"""Unregistering, the question before it, and the promotion message (R8.1, R8.4, R8.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.blocks.formatting import TOO_LATE
from bot.blocks.ids import ActionId, BlockId
from bot.features.browsing.choice_views import ALL_CANCELED, registration_choice
from bot.features.browsing.views import NO_REGISTRATIONS
from domain.enums import ClosedReason
from domain.inputs import EventChanges
from domain.search import FoundRegistrations
from playground.demo.seed import RANDOM
from playground.workspace.model import Message
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

# Unregistering: R8.1, R8.4


def test_unregister_searches_own_registrations(harness: SlackHarness) -> None:
    harness.event("y1", title="Yoga for beginners")
    harness.event("y2", title="Yoga in the park")
    harness.register(BJORN, event_id="y1")
    result = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    assert sentences.unregistered("Yoga for beginners") in reply(result)
    assert harness.assert_invariants().registrations == {}


def test_unregister_with_ambiguous_title_offers_choice(harness: SlackHarness) -> None:
    for event_id in ("y1", "y2"):
        harness.event(event_id)
        harness.register(BJORN, event_id=event_id)
    result = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    assert reply(result).count(f"[{ActionId.CHOOSE_TO_UNREGISTER}]") == 2
    harness.slack.click(BJORN, result.ephemeral[-1], ActionId.CHOOSE_TO_UNREGISTER, value="y2")
    assert harness.assert_invariants().seated("y1") == [BJORN]
    assert harness.assert_invariants().seated("y2") == []


def test_unregister_without_match_says_so(harness: SlackHarness) -> None:
    harness.event()
    result = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    assert registration_choice(FoundRegistrations((), ()), "yoga").text in reply(result)


def test_unregister_with_similar_title_offers_nearest_own(
    harness: SlackHarness,
) -> None:
    harness.event("mine")
    harness.event("others", title="Yoga im Park")
    harness.register(BJORN, event_id="mine")
    result = harness.slack.command(BJORN, RANDOM, "/unregister", "Joga im Park")
    assert f"[{ActionId.CHOOSE_TO_UNREGISTER}]" in reply(result)
    assert "Yoga im Park" not in reply(result).splitlines()[1:]
    assert harness.assert_invariants().seated("mine") == [BJORN]
    harness.slack.click(BJORN, result.ephemeral[-1], ActionId.CHOOSE_TO_UNREGISTER)
    assert harness.assert_invariants().seated("mine") == []


def test_unregister_without_text_opens_picker_of_own(harness: SlackHarness) -> None:
    harness.event()
    harness.event("chess", title="Chess")
    harness.register(BJORN)
    view = harness.slack.command(BJORN, RANDOM, "/unregister").view
    assert view is not None
    offered = harness.slack.options(BJORN, view, ActionId.EVENT).options
    assert [option["value"] for option in offered] == ["yoga"]
    result = harness.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert sentences.unregistered() in reply(result)


def test_unregister_without_a_registration_says_so(harness: SlackHarness) -> None:
    harness.event()
    result = harness.slack.command(BJORN, RANDOM, "/unregister")
    assert result.view is None
    assert NO_REGISTRATIONS in reply(result)


def test_unregister_from_event_with_free_seats_does_not_ask(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    harness.register(BJORN)
    assert sentences.unregistered() in reply(harness.slack.click(BJORN, card, ActionId.UNREGISTER))
    assert harness.assert_invariants().registrations == {}


def test_unregister_from_full_event_asks_with_cost(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN, CHLOE, DIEGO)
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question(back=2, heir=True) in reply(asked)
    assert harness.assert_invariants().seated("yoga") == [BJORN]

    stayed = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.KEEP_REGISTRATION)
    assert sentences.kept() in shown(stayed.messages[-1])
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_unregister_from_full_event_without_waitlist_entries_asks(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN)
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question() in reply(asked)
    left = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.UNREGISTER_CONFIRMED)
    assert sentences.unregistered() in shown(left.messages[-1])
    assert left.messages[-1].ts == asked.ephemeral[-1].ts, "the reply replaces the question"


def test_unregister_ahead_of_others_on_waitlist_asks(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN, CHLOE)
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question(1, back=2) in reply(asked)
    left = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.UNREGISTER_CONFIRMED)
    assert sentences.left_waitlist() in shown(left.messages[-1])
    assert harness.assert_invariants().waitlisted("yoga") == [CHLOE]


def test_unregister_from_closed_event_says_no_return(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN)
    harness.bot.service.close_event("yoga")
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question(is_open=False) in reply(asked)
    harness.bot.service.reopen_event("yoga")
    harness.register(CHLOE)
    harness.bot.service.close_event("yoga")
    for user_id, position in ((BJORN, None), (CHLOE, 1)):
        asked = harness.slack.click(user_id, card, ActionId.UNREGISTER)
        question = sentences.question(
            position, heir=position is None, is_open=False, waitlist_count=1
        )
        assert question in reply(asked)


def test_unregister_after_the_deadline_says_no_return(harness: SlackHarness) -> None:
    """The event is still open, but takes no registrations."""
    deadline = harness.clock.now() + timedelta(hours=1)
    card = harness.card(harness.event(capacity=1, registration_deadline=deadline))
    harness.register(BJORN)
    harness.clock.advance(timedelta(hours=2))
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question(is_open=False) in reply(asked)


def test_unregister_from_event_that_dropped_its_waitlist_names_what_is_needed(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN, CHLOE)
    harness.bot.service.edit_event("yoga", EventChanges.of(has_waitlist=False))
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question(heir=True, waitlist_count=1, has_waitlist=False) in reply(asked)


def test_waitlisted_user_who_stays_sees_position(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN, CHLOE)
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    stayed = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.KEEP_REGISTRATION)
    assert sentences.kept(1) in shown(stayed.messages[-1])


def test_last_on_waitlist_unregisters_without_question(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN)
    assert sentences.left_waitlist() in reply(harness.slack.click(BJORN, card, ActionId.UNREGISTER))


def test_unregister_without_registration_is_refused(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    result = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.not_registered() in reply(result)


def test_picker_question_is_answered_in_same_modal(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    view = harness.slack.command(BJORN, RANDOM, "/unregister").view
    assert view is not None
    harness.slack.options(BJORN, view, ActionId.EVENT)
    asked = harness.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert asked.view is not None
    left = harness.slack.click(BJORN, asked.view, ActionId.UNREGISTER_CONFIRMED)
    assert sentences.unregistered(promoted=CHLOE) in reply(left)
    assert len(harness.workspace.views.stack(BJORN)) == 1, "the reply takes the question's place"


# The promotion message: R8.5


def test_promotion_message_gives_up_seat(
    harness: SlackHarness,
) -> None:
    event = harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.bot.service.unregister("yoga", BJORN)
    harness.deliver_due()
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    assert f"<!date^{int(event.starts_at.timestamp())}^" in shown(message)
    assert "Riverside lawn" in shown(message)

    asked = harness.slack.click(CHLOE, message, ActionId.GIVE_UP_SEAT)
    assert sentences.question() in shown(asked.messages[-1])
    left = harness.slack.click(CHLOE, asked.messages[-1], ActionId.UNREGISTER_CONFIRMED)
    (text,) = harness.direct_messages(CHLOE)
    assert text.startswith(sentences.unregistered())
    assert left.failure is None
    assert harness.assert_invariants().seated("yoga") == []


def test_promoted_user_who_stays_can_still_unregister(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.bot.service.unregister("yoga", BJORN)
    harness.deliver_due()
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    asked = harness.slack.click(CHLOE, message, ActionId.GIVE_UP_SEAT)
    stayed = harness.slack.click(CHLOE, asked.messages[-1], ActionId.KEEP_REGISTRATION)
    assert sentences.kept() in shown(stayed.messages[-1])
    asked = harness.slack.click(CHLOE, stayed.messages[-1], ActionId.CHOOSE_TO_UNREGISTER)
    assert sentences.question() in shown(asked.messages[-1])


# Registering again: R8.4


def left_by_command(harness: SlackHarness) -> Message:
    return harness.slack.command(BJORN, RANDOM, "/unregister", "yoga").ephemeral[-1]


def left_from_card(harness: SlackHarness) -> Message:
    card = harness.card(harness.bot.service.get_event("yoga"))
    return harness.slack.click(BJORN, card, ActionId.UNREGISTER).ephemeral[-1]


def left_by_choice(harness: SlackHarness) -> Message:
    harness.event("tea", title="Yoga and tea")
    harness.register(BJORN, event_id="tea")
    asked = harness.slack.command(BJORN, RANDOM, "/unregister", "yog").ephemeral[-1]
    action = ActionId.CHOOSE_TO_UNREGISTER
    left = harness.slack.click(BJORN, asked, action, value="yoga").messages[-1]
    harness.bot.service.unregister("tea", BJORN)
    return left


def left_from_events(harness: SlackHarness) -> Message:
    listed = harness.slack.command(BJORN, RANDOM, "/events").ephemeral[-1]
    return harness.slack.click(BJORN, listed, ActionId.UNREGISTER).ephemeral[-1]


@pytest.mark.parametrize(
    "leave", [left_by_command, left_from_card, left_by_choice, left_from_events]
)
def test_one_button_registers_again(
    harness: SlackHarness, leave: Callable[[SlackHarness], Message]
) -> None:
    """Its reply takes the place of the one that has it, and so on."""
    harness.event()
    harness.register(BJORN)
    message = leave(harness)
    for _ in range(2):
        back = harness.slack.click(BJORN, message, ActionId.CHOOSE_TO_REGISTER).messages[-1]
        assert back.ts == message.ts
        assert sentences.seat() in shown(back)
        assert harness.assert_invariants().seated("yoga") == [BJORN]
        message = harness.slack.click(BJORN, back, ActionId.CHOOSE_TO_UNREGISTER).messages[-1]
        assert sentences.unregistered() in shown(message)
    assert harness.assert_invariants().seated("yoga") == []


def test_confirmed_and_promoted_register_again_at_the_end(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    question = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga").ephemeral[-1]
    left = harness.slack.click(BJORN, question, ActionId.UNREGISTER_CONFIRMED).messages[-1]
    back = harness.slack.click(BJORN, left, ActionId.CHOOSE_TO_REGISTER).messages[-1]
    assert sentences.waitlisted(1) in shown(back)
    harness.deliver_due()
    promotion = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    asked = harness.slack.click(CHLOE, promotion, ActionId.GIVE_UP_SEAT).messages[-1]
    given_up = harness.slack.click(CHLOE, asked, ActionId.UNREGISTER_CONFIRMED).messages[-1]
    again = harness.slack.click(CHLOE, given_up, ActionId.CHOOSE_TO_REGISTER).messages[-1]
    assert sentences.waitlisted(1) in shown(again)
    assert again.ts == promotion.ts


@pytest.mark.parametrize(("capacity", "label"), [(2, "Register again"), (1, "Join waitlist again")])
def test_button_says_what_coming_back_means(
    harness: SlackHarness, capacity: int, label: str
) -> None:
    harness.event(capacity=capacity)
    harness.register(BJORN, CHLOE)
    asked = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga").ephemeral[-1]
    left = harness.slack.click(BJORN, asked, ActionId.UNREGISTER_CONFIRMED).messages[-1]
    assert label in str(left.blocks)


@pytest.mark.parametrize("asks", [False, True])
def test_registering_again_in_the_picker_replaces_the_reply(
    harness: SlackHarness, asks: bool
) -> None:
    harness.event(capacity=1 if asks else 2)
    harness.register(BJORN)
    view = harness.slack.command(BJORN, RANDOM, "/unregister").view
    assert view is not None
    harness.slack.options(BJORN, view, ActionId.EVENT)
    left = harness.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"}).view
    assert left is not None
    if asks:
        left = harness.slack.click(BJORN, left, ActionId.UNREGISTER_CONFIRMED).view
        assert left is not None
    assert harness.assert_invariants().registrations == {}
    back = harness.slack.click(BJORN, left, ActionId.CHOOSE_TO_REGISTER)
    assert sentences.seat() in reply(back)
    assert len(harness.workspace.views.stack(BJORN)) == 1
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_registering_again_in_home_updates_it(harness: SlackHarness) -> None:
    harness.event()
    harness.register(BJORN)
    home = harness.slack.open_home(BJORN).home
    assert home is not None
    left = harness.slack.click(BJORN, home, ActionId.UNREGISTER).view
    assert left is not None
    back = harness.slack.click(BJORN, left, ActionId.CHOOSE_TO_REGISTER)
    assert sentences.seat() in reply(back)
    home = harness.workspace.views.home(BJORN)
    assert home is not None
    assert "You have a seat" in text_of(home.body["blocks"])


@pytest.mark.parametrize("ended", ["closed", "deadline", "started", "full"])
def test_no_button_registers_again_where_it_can_not_succeed(
    harness: SlackHarness, ended: str
) -> None:
    """Full: the seat went to the waitlist, which takes nobody anymore."""
    start = harness.clock.now() + timedelta(hours=2)
    deadline = start - timedelta(hours=1)
    harness.event(
        capacity=1,
        starts_at=start,
        ends_at=start + timedelta(days=1),
        registration_deadline=deadline,
    )
    harness.register(BJORN)
    service = harness.bot.service
    match ended:
        case "closed":
            service.close_event("yoga")
        case "full":
            harness.register(CHLOE)
            service.edit_event("yoga", EventChanges.of(has_waitlist=False))
        case _:
            harness.clock.advance(timedelta(minutes=80 if ended == "deadline" else 130))
    replied = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga").ephemeral[-1]
    if f"[{ActionId.UNREGISTER_CONFIRMED}]" in shown(replied):
        replied = harness.slack.click(BJORN, replied, ActionId.UNREGISTER_CONFIRMED).messages[-1]
    assert "no longer registered" in shown(replied)
    assert f"[{ActionId.CHOOSE_TO_REGISTER}]" not in shown(replied)


def test_nobody_needs_to_unregister_from_a_canceled_event(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN)
    harness.bot.service.cancel_event("yoga")
    said = reply(harness.slack.command(BJORN, RANDOM, "/unregister", "yoga"))
    assert "has been canceled" in said
    assert f"[{ActionId.UNREGISTER_CONFIRMED}]" not in said
    assert harness.assert_invariants().seated("yoga") == [BJORN]


@pytest.mark.parametrize("text", ["yoga for all", "old"])
def test_exact_title_or_id_of_a_canceled_event_wins(harness: SlackHarness, text: str) -> None:
    harness.event("old", title="Yoga for all")
    harness.event("new", title="Yoga for all of us, old and young")
    for event_id in ("old", "new"):
        harness.register(BJORN, event_id=event_id)
    harness.bot.service.cancel_event("old")
    assert "has been canceled" in reply(harness.slack.command(BJORN, RANDOM, "/unregister", text))
    assert harness.assert_invariants().seated("new") == [BJORN]


def test_several_canceled_events_that_match_are_said_to_be_canceled(harness: SlackHarness) -> None:
    for event_id in ("one", "two"):
        harness.event(event_id, title=f"Yoga {event_id}")
        harness.register(BJORN, event_id=event_id)
        harness.bot.service.cancel_event(event_id)
    assert ALL_CANCELED in reply(harness.slack.command(BJORN, RANDOM, "/unregister", "yoga"))


@pytest.mark.parametrize("ended", ["canceled", "over"])
def test_user_who_stays_reads_that_the_event_has_ended_meanwhile(
    harness: SlackHarness, ended: str
) -> None:
    start = harness.clock.now() + timedelta(hours=1)
    harness.event(capacity=1, starts_at=start, ends_at=start + timedelta(hours=1))
    harness.register(BJORN, CHLOE)
    asked = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga").ephemeral[-1]
    if ended == "canceled":
        harness.bot.service.cancel_event("yoga")
    else:
        harness.clock.advance(timedelta(hours=3))
    kept = harness.slack.click(BJORN, asked, ActionId.KEEP_REGISTRATION).messages[-1]
    assert ("has been canceled" if ended == "canceled" else "is over") in shown(kept)
    assert "[" not in shown(kept), "no button"


def test_seat_in_an_event_that_was_canceled_meanwhile_goes_to_nobody(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    asked = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga").ephemeral[-1]
    harness.bot.service.cancel_event("yoga")
    left = harness.slack.click(BJORN, asked, ActionId.UNREGISTER_CONFIRMED).messages[-1]
    assert "next person" not in shown(left)


def test_unregister_finds_canceled_events_only_if_no_other_matches(harness: SlackHarness) -> None:
    harness.event("old", title="Yoga for all")
    harness.event("new", title="Yoga for all of us")
    harness.event("board", title="Board meeting")
    for event_id in ("old", "new", "board"):
        harness.register(BJORN, event_id=event_id)
    for event_id in ("old", "board"):
        harness.bot.service.cancel_event(event_id)
    assert "Yoga for all of us" in reply(
        harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    )
    assert "has been canceled" in reply(
        harness.slack.command(BJORN, RANDOM, "/unregister", "board")
    )
    none_left = reply(harness.slack.command(BJORN, RANDOM, "/unregister"))
    assert NO_REGISTRATIONS in none_left


def test_registering_again_too_late_is_refused_as_usual(harness: SlackHarness) -> None:
    event = harness.event()
    harness.register(BJORN)
    left = left_by_command(harness)
    harness.clock.advance(timedelta(days=3))
    refused = harness.slack.click(BJORN, left, ActionId.CHOOSE_TO_REGISTER)
    assert sentences.closed(ClosedReason.STARTED, event.starts_at) in reply(refused)


# An event that has started: R4.7


def test_position_says_that_it_is_too_late_for_a_seat_once_the_event_has_started(
    harness: SlackHarness,
) -> None:
    start = harness.clock.now() + timedelta(hours=1)
    card = harness.card(
        harness.event(capacity=1, starts_at=start, ends_at=start + timedelta(days=1))
    )
    harness.register(CHLOE, BJORN)

    def said() -> list[str]:
        home = harness.slack.open_home(BJORN).home
        assert home is not None
        return [
            reply(harness.slack.click(BJORN, card, ActionId.REGISTER)),
            reply(harness.slack.command(BJORN, RANDOM, "/registrations")),
            text_of(home.body["blocks"]),
        ]

    for text in said():
        assert "1st on the waitlist" in text
        assert TOO_LATE not in text
    harness.clock.advance(timedelta(hours=2))
    for text in said():
        assert "1st on the waitlist" in text
        assert text.count(TOO_LATE) == 1
    question = reply(harness.slack.click(BJORN, card, ActionId.UNREGISTER))
    assert question.count(TOO_LATE) == 1
    assert "Registration has ended" not in question, "it would say the same"


# An event that is over: R4.7


def test_no_one_unregisters_from_an_event_that_is_over(harness: SlackHarness) -> None:
    """Whichever button is pressed: those of a card, a promotion message, and a question asked before."""
    event = harness.event(capacity=1)
    card = harness.card(event)
    harness.register(AMARA, BJORN, CHLOE)
    harness.bot.service.unregister("yoga", AMARA)
    harness.deliver_due()
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER).ephemeral[-1]
    promotion = harness.workspace.messages(harness.workspace.dm(BJORN).id)[-1]
    harness.clock.advance(event.over_at - harness.clock.now())
    before = harness.assert_invariants()
    for message, action in (
        (card, ActionId.UNREGISTER),
        (asked, ActionId.UNREGISTER_CONFIRMED),
        (promotion, ActionId.GIVE_UP_SEAT),
    ):
        result = harness.slack.click(BJORN, message, action)
        assert sentences.over(event.over_at) in reply(result)
    assert harness.assert_invariants() == before


def test_seat_given_up_during_an_event_stays_free(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=1)
    card = harness.card(
        harness.event(capacity=1, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    )
    harness.register(BJORN, CHLOE)
    harness.clock.advance(timedelta(days=1))
    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER).ephemeral[-1]
    assert "next person" not in shown(asked)
    left = harness.slack.click(BJORN, asked, ActionId.UNREGISTER_CONFIRMED)
    assert sentences.unregistered() in reply(left)
    assert "next person" not in reply(left)
    found = harness.assert_invariants()
    assert (found.seated("yoga"), found.waitlisted("yoga")) == ([], [CHLOE])
