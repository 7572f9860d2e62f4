"""Events whose organizers are deleted or deactivated: others organize them, or admins take over (R2.9)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.account.member_sync import sync_member
from bot.notifications.delivery_run import ADMINS
from bot.slack.admin_directory import MAX_ADMINS
from bot.slack.error_messages import SENTENCES
from bot.slack.slack_users import SlackUser
from domain.enums import EventStatus, NotificationKind
from domain.errors import AlreadyOrganized, NotOrganizer
from domain.inputs import EventChanges
from domain.models import Actor, Event
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.environment import start_user_deletion
from tests.support.slack.event_form import INPUTS, filled, opened
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    HARUKI,
    SlackHarness,
    reply,
)

LIST = "users.list"


def event_of(harness: SlackHarness, *organizers: str, event_id: str = "yoga") -> Event:
    """Return an event with these organizers, who are stored users."""
    for user_id in organizers:
        harness.bot.service.ensure_user(harness.draft(user_id))
    return harness.event(event_id, organizer_id=organizers[0], co_organizer_ids=organizers[1:])


def forget(harness: SlackHarness, user_id: str) -> ActionResult:
    """Have a member use `/rollcall forget-me` and confirm."""
    question = harness.slack.command(user_id, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    return harness.slack.click(user_id, question, ActionId.FORGET_ME)


def deactivate(harness: SlackHarness, user_id: str) -> None:
    """Handle the deactivation of an account."""
    sync_member(harness.bot.service, SlackUser.model_validate({"id": user_id, "deleted": True}))


def organizers(harness: SlackHarness, event_id: str = "yoga") -> tuple[str, ...]:
    return harness.bot.service.get_event(event_id).organizer_ids


def make_admins(harness: SlackHarness, *user_ids: str, owner: str = "") -> None:
    """Make these members the workspace's only admins."""
    for member in harness.workspace.members():
        harness.workspace.put_member(replace(member, is_admin=member.id in user_ids))


@pytest.mark.parametrize("leave", [forget, deactivate])
def test_event_without_organizer_is_brought_to_the_admins(
    harness: SlackHarness, leave: object
) -> None:
    event_of(harness, BJORN)
    leave(harness, BJORN)  # type: ignore[operator]
    harness.deliver_due()
    assert organizers(harness) == ()
    assert harness.bot.service.get_event("yoga").organizer_id is None
    (message,) = harness.direct_messages(AMARA)
    assert "*Yoga in the park*" in message
    assert f"<@{BJORN}>" in message
    assert f"[{ActionId.TAKE_OVER}]" in message
    assert f"[{ActionId.MANAGE}]" in message
    harness.assert_invariants()


def test_registration_goes_on_without_an_organizer(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    forget(harness, BJORN)
    result = harness.slack.command(CHLOE, RANDOM, "/register", "yoga")
    assert "a seat" in reply(result)
    assert "no organizer" in card_text(harness)


def card_text(harness: SlackHarness) -> str:
    harness.card(harness.bot.service.get_event("yoga"))
    return harness.current_card_text()


@pytest.mark.parametrize("leave", [forget, deactivate])
def test_first_co_organizer_takes_over(harness: SlackHarness, leave: object) -> None:
    event_of(harness, BJORN, CHLOE, DIEGO)
    leave(harness, BJORN)  # type: ignore[operator]
    harness.deliver_due()
    assert organizers(harness) == (CHLOE, DIEGO)
    *_, chloe = harness.direct_messages(CHLOE)
    *_, diego = harness.direct_messages(DIEGO)
    assert "you’re now the organizer of *Yoga in the park*" in chloe
    assert f"<@{CHLOE}> is now the organizer" in diego
    assert harness.direct_messages(AMARA) == [], "somebody is left"


def test_co_organizer_who_leaves_is_taken_off(harness: SlackHarness) -> None:
    event_of(harness, BJORN, CHLOE)
    forget(harness, CHLOE)
    harness.deliver_due()
    assert organizers(harness) == (BJORN,)
    (message,) = harness.direct_messages(BJORN)
    assert "no longer organizes *Yoga in the park*" in message


def test_co_organizer_whom_rollcall_never_met_is_taken_off(harness: SlackHarness) -> None:
    """Chosen in a form, at creation or later: they have pressed nothing themselves."""
    view = opened(harness)
    assert harness.slack.submit(BJORN, view.id, filled(harness, CO_ORGANIZERS=[CHLOE])).view
    (event,) = harness.bot.service.list_organized(BJORN).items
    manage = harness.slack.command(BJORN, EVENTS, "/event", event.event_id).view
    assert manage is not None
    form = harness.slack.click(BJORN, manage, ActionId.EDIT).view
    assert form is not None
    both = {INPUTS[BlockId.CO_ORGANIZERS]: [CHLOE, DIEGO]}
    assert harness.slack.submit(BJORN, form.id, both).errors == {}
    assert organizers(harness, event.event_id) == (BJORN, CHLOE, DIEGO)
    for user_id in (CHLOE, DIEGO):
        deactivate(harness, user_id)
    assert organizers(harness, event.event_id) == (BJORN,)


def test_co_organizer_who_is_being_deleted_is_marked_in_the_form(harness: SlackHarness) -> None:
    harness.bot.service.ensure_user(harness.draft(CHLOE))
    view = opened(harness)
    start_user_deletion(harness.store, CHLOE)
    refused = harness.slack.submit(BJORN, view.id, filled(harness, CO_ORGANIZERS=[CHLOE]))
    assert [*refused.errors] == [BlockId.CO_ORGANIZERS]
    assert harness.bot.service.list_organized(BJORN).items == ()


def test_forgotten_organizer_can_not_manage_anymore(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    forget(harness, BJORN)
    result = harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    assert SENTENCES[NotOrganizer](None) in reply(result)
    with pytest.raises(NotOrganizer):
        harness.bot.service.close_event("yoga", actor=Actor(BJORN))


def test_forgotten_organizer_of_a_past_event_can_not_manage_it(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    harness.clock.advance(timedelta(days=90))
    forget(harness, BJORN)
    harness.deliver_due()
    assert organizers(harness) == ()
    assert harness.direct_messages(AMARA) == [], "it is over"


def test_later_word_for_organizers_goes_to_nobody_who_left(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    harness.register(CHLOE)
    deactivate(harness, BJORN)
    deactivate(harness, CHLOE)
    harness.deliver_due()
    assert harness.direct_messages(BJORN) == []


# Before and after


def test_confirmation_and_reply_name_the_events_and_what_becomes_of_them(
    harness: SlackHarness,
) -> None:
    event_of(harness, BJORN)
    event_of(harness, BJORN, event_id="choir")
    event_of(harness, BJORN, CHLOE, event_id="chess")
    harness.bot.service.edit_event("chess", EventChanges.of(title="Chess"))
    asked = harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me")
    done = forget(harness, BJORN)
    for said in (reply(asked), reply(done)):
        assert re.search(r"\*Yoga in the park\*, <.+> – no one else organizes it", said)
        assert re.search(rf"\*Chess\*, <.+> – <@{CHLOE}> (will organize|organizes) it", said)
        assert said.count("workspace admins") == 1


def test_event_that_runs_for_months_is_named(harness: SlackHarness) -> None:
    start = harness.clock.now() + timedelta(hours=1)
    harness.event(starts_at=start, ends_at=start + timedelta(days=60))
    harness.clock.advance(timedelta(days=40))
    question = harness.slack.command(AMARA, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    assert "Yoga in the park" in str(question.blocks)


def test_past_and_canceled_events_are_not_named(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    harness.bot.service.cancel_event("yoga")
    assert "Yoga" not in reply(harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me"))
    forget(harness, BJORN)
    harness.deliver_due()
    assert organizers(harness) == ()
    assert harness.bot.service.get_event("yoga").status is EventStatus.CANCELED
    assert harness.direct_messages(AMARA) == []


# Taking over


def test_admin_takes_over_once(harness: SlackHarness) -> None:
    make_admins(harness, AMARA, HARUKI)
    event_of(harness, BJORN)
    forget(harness, BJORN)
    harness.deliver_due()
    first = take_over(harness, AMARA)
    assert "You’re now the organizer of *Yoga in the park*." in reply(first)
    assert organizers(harness) == (AMARA,)
    second = take_over(harness, HARUKI)
    error = AlreadyOrganized("yoga", "Yoga in the park", AMARA)
    assert SENTENCES[AlreadyOrganized](error) in reply(second)
    assert organizers(harness) == (AMARA,)
    assert harness.bot.service.get_user(AMARA).user_id == AMARA, "for a later deactivation"


def take_over(harness: SlackHarness, user_id: str) -> ActionResult:
    message = harness.workspace.messages(harness.workspace.dm(user_id).id)[-1]
    return harness.slack.click(user_id, message, ActionId.TAKE_OVER)


def test_member_who_is_no_admin_can_not_take_over(harness: SlackHarness) -> None:
    """R8.9."""
    event_of(harness, BJORN)
    forget(harness, BJORN)
    for actor in (Actor(CHLOE), Actor(BJORN)):
        with pytest.raises(NotOrganizer):
            harness.bot.service.take_over_event("yoga", actor=actor)
    assert organizers(harness) == ()


def test_co_organizer_who_is_added_organizes_the_event(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    forget(harness, BJORN)
    changes = EventChanges.of(co_organizer_ids=[CHLOE, DIEGO])
    harness.bot.service.edit_event("yoga", changes, actor=Actor(AMARA, is_admin=True))
    event = harness.bot.service.get_event("yoga")
    assert (event.organizer_id, event.co_organizer_ids) == (CHLOE, (DIEGO,))


def test_admins_are_not_notified_of_an_event_that_was_taken_over_meanwhile(
    harness: SlackHarness,
) -> None:
    event_of(harness, BJORN)
    forget(harness, BJORN)
    harness.bot.service.take_over_event("yoga", actor=Actor(HARUKI, is_admin=True))
    harness.deliver_due()
    assert harness.direct_messages(AMARA) == []


# Admins


def test_deactivated_admins_and_bots_are_not_asked(harness: SlackHarness) -> None:
    for member in harness.workspace.members():
        if member.id == AMARA:
            harness.workspace.put_member(replace(member, deleted=True))
        elif member.id == HARUKI:
            harness.workspace.put_member(replace(member, is_admin=True))
    event_of(harness, BJORN)
    forget(harness, BJORN)
    harness.deliver_due()
    assert harness.direct_messages(AMARA) == []
    assert len(harness.direct_messages(HARUKI)) == 1


def test_no_more_than_twenty_admins_are_asked(harness: SlackHarness) -> None:
    template = harness.workspace.member(HARUKI)
    for number in range(MAX_ADMINS + 5):
        admin = replace(template, id=f"U0ADMIN{number:02}", name=f"admin{number}", is_admin=True)
        harness.workspace.put_member(admin)
    event_of(harness, BJORN)
    forget(harness, BJORN)
    harness.deliver_due(60)
    asked = {
        call.args["channel"]
        for call in harness.api.calls("chat.postMessage")
        if ActionId.TAKE_OVER in str(call.args.get("blocks"))
    }
    assert len(asked) == MAX_ADMINS


@pytest.mark.parametrize("fault", [Fault.rate_limited(7), Fault.server_error(503)])
def test_admins_are_asked_once_slack_lists_them(harness: SlackHarness, fault: Fault) -> None:
    """Another event's messages don't wait for that."""
    event_of(harness, BJORN)
    harness.event("chess", title="Chess")
    harness.api.fail_next(LIST, fault, times=2)
    forget(harness, BJORN)
    harness.register(CHLOE, DIEGO, HARUKI, event_id="chess")
    harness.bot.service.unregister("chess", CHLOE)
    harness.deliver_due(1)
    assert len(harness.direct_messages(HARUKI)) == 1
    assert harness.direct_messages(AMARA) == []
    harness.deliver_due(40)
    assert len(harness.direct_messages(AMARA)) == 1


@pytest.mark.parametrize(
    "fault", [Fault.rate_limited(7), Fault.server_error(503), Fault.refused("token_revoked")]
)
def test_later_messages_of_the_event_do_not_wait_for_the_list_of_admins(
    harness: SlackHarness, fault: Fault
) -> None:
    event_of(harness, BJORN)
    harness.register(CHLOE, DIEGO, HARUKI)
    harness.api.fail_next(LIST, fault, times=5)
    forget(harness, BJORN)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(2)
    assert len(harness.direct_messages(HARUKI)) == 1
    assert harness.direct_messages(AMARA) == []
    harness.deliver_due(600)
    assert len(harness.direct_messages(AMARA)) == 1
    assert harness.store.list_undelivered(limit=10).items == ()


def test_slack_is_not_asked_again_before_its_rate_limit_allows(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    harness.api.fail_next(LIST, Fault.rate_limited(25), times=1)
    forget(harness, BJORN)
    harness.deliver_due(24)
    assert len(harness.api.calls(LIST)) == 1
    harness.deliver_due(30)
    assert len(harness.api.calls(LIST)) == 2
    assert len(harness.direct_messages(AMARA)) == 1


def test_missing_admins_are_recorded_and_logged(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    make_admins(harness)
    event_of(harness, BJORN)
    forget(harness, BJORN)
    harness.deliver_due()
    version = harness.bot.service.get_event("yoga").version
    entry = harness.store.get_journal_entry("yoga", version)
    assert entry is not None
    recorded = [(one.user_id, one.kind) for one in entry.unreachable]
    assert recorded == [(ADMINS, NotificationKind.ORPHANED)]
    assert "no admin can be asked to take over yoga" in caplog.text
    assert harness.store.list_undelivered(limit=10).items == ()


# Crashes


def test_sweep_finishes_what_a_crash_interrupted(harness: SlackHarness) -> None:
    event_of(harness, BJORN)
    start_user_deletion(harness.store, BJORN)
    assert organizers(harness) == (BJORN,)
    harness.deliver_due(5)
    assert organizers(harness) == ()
    assert harness.store.get_user(BJORN) is None
    assert len(harness.direct_messages(AMARA)) == 1
