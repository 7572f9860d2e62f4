"""The form that adds people, while the event or its attendees change, and submitted twice (R12.4, R8.13)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import as_typed, mention
from bot.features.adding.views import NO_ONE, addition_message
from bot.slack.error_messages import sentence
from bot.slack.member_directory import CACHED_FOR
from domain.commands import AddOutcome
from domain.enums import ClosedReason
from domain.errors import TooFewSeats, UnknownEvent
from domain.inputs import EventChanges
from domain.models import Event
from domain.planning.plan import Plan
from domain.ports import AnswerLost
from playground.workspace.model import View
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_all
from tests.support.slack import sentences
from tests.support.slack.adding import add, chosen, new_members, preview, yoga
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, run_bot
from tests.support.slack.modals import NOT_ALLOWED, said, submit, top


def done(harness: SlackHarness, **outcome: Any) -> str:
    """Return the sentence about an addition to the harness's event."""
    event = harness.bot.service.get_event("yoga")
    given: dict[str, Any] = {"added": (), **outcome}
    return as_typed(addition_message(AddOutcome(event, **given)).text)


def submit_again(harness: SlackHarness, shown: View, *user_ids: str) -> str:
    """Submit a form that is done, as a retry after a lost reply does. Return what it says."""
    if top(harness).id != shown.id:
        harness.slack.close(BJORN, top(harness).id)
    harness.workspace.views.update(shown.id, shown.body)
    return said(submit(harness, shown, chosen(user_ids)).view)


# Submitted twice


def test_second_submit_adds_no_one_twice(harness: SlackHarness) -> None:
    """Nor someone who gave up the seat meanwhile."""
    yoga(harness)
    shown = preview(harness, CHLOE, DIEGO)
    submit(harness, shown)
    harness.bot.service.unregister("yoga", DIEGO)
    again = submit_again(harness, shown, CHLOE, DIEGO)
    assert done(harness, is_repeated=True) in again
    assert f"*Already in (1):* {mention(CHLOE)}" in again
    assert harness.assert_invariants().seated("yoga") == [CHLOE]


def test_each_hears_of_it_once_after_two_submits(harness: SlackHarness) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE)
    submit(harness, shown)
    submit_again(harness, shown, CHLOE)
    harness.deliver_due(5)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_two_submits_at_once_add_once(harness: SlackHarness) -> None:
    """A double click sends both before either is acknowledged."""
    yoga(harness, capacity=1)
    shown = preview(harness, CHLOE, DIEGO)
    version = harness.bot.service.get_event("yoga").version
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(harness.slack.submit, BJORN, shown.id) for _ in range(2)]
        assert [one.result().failure for one in both] == [None, None]
    assert harness.bot.service.get_event("yoga").version == version + 1
    rows = harness.assert_invariants()
    assert (rows.seated("yoga"), rows.waitlisted("yoga")) == ([CHLOE], [DIEGO])


def test_next_form_adds_who_gave_up_the_seat(harness: SlackHarness) -> None:
    """It is another request."""
    yoga(harness)
    add(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    add(harness, CHLOE)
    assert harness.assert_invariants().seated("yoga") == [CHLOE]


# The event changes while the form is open


def test_event_that_filled_meanwhile_says_who_waits(harness: SlackHarness) -> None:
    yoga(harness, capacity=1)
    shown = preview(harness, CHLOE)
    harness.register(DIEGO)
    added = submit(harness, shown)
    assert f"*Joined the waitlist (1):* {mention(CHLOE)} (1st)" in said(added.view)
    assert harness.assert_invariants().waitlisted("yoga") == [CHLOE]


def test_event_without_a_waitlist_that_filled_meanwhile_adds_no_one(harness: SlackHarness) -> None:
    yoga(harness, has_waitlist=False)
    shown = preview(harness, CHLOE, DIEGO)
    harness.register(HARUKI)
    refused = submit(harness, shown).view
    assert sentence(TooFewSeats("yoga", sentences.YOGA, 2, 1)) in said(refused)
    assert harness.assert_invariants().seated("yoga") == [HARUKI]


def test_refused_form_keeps_who_was_chosen(harness: SlackHarness) -> None:
    yoga(harness, has_waitlist=False)
    shown = preview(harness, CHLOE, DIEGO)
    harness.register(HARUKI)
    note = submit(harness, shown).view
    assert note is not None
    harness.slack.close(BJORN, note.id)
    (field,) = [block for block in top(harness).blocks if block["block_id"] == BlockId.ATTENDEES]
    assert field["element"]["initial_users"] == [CHLOE, DIEGO]


def closed(harness: SlackHarness, event: Event) -> str:
    harness.bot.service.close_event("yoga")
    return sentences.closed(ClosedReason.CLOSED)


def canceled(harness: SlackHarness, event: Event) -> str:
    harness.bot.service.cancel_event("yoga")
    return sentences.closed(ClosedReason.CANCELED)


def started(harness: SlackHarness, event: Event) -> str:
    harness.clock.advance(event.starts_at - harness.clock.now() + timedelta(minutes=1))
    return sentences.closed(ClosedReason.STARTED, event.starts_at)


def past_deadline(harness: SlackHarness, event: Event) -> str:
    deadline = harness.clock.now() + timedelta(hours=1)
    harness.bot.service.edit_event("yoga", EventChanges.of(registration_deadline=deadline))
    harness.clock.advance(timedelta(hours=2))
    return sentences.closed(ClosedReason.DEADLINE, deadline)


def deleted(harness: SlackHarness, event: Event) -> str:
    harness.bot.service.delete_event("yoga")
    return sentences.refusal(UnknownEvent("yoga"))


def handed_over(harness: SlackHarness, event: Event) -> str:
    harness.bot.service.edit_event("yoga", EventChanges.of(organizer_id=DIEGO))
    return NOT_ALLOWED


@pytest.mark.parametrize("change", [closed, canceled, started, past_deadline, deleted, handed_over])
def test_event_that_takes_no_additions_any_more_refuses(
    harness: SlackHarness, change: Callable[[SlackHarness, Event], str]
) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE)
    refused = change(harness, harness.bot.service.get_event("yoga"))
    assert refused in said(submit(harness, shown).view)
    assert harness.assert_invariants().registrations == {}
    harness.deliver_due(5)
    assert harness.direct_messages(CHLOE) == []


def test_message_is_about_the_event_as_edited_meanwhile(harness: SlackHarness) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE)
    harness.bot.service.edit_event("yoga", EventChanges.of(title="Pilates", location="Hall 2"))
    assert "*Pilates*" in said(submit(harness, shown).view)
    harness.deliver_due(5)
    (message,) = harness.direct_messages(CHLOE)
    assert "*Pilates*" in message
    assert "Hall 2" in message


def test_seats_that_were_added_meanwhile_are_given_out(harness: SlackHarness) -> None:
    yoga(harness, capacity=1)
    shown = preview(harness, CHLOE, DIEGO)
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=2))
    submit(harness, shown)
    assert harness.assert_invariants().seated("yoga") == [CHLOE, DIEGO]


# Attendees change while the form is open


def test_who_registered_meanwhile_is_left_out_and_hears_nothing(harness: SlackHarness) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE, DIEGO)
    harness.register(CHLOE)
    ticket = harness.assert_invariants().registrations["yoga", CHLOE].ticket
    added = said(submit(harness, shown).view)
    assert f"*Got a seat (1):* {mention(DIEGO)}" in added
    assert f"*Already in (1):* {mention(CHLOE)}" in added
    rows = harness.assert_invariants()
    assert rows.seated("yoga") == [CHLOE, DIEGO]
    assert rows.registrations["yoga", CHLOE].ticket == ticket
    harness.deliver_due(5)
    assert harness.direct_messages(CHLOE) == []


def test_who_left_the_workspace_meanwhile_is_named_before_anyone_is_added(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE, DIEGO)
    harness.workspace.put_member(replace(harness.workspace.member(DIEGO), deleted=True))
    harness.clock.advance(CACHED_FOR + 1)
    again = submit(harness, shown).view
    assert f"*Can’t be added (1):* {mention(DIEGO)}" in said(again)
    assert harness.assert_invariants().registrations == {}
    assert again is not None
    submit(harness, again)
    assert harness.assert_invariants().seated("yoga") == [CHLOE]


def test_no_one_is_added_if_everyone_left_the_workspace_meanwhile(harness: SlackHarness) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE)
    harness.workspace.put_member(replace(harness.workspace.member(CHLOE), deleted=True))
    harness.clock.advance(CACHED_FOR + 1)
    assert NO_ONE in said(submit(harness, shown).view)


def test_no_one_is_added_if_everyone_registered_meanwhile(harness: SlackHarness) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE)
    harness.register(CHLOE)
    version = harness.bot.service.get_event("yoga").version
    assert done(harness) in said(submit(harness, shown).view)
    assert harness.bot.service.get_event("yoga").version == version


# The most people


def test_49_attendees_are_previewed_and_added(harness: SlackHarness) -> None:
    """Slack would refuse a view over its limits."""
    yoga(harness, capacity=60)
    everyone = new_members(harness, 49)
    added = add(harness, *everyone)
    assert f"*Got a seat (49):* {mention(everyone[0])}" in said(added.view)
    assert sorted(harness.assert_invariants().seated("yoga")) == sorted(everyone)


def test_49_in_already_and_left_out_are_named(harness: SlackHarness) -> None:
    yoga(harness, capacity=20)
    everyone = new_members(harness, 49)
    harness.register(*everyone[:25])
    shown = said(preview(harness, *everyone))
    assert "*Already in (25):*" in shown
    assert "*Will join the waitlist (24):*" in shown
    assert all(mention(user_id) in shown for user_id in everyone)


# The answer of the commit is lost


class LosingStore(SQLiteStore):
    """Loses the answers of commits when a test says so. `applies` says whether they are applied."""

    loses = False
    applies = True

    def commit(self, plan: Plan) -> None:
        if not self.loses:
            super().commit(plan)
            return
        if self.applies:
            self.applies = False  # the next ones are tries of the same
            super().commit(plan)
        raise AnswerLost


class Background:
    """Work that waits until a test lets it run."""

    def __init__(self) -> None:
        self.pending: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.pending.append(work)


@pytest.fixture
def background() -> Background:
    return Background()


@pytest.fixture
def losing(
    server: tuple[object, str], tmp_path: Path, background: Background
) -> Iterator[SlackHarness]:
    with run_bot(server, LosingStore, tmp_path / "rollcall.sqlite", background) as harness:
        yield harness


def store_of(harness: SlackHarness) -> LosingStore:
    assert isinstance(harness.store, LosingStore)
    return harness.store


@pytest.mark.parametrize("applied", [True, False])
def test_lost_answer_is_resolved_with_a_message_to_the_organizer(
    losing: SlackHarness, background: Background, applied: bool
) -> None:
    yoga(losing, capacity=1)
    shown = preview(losing, CHLOE, DIEGO)
    store_of(losing).loses, store_of(losing).applies = True, applied
    assert sentences.NOT_CONFIRMED in said(submit(losing, shown).view)
    store_of(losing).loses = False
    if not applied:
        # Another commit takes the version, so the lost one will never apply.
        losing.register(HARUKI)
    run_all(background.pending)
    (message,) = losing.direct_messages(BJORN)
    rows = losing.assert_invariants()
    if applied:
        assert f"*Got a seat (1):* {mention(CHLOE)}" in message
        assert (rows.seated("yoga"), rows.waitlisted("yoga")) == ([CHLOE], [DIEGO])
    else:
        assert sentences.BUSY in message
        assert (rows.seated("yoga"), rows.waitlisted("yoga")) == ([HARUKI], [])


def test_submit_after_a_lost_answer_adds_no_one_twice(
    losing: SlackHarness, background: Background
) -> None:
    yoga(losing)
    shown = preview(losing, CHLOE)
    store_of(losing).loses = True
    submit(losing, shown)
    store_of(losing).loses = False
    run_all(background.pending)
    again = submit_again(losing, shown, CHLOE)
    assert done(losing, is_repeated=True) in again
    losing.deliver_due(5)
    assert losing.assert_invariants().seated("yoga") == [CHLOE]
    assert len(losing.direct_messages(CHLOE)) == 1


# The message


def test_seat_given_up_in_the_message_is_free_again(harness: SlackHarness) -> None:
    yoga(harness)
    add(harness, CHLOE)
    harness.deliver_due(5)
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    harness.slack.click(CHLOE, message, ActionId.GIVE_UP_SEAT)
    assert harness.assert_invariants().registrations == {}


def test_waitlist_left_in_the_message_leaves_no_gap(harness: SlackHarness) -> None:
    yoga(harness, capacity=1)
    add(harness, CHLOE, DIEGO, HARUKI)
    harness.deliver_due(5)
    message = harness.workspace.messages(harness.workspace.dm(DIEGO).id)[-1]
    harness.slack.click(DIEGO, message, ActionId.CHOOSE_TO_UNREGISTER)
    question = harness.workspace.messages(harness.workspace.dm(DIEGO).id)[-1]
    harness.slack.click(DIEGO, question, ActionId.UNREGISTER_CONFIRMED)
    assert harness.assert_invariants().waitlisted("yoga") == [HARUKI]
