"""A typed web address is a link that shows itself, unaltered, wherever it is shown (R8.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from domain.enums import Audience
from domain.inputs import AnnouncementDraft, EventChanges
from domain.models import Actor
from playground.demo.seed import RANDOM
from playground.workspace.model import Json
from tests.support.slack.event_form import INPUTS, opened_short
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness
from tests.support.slack.modals import form, manage_modal, press, submit, top

HOST = "wiki.example"

ADDRESS = f"https://{HOST}:8080/a_b_/~c/:d:/(e)*f*?x=1&y=2;3#_g_"
"""It has every character that could format something, or end the address."""

TYPED = f"See ({ADDRESS}), please."

Surface = Callable[[SlackHarness], Any]


def yoga(harness: SlackHarness, **values: Any) -> None:
    """Create an event with one seat: Chloé has it, Diego waits."""
    harness.event(organizer_id=BJORN, capacity=1, **values)
    harness.register(CHLOE, DIEGO)


def newest(harness: SlackHarness, user_id: str) -> list[Json]:
    """Deliver what is due. Return the newest direct message to a member."""
    harness.deliver_due(6)
    return harness.workspace.messages(harness.workspace.dm(user_id).id)[-1].blocks


def listed(harness: SlackHarness, command: str, text: str = "", user_id: str = CHLOE) -> Any:
    result = harness.slack.command(user_id, RANDOM, command, text)
    assert result.failure is None, result.failure
    return result.ephemeral[-1].blocks


def home(harness: SlackHarness, user_id: str) -> Any:
    view = harness.slack.open_home(user_id).home
    assert view is not None
    return view.blocks


# Surfaces that show a typed text


def description_on_card(harness: SlackHarness) -> Any:
    yoga(harness, description=TYPED)
    return harness.card(harness.bot.service.get_event("yoga")).blocks


def location_on_card(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    return harness.card(harness.bot.service.get_event("yoga")).blocks


def title_in_list(harness: SlackHarness) -> Any:
    yoga(harness, title=TYPED)
    return listed(harness, "/events")


def location_in_list(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    return listed(harness, "/events")


def excerpt_in_list(harness: SlackHarness) -> Any:
    yoga(harness, description=TYPED)
    return listed(harness, "/events")


def registrations(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    return listed(harness, "/registrations")


def home_of_attendee(harness: SlackHarness) -> Any:
    yoga(harness, title=TYPED)
    return home(harness, CHLOE)


def home_of_organizer(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    return home(harness, BJORN)


def manage(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    return manage_modal(harness).blocks


def reply_to_registering(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    return listed(harness, "/register", "yoga", HARUKI)


def reply_with_title(harness: SlackHarness) -> Any:
    yoga(harness, title=TYPED)
    return listed(harness, "/register", "yoga", HARUKI)


def question_before_unregistering(harness: SlackHarness) -> Any:
    yoga(harness, title=TYPED)
    return listed(harness, "/unregister", "yoga")


def note_of_a_move(harness: SlackHarness) -> Any:
    yoga(harness)
    changes = EventChanges.of(location="Room 2")
    harness.bot.service.edit_event("yoga", changes, actor=Actor(BJORN), note=TYPED)
    return newest(harness, CHLOE)


def earlier_location_of_a_move(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    return newest(harness, CHLOE)


def new_location_of_a_move(harness: SlackHarness) -> Any:
    yoga(harness)
    harness.bot.service.edit_event("yoga", EventChanges.of(location=TYPED))
    return newest(harness, CHLOE)


def reason_of_a_cancellation(harness: SlackHarness) -> Any:
    yoga(harness)
    harness.bot.service.cancel_event("yoga", actor=Actor(BJORN), reason=TYPED)
    return newest(harness, CHLOE)


def reason_of_a_removal(harness: SlackHarness) -> Any:
    yoga(harness)
    harness.bot.service.remove("yoga", CHLOE, actor=Actor(BJORN), reason=TYPED)
    return newest(harness, CHLOE)


def promotion(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED)
    harness.bot.service.unregister("yoga", CHLOE)
    return newest(harness, DIEGO)


def join_link_of_a_promotion(harness: SlackHarness) -> Any:
    yoga(harness, join_link=ADDRESS)
    harness.bot.service.unregister("yoga", CHLOE)
    return newest(harness, DIEGO)


def join_link_of_a_reminder(harness: SlackHarness) -> Any:
    yoga(harness, join_link=ADDRESS, reminders=(60,))
    return reminded(harness)


def location_of_a_reminder(harness: SlackHarness) -> Any:
    yoga(harness, location=TYPED, reminders=(60,))
    return reminded(harness)


def reminded(harness: SlackHarness) -> Any:
    harness.clock.advance(timedelta(days=2, minutes=-30))
    harness.bot.service.sweep()
    return newest(harness, CHLOE)


def announcement(harness: SlackHarness) -> Any:
    yoga(harness)
    announce(harness)
    return newest(harness, CHLOE)


def announce(harness: SlackHarness) -> None:
    draft = AnnouncementDraft(text=TYPED, audience=Audience.EVERYONE)
    harness.bot.service.announce("yoga", draft, request_id="r1", actor=Actor(BJORN))


def preview_of_an_announcement(harness: SlackHarness) -> Any:
    yoga(harness)
    opened = form(harness, ActionId.MESSAGE_ATTENDEES)
    view = submit(harness, opened, {BlockId.TEXT: TYPED, BlockId.AUDIENCE: "everyone"}).view
    assert view is not None
    return view.blocks


def history(harness: SlackHarness) -> Any:
    manage_modal(harness)
    return press(harness, ActionId.HISTORY).blocks


def history_of_a_removal(harness: SlackHarness) -> Any:
    yoga(harness)
    harness.bot.service.remove("yoga", CHLOE, actor=Actor(BJORN), reason=TYPED)
    return history(harness)


def history_of_a_cancellation(harness: SlackHarness) -> Any:
    yoga(harness)
    harness.bot.service.cancel_event("yoga", actor=Actor(BJORN), reason=TYPED)
    return history(harness)


def history_of_a_move(harness: SlackHarness) -> Any:
    yoga(harness)
    harness.bot.service.edit_event("yoga", EventChanges.of(location=TYPED), actor=Actor(BJORN))
    return history(harness)


def history_of_an_announcement(harness: SlackHarness) -> Any:
    yoga(harness)
    announce(harness)
    return history(harness)


def own_history(harness: SlackHarness) -> Any:
    yoga(harness, title=TYPED)
    message = harness.slack.command(DIEGO, RANDOM, "/registrations").ephemeral[-1]
    harness.slack.click(DIEGO, message, ActionId.REGISTRATION_HISTORY, value="yoga")
    return top(harness, DIEGO).blocks


def cancel_form(harness: SlackHarness) -> Any:
    yoga(harness, title=TYPED)
    return form(harness, ActionId.CANCEL_EVENT).blocks


def remove_form(harness: SlackHarness) -> Any:
    yoga(harness, title=TYPED)
    manage_modal(harness)
    return press(harness, ActionId.ATTENDEE, value=CHLOE).blocks


def confirmation_of_a_new_event(harness: SlackHarness) -> Any:
    day = (harness.clock.now() + timedelta(days=2)).date().isoformat()
    values = {
        BlockId.TITLE: TYPED,
        BlockId.START_DATE: day,
        BlockId.START_TIME: "18:00",
        BlockId.CAPACITY: "2",
        BlockId.LOCATION: ADDRESS,
    }
    view = opened_short(harness)
    given = {INPUTS[block]: value for block, value in values.items()}
    result = harness.slack.submit(BJORN, view.id, given)
    assert result.view is not None
    return result.view.blocks


SURFACES: list[Surface] = [
    description_on_card,
    location_on_card,
    title_in_list,
    location_in_list,
    excerpt_in_list,
    registrations,
    home_of_attendee,
    home_of_organizer,
    manage,
    reply_to_registering,
    reply_with_title,
    question_before_unregistering,
    note_of_a_move,
    earlier_location_of_a_move,
    new_location_of_a_move,
    reason_of_a_cancellation,
    reason_of_a_removal,
    promotion,
    join_link_of_a_promotion,
    join_link_of_a_reminder,
    location_of_a_reminder,
    announcement,
    preview_of_an_announcement,
    history_of_a_removal,
    history_of_a_cancellation,
    history_of_a_move,
    history_of_an_announcement,
    own_history,
    cancel_form,
    remove_form,
    confirmation_of_a_new_event,
]


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.__name__)
def test_typed_address_is_a_link_that_shows_itself(harness: SlackHarness, surface: Surface) -> None:
    blocks = surface(harness)
    assert links_in(blocks), "it is no link"
    assert set(links_in(blocks)) == {ADDRESS}
    assert [text for text in texts_beside_links(blocks) if HOST in text] == [], "it is dead text"


def texts_in(part: Any) -> Iterator[Json]:
    """Yield the text objects and rich text elements of blocks, without what inputs and buttons hold."""
    if isinstance(part, list):
        for one in part:
            yield from texts_in(one)
    elif isinstance(part, dict) and part.get("type") not in ("input", "button", "header"):
        if part.get("type") in ("mrkdwn", "plain_text", "text", "link"):
            yield part
        for one in part.values():
            yield from texts_in(one)


def links_in(blocks: Any) -> list[str]:
    """Return the targets of the links that show themselves."""
    found = []
    for part in texts_in(blocks):
        if part["type"] == "link":
            assert set(part) == {"type", "url"}, "it shows another text"
            found.append(part["url"])
        elif part["type"] == "mrkdwn":
            inside = (one.partition(">")[0] for one in part["text"].split("<")[1:])
            found += [unescape(one) for one in inside if one.startswith("http") and "|" not in one]
    return found


def texts_beside_links(blocks: Any) -> Iterator[str]:
    """Yield what is shown beside the links."""
    for part in texts_in(blocks):
        if part["type"] in ("text", "plain_text"):
            yield part["text"]
        elif part["type"] == "mrkdwn":
            first, *rest = part["text"].split("<")
            yield "".join([first, *(one.partition(">")[2] for one in rest)])
