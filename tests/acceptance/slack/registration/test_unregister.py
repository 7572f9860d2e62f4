"""Leaving: what it costs is said first, and the message of a promotion (R8.1, R8.4, R8.5)."""

from __future__ import annotations

from bot.blocks.ids import ActionId, BlockId
from playground.demo.seed import RANDOM
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, answer, shown

# /unregister and leaving: R8.1, R8.4


def test_unregister_finds_among_ones_own(harness: SlackHarness) -> None:
    harness.event("y1", title="Yoga for beginners")
    harness.event("y2", title="Yoga in the park")
    harness.register(BJORN, event_id="y1")
    seen = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    assert "You gave up your seat in *Yoga for beginners*." in answer(seen)
    assert harness.assert_invariants().registrations == {}


def test_unregister_with_several_of_ones_own_gives_a_choice(harness: SlackHarness) -> None:
    for event_id in ("y1", "y2"):
        harness.event(event_id)
        harness.register(BJORN, event_id=event_id)
    seen = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    assert "Which one do you want to leave?" in answer(seen)
    harness.slack.click(BJORN, seen.ephemeral[-1], ActionId.CHOOSE_TO_LEAVE, value="y2")
    assert harness.assert_invariants().seated("y1") == [BJORN]
    assert harness.assert_invariants().seated("y2") == []


def test_unregister_of_nothing_of_ones_own_says_so(harness: SlackHarness) -> None:
    harness.event()
    seen = harness.slack.command(BJORN, RANDOM, "/unregister", "yoga")
    assert "You are not registered for anything that fits “yoga”" in answer(seen)


def test_unregister_of_what_fits_nothing_offers_the_nearest_of_ones_own_as_buttons(
    harness: SlackHarness,
) -> None:
    harness.event("mine")
    harness.event("others", title="Yoga im Park")
    harness.register(BJORN, event_id="mine")
    seen = harness.slack.command(BJORN, RANDOM, "/unregister", "Joga im Park")
    assert "fits “Joga im Park”. Do you mean one of these?" in answer(seen)
    assert "Yoga im Park" not in answer(seen).splitlines()[1:]
    assert harness.assert_invariants().seated("mine") == [BJORN]
    harness.slack.click(BJORN, seen.ephemeral[-1], ActionId.CHOOSE_TO_LEAVE)
    assert harness.assert_invariants().seated("mine") == []


def test_unregister_alone_opens_a_picker_of_ones_own(harness: SlackHarness) -> None:
    harness.event()
    harness.event("chess", title="Chess")
    harness.register(BJORN)
    view = harness.slack.command(BJORN, RANDOM, "/unregister").view
    assert view is not None
    offered = harness.slack.options(BJORN, view, ActionId.EVENT).options
    assert [option["value"] for option in offered] == ["yoga"]
    seen = harness.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert "You gave up your seat" in answer(seen)


def test_leaving_an_event_with_free_seats_is_done_at_once(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    harness.register(BJORN)
    assert "You gave up your seat" in answer(harness.slack.click(BJORN, card, ActionId.LEAVE))
    assert harness.assert_invariants().registrations == {}


def test_leaving_a_full_event_asks_first_and_names_the_cost(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN, CHLOE, DIEGO)
    asked = harness.slack.click(BJORN, card, ActionId.LEAVE)
    assert "goes to the next in line at once" in answer(asked)
    assert "Coming back means 2nd in line" in answer(asked)
    assert harness.assert_invariants().seated("yoga") == [BJORN]

    stayed = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.STAY)
    assert "You keep your seat in *Yoga in the park*" in shown(stayed.messages[-1])
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_leaving_a_full_event_where_nobody_waits_asks_too(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN)
    asked = harness.slack.click(BJORN, card, ActionId.LEAVE)
    assert "anybody can take your seat at once" in answer(asked)
    left = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.LEAVE_CONFIRMED)
    assert "You gave up your seat" in shown(left.messages[-1])
    assert left.messages[-1].ts == asked.ephemeral[-1].ts, "the answer replaces the question"


def test_leaving_the_line_in_front_of_others_asks_first(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN, CHLOE)
    asked = harness.slack.click(BJORN, card, ActionId.LEAVE)
    assert "You are 1st in line" in answer(asked)
    assert "Coming back means 2nd in line" in answer(asked)
    left = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.LEAVE_CONFIRMED)
    assert "You are out of the line" in shown(left.messages[-1])
    assert harness.assert_invariants().waiting("yoga") == [CHLOE]


def test_leaving_what_takes_no_registrations_any_more_says_that_there_is_no_way_back(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN)
    harness.bot.service.close_event("yoga")
    asked = harness.slack.click(BJORN, card, ActionId.LEAVE)
    no_way_back = "You could not come back: it takes no registrations now."
    assert f"You have a seat in *Yoga in the park*. {no_way_back}" in answer(asked)
    harness.bot.service.reopen_event("yoga")
    harness.register(CHLOE)
    harness.bot.service.close_event("yoga")
    for user_id in (BJORN, CHLOE):
        assert no_way_back in answer(harness.slack.click(user_id, card, ActionId.LEAVE))


def test_who_waits_and_stays_is_told_the_position(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN, CHLOE)
    asked = harness.slack.click(BJORN, card, ActionId.LEAVE)
    stayed = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.STAY)
    assert "You stay in line for *Yoga in the park*: 1st." in shown(stayed.messages[-1])


def test_the_last_in_line_leaves_at_once(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(AMARA, BJORN)
    assert "You are out of the line" in answer(harness.slack.click(BJORN, card, ActionId.LEAVE))


def test_who_is_not_in_and_leaves_is_told_so(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    seen = harness.slack.click(BJORN, card, ActionId.LEAVE)
    assert "You are not in *Yoga in the park*" in answer(seen)


def test_the_question_in_the_picker_is_answered_in_the_same_modal(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    view = harness.slack.command(BJORN, RANDOM, "/unregister").view
    assert view is not None
    harness.slack.options(BJORN, view, ActionId.EVENT)
    asked = harness.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert asked.view is not None
    left = harness.slack.click(BJORN, asked.view, ActionId.LEAVE_CONFIRMED)
    assert "It goes to the next in line" in answer(left)
    assert len(harness.workspace.views.stack(BJORN)) == 1, "the answer takes the question's place"


# The message of a promotion: R8.5


def test_the_message_of_a_promotion_gives_the_seat_up_and_stays_understandable(
    harness: SlackHarness,
) -> None:
    event = harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.bot.service.unregister("yoga", BJORN)
    harness.deliver_due()
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    assert f"<!date^{int(event.starts_at.timestamp())}^" in shown(message)
    assert "Riverside lawn" in shown(message)

    asked = harness.slack.click(CHLOE, message, ActionId.GIVE_UP)
    assert "*Yoga in the park* is full" in shown(asked.messages[-1])
    left = harness.slack.click(CHLOE, asked.messages[-1], ActionId.LEAVE_CONFIRMED)
    assert harness.direct_messages(CHLOE) == ["You gave up your seat in *Yoga in the park*."]
    assert left.failure is None
    assert harness.assert_invariants().seated("yoga") == []


def test_who_stays_after_all_can_still_give_the_seat_up(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.bot.service.unregister("yoga", BJORN)
    harness.deliver_due()
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    asked = harness.slack.click(CHLOE, message, ActionId.GIVE_UP)
    stayed = harness.slack.click(CHLOE, asked.messages[-1], ActionId.STAY)
    assert "You keep your seat" in shown(stayed.messages[-1])
    asked = harness.slack.click(CHLOE, stayed.messages[-1], ActionId.CHOOSE_TO_LEAVE)
    assert "anybody can take your seat" in shown(asked.messages[-1])
