"""Faults of notifications and cards that are put back, and guards that are taken away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.notifications import recipients
from bot.notifications.card_delivery import CardDelivery
from bot.notifications.card_updater import CardUpdater
from bot.notifications.deferred import DeferredNotifications
from bot.notifications.delivery import EventDelivery
from bot.notifications.delivery_run import DeliveryRun
from bot.notifications.due_work import DueWork
from bot.notifications.notification_sender import NotificationSender
from domain.execution.executor import Executor
from domain.execution.first_seen import FirstSeen
from domain.models import Card, Deferred, JournalEntry, Notification, Registration, WaitlistEntry
from domain.planning.plan import Plan
from tests.support.simulation.busy_worlds import (
    world_with_full_disk,
    world_with_hangs,
    world_with_lost_answers,
)
from tests.support.simulation.fault import Fault
from tests.support.simulation.world import World


def _audience_by_clocks(patch: pytest.MonkeyPatch, _: World) -> None:
    """Decide by wall clocks who belongs to an audience."""

    def was_attendee(row: Registration | WaitlistEntry, entry: JournalEntry) -> bool:
        return row.registered_at <= entry.at

    patch.setattr(recipients, "_was_attendee", was_attendee)


def _seats_by_clocks(patch: pytest.MonkeyPatch, _: World) -> None:
    """Decide by wall clocks who had a seat when a message was decided."""

    def was_waitlisted(registration: Registration, entry: JournalEntry) -> bool:
        return registration.seated_at is not None and registration.seated_at > entry.at

    patch.setattr(recipients, "_was_waitlisted", was_waitlisted)


def _no_wait_for_the_index(patch: pytest.MonkeyPatch, _: World) -> None:
    """Read an audience right after its commit, though the index lags."""
    patch.setattr("bot.notifications.delivery_run.INDEX_LAG", 0.0)


def _no_wait_for_the_roster(patch: pytest.MonkeyPatch, _: World) -> None:
    """Read the roster right after the waitlist, though its index lags."""
    patch.setattr(DeliveryRun, "_has_changed_since", lambda *_: False)


def _due_work_forgotten(patch: pytest.MonkeyPatch, _: World) -> None:
    """Forget what is due after a failure, until the next sweep or start."""
    patch.setattr(DueWork, "_continue_at", lambda *_: None)


def _retries_by_the_wall_clock(patch: pytest.MonkeyPatch, _: World) -> None:
    """Wait with a retry until the stored wall time, whoever wrote it."""

    def due_at(deferred: DeferredNotifications, one: Deferred) -> float:
        left: float = (one.not_before - deferred._clock.now()).total_seconds()
        return deferred._clock.monotonic() + left

    patch.setattr(DeferredNotifications, "_due_at", due_at)


def _audience_waits_by_the_wall_clock(patch: pytest.MonkeyPatch, world: World) -> None:
    """Wait for the index from the time that the writer's clock has stored."""
    at = FirstSeen.at

    def at_writers_time(seen: FirstSeen, *key: str | int) -> float:
        journal: dict[Any, JournalEntry] = world.data.journal
        entry = journal.get(key)
        if entry is None:
            return at(seen, *key)
        written: datetime = entry.at
        ago: float = (seen._clock.now() - written).total_seconds()
        return seen._clock.monotonic() - ago

    patch.setattr(FirstSeen, "at", at_writers_time)


def _deferred_messages_forgotten(patch: pytest.MonkeyPatch, _: World) -> None:
    """Forget a message that Slack did not take."""
    patch.setattr(DeferredNotifications, "add", lambda *_, **__: None)


def _messages_overtake(patch: pytest.MonkeyPatch, _: World) -> None:
    """Send a message though an earlier one to the same person is deferred."""
    patch.setattr(DeferredNotifications, "has_any_for", lambda *_: False)


def _lost_seats_announced(patch: pytest.MonkeyPatch, _: World) -> None:
    """Tell of a seat without a look whether its member still has it."""
    patch.setattr(NotificationSender, "_is_current", lambda *_: True)


def _progress_forgotten(patch: pytest.MonkeyPatch, _: World) -> None:
    """Forget what was sent if the store does not take it, for want of space."""
    patch.setattr(EventDelivery, "_restore_unsaved", lambda *_: None)


def _cards_outside_the_journal(patch: pytest.MonkeyPatch, _: World) -> None:
    """Post a card only if the process that committed it heard that it applied."""
    heard: set[tuple[str, int]] = set()
    announce, deliver = Executor.announce, CardDelivery.deliver

    def announce_and_remember(executor: Executor, plan: Plan) -> None:
        if plan.event is not None:
            heard.add((plan.event_id, plan.event.version))
        announce(executor, plan)

    def deliver_if_heard(
        delivery: CardDelivery, entry: JournalEntry, number: int, card: Notification
    ) -> None:
        if (entry.event_id, entry.version) in heard:
            deliver(delivery, entry, number, card)

    patch.setattr(Executor, "announce", announce_and_remember)
    patch.setattr(CardDelivery, "deliver", deliver_if_heard)


def _no_uncertain_cards(patch: pytest.MonkeyPatch, _: World) -> None:
    """Forget that an update of a card may have replaced a newer one."""

    class Forgetful(dict[tuple[str, str], Card]):
        def __setitem__(self, key: tuple[str, str], card: Card) -> None:
            """Forget the card."""

    create = CardUpdater.__init__

    def forgetful(updater: CardUpdater, *args: Any) -> None:
        create(updater, *args)
        updater._uncertain = Forgetful()

    patch.setattr(CardUpdater, "__init__", forgetful)


FAULTS: dict[str, Fault] = {
    "audiences by wall clocks": Fault("item 1", _audience_by_clocks),
    "seats of an audience by wall clocks": Fault("item 1", _seats_by_clocks),
    "no wait for the index": Fault("item 1", _no_wait_for_the_index),
    "no wait for the roster's index": Fault("item 1", _no_wait_for_the_roster),
    "due work forgotten": Fault("item 8", _due_work_forgotten),
    "retries by the wall clock": Fault("item 3", _retries_by_the_wall_clock),
    "an audience that waits by the wall clock": Fault("item 3", _audience_waits_by_the_wall_clock),
    "deferred messages forgotten": Fault("guard", _deferred_messages_forgotten),
    "messages that overtake": Fault("guard", _messages_overtake),
    "lost seats announced": Fault("guard", _lost_seats_announced),
    "progress forgotten for want of space": Fault(
        "item 8", _progress_forgotten, world_with_full_disk
    ),
    "cards outside the journal": Fault(
        "item 5", _cards_outside_the_journal, world_with_lost_answers
    ),
    "no uncertain cards": Fault("guard", _no_uncertain_cards, world_with_hangs),
}
