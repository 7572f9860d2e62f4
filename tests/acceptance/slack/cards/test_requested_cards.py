"""An event's card is requested in the journal: no crash, lost answer or refusal loses it (R9.7, R8.13)."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.blocks.ids import ActionId, BlockId
from bot.features.cards.posting import CARD_SECONDS
from bot.notifications.worker import NotificationWorker
from bot.slack.api_errors import PAUSE
from domain.enums import Audience, ChangeKind, NotificationKind
from domain.errors import NotOrganizer, OperatorNeeded
from domain.inputs import AnnouncementDraft, EventChanges, EventDraft
from domain.models import Actor, Card, Event
from domain.ports import Conflict, Store, Unavailable
from domain.service import Service
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS, GENERAL, LEADS
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now, service_on
from tests.support.notifications.delivery import POST, all_undelivered, promote
from tests.support.slack import sentences
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, reply
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
    return str(json.loads(form.private_metadata)["event_id"])


def worker_is_away(harness: SlackHarness) -> None:
    """Let nobody deliver while a request waits."""
    harness.clock.while_sleeping = lambda: None


def create(harness: SlackHarness, **values: Any) -> ActionResult:
    return harness.slack.submit(BJORN, opened(harness).id, filled(harness, **values))


# Crashes and lost answers


def test_pressing_create_again_after_a_lost_answer_gives_one_card(harness: SlackHarness) -> None:
    """The process died after its commit, and the person saw a failure."""
    form = opened(harness)
    event = created_by(dead_process(harness, harness.store), harness, event_id_of(form))
    result = harness.slack.submit(BJORN, form.id, filled(harness))
    assert sentences.card_posted(event) in reply(result)
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
    assert sentences.card_posted(only_event(deployment.store)) in reply(result)
    assert cards_in(harness) == 1


def test_sweep_posts_a_card_that_no_function_posted(deployment: Deployment) -> None:
    """The Slack function died after its commit, and the stream's record is lost."""
    harness = deployment.harness
    worker_is_away(harness)
    view = deployment.slack.command(BJORN, EVENTS, "/event", "create").view
    assert view is not None
    event = created_by(dead_process(harness, deployment.store), harness, event_id_of(view))
    result = deployment.slack.submit(BJORN, view.id, filled(harness))
    assert sentences.card_on_its_way(event) in reply(result)
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
    assert sentences.card_on_its_way(only_event(harness.store)) in reply(result)
    harness.deliver_due()
    assert cards_in(harness) == 1


@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.rate_limited(30), Fault.refused("missing_scope")]
)
def test_card_is_posted_once_slack_is_back(harness: SlackHarness, fault: Fault) -> None:
    harness.api.faults.set_default(lambda method: fault if method == POST else None)
    result = create(harness)
    assert sentences.card_on_its_way(only_event(harness.store)) in reply(result)
    harness.deliver_due(60)
    assert cards_in(harness) == 0
    harness.api.faults.clear()
    harness.deliver_due(2 * PAUSE)
    assert cards_in(harness) == 1
    assert all_undelivered(harness.store) == set()


def test_direct_messages_do_not_wait_for_a_channel(harness: SlackHarness) -> None:
    """Slack takes no messages in the channel, and those to people go on."""
    harness.event()
    harness.deliver_due()
    harness.api.fail_next(POST, Fault.server_error(503))
    ask_for_card(harness)
    promote(harness, CHLOE, DIEGO)
    harness.bot.notification_worker.process_due_events()
    assert cards_in(harness) == 0
    assert len(harness.direct_messages(CHLOE)) == len(harness.direct_messages(DIEGO)) == 1
    harness.deliver_due(10)
    assert cards_in(harness) == 1


def test_channel_does_not_wait_for_messages_to_many(harness: SlackHarness) -> None:
    """Slack is slow with a message to everyone, and a card is asked for meanwhile."""
    harness.event(capacity=50)
    harness.register(AMARA, BJORN, CHLOE, DIEGO)
    draft = AnnouncementDraft.of(text="Bring a mat.", audience=Audience.EVERYONE)
    harness.bot.service.announce("yoga", draft, request_id="one")
    ask_for_card(harness)
    harness.bot.notification_worker.process_due_events()
    assert harness.direct_messages(BJORN) == [], "the roster's index may lag behind"
    assert cards_in(harness) == 1
    harness.deliver_due(10)
    assert cards_in(harness) == 1
    assert len(harness.direct_messages(BJORN)) == 1
    assert all_undelivered(harness.store) == set()


@pytest.fixture
def three_late_cards(harness: SlackHarness) -> SlackHarness:
    """Slack takes no messages in the channel, for as many cards as an event may have late messages."""
    harness.event()
    harness.deliver_due()
    harness.api.fail_next(POST, Fault.server_error(503), times=3)
    for number in range(3):
        ask_for_card(harness, request_id=f"r{number}")
    harness.bot.notification_worker.process_due_events()
    assert len(harness.store.get_delivery("yoga").deferred) == 3
    return harness


def test_late_cards_crowd_out_no_direct_message(
    three_late_cards: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = three_late_cards
    monkeypatch.setattr("bot.notifications.deferred.MAX_DEFERRED", 3)
    promote(harness, CHLOE, DIEGO)
    harness.bot.notification_worker.process_due_events()
    assert len(harness.direct_messages(CHLOE)) == len(harness.direct_messages(DIEGO)) == 1
    harness.deliver_due(10)
    assert cards_in(harness) == 1
    assert all_undelivered(harness.store) == set()


def slow_to_refuse(harness: SlackHarness, method: str) -> Fault | None:
    """Return what each message meets: an error, after ten seconds."""
    if method != POST:
        return None
    harness.clock.advance(10)
    return Fault.server_error(503)


def test_direct_message_goes_out_before_cards_that_slack_is_slow_to_refuse(
    three_late_cards: SlackHarness,
) -> None:
    """Each call takes ten seconds. One turn makes one for people and one for a card, then others have theirs."""
    harness = three_late_cards
    promote(harness, CHLOE)
    harness.clock.advance(timedelta(seconds=5))
    before = len(harness.api.calls(POST))
    harness.api.faults.set_default(partial(slow_to_refuse, harness))
    harness.bot.notification_worker.process_event("yoga")
    channels = [call.args["channel"] for call in harness.api.calls(POST)[before:]]
    assert channels == [CHLOE, EVENTS]
    harness.api.faults.set_default(None)
    harness.deliver_due(60)
    assert len(harness.direct_messages(CHLOE)) == cards_in(harness) == 1
    assert all_undelivered(harness.store) == set()


def test_new_cards_that_slack_is_slow_to_refuse_are_tried_a_few_at_a_time(
    harness: SlackHarness,
) -> None:
    """Ten entries have one each, and a call takes ten seconds: a turn does not take minutes."""
    harness.event()
    harness.deliver_due()
    for number in range(10):
        ask_for_card(harness, request_id=f"r{number}")
    harness.api.faults.set_default(partial(slow_to_refuse, harness))
    before = harness.clock.monotonic()
    harness.bot.notification_worker.process_event("yoga")
    assert harness.clock.monotonic() - before <= 20
    harness.api.faults.set_default(None)
    harness.deliver_due(60)
    assert cards_in(harness) == 1
    assert all_undelivered(harness.store) == set()


REFUSALS = [
    "not_in_channel",
    "channel_not_found",
    "is_archived",
    "restricted_action",
    "purple_moon",
]


@pytest.mark.parametrize("code", REFUSALS)
def test_refused_card_is_explained_in_the_form_and_recorded(
    harness: SlackHarness, code: str
) -> None:
    harness.api.fail_next(POST, Fault.refused(code))
    result = create(harness)
    event = only_event(harness.store)
    assert sentences.card_refused(event, code) in reply(result)
    harness.deliver_due(120)
    assert cards_in(harness) == 0, "it is not tried again"
    entry = harness.store.get_journal_entry(event.event_id, event.version)
    assert entry is not None
    recorded = [(one.user_id, one.kind, one.reason) for one in entry.unreachable]
    assert recorded == [(EVENTS, NotificationKind.CARD, code)]
    (message,) = harness.direct_messages(BJORN)
    assert sentences.card_refused(event, code) in message
    assert all_undelivered(harness.store) == set()


@pytest.mark.parametrize("code", REFUSALS[:3])
def test_organizer_learns_of_a_refusal_after_the_reply(harness: SlackHarness, code: str) -> None:
    worker_is_away(harness)
    result = create(harness)
    event = only_event(harness.store)
    assert sentences.card_on_its_way(event) in reply(result)
    harness.api.fail_next(POST, Fault.refused(code))
    harness.deliver_due()
    (message,) = harness.direct_messages(BJORN)
    assert sentences.card_refused(event, code) in message


def test_message_about_a_refusal_is_retried(harness: SlackHarness) -> None:
    worker_is_away(harness)
    create(harness)
    harness.api.fail_next(POST, Fault.refused("is_archived"))
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(20)
    assert len(harness.direct_messages(BJORN)) == 1


def test_refusal_is_recorded_on_dynamodb_and_explained(deployment: Deployment) -> None:
    harness = deployment.harness
    view = deployment.slack.command(BJORN, EVENTS, "/event", "create").view
    assert view is not None
    harness.api.fail_next(POST, Fault.refused("not_in_channel"))
    result = deployment.slack.submit(BJORN, view.id, filled(harness))
    event = only_event(deployment.store)
    assert sentences.card_refused(event, "not_in_channel") in reply(result)
    (message,) = harness.direct_messages(BJORN)
    assert sentences.card_refused(event, "not_in_channel") in message
    assert all_undelivered(deployment.store) == set()


# A card that is asked for in Manage


def ask_for_card(harness: SlackHarness, channel_id: str = EVENTS, request_id: str = "r") -> None:
    harness.bot.service.post_card("yoga", channel_id, after="", request_id=request_id)


def card_form(harness: SlackHarness, user_id: str = AMARA) -> View:
    view = harness.slack.command(user_id, EVENTS, "/event", "yoga").view
    assert view is not None
    harness.slack.click(user_id, view, ActionId.POST_CARD)
    return harness.workspace.views.stack(user_id)[-1]


def test_manage_says_where_the_card_is(harness: SlackHarness) -> None:
    event = harness.event()
    result = harness.slack.submit(AMARA, card_form(harness).id, {CHANNEL: GENERAL})
    assert sentences.card_posted(event, GENERAL) in reply(result)
    assert cards_in(harness, GENERAL) == 1


def test_manage_says_why_slack_refuses_the_card(harness: SlackHarness) -> None:
    event = harness.event()
    result = harness.slack.submit(AMARA, card_form(harness).id, {CHANNEL: LEADS})
    assert sentences.card_refused(event, "channel_not_found", LEADS) in reply(result)
    harness.workspace.refusals.clear()


def test_two_forms_that_were_open_at_once_post_one_card(harness: SlackHarness) -> None:
    """R8.13: the button was pressed twice, and both forms are submitted."""
    event = harness.event(co_organizer_ids=[CHLOE])
    forms = [(user_id, card_form(harness, user_id)) for user_id in (AMARA, CHLOE)]
    for user_id, form in forms:
        result = harness.slack.submit(user_id, form.id, {CHANNEL: EVENTS})
        assert sentences.card_posted(event) in reply(result)
    harness.deliver_due(10)
    assert cards_in(harness) == 1


def test_card_of_a_request_that_died_is_posted(harness: SlackHarness) -> None:
    harness.event()
    dead_process(harness, harness.store).post_card("yoga", EVENTS, after="", request_id="r")
    harness.deliver_due()
    assert cards_in(harness) == 1


def test_request_that_is_repeated_is_journaled_once(harness: SlackHarness) -> None:
    harness.event()
    for _ in range(2):
        ask_for_card(harness)
    history = harness.store.list_history("yoga", limit=10).items
    kinds = [change.kind for entry in history for change in entry.changes]
    assert kinds == [ChangeKind.CARD_POSTED, ChangeKind.CREATED]


def test_only_organizers_can_have_a_card_posted(harness: SlackHarness) -> None:
    """R8.9."""
    harness.event()
    with pytest.raises(NotOrganizer):
        harness.bot.service.post_card("yoga", EVENTS, after="", request_id="r", actor=Actor(BJORN))
    harness.deliver_due()
    assert cards_in(harness) == 0


def test_card_of_a_deleted_event_is_not_posted(harness: SlackHarness) -> None:
    worker_is_away(harness)
    harness.event()
    ask_for_card(harness)
    harness.bot.service.delete_event("yoga")
    harness.deliver_due()
    assert cards_in(harness) == 0
    assert all_undelivered(harness.store) == set()


class ConvertedChannel(WebClient):
    """A client for which Slack answers with a channel's id of today, whatever id it was asked for."""

    def api_call(self, api_method: str, **rest: Any) -> SlackResponse:
        if api_method == POST:
            rest["json"]["channel"] = EVENTS
        return super().api_call(api_method, **rest)


def test_card_in_a_channel_that_has_another_id_now_is_posted_once(harness: SlackHarness) -> None:
    """The form knows of it, and so does a second request for the earlier id, after an update of the card."""
    client = ConvertedChannel(
        harness.client.token, base_url=harness.client.base_url, retry_handlers=[]
    )
    worker = NotificationWorker(
        harness.store,
        client,
        harness.clock,
        holder="another",
        workspace_id=harness.workspace.team_id,
        sweep=lambda: 0,
        reconcile=lambda: None,
        spawn=run_now,
    )
    event = harness.event()
    ask_for_card(harness, "C0EARLIER")
    assert worker.process_event("yoga") is None
    status = worker.wait_for_card("yoga", event.version + 1, "C0EARLIER", seconds=0)
    assert status is not None
    assert not status.is_on_its_way
    harness.register(CHLOE)
    harness.clock.advance(1)
    assert worker.process_event("yoga") is None
    ask_for_card(harness, "C0EARLIER", request_id="again")
    harness.clock.advance(1)
    assert worker.process_event("yoga") is None
    assert cards_in(harness) == 1


# The outbox fails after the card was posted


class FullStore(SQLiteStore):
    """The same file, which takes no card at first."""

    failures = 1
    error: Exception = Unavailable("the disk is busy")

    def put_card(self, card: Card) -> bool:
        if self.failures:
            self.failures -= 1
            raise self.error
        return super().put_card(card)


def worker_on(store: SQLiteStore, harness: SlackHarness) -> NotificationWorker:
    return NotificationWorker(
        store,
        harness.client,
        harness.clock,
        holder=type(store).__name__,
        workspace_id=harness.workspace.team_id,
        sweep=lambda: 0,
        reconcile=lambda: None,
        spawn=run_now,
    )


def test_card_is_posted_once_if_the_store_does_not_take_it(
    harness: SlackHarness, tmp_path: Path
) -> None:
    store = FullStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    store.failures = 3
    bot = worker_on(store, harness)
    created_by(dead_process(harness, store), harness, "pottery")
    for _ in range(5):
        bot.process_due_events()
        harness.clock.advance(timedelta(seconds=1))
    assert cards_in(harness) == 1
    assert len(store.get_cards("pottery")) == 1
    assert all_undelivered(store) == set()
    store.close()


def test_card_whose_write_is_lost_once_is_not_posted_by_another_process(
    harness: SlackHarness, tmp_path: Path
) -> None:
    store = FullStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    other = SQLiteStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    created_by(dead_process(harness, store), harness, "pottery")
    for bot in (worker_on(store, harness), worker_on(other, harness)):
        bot.process_due_events()
        harness.clock.advance(timedelta(seconds=1))
    assert cards_in(harness) == 1
    for one in (store, other):
        one.close()


@pytest.mark.parametrize(
    "error",
    [Unavailable("the disk is busy"), Conflict("locked"), OperatorNeeded("the disk is full")],
    ids=lambda error: type(error).__name__,
)
def test_card_that_is_not_stored_stays_true_when_another_process_has_posted_one(
    harness: SlackHarness, tmp_path: Path, error: Exception
) -> None:
    """Its write may arrive late, when nobody updates the event's cards anymore."""
    store = FullStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    store.failures, store.error = 2, error
    other = SQLiteStore(tmp_path / "rollcall.sqlite", harness.workspace.team_id)
    service = dead_process(harness, store)
    created_by(service, harness, "pottery")
    first, second = worker_on(store, harness), worker_on(other, harness)
    for bot in (first, second):
        bot.process_due_events()
        harness.clock.advance(timedelta(seconds=1))
    assert cards_in(harness) == 2
    event = service.edit_event("pottery", EventChanges.of(title="Ceramics")).event
    first.schedule("pottery")
    for _ in range(5):
        first.process_due_events()
        harness.clock.advance(timedelta(seconds=1))
    assert [one.rendered_version for one in store.get_cards("pottery")] == [event.version] * 2
    shown = harness.workspace.messages(EVENTS)
    assert all(one.text.startswith("Ceramics") for one in shown)
    for one in (store, other):
        one.close()
