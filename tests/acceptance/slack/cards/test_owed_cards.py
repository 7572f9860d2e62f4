"""An event's card is owed by the journal: no crash, lost answer or refusal loses it (R9.7, R8.13)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.cards.posting import CARD_SECONDS
from bot.features.cards.views import card_sentence
from bot.slack.api_errors import PAUSE, ClassifiedError
from bot.slack.context import CardStatus
from bot.slack.error_messages import card_not_posted
from domain.enums import Audience, ChangeKind, NotificationKind
from domain.errors import NotOrganizer
from domain.inputs import AnnouncementDraft, EventDraft
from domain.models import Actor, Event
from domain.ports import Outbox, Store
from domain.service import Service
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS, GENERAL, LEADS
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.environment import service_on
from tests.support.notifications.delivery import POST, all_undelivered, promote
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, as_text, reply
from tests.support.slack.lambda_functions import Deployment

CHANNEL = (BlockId.CHANNEL, ActionId.INPUT)


def cards_in(harness: SlackHarness, channel_id: str = EVENTS) -> int:
    """Return the number of the bot's messages in a channel."""
    return len(harness.workspace.messages(channel_id))


def only_event(store: Store) -> Event:
    (listed,) = store.list_events(starting_from=None, limit=10).items
    event = store.get_event(listed.event_id)
    assert event is not None
    return event


def dead_process(harness: SlackHarness, store: Store) -> Service:
    """Return the service of a process that dies after its commits: nothing follows them."""
    return service_on(store, clock=harness.clock)


def created_by(service: Service, harness: SlackHarness, event_id: str) -> Event:
    """Create an event with a card, as the form with this event id does."""
    draft = EventDraft.of(
        event_id=event_id,
        title="Pottery",
        starts_at=harness.clock.now() + timedelta(days=2),
        time_zone="Europe/Stockholm",
        organizer_id=BJORN,
        capacity=12,
        has_waitlist=True,
        card_channel=EVENTS,
    )
    return service.create_event(draft)


def event_id_of(form: View) -> str:
    """Return the id that a form gives its event."""
    event_id: str = form.metadata["event_id"]
    return event_id


def worker_is_away(harness: SlackHarness) -> None:
    """Let nobody deliver while a request waits."""
    harness.clock.while_sleeping = lambda: None


def text(sentence: str) -> str:
    return as_text(sentence)


def posted(event: Event, channel_id: str = EVENTS) -> str:
    return text(card_sentence(event, CardStatus(channel_id, is_posted=True)))


def on_its_way(event: Event, channel_id: str = EVENTS) -> str:
    return text(card_sentence(event, CardStatus(channel_id)))


def refused(event: Event, code: str, channel_id: str = EVENTS) -> str:
    failure = ClassifiedError.of_code(code)
    return text(card_not_posted(event.event_id, event.title, channel_id, failure))


def create(harness: SlackHarness, **values: Any) -> ActionResult:
    return harness.slack.submit(BJORN, opened(harness).id, filled(harness, **values))


# Crashes and lost answers


def test_pressing_create_again_after_a_lost_answer_gives_one_card(harness: SlackHarness) -> None:
    """The process died after its commit, and the person saw a failure."""
    form = opened(harness)
    event = created_by(dead_process(harness, harness.store), harness, event_id_of(form))
    result = harness.slack.submit(BJORN, form.id, filled(harness))
    assert posted(event) in reply(result)
    harness.deliver_due(120)
    assert cards_in(harness) == 1


def test_new_process_posts_the_card_of_one_that_died(harness: SlackHarness) -> None:
    created_by(dead_process(harness, harness.store), harness, "pottery")
    harness.deliver_due()
    assert cards_in(harness) == 1
    assert all_undelivered(harness.store) == set()


def test_another_function_posts_the_card_while_the_form_waits(deployment: Deployment) -> None:
    harness = deployment.harness
    view = deployment.slack.command(BJORN, EVENTS, "/event", "create").view
    assert view is not None
    result = deployment.slack.submit(BJORN, view.id, filled(harness))
    assert posted(only_event(deployment.store)) in reply(result)
    assert cards_in(harness) == 1


def test_sweep_posts_a_card_that_no_function_posted(deployment: Deployment) -> None:
    """The Slack function died after its commit, and the stream's record is lost."""
    harness = deployment.harness
    worker_is_away(harness)
    view = deployment.slack.command(BJORN, EVENTS, "/event", "create").view
    assert view is not None
    event = created_by(dead_process(harness, deployment.store), harness, event_id_of(view))
    result = deployment.slack.submit(BJORN, view.id, filled(harness))
    assert on_its_way(event) in reply(result)
    deployment.sweep()
    deployment.deliver()
    assert cards_in(harness) == 1
    assert all_undelivered(deployment.store) == set()


# Slow, down, refused


def test_reply_does_not_wait_for_a_slow_slack(harness: SlackHarness) -> None:
    worker_is_away(harness)
    before = harness.clock.monotonic()
    result = create(harness)
    assert harness.clock.monotonic() - before <= CARD_SECONDS + 0.1
    assert on_its_way(only_event(harness.store)) in reply(result)
    harness.deliver_due()
    assert cards_in(harness) == 1


@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.rate_limited(30), Fault.refused("missing_scope")]
)
def test_card_is_posted_once_slack_is_back(harness: SlackHarness, fault: Fault) -> None:
    harness.api.faults.set_default(lambda method: fault if method == POST else None)
    assert on_its_way(only_event_of(harness, create(harness))) in reply_of(harness)
    harness.deliver_due(60)
    assert cards_in(harness) == 0
    harness.api.faults.clear()
    harness.deliver_due(2 * PAUSE.total_seconds())
    assert cards_in(harness) == 1
    assert all_undelivered(harness.store) == set()
