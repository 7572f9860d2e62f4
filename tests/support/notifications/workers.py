"""Notifiers as processes of their own, which a test kills or holds up at any call to the store or to Slack."""

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

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.features.cards.views import event_card
from bot.notifications.delivery import LEASE, Storage
from bot.notifications.worker import SWEEP_EVERY, NotificationWorker
from domain.models import Event
from domain.service import Service
from playground.demo.seed import EVENTS
from playground.workspace.model import Message
from tests.support.environment import at_once, new_event, service_on
from tests.support.slack.harness import AMARA, Town, shown, text_of
from tests.support.stores import Kind, empty_store

_numbers = count(1)

P = ParamSpec("P")
T = TypeVar("T")

POST, UPDATE = "chat.postMessage", "chat.update"

_NEWS = {
    "You got a seat": "seat",
    "The time or location of": "moved",
    "has been canceled": "canceled",
    "couldn’t be delivered": "unreached",
}


class Killed(BaseException):
    """The process is no more."""


class Moments:
    """The moments right before and right after each call that a process makes, numbered from 0.

    `meanwhile` says what happens at which. Once something raised `Killed`, so does every further call.
    """

    def __init__(self, meanwhile: Mapping[int, Callable[[], None]] | None = None) -> None:
        self._meanwhile = meanwhile or {}
        self._is_dead = False
        self.names: list[str] = []
        self.calls: list[str] = []

    def around(self, name: str, call: Callable[P, T]) -> Callable[P, T]:
        """Return the call, with its moments."""

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
        happens = self._meanwhile.get(len(self.names) - 1)
        if happens is not None:
            try:
                happens()
            except Killed:
                self._is_dead = True
                raise


def die() -> None:
    """What a process that is killed does."""
    raise Killed


class _Store:
    """A store behind a process's moments."""

    def __init__(self, store: Storage, moments: Moments) -> None:
        self._store = store
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        return self._moments.around(name, getattr(self._store, name))


class _Slack(WebClient):
    """Slack's client behind a process's moments."""

    moments: Moments

    def api_call(self, api_method: str, **rest: Any) -> SlackResponse:
        return self.moments.around(api_method, super().api_call)(api_method, **rest)


@dataclass
class WaitlistPosition:
    """A town with a store of some kind, and events with a card each."""

    town: Town
    store: Storage
    service: Service

    def process(self, holder: str, moments: Moments | None = None) -> NotificationWorker:
        """Return the notifier of a process of this name."""
        moments = moments or Moments()
        slack = _Slack(
            token=self.town.workspace.app.bot_token,
            base_url=f"{self.town.workspace.url}/api/",
            retry_handlers=[],
            timeout=5,
        )
        slack.moments = moments
        return NotificationWorker(
            cast(Storage, _Store(self.store, moments)),
            slack,
            self.town.clock,
            holder=holder,
            sweep=lambda: 0,
            reconcile=lambda: None,
            spawn=at_once,
        )

    def event(self, *people: str, capacity: int) -> Event:
        """Return a new event of Amara's with these people in it, a card that shows them, and nothing owed."""
        number = next(_numbers)
        event_id = f"event{number}"
        new_event(
            self.service,
            event_id,
            title=f"No {number:05}",
            location="Room 1",
            organizer_id=AMARA,
            capacity=capacity,
            starts_at=self.town.clock.now() + timedelta(days=2),
        )
        for user_id in people:
            self.service.ensure_user(self.town.draft(user_id))
            self.service.register(event_id, user_id)
        self.process("first").announce(self.service.get_event(event_id), EVENTS)
        self.run(self.process("first"), event_id)
        return self.service.get_event(event_id)

    def run(
        self, notification_worker: NotificationWorker, event_id: str, seconds: float = 120
    ) -> None:
        """Have a process attend to an event until nothing is left to do."""
        end = self.town.clock.now() + timedelta(seconds=seconds)
        while self.town.clock.now() < end:
            again = notification_worker.attend(event_id)
            if again is None:
                return
            self.town.clock.advance(max(again - self.town.clock.now(), timedelta(milliseconds=1)))
        raise AssertionError(f"{event_id} was not done with after {seconds} seconds")

    def restart(self) -> None:
        """Have a new process find what others left; in the end nothing is owed."""
        notification_worker = self.process(f"restarted{next(_numbers)}")
        self.town.clock.advance(LEASE)
        end = self.town.clock.now() + 2 * SWEEP_EVERY
        while self.town.clock.now() < end:
            seconds = notification_worker.run_due_events()
            if not self.undelivered():
                return
            self.town.clock.advance(timedelta(seconds=min(seconds, 5)))
        raise AssertionError(f"{self.undelivered()} is still owed")

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

    def heard(self, event: Event) -> dict[str, list[str]]:
        """Return what each member was told of an event, a word each, in order."""
        found: dict[str, list[str]] = {}
        for member in self.town.workspace.members():
            told = [told for told in self.town.told(member.id) if event.title in told]
            if told:
                found[member.id] = [
                    next(word for said, word in _NEWS.items() if said in one) for one in told
                ]
        return found

    def assert_card_is_true(self, event: Event) -> None:
        """The event's card shows what is so now."""
        now = self.service.get_event(event.event_id)
        assert shown(self.card(event)) == text_of(event_card(now).to_dict()["blocks"])

    def card(self, event: Event) -> Message:
        """Return the event's card."""
        (card,) = self.store.get_cards(event.event_id)
        return self.town.workspace.message(card.channel_id, card.message_ts)


@contextmanager
def place(town: Town, kind: Kind) -> Iterator[WaitlistPosition]:
    """Give a place on an empty store of this kind."""
    with empty_store(kind) as store:
        yield WaitlistPosition(town, cast(Storage, store), service_on(store, clock=town.clock))


class HeldUp:
    """A process that was held up in the middle of its work, until it may `finish`."""

    def __init__(self, place: WaitlistPosition, event: Event, holder: str, at: int) -> None:
        self.moments = Moments({at: self._wait})
        self._has_stopped = threading.Event()
        self._may_go_on = threading.Event()
        self._calls_before = 0
        self.was_sending = False
        """Whether a call to Slack was on its way already when it was held up."""
        self.notification_worker = place.process(holder, self.moments)
        self._executor = ThreadPoolExecutor(1)
        self._work = self._executor.submit(self.notification_worker.attend, event.event_id)
        self._work.add_done_callback(lambda _: self._has_stopped.set())
        assert self._has_stopped.wait(60)

    def _wait(self) -> None:
        self._calls_before = len(self.moments.calls)
        self.was_sending = self.moments.names[-1] in (f"before {POST}", f"before {UPDATE}")
        self._has_stopped.set()
        assert self._may_go_on.wait(60)

    def finish(self) -> None:
        """Let it go on to the end of its round."""
        self._may_go_on.set()
        self._executor.shutdown()
        self._work.result()

    def sent_since(self) -> int:
        """Return how many calls to Slack it made after it was held up."""
        return len(
            [name for name in self.moments.calls[self._calls_before :] if name in (POST, UPDATE)]
        )
