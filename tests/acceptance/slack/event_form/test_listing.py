"""An event is listed by the privacy of its channel, until its organizer chooses (R2.8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.blocks.ids import ActionId, BlockId, EventOption
from bot.features.cards.listing import ChannelFollower
from bot.features.event_form.views import PRIVACY_UNKNOWN
from bot.notifications.worker import SWEEP_INTERVAL
from domain.inputs import EventChanges
from domain.models import Event
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import BJORN, SlackHarness, reply
from tests.support.slack.modals import form, submit

INFO = "conversations.info"
EVERY_MINUTE = SWEEP_INTERVAL + 3
FAILURES = [
    Fault.rate_limited(30),
    Fault.server_error(503),
    Fault.closed(),
    Fault.refused("missing_scope"),
]


def create(harness: SlackHarness, **values: Any) -> ActionResult:
    return harness.slack.submit(BJORN, opened(harness).id, filled(harness, **values))


def the_event(harness: SlackHarness) -> Event:
    (event,) = harness.bot.service.list_events().items
    return event


def set_private(harness: SlackHarness, *, private: bool) -> None:
    channel = harness.workspace.channel(EVENTS)
    harness.workspace.put_channel(replace(channel, is_private=private))


def next_day(harness: SlackHarness) -> None:
    harness.clock.advance(timedelta(hours=24))
    harness.deliver_due(3)


@pytest.mark.parametrize("fault", FAILURES, ids=str)
def test_reply_says_that_privacy_is_unknown(harness: SlackHarness, fault: Fault) -> None:
    harness.api.fail_next(INFO, fault)
    assert PRIVACY_UNKNOWN in reply(create(harness))
    assert the_event(harness).listed is False


def test_answer_that_comes_needs_no_word(harness: SlackHarness) -> None:
    assert PRIVACY_UNKNOWN not in reply(create(harness))
    assert the_event(harness).listed is True


@pytest.mark.parametrize("fault", FAILURES, ids=str)
def test_public_event_is_listed_once_slack_answers(harness: SlackHarness, fault: Fault) -> None:
    harness.deliver_due(0)
    harness.api.fail_next(INFO, fault, times=2)
    create(harness)
    harness.deliver_due(EVERY_MINUTE)
    assert the_event(harness).listed is False
    harness.deliver_due(EVERY_MINUTE)
    assert the_event(harness).listed is True


def test_private_event_stays_unlisted_once_slack_answers(harness: SlackHarness) -> None:
    set_private(harness, private=True)
    harness.api.fail_next(INFO, Fault.rate_limited(1))
    create(harness)
    harness.deliver_due(EVERY_MINUTE)
    assert the_event(harness).listed is False
    assert len(harness.api.calls(INFO)) == 2


def test_answer_that_a_crash_lost_comes_with_the_daily_run(harness: SlackHarness) -> None:
    harness.deliver_due(0)
    harness.event(listed=False, listing_channel=EVENTS)
    harness.clock.advance(timedelta(minutes=10))
    harness.deliver_due(3)
    assert the_event(harness).listed is True


def test_channel_made_private_unlists_its_event_within_a_day(harness: SlackHarness) -> None:
    harness.deliver_due(3)
    create(harness, START_DATE=(harness.clock.now() + timedelta(days=5)).date().isoformat())
    set_private(harness, private=True)
    next_day(harness)
    assert the_event(harness).listed is False
    (change,) = harness.bot.service.list_history(the_event(harness).event_id).items[0].changes
    assert (change.actor_id, change.fields) == (None, {"listed": ("True", "False")})


def test_daily_run_asks_once_for_each_channel_and_waits_when_slack_says(
    harness: SlackHarness,
) -> None:
    for number in range(3):
        harness.event(f"e{number}", listed=False, listing_channel=EVENTS)
    harness.api.fail_next(INFO, Fault.rate_limited(30))
    harness.clock.advance(timedelta(minutes=10))
    harness.bot.notification_worker.process_due_events()
    assert all(event.listed for event in harness.bot.service.list_events().items)
    assert len(harness.api.calls(INFO)) == 2


@pytest.mark.parametrize("in_form", [True, False], ids=["at creation", "in Edit"])
def test_organizer_choice_to_list_is_kept(harness: SlackHarness, in_form: bool) -> None:
    set_private(harness, private=True)
    start = (harness.clock.now() + timedelta(days=5)).date().isoformat()
    options = [EventOption.LISTED.value] if in_form else []
    create(harness, START_DATE=start, OPTIONS=options)
    if not in_form:
        edit = form(harness, ActionId.EDIT, event_id=the_event(harness).event_id)
        submit(harness, edit, {BlockId.OPTIONS: [EventOption.LISTED.value]})
    next_day(harness)
    assert the_event(harness).listed is True


def test_organizer_choice_not_to_list_is_kept(harness: SlackHarness) -> None:
    create(harness, START_DATE=(harness.clock.now() + timedelta(days=5)).date().isoformat())
    event_id = the_event(harness).event_id
    harness.bot.service.edit_event(event_id, EventChanges.of(listed=False))
    next_day(harness)
    assert the_event(harness).listed is False


def test_choice_made_while_slack_is_asked_is_kept(harness: SlackHarness) -> None:
    """The command finds the choice at its commit."""
    event = harness.event(listed=True, listing_channel=EVENTS)
    harness.bot.service.edit_event("yoga", EventChanges.of(listed=True))
    harness.bot.service.follow_channel("yoga", event.listing_channel or "", is_private=True)
    assert the_event(harness).listed is True


def test_slow_answers_do_not_hold_up_the_reminders_for_long(harness: SlackHarness) -> None:
    """The sweep asks for 20 seconds at most; those who are left wait for the next one."""
    later = harness.clock.now() + timedelta(days=2)
    events = [
        harness.event(f"e{number}", starts_at=later, listed=False, listing_channel=EVENTS)
        for number in range(6)
    ]
    client = SlowClient(harness)
    follower = ChannelFollower(harness.bot.service, client, harness.clock)
    for event in events:
        follower.follow_later(event)
    follower.follow_pending()
    assert client.asked == 4
    follower.follow_pending()
    assert client.asked == 6


class SlowClient(WebClient):
    """A client to which Slack answers after five seconds."""

    def __init__(self, harness: SlackHarness) -> None:
        super().__init__(token=harness.client.token, base_url=harness.client.base_url)
        self._clock = harness.clock
        self.asked = 0

    def conversations_info(self, **values: Any) -> SlackResponse:
        self.asked += 1
        self._clock.advance(timedelta(seconds=5))
        return super().conversations_info(**values)
