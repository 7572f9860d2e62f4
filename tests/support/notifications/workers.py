"""Workers as separate processes, which a test kills or suspends at any call to the store or to Slack."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from itertools import count
from typing import Any, ParamSpec, TypeVar, cast

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.features.cards.views import event_card
from bot.notifications import delivery_run
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.worker import SWEEP_INTERVAL, NotificationWorker
from domain.models import Event
from domain.service import Service
from playground.demo.seed import EVENTS
from playground.workspace.model import Message
from tests.support.environment import new_event, run_now, service_on
from tests.support.notifications.delivery import all_undelivered
from tests.support.notifications.message_kinds import kinds_of
from tests.support.slack.cards import put_card
from tests.support.slack.harness import AMARA, SlackHarness, shown, text_of
from tests.support.stores import Kind, empty_store

_numbers = count(1)

P = ParamSpec("P")
T = TypeVar("T")

POST, UPDATE = "chat.postMessage", "chat.update"


class Killed(BaseException):
    """The process was killed."""


class Moments:
    """The moments right before and after each call of a process, numbered from 0.

    `meanwhile` has the action for a moment. After an action raises `Killed`, every call does.
    """

    def __init__(self, meanwhile: Mapping[int, Callable[[], None]] | None = None) -> None:
        self._meanwhile = meanwhile or {}
        self._is_dead = False
        self.names: list[str] = []
        self.calls: list[str] = []

    def around(self, name: str, call: Callable[P, T]) -> Callable[P, T]:
        """Return the call wrapped in its two moments."""

        @wraps(call)
        def observed(*args: P.args, **kwargs: P.kwargs) -> T:
            self._pass(f"before {name}")
            self.calls.append(name)
            try:
                return call(*args, **kwargs)
            finally:
                self._pass(f"after {name}")

        return observed

    def _pass(self, name: str) -> None:
        if self._is_dead:
            raise Killed
        self.names.append(name)
        action = self._meanwhile.get(len(self.names) - 1)
        if action is not None:
            try:
                action()
            except Killed:
                self._is_dead = True
                raise


def die() -> None:
    """Kill the process."""
    raise Killed


class _Store:
    """A store whose calls are moments of a process."""

    def __init__(self, store: StoreWithOutbox, moments: Moments) -> None:
        self._store = store
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        return self._moments.around(name, getattr(self._store, name))


class _Slack(WebClient):
    """Slack client whose calls are moments of a process."""

    moments: Moments

    def api_call(self, api_method: str, **rest: Any) -> SlackResponse:
        return self.moments.around(api_method, super().api_call)(api_method, **rest)


@dataclass
class DeliveryScene:
    """A town with a store of some kind, and events with a card each."""

    harness: SlackHarness
    store: StoreWithOutbox
    service: Service

    def worker(self, holder: str, moments: Moments | None = None) -> NotificationWorker:
        """Return the worker of the process with this name."""
        moments = moments or Moments()
        slack = _Slack(
            token=self.harness.workspace.app.bot_token,
            base_url=f"{self.harness.workspace.url}/api/",
            retry_handlers=[],
            timeout=5,
        )
        slack.moments = moments
        return NotificationWorker(
            cast(StoreWithOutbox, _Store(self.store, moments)),
            slack,
            self.harness.clock,
            holder=holder,
            workspace_id=self.harness.workspace.team_id,
            sweep=lambda: 0,
            reconcile=lambda: None,
            spawn=run_now,
        )

    def event(self, *user_ids: str, capacity: int) -> Event:
        """Return a new event of Amara's with these attendees and an updated card, and nothing undelivered."""
        number = next(_numbers)
        event_id = f"event{number}"
        new_event(
            self.service,
            event_id,
            title=f"No {number:05}",
            location="Room 1",
            organizer_id=AMARA,
            capacity=capacity,
            starts_at=self.harness.clock.now() + timedelta(days=2),
        )
        for user_id in user_ids:
            self.service.ensure_user(self.harness.draft(user_id))
            self.service.register(event_id, user_id)
        put_card(self.harness.client, self.store, self.service.get_event(event_id), EVENTS)
        self.run(self.worker("first"), event_id)
        return self.service.get_event(event_id)

    def run(
        self, notification_worker: NotificationWorker, event_id: str, seconds: float = 120
    ) -> None:
        """Let a worker process an event until nothing is left to do."""
        clock = self.harness.clock
        end = clock.monotonic() + seconds
        while clock.monotonic() < end:
            again = notification_worker.process_event(event_id)
            if again is None:
                return
            clock.advance(max(again - clock.monotonic(), 0.001))
        raise AssertionError(f"{event_id} was not finished after {seconds} seconds")

    def restart(self) -> None:
        """Let a new process deliver what others left, until nothing is undelivered."""
        notification_worker = self.worker(f"restarted{next(_numbers)}")
        end = self.harness.clock.monotonic() + 2 * SWEEP_INTERVAL
        while self.harness.clock.monotonic() < end:
            seconds = notification_worker.process_due_events()
            if not self.undelivered():
                return
            self.harness.clock.advance(min(seconds, 5))
        raise AssertionError(f"{self.undelivered()} is still undelivered")

    def undelivered(self) -> set[str]:
        """Return the ids of events with undelivered entries, from all shards."""
        return all_undelivered(self.store)

    def received(self, event: Event) -> dict[str, list[str]]:
        """Return the kinds of the messages about an event that each member received, in order."""
        found: dict[str, list[str]] = {}
        for member in self.harness.workspace.members():
            messages = self.harness.direct_messages(member.id)
            if about := [message for message in messages if event.title in message]:
                found[member.id] = kinds_of(about)
        return found

    def assert_card_is_current(self, event: Event) -> None:
        """Assert that the card shows the event's current state."""
        current = self.service.get_event(event.event_id)
        assert shown(self.card(event)) == text_of(event_card(current).to_dict()["blocks"])

    def card(self, event: Event) -> Message:
        """Return the event's card."""
        (card,) = self.store.get_cards(event.event_id)
        return self.harness.workspace.message(card.channel_id, card.message_ts)


@contextmanager
def delivery_scene(harness: SlackHarness, kind: Kind) -> Iterator[DeliveryScene]:
    """Yield a scene with an empty store of this kind, and no wait for an index: these have no lag."""
    with empty_store(kind) as store, pytest.MonkeyPatch.context() as limits:
        limits.setattr(delivery_run, "INDEX_LAG", 0.0)
        yield DeliveryScene(
            harness, cast(StoreWithOutbox, store), service_on(store, clock=harness.clock)
        )


class SuspendedWorker:
    """A worker that is suspended in the middle of its work, until `finish`."""

    def __init__(self, scene: DeliveryScene, event: Event, holder: str, at: int) -> None:
        self.moments = Moments({at: self._wait})
        self._has_stopped = threading.Event()
        self._may_continue = threading.Event()
        self._calls_before = 0
        self.was_sending = False
        """Whether it was suspended during a call to Slack."""
        self.notification_worker = scene.worker(holder, self.moments)
        self._executor = ThreadPoolExecutor(1)
        self._work = self._executor.submit(self.notification_worker.process_event, event.event_id)
        self._work.add_done_callback(lambda _: self._has_stopped.set())
        assert self._has_stopped.wait(60)

    def _wait(self) -> None:
        self._calls_before = len(self.moments.calls)
        self.was_sending = self.moments.names[-1] in (f"before {POST}", f"before {UPDATE}")
        self._has_stopped.set()
        assert self._may_continue.wait(60)

    def finish(self) -> None:
        """Let it continue to the end of its run."""
        self._may_continue.set()
        self._executor.shutdown()
        self._work.result()

    def sent_since(self) -> int:
        """Return how many calls to Slack it made after it was suspended."""
        return len(
            [name for name in self.moments.calls[self._calls_before :] if name in (POST, UPDATE)]
        )
