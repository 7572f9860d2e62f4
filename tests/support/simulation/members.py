"""The members of the simulation: some register and change their minds, and organizers run events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.enums import Audience
from domain.errors import NotConfirmed, RollcallError
from domain.inputs import AnnouncementDraft, EventChanges, EventDraft, UserDraft
from domain.service import Service
from tests.support.environment import START
from tests.support.simulation.process import ProcessDied

if TYPE_CHECKING:
    from tests.support.simulation.world import World

CHANNEL = "C0EVENTS"

Request = Callable[[Service], object]


class Member:
    """Does one thing after another. `act` is the task of a member, `organize` that of an organizer."""

    def __init__(self, world: World, user_id: str) -> None:
        self._world = world
        self._dice = world.dice
        self.user_id = user_id

    def act(self) -> None:
        """Register and unregister, sometimes twice at the same time, until the end."""
        while not self._world.is_over:
            self._pause()
            event_id = self._dice.choice(self._world.event_ids)
            name = self._dice.choice(["register", "register", "register", "unregister", "look"])
            self._ask(name, event_id)
            if self._dice.random() < 0.1:
                self._world.count("somebody presses twice")
                scheduler = self._world.scheduler
                scheduler.spawn("a second press", None, lambda: self._ask(name, event_id))  # noqa: B023
            if self._dice.random() < 0.02:
                self._world.count("somebody is deleted")
                self._send("delete_user", "", lambda service: service.delete_user(self.user_id))

    def _ask(self, name: str, event_id: str) -> None:
        draft = UserDraft.of(user_id=self.user_id, name=f"Member {self.user_id}")
        requests: dict[str, Request] = {
            "register": lambda service: service.register_ensuring_user(event_id, draft),
            "unregister": lambda service: service.unregister(event_id, self.user_id),
            "look": lambda service: service.get_registration(event_id, self.user_id),
        }
        self._send(name, event_id, requests[name])

    def organize(self, event_id: str) -> None:
        """Create an event, and run it until the end."""
        draft = EventDraft.of(
            event_id=event_id,
            title=f"Event {event_id}",
            starts_at=START + timedelta(days=40),
            time_zone="Europe/Berlin",
            organizer_id=self.user_id,
            capacity=self._dice.randint(1, 5),
            has_waitlist=self._dice.random() < 0.8,
            card_channel=CHANNEL,
        )
        while self._world.data.get_event(event_id) is None and not self._world.is_over:
            # The form keeps its id: a second Submit creates nothing twice.
            self._send("create", event_id, lambda service: service.create_event_once(draft))
            self._pause()
        while not self._world.is_over:
            self._pause()
            self._send(*self._change(event_id))

    def _change(self, event_id: str) -> tuple[str, str, Request]:
        dice, number = self._dice, self._world.number()
        name = dice.choices(
            ["capacity", "move", "announce", "close", "reopen", "remove", "cancel", "delete"],
            [6, 3, 6, 1, 3, 2, 0.1, 0.1],
        )[0]
        attendee = dice.choice(self._world.member_ids)
        audience = dice.choice(list(Audience))
        requests: dict[str, Request] = {
            "capacity": lambda service: service.edit_event(
                event_id, EventChanges.of(capacity=dice.randint(1, 8))
            ),
            "move": lambda service: service.edit_event(
                event_id, EventChanges.of(location=f"Room {number}")
            ),
            "announce": lambda service: service.announce(
                event_id,
                AnnouncementDraft.of(text=f"Announcement {number}", audience=audience),
                request_id=f"announcement {number}",
            ),
            "close": lambda service: service.close_event(event_id),
            "reopen": lambda service: service.reopen_event(event_id),
            "remove": lambda service: service.remove(event_id, attendee, reason=f"Reason {number}"),
            "cancel": lambda service: service.cancel_event(event_id),
            "delete": lambda service: service.delete_event(event_id),
        }
        return name, event_id, requests[name]

    def _send(self, name: str, event_id: str, request: Request) -> None:
        """Send a request to a process, and judge the answer."""
        world = self._world
        process = world.some_process()
        call = world.judge.begin(name, event_id, self.user_id)
        try:
            answer: object = process.request(request)
        except NotConfirmed as unconfirmed:
            world.count("an answer is not confirmed")
            result = unconfirmed.result
            world.scheduler.wait(lambda: result.done() or process.is_dead)
            if not result.done():
                return
            answer = result.exception() or result.result()
        except RollcallError as refusal:
            answer = refusal
        except ProcessDied:
            world.count("a process dies with a request")
            return
        world.judge.check(call, answer)

    def _pause(self) -> None:
        self._world.scheduler.sleep(self._dice.random() * self._world.weights.pause)
