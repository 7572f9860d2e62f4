"""The notifier on the store that it is built for: leases, marks, audiences and cards in DynamoDB (R9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.notifications.worker import SWEEP_EVERY, NotificationWorker
from domain.inputs import EventChanges
from domain.service import Service
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from storage.dynamodb.store import DynamoDBStore
from tests.support.environment import at_once, new_event, service_on
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, PRIYA, SlackHarness, shown
from tests.support.stores import empty_moto

POST = "chat.postMessage"


@dataclass
class OnDynamoDB:
    """The bot's parts on tables of their own, in the town's workspace and by its clock."""

    harness: SlackHarness
    store: DynamoDBStore
    service: Service
    notification_worker: NotificationWorker

    def event(self, *people: str) -> None:
        """Create an event of 2 seats and register these people, in order."""
        new_event(self.service, "yoga", starts_at=self.harness.clock.now() + timedelta(days=2))
        for user_id in people:
            self.service.ensure_user(self.harness.draft(user_id))
            self.service.register("yoga", user_id)

    def deliver_due(self, seconds: float = 3) -> None:
        """Let time pass, and the notifier do what is due meanwhile."""
        for _ in range(int(seconds)):
            self.notification_worker.run_due_events()
            self.harness.clock.advance(timedelta(seconds=1))

    def undelivered(self) -> set[str]:
        """Return the events of which something is owed, whatever shard they are in."""
        found: set[str] = set()
        cursor: str | None = None
        while True:
            page = self.store.list_undelivered(limit=100, cursor=cursor)
            found.update(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.fixture
def bot(harness: SlackHarness) -> Iterator[OnDynamoDB]:
    with empty_moto() as store:
        service = service_on(
            store,
            clock=harness.clock,
            on_commit=lambda event_id: notification_worker.wake(event_id),
        )
        notification_worker = NotificationWorker(
            store,
            harness.client,
            harness.clock,
            holder="this",
            sweep=service.finish_unfinished,
            reconcile=lambda: None,
            spawn=at_once,
        )
        yield OnDynamoDB(harness, store, service, notification_worker)


def test_promoted_user_is_told_once_and_nothing_is_owed(bot: OnDynamoDB) -> None:
    """R9.1, R4.2."""
    bot.event(BJORN, CHLOE, DIEGO)
    bot.service.unregister("yoga", BJORN)
    assert bot.undelivered() == {"yoga"}
    bot.deliver_due()
    (told,) = bot.harness.direct_messages(DIEGO)
    assert "A seat came free" in told
    assert bot.undelivered() == set()
    bot.deliver_due(SWEEP_EVERY.total_seconds() + 1)
    assert len(bot.harness.direct_messages(DIEGO)) == 1


def test_promoted_user_who_left_and_came_back_is_not_told_of_the_first_seat(
    bot: OnDynamoDB,
) -> None:
    """R9.3: status and ticket, read strongly."""
    bot.event(BJORN, CHLOE, DIEGO)
    bot.service.unregister("yoga", BJORN)
    bot.service.unregister("yoga", DIEGO)
    bot.service.register("yoga", DIEGO)
    bot.deliver_due()
    assert bot.harness.direct_messages(DIEGO) == []
    assert bot.undelivered() == set()


def test_message_that_is_retried_keeps_its_mark_until_it_is_sent(bot: OnDynamoDB) -> None:
    """R9.1: who can't be reached just now delays only himself."""
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


def test_everyone_hears_of_a_cancellation_once(bot: OnDynamoDB) -> None:
    """R8.8: the line from its table, the seats from the index."""
    bot.event(BJORN, CHLOE, DIEGO, PRIYA)
    bot.service.cancel_event("yoga")
    bot.deliver_due(6)
    for user_id in (BJORN, CHLOE, DIEGO, PRIYA):
        (told,) = bot.harness.direct_messages(user_id)
        assert "was canceled" in told
    assert bot.undelivered() == set()


def test_another_process_goes_on_where_one_stopped(bot: OnDynamoDB) -> None:
    """Its lease runs out, and the sweep finds what it left."""
    bot.event(BJORN, CHLOE, DIEGO)
    now = bot.harness.clock.now()
    bot.store.take_lease("yoga", holder="gone", now=now, until=now + timedelta(seconds=30))
    bot.service.unregister("yoga", BJORN)
    bot.deliver_due(29)
    assert bot.harness.direct_messages(DIEGO) == []
    bot.deliver_due(5)
    assert len(bot.harness.direct_messages(DIEGO)) == 1


def test_card_follows_and_its_row_goes_with_the_event(bot: OnDynamoDB) -> None:
    """R8.3, R7.2."""
    bot.event(AMARA)
    bot.notification_worker.announce(bot.service.get_event("yoga"), EVENTS)
    bot.deliver_due()
    bot.service.ensure_user(bot.harness.draft(BJORN))
    bot.service.register("yoga", BJORN)
    bot.deliver_due(2)
    assert "2 of 2 seats" in shown(bot.harness.workspace.messages(EVENTS)[-1])
    bot.service.delete_event("yoga")
    bot.deliver_due()
    assert "This event was deleted." in shown(bot.harness.workspace.messages(EVENTS)[-1])
    assert bot.store.get_cards("yoga") == ()
    assert bot.undelivered() == set()
