"""Removing a person: found by name or on the roster, with a reason that the person is told (R4.6, R8.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from domain.inputs import EventChanges, UserDraft
from playground.workspace.model import View
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, managed, press, said, submit, top


def person(harness: SlackHarness, user_id: str, by: str = BJORN) -> View:
    """Open Manage, and one person of the roster."""
    managed(harness, by)
    return press(harness, ActionId.PERSON, by, value=user_id)


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def test_a_person_is_shown_with_place_and_since_when(harness: SlackHarness) -> None:
    yoga(harness)
    assert f"<@{CHLOE}> has had a seat in *Yoga in the park* since" in said(person(harness, CHLOE))
    assert f"<@{HARUKI}> is 2nd in line for *Yoga in the park*" in said(person(harness, HARUKI))


def test_a_person_is_found_by_name(harness: SlackHarness) -> None:
    """Slack's own select searches its members by name."""
    yoga(harness)
    managed(harness)
    view = press(harness, ActionId.FIND_PERSON, selected=DIEGO)
    assert f"<@{DIEGO}> is 1st in line" in said(view)


def test_somebody_who_is_not_in_the_event_is_said_to_be_none(harness: SlackHarness) -> None:
    yoga(harness)
    managed(harness)
    assert "neither has a seat" in said(press(harness, ActionId.FIND_PERSON, selected=PRIYA))


def test_one_who_is_not_in_slack_is_named(harness: SlackHarness) -> None:
    """Programs may register people under ids of their own."""
    harness.event(organizer_id=BJORN)
    harness.bot.service.create_user(UserDraft.of(user_id="emp-7", name="Ada *Lovelace*"))
    harness.bot.service.register("yoga", "emp-7")
    assert "Ada *Lovelace* · seat since" in said(managed(harness))


def test_the_seat_goes_to_the_next_and_both_are_told(harness: SlackHarness) -> None:
    yoga(harness)
    seen = submit(harness, person(harness, CHLOE), {BlockId.REASON: "no-show, *twice*"})
    assert f"<@{DIEGO}> has the seat now" in said(seen.view)
    harness.deliver_due(4)
    (told,) = harness.direct_messages(CHLOE)
    assert "An organizer took you out of *Yoga in the park*" in told
    assert "no-show, *twice*" in told
    assert "[What else is coming]" in told
    assert "A seat came free" in harness.direct_messages(DIEGO)[0]
    assert f"<@{CHLOE}>" not in said(harness.workspace.views.stack(BJORN)[0])
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_a_reason_may_be_left_out(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, person(harness, CHLOE))
    harness.deliver_due(4)
    assert "reason" not in harness.direct_messages(CHLOE)[0]


def test_a_reason_too_long_is_marked(harness: SlackHarness) -> None:
    yoga(harness)
    before = harness.everything()
    seen = submit(harness, person(harness, CHLOE), {BlockId.REASON: "x" * 301})
    assert seen.errors == {"reason": "Must have at most 300 characters."}
    assert harness.everything() == before


def test_others_may_not(harness: SlackHarness) -> None:
    yoga(harness)
    view = person(harness, CHLOE, PRIYA)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    assert NOT_ALLOWED in said(submit(harness, view, user_id=PRIYA).view)
    assert harness.everything() == before


def test_removed_twice_it_is_said_that_the_person_is_out(harness: SlackHarness) -> None:
    yoga(harness)
    view = person(harness, CHLOE)
    submit(harness, view)
    harness.workspace.views.update(view.id, view.body)
    seen = submit(harness, view)
    assert f"<@{CHLOE}> is not in *Yoga in the park* any more." in said(seen.view)
    harness.deliver_due(4)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_an_event_that_vanished_meanwhile_says_so(harness: SlackHarness) -> None:
    yoga(harness)
    view = person(harness, CHLOE)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(submit(harness, view).view)


def test_one_who_left_meanwhile_is_not_removed_again(harness: SlackHarness) -> None:
    yoga(harness)
    view = person(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    assert f"<@{CHLOE}> is not in *Yoga in the park* any more." in said(submit(harness, view).view)
    harness.deliver_due(4)
    assert harness.direct_messages(CHLOE) == []


@pytest.mark.parametrize("over", [True, False])
def test_where_nobody_is_told_the_organizer_is_not_told_otherwise(
    harness: SlackHarness, over: bool
) -> None:
    """Of an event that is canceled or over, nobody gets news: the form and its answer said they did."""
    yoga(harness)
    if over:
        harness.clock.advance(timedelta(days=2, minutes=1))
    else:
        harness.bot.service.cancel_event("yoga")
    harness.deliver_due(65)
    before = {user_id: len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO)}
    view = person(harness, CHLOE)
    assert f"Nobody is told of it: the event is {'over' if over else 'canceled'}." in said(view)
    answered = said(submit(harness, view).view)
    assert f"<@{CHLOE}> is out of *Yoga in the park*. <@{DIEGO}> has the seat now." in answered
    harness.deliver_due(6)
    assert {user_id: len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO)} == before


def test_why_stands_in_the_history(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, person(harness, CHLOE), {BlockId.REASON: "no-show"})
    managed(harness)
    text = said(press(harness, ActionId.HISTORY))
    assert f"<@{BJORN}> removed <@{CHLOE}>: no-show" in text
    assert f"<@{DIEGO}> moved up to a seat: a seat came free" in text


def test_who_organizes_no_more_sees_nobody_of_the_roster(harness: SlackHarness) -> None:
    """Neither by the button beside a name, nor by the search, nor on another page."""
    yoga(harness)
    managed(harness, PRIYA)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    view = harness.workspace.views.stack(PRIYA)[0]
    ways: tuple[tuple[ActionId, dict[str, Any]], ...] = (
        (ActionId.PERSON, {"value": CHLOE}),
        (ActionId.FIND_PERSON, {"selected": CHLOE}),
    )
    for action, how in ways:
        seen = harness.slack.click(PRIYA, view, action, **how)
        assert NOT_ALLOWED in said(seen.view)
        harness.slack.close(PRIYA, top(harness, PRIYA).id)


def test_of_an_event_that_vanished_nobody_is_found(harness: SlackHarness) -> None:
    yoga(harness)
    view = managed(harness)
    harness.bot.service.delete_event("yoga")
    seen = harness.slack.click(BJORN, view, ActionId.FIND_PERSON, selected=CHLOE)
    assert GONE in said(seen.view)
