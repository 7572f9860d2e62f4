"""Who's going: a button shows who has a seat, to those who may see it (R12.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import as_typed, mention
from bot.features.browsing.views import event_blocks
from bot.features.cards.views import event_card
from bot.features.going import views as going_views
from bot.slack.error_messages import sentence
from domain.enums import Visibility
from domain.errors import AttendeesHidden
from domain.inputs import EventChanges, UserDraft
from domain.models import EventForUser, EventRegistrations, UserRegistration
from playground.client.member_client import ActionResult
from playground.demo.seed import RANDOM
from playground.workspace.model import Message, View
from tests.support.builders import a_registration, an_event
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
    shown,
    text_of,
)

LINK = "https://example.org/secret-room"
LOOK_UP = "users.info"
CROWD = [f"U0CROWD{number:02}" for number in range(2 * going_views.GOING_PAGE + 5)]


def full_event(harness: SlackHarness) -> Message:
    """Create an event of Chloé's in which Björn has the seat and Diego waits. Return its card."""
    event = harness.event(organizer_id=CHLOE, capacity=1, join_link=LINK)
    harness.register(BJORN, DIEGO)
    return harness.card(event)


def press(harness: SlackHarness, user_id: str, card: Message) -> ActionResult:
    return harness.slack.click(user_id, card, ActionId.GOING)


def heading(harness: SlackHarness, *, is_over: bool = False) -> str:
    """Return the heading of the list as things are now."""
    listing = EventRegistrations(harness.bot.service.get_event("yoga"), (), (), None)
    return as_typed(going_views.going_list(listing, {}, is_over=is_over).text)


def test_list_names_those_with_a_seat_and_counts_the_waitlist(harness: SlackHarness) -> None:
    result = press(harness, PRIYA, full_event(harness))
    assert reply(result).splitlines() == [heading(harness), mention(BJORN), "1 on the waitlist"]
    assert heading(harness) == f"1 person has a seat in *{sentences.YOGA}*:"
    assert [one.ephemeral_to for one in result.messages] == [PRIYA], "nobody else sees it"
    assert harness.api.calls(LOOK_UP) == []


READERS = {"outsider": PRIYA, "seat": BJORN, "waitlist": DIEGO, "organizer": CHLOE, "admin": AMARA}


@pytest.mark.parametrize(
    ("visible_to", "refused"),
    [
        (Visibility.EVERYONE, set()),
        (Visibility.ATTENDEES, {"outsider"}),
        (Visibility.ORGANIZERS, {"outsider", "seat", "waitlist"}),
    ],
)
@pytest.mark.parametrize("reader", READERS)
def test_organizer_decides_who_sees_the_list(
    harness: SlackHarness, visible_to: Visibility, refused: set[str], reader: str
) -> None:
    """The card that is pressed may be older than the organizer's choice."""
    card = full_event(harness)
    changes = EventChanges.of(attendees_visible_to=visible_to)
    harness.bot.service.edit_event("yoga", changes)
    text = reply(press(harness, READERS[reader], card))
    if reader in refused:
        assert text == as_typed(sentence(AttendeesHidden("yoga", sentences.YOGA, visible_to)))
    else:
        assert mention(BJORN) in text
    assert LINK not in text
    assert mention(DIEGO) not in text


@pytest.mark.parametrize(
    ("visible_to", "on_card", "for_outsider"),
    [
        (Visibility.EVERYONE, True, True),
        (Visibility.ATTENDEES, True, False),
        (Visibility.ORGANIZERS, False, False),
    ],
)
def test_button_is_where_a_reader_can_use_it(
    visible_to: Visibility, on_card: bool, for_outsider: bool
) -> None:
    """A card is the same for every reader, a list is not."""
    event = an_event(attendees_visible_to=visible_to)
    button = f"[{ActionId.GOING}]"
    assert (button in text_of(event_card(event).to_dict()["blocks"])) is on_card
    own = UserRegistration(a_registration(), event)
    for registration, is_shown in ((own, on_card), (None, for_outsider)):
        blocks = [one.to_dict() for one in event_blocks(EventForUser(event, registration))]
        assert (button in text_of(blocks)) is is_shown


def test_list_of_an_event_without_attendees_says_so(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    assert reply(press(harness, PRIYA, card)) == f"No one has a seat in *{sentences.YOGA}*."


def test_list_of_a_canceled_event_says_who_had_a_seat(harness: SlackHarness) -> None:
    card = full_event(harness)
    harness.bot.service.cancel_event("yoga")
    text = reply(press(harness, PRIYA, card))
    assert text.startswith(f"1 person had a seat in *{sentences.YOGA}*, which has been canceled:")
    assert mention(BJORN) in text


def test_list_of_a_past_event_says_who_had_a_seat(harness: SlackHarness) -> None:
    card = full_event(harness)
    harness.clock.advance(timedelta(days=3))
    text = reply(press(harness, PRIYA, card))
    assert text.startswith(heading(harness, is_over=True))
    assert "had a seat" in text


def test_list_of_a_deleted_event_is_refused(harness: SlackHarness) -> None:
    card = full_event(harness)
    harness.bot.service.delete_event("yoga")
    assert reply(press(harness, PRIYA, card)) == sentences.EVENT_GONE


def test_guest_sees_the_list_from_the_card_without_a_look_up(harness: SlackHarness) -> None:
    """R8.17."""
    card = full_event(harness)
    harness.workspace.put_member(replace(harness.workspace.member(PRIYA), is_restricted=True))
    assert mention(BJORN) in reply(press(harness, PRIYA, card))
    assert harness.api.calls(LOOK_UP) == []


@pytest.mark.parametrize(
    ("user_id", "command"), [(PRIYA, "/events"), (BJORN, "/events"), (BJORN, "/registrations")]
)
def test_list_is_shown_from_lists_and_app_home(
    harness: SlackHarness, user_id: str, command: str
) -> None:
    full_event(harness)
    listed = harness.slack.command(user_id, RANDOM, command).ephemeral[-1]
    home = harness.slack.open_home(user_id).home
    assert home is not None
    for surface in (listed, home):
        assert mention(BJORN) in reply(harness.slack.click(user_id, surface, ActionId.GOING))


def id_of(page: Message | View) -> str:
    return page.id if isinstance(page, View) else page.ts


@pytest.mark.parametrize("surface", ["message", "modal"])
def test_pages_replace_each_other(harness: SlackHarness, surface: str) -> None:
    card = harness.card(harness.event(capacity=len(CROWD)))
    harness.register(*CROWD)
    target = card if surface == "message" else harness.slack.open_home(PRIYA).home
    assert target is not None
    result = harness.slack.click(PRIYA, target, ActionId.GOING)
    page = result.view or result.ephemeral[-1]
    pages = [text_of(page.blocks)]
    while f"[{ActionId.MORE_GOING}]" in pages[-1]:
        result = harness.slack.click(PRIYA, page, ActionId.MORE_GOING)
        following = result.view or result.messages[-1]
        assert id_of(following) == id_of(page)
        page = following
        pages.append(text_of(page.blocks))
    assert len(pages) == 3
    assert all(text.startswith(heading(harness)) for text in pages)
    assert [sum(mention(one) in text for text in pages) for one in CROWD] == [1] * len(CROWD)
    back = harness.slack.click(PRIYA, page, ActionId.GOING_BACK)
    assert text_of((back.view or back.messages[-1]).blocks) == pages[0]


def test_page_whose_attendees_left_says_so(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=len(CROWD)))
    harness.register(*CROWD[: going_views.GOING_PAGE + 1])
    first = press(harness, PRIYA, card).ephemeral[-1]
    harness.bot.service.unregister("yoga", CROWD[going_views.GOING_PAGE])
    last = harness.slack.click(PRIYA, first, ActionId.MORE_GOING).messages[-1]
    assert going_views.NO_ONE_HERE in shown(last)


def test_user_outside_slack_is_shown_by_name_safely(harness: SlackHarness) -> None:
    service = harness.bot.service
    card = harness.card(harness.event())
    service.create_user(UserDraft.of(user_id="api-1", name="<!channel> *Ada* <@U0PING>"))
    service.register("yoga", "api-1")
    message = press(harness, PRIYA, card).ephemeral[-1]
    assert "<!channel> *Ada* <@U0PING>" in shown(message).replace("&lt;", "<").replace("&gt;", ">")
    assert "<!channel" not in str(message.blocks)
    assert "<@U0PING" not in str(message.blocks)


def test_deleted_user_is_not_on_the_list(harness: SlackHarness) -> None:
    card = full_event(harness)
    harness.bot.service.delete_user(BJORN)
    text = reply(press(harness, HARUKI, card))
    assert mention(BJORN) not in text
    assert mention(DIEGO) in text


def test_press_on_a_card_that_is_not_known_remembers_it(harness: SlackHarness) -> None:
    """A card that is remembered gets updated (R8.3)."""
    event = harness.event()
    message = event_card(event)
    posted = harness.client.chat_postMessage(channel=RANDOM, **message.to_dict())
    card = harness.workspace.messages(RANDOM)[-1]
    press(harness, PRIYA, card)
    assert harness.bot.notification_worker.newest_card("yoga", RANDOM) == posted["ts"]
