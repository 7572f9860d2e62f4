"""The notification worker on DynamoDB: leases, marks, recipients and cards (R9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.features.cards.views import deleted_card
from bot.notifications.worker import SWEEP_INTERVAL, NotificationWorker
from domain.inputs import EventChanges
from domain.service import Service
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from storage.dynamodb.store import DynamoDBStore
from tests.support.environment import new_event, run_now, service_on
from tests.support.notifications.delivery import all_undelivered
from tests.support.notifications.message_kinds import kind_of
from tests.support.slack.cards import put_card
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    PRIYA,
    SlackHarness,
    shown,
    text_of,
)
from tests.support.stores import empty_moto

POST = "chat.postMessage"


@dataclass
class OnDynamoDB:
    """A service and a worker on their own tables, in the town's workspace."""

    harness: SlackHarness
    store: DynamoDBStore
    service: Service
    notification_worker: NotificationWorker

    def event(self, *user_ids: str) -> None:
        """Create an event with 2 seats and register these users, in order."""
        new_event(self.service, "yoga", starts_at=self.harness.clock.now() + timedelta(days=2))
        for user_id in user_ids:
            self.service.ensure_user(self.harness.draft(user_id))
            self.service.register("yoga", user_id)

    def deliver_due(self, seconds: float = 3) -> None:
        """Let time pass while the worker runs."""
        for _ in range(int(seconds)):
            self.notification_worker.process_due_events()
            self.harness.clock.advance(timedelta(seconds=1))

    def undelivered(self) -> set[str]:
        """Return the ids of events with undelivered entries, from all shards."""
        return all_undelivered(self.store)


@pytest.fixture
def bot(harness: SlackHarness) -> Iterator[OnDynamoDB]:
    with empty_moto() as store:
        service = service_on(
            store,
            clock=harness.clock,
            on_commit=lambda event_id: notification_worker.schedule(event_id),
        )
        notification_worker = NotificationWorker(
            store,
            harness.client,
            harness.clock,
            holder="this",
            workspace_id=harness.workspace.team_id,
            sweep=service.finish_unfinished,
            reconcile=lambda: None,
            spawn=run_now,
        )
        yield OnDynamoDB(harness, store, service, notification_worker)


def test_promoted_user_is_notified_once(bot: OnDynamoDB) -> None:
    """R9.1, R4.2."""
    bot.event(BJORN, CHLOE, DIEGO)
    bot.service.unregister("yoga", BJORN)
    assert bot.undelivered() == {"yoga"}
    bot.deliver_due()
    (message,) = bot.harness.direct_messages(DIEGO)
    assert kind_of(message) == "promoted"
    assert bot.undelivered() == set()
    bot.deliver_due(SWEEP_INTERVAL + 1)
    assert len(bot.harness.direct_messages(DIEGO)) == 1


def test_promoted_user_who_left_and_returned_is_not_notified_of_the_first_seat(
    bot: OnDynamoDB,
) -> None:
    """R9.3: the strongly consistent read checks status and ticket."""
    bot.event(BJORN, CHLOE, DIEGO)
    bot.service.unregister("yoga", BJORN)
    bot.service.unregister("yoga", DIEGO)
    bot.service.register("yoga", DIEGO)
    bot.deliver_due()
    assert bot.harness.direct_messages(DIEGO) == []
    assert bot.undelivered() == set()


def test_entry_of_a_retried_message_stays_undelivered_until_it_is_sent(bot: OnDynamoDB) -> None:
    """R9.1: a retry delays only its recipient."""
    bot.event(BJORN, CHLOE, DIEGO, PRIYA)
    bot.deliver_due()
    bot.harness.api.fail_next(POST, Fault.server_error(503))
    bot.service.edit_event("yoga", EventChanges.of(capacity=4))
    bot.deliver_due(2)
    assert (len(bot.harness.direct_messages(DIEGO)), len(bot.harness.direct_messages(PRIYA))) == (
        0,
        1,
    )
    assert bot.undelivered() == {"yoga"}
    bot.deliver_due(10)
    assert len(bot.harness.direct_messages(DIEGO)) == 1
    assert bot.undelivered() == set()


def test_every_attendee_is_notified_of_a_cancellation_once(bot: OnDynamoDB) -> None:
    """R8.8: the waitlist is read from its table, the roster from an index."""
    bot.event(BJORN, CHLOE, DIEGO, PRIYA)
    bot.service.cancel_event("yoga")
    bot.deliver_due(6)
    for user_id in (BJORN, CHLOE, DIEGO, PRIYA):
        (message,) = bot.harness.direct_messages(user_id)
        assert kind_of(message) == "canceled"
    assert bot.undelivered() == set()


def test_another_process_continues_after_the_lease(bot: OnDynamoDB) -> None:
    """The lease expires, and the sweep finds what its holder left."""
    bot.event(BJORN, CHLOE, DIEGO)
    bot.store.take_lease("yoga", holder="gone", until=bot.harness.clock.now())
    bot.service.unregister("yoga", BJORN)
    bot.deliver_due(29)
    assert bot.harness.direct_messages(DIEGO) == []
    bot.deliver_due(5)
    assert len(bot.harness.direct_messages(DIEGO)) == 1


def test_card_is_updated_and_deleted_with_its_event(bot: OnDynamoDB) -> None:
    """R8.3, R7.2."""
    bot.event(AMARA)
    put_card(bot.harness.client, bot.store, bot.service.get_event("yoga"), EVENTS)
    bot.deliver_due()
    bot.service.ensure_user(bot.harness.draft(BJORN))
    bot.service.register("yoga", BJORN)
    bot.deliver_due(2)
    assert "2 of 2 seats" in shown(bot.harness.workspace.messages(EVENTS)[-1])
    bot.service.delete_event("yoga")
    bot.deliver_due()
    card = text_of(deleted_card("Event yoga").to_dict()["blocks"])
    assert shown(bot.harness.workspace.messages(EVENTS)[-1]) == card
    assert bot.store.get_cards("yoga") == ()
    assert bot.undelivered() == set()
