"""Manage: permissions, roster, capacity, closing and reopening, cards (R8.8, R8.9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import as_typed
from bot.features.browsing.choice_views import NO_MATCH, NONE_ORGANIZED
from bot.features.manage.views import NO_SEATS_ONCE_STARTED, reopened_note, same_capacity
from bot.slack.error_messages import capacity_too_low
from bot.slack.member_directory import CACHED_FOR
from domain.enums import ClosedReason
from domain.inputs import EventChanges
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    HARUKI,
    PRIYA,
    SlackHarness,
    reply,
    text_of,
)

CAPACITY = (BlockId.CAPACITY, ActionId.INPUT)


def manage_modal(harness: SlackHarness, user_id: str = BJORN, event_id: str = "yoga") -> View:
    view = harness.slack.command(user_id, RANDOM, "/event", event_id).view
    assert view is not None
    return view


def top(harness: SlackHarness, user_id: str = BJORN) -> View:
    return harness.workspace.views.stack(user_id)[-1]


def shown(view: View) -> str:
    return text_of(view.blocks)


def capacity_form(harness: SlackHarness) -> View:
    harness.slack.click(BJORN, manage_modal(harness), ActionId.CHANGE_CAPACITY)
    return top(harness)


# Opening


def test_manage_button_equals_event_command(harness: SlackHarness) -> None:
    card = harness.card(harness.event(organizer_id=BJORN))
    harness.register(CHLOE)
    by_command = manage_modal(harness)
    by_card = harness.slack.click(BJORN, card, ActionId.MANAGE).view
    assert by_card is not None
    assert shown(by_card) == shown(by_command)
    assert sentences.taken(1, 2) in shown(by_card)
    assert by_card.title == "Manage event"


def test_event_with_ambiguous_title_offers_choice(harness: SlackHarness) -> None:
    harness.event("y1", organizer_id=BJORN)
    harness.event("y2", organizer_id=BJORN)
    result = harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    assert reply(result).count(f"[{ActionId.MANAGE}]") == 2
    view = harness.slack.click(BJORN, result.ephemeral[-1], ActionId.MANAGE, value="y2").view
    assert view is not None
    assert '"y2"' in view.private_metadata


@pytest.mark.parametrize("typed", ["yoga in", "yoag", "board", "nothing"])
def test_title_of_an_event_that_others_organize_is_as_unknown_as_any(
    harness: SlackHarness, typed: str
) -> None:
    """Neither outsiders nor organizers of something else learn which events there are, such as unlisted ones."""
    harness.event("y1")
    harness.event("y2", title="Board meeting", listed=False)
    harness.event("y3", title="Crochet", organizer_id=BJORN)
    for user_id in (BJORN, CHLOE):
        result = harness.slack.command(user_id, RANDOM, "/event", typed)
        assert result.view is None
        assert NONE_ORGANIZED in reply(result)
        assert "Yoga" not in reply(result)
        assert "Board" not in reply(result)


def test_organizer_is_offered_similar_titles_of_own_events(harness: SlackHarness) -> None:
    """Also unlisted ones."""
    harness.event("y1", organizer_id=BJORN, listed=False)
    harness.event("y2")
    text = reply(harness.slack.command(BJORN, RANDOM, "/event", "yoag"))
    assert NONE_ORGANIZED in text
    assert text.count(f"[{ActionId.MANAGE}]") == 1


def test_admin_finds_listed_events_of_others_by_title(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert sentences.taken(0, 2) in shown(manage_modal(harness, AMARA, "yoga in"))
    assert NO_MATCH in reply(harness.slack.command(AMARA, RANDOM, "/event", "nothing"))


def test_exact_title_of_anothers_event_wins_over_a_part_of_an_admins_own(
    harness: SlackHarness,
) -> None:
    harness.event("mine", title="Yoga teacher meeting", organizer_id=AMARA)
    harness.event("other", title="Yoga", organizer_id=BJORN)
    view = harness.slack.command(AMARA, RANDOM, "/event", "yoga").view
    assert view is not None
    assert "*Yoga*\n" in shown(view)


def test_admin_is_offered_similar_titles_of_own_unlisted_events_and_of_others(
    harness: SlackHarness,
) -> None:
    harness.event("y1", title="Yoga outdoors", organizer_id=AMARA, listed=False)
    harness.event("y2", title="Yoga indoors", organizer_id=BJORN)
    harness.event("y3", title="Yoga at home", organizer_id=BJORN, listed=False)
    text = reply(harness.slack.command(AMARA, RANDOM, "/event", "yoag"))
    assert NO_MATCH in text
    assert text.index("Yoga outdoors") < text.index("Yoga indoors")
    assert "Yoga at home" not in text


def test_co_organizer_can_manage(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[CHLOE])
    assert sentences.taken(0, 2) in shown(manage_modal(harness, CHLOE))


# Permissions: R8.9


def test_non_organizer_cannot_manage(harness: SlackHarness) -> None:
    card = harness.card(harness.event(organizer_id=BJORN))
    before = harness.assert_invariants()
    for result in (
        harness.slack.click(CHLOE, card, ActionId.MANAGE),
        harness.slack.command(CHLOE, RANDOM, "/event", "yoga"),
    ):
        assert result.view is None
        assert sentences.NOT_ORGANIZER in reply(result)
    assert harness.assert_invariants() == before


@pytest.mark.parametrize("action", [ActionId.CLOSE, ActionId.CHANGE_CAPACITY, ActionId.POST_CARD])
def test_former_organizer_changes_nothing_in_open_modal(
    harness: SlackHarness, action: ActionId
) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[CHLOE])
    view = manage_modal(harness, CHLOE)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.assert_invariants()
    result = harness.slack.click(CHLOE, view, action)
    assert sentences.NOT_ORGANIZER in reply(result)
    assert harness.assert_invariants() == before


def test_former_organizer_changes_nothing_by_form(harness: SlackHarness) -> None:
    harness.event(organizer_id=AMARA, co_organizer_ids=[BJORN])
    form = capacity_form(harness)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.assert_invariants()
    result = harness.slack.submit(BJORN, form.id, {CAPACITY: "9"})
    assert sentences.NOT_ORGANIZER in reply(result)
    assert harness.assert_invariants() == before


def test_admin_can_manage(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert sentences.taken(0, 2) in shown(manage_modal(harness, AMARA))


def test_admin_status_is_looked_up_for_non_organizers_and_cached(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=BJORN)
    manage_modal(harness, BJORN)
    assert harness.api.calls("users.info") == []
    manage_modal(harness, AMARA)
    manage_modal(harness, AMARA)
    assert len(harness.api.calls("users.info")) == 1
    harness.clock.advance(CACHED_FOR + 1)
    manage_modal(harness, AMARA)
    assert len(harness.api.calls("users.info")) == 2


@pytest.mark.parametrize(
    "fault", [Fault.closed(), Fault.rate_limited(), Fault.server_error(503)], ids=repr
)
def test_unknown_admin_status_denies_permission(harness: SlackHarness, fault: Fault) -> None:
    harness.event(organizer_id=BJORN)
    harness.api.fail_next("users.info", fault)
    result = harness.slack.command(AMARA, RANDOM, "/event", "yoga")
    assert sentences.NOT_ORGANIZER in reply(result)
    assert sentences.taken(0, 2) in shown(manage_modal(harness, AMARA)), "asked again the next time"


# The roster: R6.2, R6.5


def test_roster_shows_registered_then_waitlist_with_positions(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE, DIEGO, HARUKI, PRIYA)
    text = shown(manage_modal(harness))
    rows = [
        line.partition(" · ")[0] for line in text.splitlines() if "since" in line or "* (" in line
    ]
    assert rows == [
        "*Registered* (2)",
        f"<@{CHLOE}>",
        f"<@{DIEGO}>",
        "*Waitlisted* (2)",
        f"1. <@{HARUKI}>",
        f"2. <@{PRIYA}>",
    ]


def test_details_button_names_attendee_for_screen_readers(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    spoken = [
        block["accessory"]["accessibility_label"]
        for block in manage_modal(harness).blocks
        if block.get("accessory", {}).get("action_id") == ActionId.ATTENDEE
    ]
    assert spoken == ["Details for Chloé Tremblay", "Details for Diego Quispe"]


def test_empty_roster_says_so(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert "No one is registered." in shown(manage_modal(harness))


def test_long_roster_is_paged_and_each_page_fits(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=40)
    many = [f"U{'0' * 60}{number:03}" for number in range(100)]
    harness.register(*many)
    view, texts = manage_modal(harness), []
    while True:
        texts.append(shown(view))
        if f"[{ActionId.ATTENDEES_PAGE}]" not in texts[-1]:
            break
        harness.slack.click(BJORN, view, ActionId.ATTENDEES_PAGE)
        view = top(harness)
    text = "\n".join(texts)
    assert len(texts) == 4
    for user_id in many:
        assert text.count(f"<@{user_id}>") == 1
    assert f"60. <@{many[-1]}>" in text
    harness.slack.click(BJORN, top(harness), ActionId.ATTENDEES_BACK)
    assert shown(top(harness)) == texts[0]
    assert f"[{ActionId.ATTENDEES_BACK}]" not in shown(top(harness))


# Capacity


def test_capacity_increase_is_previewed_then_promotes_and_notifies(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)
    form = capacity_form(harness)
    before = harness.assert_invariants()
    preview = harness.slack.submit(BJORN, form.id, {CAPACITY: "3"})
    assert f"from 1 to 3 gives seats to <@{DIEGO}> and <@{HARUKI}> and notifies them." in reply(
        preview
    )
    assert harness.assert_invariants() == before, "a preview changes nothing"

    done = harness.slack.submit(BJORN, top(harness).id)
    assert "*Yoga in the park* now has 3 seats." in reply(done)
    assert sentences.taken(3, 3) in shown(harness.workspace.views.stack(BJORN)[0]), (
        "what lies below follows"
    )
    assert harness.assert_invariants().seated("yoga") == [CHLOE, DIEGO, HARUKI]
    harness.deliver_due()
    for user_id in (DIEGO, HARUKI):
        assert sentences.promoted(by_capacity=True) in harness.direct_messages(user_id)[0]
    assert harness.direct_messages(CHLOE) == []


def test_capacity_preview_counts_promotions_beyond_five(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(*[f"U{number:03}" for number in range(200)])
    preview = harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "150"})
    assert "and 144 more and notifies them." in reply(preview)


def test_capacity_of_an_event_that_has_started_gives_no_one_a_seat(harness: SlackHarness) -> None:
    """R4.7."""
    ends_at = harness.clock.now() + timedelta(days=4)
    harness.event(organizer_id=BJORN, capacity=1, ends_at=ends_at)
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(days=3))
    preview = harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "2"})
    assert "no one on the waitlist gets a seat" in reply(preview)
    done = harness.slack.submit(BJORN, top(harness).id)
    assert "now has 2 seats" in reply(done)
    found = harness.assert_invariants()
    assert (found.seated("yoga"), found.waitlisted("yoga")) == ([CHLOE], [DIEGO])


def test_capacity_set_after_the_start_says_that_no_one_got_a_seat(harness: SlackHarness) -> None:
    """It was previewed before, when it gave someone a seat."""
    ends_at = harness.clock.now() + timedelta(days=2, hours=2)
    harness.event(organizer_id=BJORN, capacity=1, ends_at=ends_at)
    harness.register(CHLOE, DIEGO)
    preview = harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "2"})
    assert preview.view is not None
    harness.clock.advance(timedelta(days=2, minutes=1))
    assert NO_SEATS_ONCE_STARTED in reply(harness.slack.submit(BJORN, preview.view.id))
    assert harness.assert_invariants().events["yoga"].registered_count == 1


def test_capacity_preview_that_affects_no_one_says_so(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=5)
    harness.register(CHLOE)
    preview = harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "4"})
    assert "from 5 to 4 doesn’t affect anyone." in reply(preview)
    assert "now has 4 seats" in reply(harness.slack.submit(BJORN, top(harness).id))


def test_capacity_preview_keeps_the_number_and_previews_another(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "2"})
    assert top(harness).state[BlockId.CAPACITY][ActionId.INPUT]["value"] == "2"
    before = harness.assert_invariants()
    again = harness.slack.submit(BJORN, top(harness).id, {CAPACITY: "5"})
    assert "from 1 to 5" in reply(again)
    assert harness.assert_invariants() == before, "only what was previewed is set"
    harness.slack.submit(BJORN, top(harness).id)
    assert harness.assert_invariants().events["yoga"].capacity == 5


def test_same_capacity_offers_nothing_to_set(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=2)
    shown_again = harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "2"})
    assert same_capacity(2) in reply(shown_again)
    assert top(harness).body["submit"]["text"] == "Preview"
    assert "from 2 to 3" in reply(harness.slack.submit(BJORN, top(harness).id, {CAPACITY: "3"}))


WRONG = {
    "none": ("0", "at least 1"),
    "less than none": ("-1", "at least 1"),
    "a seat and a half": ("1.5", "a whole number"),
    "one too many": ("100001", "at most 100,000"),
    "a number in words": ("ten", "a whole number"),
    "nothing": ("", "a whole number"),
}


@pytest.mark.parametrize(("typed", "says"), WRONG.values(), ids=WRONG)
def test_wrong_capacity_is_a_field_error(harness: SlackHarness, typed: str, says: str) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE, DIEGO)
    form = capacity_form(harness)
    before = harness.assert_invariants()
    result = harness.slack.submit(BJORN, form.id, {CAPACITY: typed}, client_checks=False)
    assert list(result.errors) == [BlockId.CAPACITY]
    assert says in result.errors[BlockId.CAPACITY]
    assert harness.assert_invariants() == before


def test_capacity_below_registered_names_last_and_removes_no_one(harness: SlackHarness) -> None:
    """R2.5."""
    harness.event(organizer_id=BJORN, capacity=4)
    harness.register(CHLOE, DIEGO, HARUKI, PRIYA)
    form = capacity_form(harness)
    before = harness.assert_invariants()
    text = reply(harness.slack.submit(BJORN, form.id, {CAPACITY: "2"}))
    assert capacity_too_low(2, 4) in text
    assert f"<@{PRIYA}> and <@{HARUKI}>" in text
    assert harness.assert_invariants() == before
    # The form is still there, for another number.
    assert "from 4 to 5 doesn’t affect anyone." in reply(
        harness.slack.submit(BJORN, top(harness).id, {CAPACITY: "5"})
    )


def test_capacity_that_became_too_low_is_refused(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=5)
    harness.register(CHLOE)
    harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "1"})
    harness.register(DIEGO)
    result = harness.slack.submit(BJORN, top(harness).id)
    assert result.errors == {BlockId.CAPACITY: capacity_too_low(1, 2)}
    assert harness.assert_invariants().events["yoga"].capacity == 5


def test_capacity_confirmed_twice_changes_once(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "2"})
    form = top(harness)
    payload = {
        "type": "view_submission",
        "team": {"id": harness.workspace.team_id},
        "user": {"id": BJORN, "name": "bjorn", "team_id": harness.workspace.team_id},
        "view": form.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True),
    }
    harness.slack.interact(payload)
    before = harness.assert_invariants()
    assert harness.slack.interact(payload).failure is None
    assert harness.assert_invariants() == before


# Closing and reopening


def test_close_and_reopen_update_event_and_card(harness: SlackHarness) -> None:
    harness.card(harness.event(organizer_id=BJORN))
    harness.slack.click(BJORN, manage_modal(harness), ActionId.CLOSE)
    assert "*Registration closed*" in shown(top(harness))
    assert "*Registration closed*" in harness.current_card_text()
    assert f"[{ActionId.REGISTER}]" not in harness.current_card_text()
    assert "is closed" in reply(harness.slack.command(CHLOE, RANDOM, "/register", "yoga"))

    harness.slack.click(BJORN, top(harness), ActionId.REOPEN)
    assert f"[{ActionId.CLOSE}]" in shown(top(harness))
    assert sentences.seat() in reply(harness.slack.command(CHLOE, RANDOM, "/register", "yoga"))


def test_reopening_after_the_deadline_says_what_keeps_registration_closed(
    harness: SlackHarness,
) -> None:
    deadline = harness.clock.now() + timedelta(hours=5)
    harness.event(organizer_id=BJORN, registration_deadline=deadline)
    harness.bot.service.close_event("yoga")
    harness.slack.click(BJORN, manage_modal(harness), ActionId.REOPEN)
    assert reopened_note(None) in shown(top(harness))
    harness.bot.service.close_event("yoga")
    harness.clock.advance(timedelta(hours=5))
    harness.slack.click(BJORN, manage_modal(harness), ActionId.REOPEN)
    assert reopened_note(None) not in shown(top(harness))
    assert as_typed(reopened_note(ClosedReason.DEADLINE)) in shown(top(harness))


# Once the event has started, and once it is over


def buttons_in(view: View) -> set[str]:
    """Return the buttons of Manage that are not for one attendee or a page of them."""
    rows = [block["elements"] for block in view.blocks if block["type"] == "actions"]
    return {one["action_id"] for row in rows for one in row if one["type"] == "button"}


TO_COME = {
    *(ActionId.EDIT, ActionId.CHANGE_CAPACITY, ActionId.CLOSE),
    *(ActionId.MESSAGE_ATTENDEES, ActionId.EXPORT, ActionId.HISTORY),
    *(ActionId.POST_CARD, ActionId.DUPLICATE, ActionId.CANCEL_EVENT, ActionId.DELETE_EVENT),
    ActionId.ADD_ATTENDEES,
}


def test_event_that_has_started_is_neither_closed_nor_reopened(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    ends_at = starts_at + timedelta(hours=1)
    harness.event(organizer_id=BJORN, starts_at=starts_at, ends_at=ends_at)
    assert buttons_in(manage_modal(harness)) == TO_COME
    harness.clock.advance(timedelta(days=2))
    assert buttons_in(manage_modal(harness)) == TO_COME - {ActionId.CLOSE, ActionId.ADD_ATTENDEES}


def test_event_that_is_over_has_only_buttons_of_use(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE)
    harness.clock.advance(timedelta(days=2))
    assert buttons_in(manage_modal(harness)) == {
        *(ActionId.MESSAGE_ATTENDEES, ActionId.EXPORT, ActionId.HISTORY),
        *(ActionId.EDIT, ActionId.DUPLICATE, ActionId.DELETE_EVENT),
    }
    harness.slack.click(BJORN, manage_modal(harness), ActionId.ATTENDEE)
    assert f"<@{CHLOE}>" in shown(top(harness)), "attendees can still be removed"


def test_double_click_on_close_keeps_it_closed(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    view = manage_modal(harness)
    harness.slack.click(BJORN, view, ActionId.CLOSE)
    before = harness.assert_invariants()
    assert harness.slack.click(BJORN, view, ActionId.CLOSE).failure is None
    assert harness.assert_invariants() == before


def test_close_of_canceled_event_is_refused(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    view = manage_modal(harness)
    harness.bot.service.cancel_event("yoga")
    result = harness.slack.click(BJORN, view, ActionId.CLOSE)
    assert sentences.EVENT_CANCELED in reply(result)


def test_post_card_posts_another_card(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.slack.click(BJORN, manage_modal(harness), ActionId.POST_CARD)
    result = harness.slack.submit(
        BJORN, top(harness).id, {(BlockId.CHANNEL, ActionId.INPUT): EVENTS}
    )
    assert sentences.card_posted(harness.bot.service.get_event("yoga")) in reply(result)
    assert sentences.taken(0, 2) in text_of(harness.workspace.messages(EVENTS)[-1].blocks)


@pytest.mark.parametrize("is_canceled", [False, True])
def test_duplicate_opens_form_one_week_later_by_the_wall_clock(
    harness: SlackHarness, is_canceled: bool
) -> None:
    """R12.5."""
    zone = ZoneInfo("Europe/Berlin")
    day = datetime(harness.clock.now().year + 1, 10, 26, 18, 30, tzinfo=zone)
    event = harness.event(
        organizer_id=BJORN,
        co_organizer_ids=[CHLOE],
        starts_at=day,
        ends_at=day + timedelta(hours=30),
        registration_deadline=day - timedelta(hours=1),
        description="Bring a mat",
        has_waitlist=False,
        reminders=[60],
        join_link="https://example.org/meeting",
    )
    if is_canceled:
        harness.bot.service.cancel_event("yoga")
    harness.slack.click(BJORN, manage_modal(harness), ActionId.DUPLICATE)
    assert top(harness).title == "Create event"
    harness.slack.submit(BJORN, top(harness).id)
    events = harness.assert_invariants().events
    (copy,) = (one for event_id, one in events.items() if event_id != "yoga")
    for name in ("starts_at", "ends_at", "registration_deadline"):
        was, now = (getattr(one, name).astimezone(zone) for one in (event, copy))
        assert now.replace(tzinfo=None) == was.replace(tzinfo=None) + timedelta(weeks=1)
    same = (
        *("title", "description", "location", "time_zone", "capacity", "has_waitlist"),
        *("listed", "reminders", "join_link", "organizer_id", "co_organizer_ids"),
    )
    assert {name: getattr(copy, name) for name in same} == {
        name: getattr(event, name) for name in same
    }


def card_buttons(view: View) -> list[str]:
    elements = [element for block in view.blocks for element in block.get("elements", ())]
    return [
        element["text"]["text"]
        for element in elements
        if element.get("action_id") == ActionId.POST_CARD
    ]


def test_event_with_a_card_offers_another_channel_only(harness: SlackHarness) -> None:
    event = harness.event(organizer_id=BJORN)
    assert card_buttons(manage_modal(harness)) == ["Post card"]
    harness.card(event)
    assert card_buttons(manage_modal(harness)) == ["Post in another channel"]


def test_attendee_is_shown_without_ticket(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE)
    harness.slack.click(BJORN, manage_modal(harness), ActionId.ATTENDEE)
    assert f"<@{CHLOE}>" in shown(top(harness))
    assert "ticket" not in shown(top(harness)).lower()


def test_post_card_submitted_twice_posts_once(harness: SlackHarness) -> None:
    """R8.13."""
    harness.card(harness.event(organizer_id=BJORN))
    harness.slack.click(BJORN, manage_modal(harness), ActionId.POST_CARD)
    form = top(harness)
    body = form.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True)
    chosen = {BlockId.CHANNEL: {ActionId.INPUT: {"selected_conversation": EVENTS}}}
    payload = {
        "type": "view_submission",
        "team": {"id": harness.workspace.team_id},
        "user": {"id": BJORN, "name": "bjorn", "team_id": harness.workspace.team_id},
        "view": body | {"state": {"values": chosen}},
    }
    first = harness.slack.interact(payload).response
    cards = len(harness.workspace.messages(EVENTS))
    second = harness.slack.interact(payload).response
    assert first is not None
    assert second is not None
    assert second.body == first.body
    assert len(harness.workspace.messages(EVENTS)) == cards

    harness.clock.advance(timedelta(seconds=1))
    harness.slack.click(BJORN, manage_modal(harness), ActionId.POST_CARD)
    harness.slack.submit(BJORN, top(harness).id, {(BlockId.CHANNEL, ActionId.INPUT): EVENTS})
    assert len(harness.workspace.messages(EVENTS)) == cards + 1, "another form posts another"
