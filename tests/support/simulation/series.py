"""The series of the simulation (R13): organizers who create, edit and end them, and members who want all of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.blocks.ids import ActionId
from domain.commands import RegisterOutcome
from domain.inputs import EventChanges, SeriesDraft, UserDraft
from domain.models import Event, SeriesRegistration
from domain.planning.plan import Plan, PutEvent
from domain.service import Service
from playground.workspace.model import Message
from tests.support.simulation.judge import Call
from tests.support.simulation.members import Member, Request, has_element
from tests.support.simulation.organizers import Organizer
from tests.support.simulation.series_judge import SeriesEdit
from tests.support.simulation.slack import CHANNEL

if TYPE_CHECKING:
    from tests.support.simulation.process import Process
    from tests.support.simulation.world import World

TIMES = 8
"""How many days a series has: more than a run lives through."""

KILLS, KILL_SECONDS = 0.6, 0.5
"""In a world with crashes: the share of such works in which the process is killed, and when, at the latest."""

FIRST_HOUR, HOUR_OF_SERIES, HOUR_OF_ONE = 18, 17, 19
"""When a series takes place, and where an edit of a series, or of one occurrence, moves it: at a minute of its own."""


class Kills:
    """Kills processes in the middle of work for a series that takes several commits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice_for("kills")

    def has_committed(self, plan: Plan) -> None:
        """Sometimes kill the process that has just made an occurrence: others must open it."""
        process = self._world.scheduler.owner()
        is_new = any(
            isinstance(one, PutEvent) and one.event.occurrence and one.replaces is None
            for one in plan.actions
        )
        if is_new and process is not None:
            self.may_kill(process)

    def may_kill(self, process: Process) -> None:
        """Sometimes kill a process in a moment, in a world with crashes."""
        weights = self._world.weights
        if weights.crashes and not weights.is_on_lambda and self._dice.random() < KILLS:
            kill = partial(self._kill, process, self._dice.random() * KILL_SECONDS)
            self._world.scheduler.spawn("a kill", None, kill)

    def _kill(self, process: Process, seconds: float) -> None:
        self._world.scheduler.sleep(seconds)
        if not process.is_dead and not self._world.is_over:
            self._world.count("a process is killed in the middle of work for a series")
            process.crash()


class SeriesOrganizer(Organizer):
    """Runs one series, and its occurrences. `organize` is the task."""

    def __init__(self, world: World, number: int, user_id: str | None = None) -> None:
        super().__init__(world, number, user_id)
        self._zone = ZoneInfo(world.nights.season.time_zone)
        self._target = ""
        """The occurrence that the organizer works on."""

    @property
    def _event_id(self) -> str:
        return self._target

    @property
    def _series_id(self) -> str:
        return self._world.series_ids[self._number]

    def organize(self) -> None:
        """Create the series, and run it until the end."""
        self._create()
        while not self._world.is_over:
            self._pause()
            if self._dice.random() < self._world.weights.leaving:
                self._leave()
            event = self._dice.choice([*self._to_come(), None])
            if event is None or self._dice.random() < 0.4:
                self._edit_series()
                continue
            self._target = event.event_id
            if self._dice.random() < 0.3:
                self._send(self._move_one(event))
            elif self._dice.random() < 0.5:
                self._change_in_slack()
            else:
                self._send(self._change(event.event_id))

    def _create(self) -> None:
        draft = self._draft()
        self._world.judge.series.asks_to_create(draft)
        while self._world.data.get_event(self._series_id) is None and not self._world.is_over:
            for user_id in draft.organizer_id, *draft.co_organizer_ids:
                user = UserDraft.of(user_id=user_id, name=f"Member {user_id}")
                self._send(lambda service, user=user: service.ensure_user(user))  # type: ignore[misc]  # a default
            self._send(lambda service: service.create_series(draft))
            self._pause()

    def _draft(self) -> SeriesDraft:
        dice = self._dice
        has_waitlist = dice.random() < 0.8
        missed_first = has_waitlist and dice.random() < 0.7
        first = self._world.now().astimezone(self._zone).date() + timedelta(dice.randint(4, 11))
        interval = 1 if missed_first else dice.choice([1, 1, 2])
        left_out = [first + dice.randint(1, 3) * timedelta(weeks=interval)]
        return SeriesDraft.of(
            event_id=self._series_id,
            title=f"Series {self._series_id}",
            location="Hall",
            starts_at=self._moment(datetime.combine(first, time(FIRST_HOUR))),
            time_zone=self._zone.key,
            organizer_id=self.user_id,
            co_organizer_ids=dice.sample(self._world.member_ids[:2], dice.choice([0, 0, 1])),
            capacity=dice.randint(1, 2 if missed_first else 4),
            has_waitlist=has_waitlist,
            missed_first=missed_first,
            # Not a number of weeks: none is to be made at the moment at which another one starts.
            days_ahead=dice.choice([9, 11, 16]),
            card_channel=dice.choice([CHANNEL, CHANNEL, None]),
            card_days=dice.choice([None, None, 3]),
            reminders=[],
            recurrence={
                "frequency": "weekly",
                "interval": interval,
                "times": TIMES,
                "left_out": left_out if dice.random() < 0.3 else [],
            },
        )

    def _moment(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self._zone).astimezone(UTC)

    def _to_come(self) -> list[Event]:
        """Return the occurrences that were made and have not started."""
        return [
            event
            for event in self._world.occurrences(self._series_id)
            if event.starts_at > self._world.now() and event.deletion is None
        ]

    def _one_of_them(self) -> Organizer:
        one = SeriesOrganizer(self._world, self._number, self._dice.choice([self.user_id]))
        one._target = self._target
        return one

    def _edit_series(self) -> None:
        """Change the series, in a process that sometimes dies meanwhile."""
        process = self._world.some_process()
        self._world.kills.may_kill(process)
        self._send(self._change_of_series(), process)

    def _change_of_series(self) -> Request:
        dice, number, series_id = self._dice, self._world.number(), self._series_id
        judge, to_come = self._world.judge.series, self._to_come()
        event = dice.choice([*to_come, None])
        of = event.occurrence.number if event is not None and event.occurrence else None
        kind = dice.choices(["place", "time", "seats", "end", "delete"], [6, 3, 3, 0.3, 0.1])[0]
        if kind == "time" and event is None:
            kind = "place"
        if kind == "place":
            location = f"Hall {number}"
            judge.asks_to_edit(SeriesEdit(of, location=location))
            changes = EventChanges.of(location=location)
        elif kind == "time" and event is not None and event.occurrence is not None:
            day = event.occurrence.day + timedelta(days=dice.choice([0, 0, 1]))
            local = datetime.combine(day, time(HOUR_OF_SERIES, number % 60, number // 60 % 60))
            judge.asks_to_edit(SeriesEdit(of, starts_at=self._moment(local)))
            changes = EventChanges.of(starts_at=self._moment(local))
        elif kind == "seats":
            changes = EventChanges.of(capacity=dice.randint(1, 6))
        elif kind == "end":
            cancels, reason = dice.random() < 0.5, f"End {number}"
            judge.asks_to_end(reason, cancels=cancels)
            return lambda service: service.end_series(series_id, cancels=cancels, reason=reason)
        else:
            return lambda service: service.delete_event(series_id)
        self._world.count("somebody edits a series")
        return lambda service: service.edit_series(series_id, changes, number=of)

    def _move_one(self, event: Event) -> Request:
        """Return a request that moves one occurrence to another time of its day."""
        self._world.count("somebody moves one occurrence")
        number, day = self._world.number(), event.starts_at.astimezone(self._zone).date()
        local = datetime.combine(day, time(HOUR_OF_ONE, number % 60, number // 60 % 60))
        changes = EventChanges.of(starts_at=self._moment(local))
        return lambda service: service.edit_event(event.event_id, changes)


class SeriesMember(Member):
    """Registers for all of a series, and for single occurrences, and leaves both. `act` is the task."""

    def act(self) -> None:
        """Do one thing after another, until the end."""
        while not self._world.is_over:
            self._pause()
            series_id = self._dice.choice(self._world.series_ids)
            events = [
                one.event_id
                for one in self._world.occurrences(series_id)
                if one.starts_at > self._world.now()
            ]
            acts: list[Callable[[], object]] = [
                *[partial(self._register_for_all, series_id)] * 3,
                partial(self._stop, series_id),
            ]
            if events:
                event_id = self._dice.choice(events)
                acts += [
                    partial(self._register, event_id),
                    partial(self._unregister, event_id),
                    partial(self._skip, event_id),
                    partial(self._look, event_id),
                ]
            act = self._dice.choice(acts)
            if self._dice.random() < self._world.weights.second_presses:
                self._world.count("somebody presses twice")
                self._world.scheduler.spawn("a second press", None, act)
            if self._dice.random() < self._world.weights.user_deletions:
                self._world.scheduler.spawn("a deletion", None, self._delete)
            act()

    def _register_for_all(self, series_id: str) -> None:
        """Register for all of a series. What the answer says of its occurrences must be true."""
        begun = self._world.scheduler.seconds

        def register(service: Service) -> SeriesRegistration:
            outcome: RegisterOutcome = service.register_ensuring_user(
                series_id, UserDraft.of(user_id=self.user_id, name=f"Member {self.user_id}")
            )
            return service.enroll(outcome)

        answers: list[SeriesRegistration] = []
        self._send(lambda service: answers.append(register(service)))
        for event, registration in (
            (one.event, one.registration) for answer in answers for one in answer.occurrences
        ):
            call = Call("enroll", event.event_id, self.user_id, begun)
            with self._world.judging():
                self._world.judge.assert_true(
                    call,
                    registration,
                    lambda state, one=registration: (  # type: ignore[misc]  # a default
                        not state.has(self.user_id)
                        if one is None
                        else state.has(self.user_id, one.registration.ticket)
                    ),
                )

    def _stop(self, series_id: str) -> None:
        """Press the button in a message about an occurrence, or do it past Slack."""
        message = self._message_with(ActionId.STOP_SERIES, series_id)
        if message is not None and self._dice.random() < 0.7:
            self._click("stop the series", message, ActionId.STOP_SERIES, series_id)
        else:
            self._send(lambda service: service.stop_series(series_id, self.user_id))

    def _skip(self, event_id: str) -> None:
        """Press the button that gives up one seat, in the message about it."""
        message = self._message_with(ActionId.GIVE_UP_SEAT, event_id)
        if message is not None:
            self._click("skip one", message, ActionId.GIVE_UP_SEAT, event_id)

    def _message_with(self, action_id: ActionId, value: str) -> Message | None:
        workspace = self._world.slack.workspace
        messages = workspace.messages(workspace.dm(self.user_id).id)
        return next(
            (one for one in reversed(messages) if has_element(one.blocks, action_id, value)), None
        )
