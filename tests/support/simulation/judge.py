"""The judge of the simulation: what is stored at each commit, what each reply says, and who was told what.

It knows the order of the commits, so it can compare each reply with every state that was true while it was made.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from bot.features.cards.views import deleted_card, event_card
from bot.notifications.messages import notification_message
from domain.commands import (
    AddOutcome,
    AnswersOutcome,
    ChangeOutcome,
    RegisterOutcome,
    UnregisterOutcome,
)
from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    ClosedReason,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
)
from domain.errors import (
    AlreadyRegistered,
    AnswersNeeded,
    Busy,
    EventFull,
    NotRegistered,
    RegistrationClosed,
    RollcallError,
    UnknownEvent,
)
from domain.inputs import EventChanges
from domain.models import (
    Change,
    DeliveryState,
    Event,
    JournalEntry,
    Notification,
    Registration,
    SeriesRegistration,
    UserRegistration,
)
from tests.support.invariants import Everything, assert_event
from tests.support.simulation.additions import added_by, claim_of
from tests.support.simulation.answers import AnswersJudge
from tests.support.simulation.handovers import Handovers
from tests.support.simulation.history import check_history, history_of
from tests.support.simulation.memory import MemoryData
from tests.support.simulation.order import assert_in_order, texts_of_several
from tests.support.simulation.process import HANG
from tests.support.simulation.replies import Replies
from tests.support.simulation.series_judge import APART, SeriesJudge
from tests.support.simulation.situations import REFUSED_WHILE_OPENING
from tests.support.simulation.slack import ADMINS, CHANNEL, Posted

if TYPE_CHECKING:
    from tests.support.simulation.world import World


MOST_SECONDS = 30.0
"""How long a message may take while nothing fails. It waits for an index, and for those that are sent before it."""

SECONDS_OF_A_MESSAGE = 0.2
"""How much longer it may take for each message that is sent before it, with the reads for it."""


class Row(NamedTuple):
    """A registration."""

    status: RegistrationStatus
    ticket: int


@dataclass(frozen=True)
class State:
    """One event between two commits, or between two commands of one commit."""

    since: float
    event: Event
    rows: dict[str, Row]

    @property
    def waitlist(self) -> tuple[str, ...]:
        """The waitlisted users, in order."""
        waitlisted = [one for one in self.rows.items() if one[1].status is WAITLISTED]
        return tuple(user_id for user_id, row in sorted(waitlisted, key=lambda one: one[1].ticket))

    @property
    def seated(self) -> int:
        """The number of users with a seat."""
        return sum(row.status is REGISTERED for row in self.rows.values())

    def has(self, user_id: str, ticket: int | None = None) -> bool:
        """Return whether a user is registered or waitlisted, under this ticket."""
        row = self.rows.get(user_id)
        return row is not None and ticket in (None, row.ticket)

    def position(self, user_id: str) -> int | None:
        """Return a waitlisted user's position."""
        return self.waitlist.index(user_id) + 1 if user_id in self.waitlist else None

    def audience(self, audience: Audience) -> set[str]:
        """Return the users in an audience."""
        statuses = {
            Audience.EVERYONE: (REGISTERED, WAITLISTED),
            Audience.REGISTERED: (REGISTERED,),
            Audience.WAITLISTED: (WAITLISTED,),
        }[audience]
        return {user_id for user_id, row in self.rows.items() if row.status in statuses}


KINDS = {
    "announce": ChangeKind.ANNOUNCED,
    "export": ChangeKind.EXPORTED,
    "close_event": ChangeKind.CLOSED,
    "reopen_event": ChangeKind.REOPENED,
    "cancel_event": ChangeKind.CANCELED,
}
"""By call: the change that its commit must have made, if it says that it made one."""

STATUSES = {
    ChangeKind.CLOSED: EventStatus.CLOSED,
    ChangeKind.REOPENED: EventStatus.OPEN,
    ChangeKind.CANCELED: EventStatus.CANCELED,
}
"""The status that a change gives the event."""

ABOUT_REGISTRATION = (
    NotificationKind.ADDED,
    NotificationKind.PROMOTED,
    NotificationKind.ENROLLED,
)
"""Notifications that are not sent to members who have left again."""

EDITED: dict[str, Callable[[str], object]] = {"capacity": int, "has_waitlist": "True".__eq__}
"""By field that a refusal depends on: how an edit's text in the journal is read."""

LONGEST_SEND = 45.0
"""Seconds that a message may be under way, from the look whether it is still true: a call to Slack can hang."""

REGISTERED, WAITLISTED = RegistrationStatus.REGISTERED, RegistrationStatus.WAITLISTED


@dataclass(eq=False)
class Call:
    """A request, from when it was sent until its answer is known."""

    name: str
    event_id: str
    user_id: str
    begun: float
    ended: float = inf
    was_refused_as_busy: bool = False
    changes: EventChanges | None = None
    """What an edit of an event changes."""
    user_ids: tuple[str, ...] = ()
    """Whom an organizer adds."""
    answer: object = None

    def overlaps(self, other: Call) -> bool:
        """Return whether two calls were under way at the same time, as far as their sender knows."""
        return self.begun <= other.ended and other.begun <= self.ended


class Judge:
    """Judges one run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.replies = Replies(world)
        self._handovers = Handovers(world)
        self.answers = AnswersJudge()
        self.series = SeriesJudge(world)
        self.states: dict[str, list[State]] = {}
        """Each event's states, one for each version."""
        self.moments: dict[str, list[State]] = {}
        """The same, with what was true between two commands of one commit."""
        self.delivered_at: dict[tuple[str, int], float] = {}
        """When the recipients of an event's entry, by its version, had all been read."""
        self.commits = 0
        self._added: set[tuple[str, str | None, int | None]] = set()
        """The event, the user and the ticket of each registration that its user did not ask for in a call."""
        self._calls: list[Call] = []
        """All of them, in order."""
        self._registering: dict[tuple[str, str], list[Call]] = {}
        """Each user's calls to register for each event, in order."""

    # Stored data

    def has_written(self, data: MemoryData) -> None:
        """Record the events that have changed, and assert R7.5 for each."""
        for event in data.events.values():
            states = self.states.setdefault(event.event_id, [])
            if states and states[-1].event.version == event.version:
                continue
            self.commits += 1
            assert not states or event.version == states[-1].event.version + 1
            journal = data.list_journal(event.event_id, limit=10_000)
            _assert_event(data, event, journal)
            rows = [row for row in data.registrations.values() if row.event_id == event.event_id]
            self.answers.has_written(journal[-1], rows)
            state = _state(data, event, self._world.scheduler.seconds)
            before = states[-1] if states else State(state.since, event, {})
            moments = self.moments.setdefault(event.event_id, [])
            moments += [*states_between(before, state, journal[-1]), state]
            added = added_by(journal[-1])
            self._added |= {(event.event_id, user_id, ticket) for user_id, ticket, _ in added}
            self._added |= {
                (event.event_id, change.user_id, change.ticket)
                for change in journal[-1].changes
                if change.cause is Cause.SERIES
            }
            if added:
                self._world.count("an organizer adds members")
            self._handovers.has_changed(states[-1].event if states else None, event, journal[-1])
            states.append(state)
            self.series.has_changed(state, journal[-1])
            if before.waitlist and not state.waitlist:
                self._world.situations.has_emptied_waitlist()

    def has_deleted_user(self, user_id: str) -> None:
        """Judge the end of a user's deletion."""
        self._handovers.has_deleted_user(user_id)

    def has_delivered(self, delivery: DeliveryState) -> None:
        """Record how far the delivery of an event is."""
        for version in range(delivery.delivered_version, 0, -1):
            key = delivery.event_id, version
            if key in self.delivered_at:
                return
            self.delivered_at[key] = self._world.scheduler.seconds

    # Replies

    def begin(
        self, name: str, event_id: str, user_id: str, changes: EventChanges | None = None
    ) -> Call:
        """Begin a request."""
        call = Call(name, event_id, user_id, self._world.scheduler.seconds, changes=changes)
        self._calls.append(call)
        self.series.asks_to_leave(name, event_id, user_id)
        if name in ("register_ensuring_user", "POST register"):
            self._registering.setdefault((user_id, event_id), []).append(call)
        return call

    def check(self, call: Call, answer: object) -> None:
        """Assert that an answer was true at a moment between the request and now."""
        call.ended = self._world.scheduler.seconds
        call.was_refused_as_busy, call.answer = isinstance(answer, Busy), answer
        if isinstance(answer, AlreadyRegistered) and self._is_alone(call):
            before, *later = self._during(call)
            assert before.has(call.user_id) or any(
                state.has(call.user_id) and not self._registered_themselves(state, call.user_id)
                for state in later
            ), f"{call}: {answer}, by this call itself"
        is_true = self._claim(call, answer)
        if is_true is None:
            return
        self.assert_true(call, answer, is_true)

    def assert_true(self, call: Call, answer: object, is_true: Callable[[State], bool]) -> None:
        """Assert that something was true at a moment between a request and now."""
        call.ended = self._world.scheduler.seconds
        states = list(self._during(call))
        assert any(is_true(state) for state in states), f"{call}: {answer} was never true"

    def _during(self, call: Call) -> Iterator[State]:
        states = self.moments.get(call.event_id, [])
        first = bisect_left(states, call.begun, key=lambda state: state.since)
        # The one before was still true when the request began.
        yield from islice(states, max(0, first - 1), None)

    def _claim(self, call: Call, answer: object) -> Callable[[State], bool] | None:
        user_id = call.user_id
        match answer:
            case RegisterOutcome():
                row = answer.registration
                return lambda state: (
                    state.since >= call.begun
                    and state.has(user_id, row.ticket)
                    and state.rows[user_id].status is row.status
                    and state.position(user_id) == answer.position
                )
            case UnregisterOutcome():
                return lambda state: (
                    state.since >= call.begun
                    and state.event.version == answer.event.version
                    and not state.has(answer.registration.user_id)
                    and all(
                        state.rows[one].status is RegistrationStatus.REGISTERED
                        for one in answer.promoted
                    )
                )
            case AddOutcome():
                return claim_of(call, answer)
            case ChangeOutcome():
                kind = KINDS.get(call.name) if answer.changed else None
                return lambda state: (
                    state.event.version == answer.event.version
                    and (kind is None or kind in self._changes(state.event))
                )
            case UserRegistration():
                return lambda state: (
                    state.has(user_id, answer.registration.ticket)
                    and state.position(user_id) == answer.position
                )
            case AnswersOutcome():
                return lambda state: (
                    state.event.version == answer.event.version
                    and (
                        state.has(user_id, answer.registration.ticket)
                        or self._lets_leave(state.event, answer.registration)
                    )
                )
            case AnswersNeeded():
                return lambda state: (
                    bool(state.event.questions) or self._edits_questions(state.event)
                )
            case AlreadyRegistered():
                return lambda state: (
                    state.has(user_id)
                    and state.rows[user_id].status is answer.status
                    and state.position(user_id) == answer.position
                )
            case NotRegistered():
                return lambda state: not state.has(answer.user_id)
            case EventFull():
                return lambda state: (
                    not state.event.has_waitlist
                    and state.seated == answer.registered >= answer.capacity == state.event.capacity
                )
            case RegistrationClosed(reason=ClosedReason.OPENING):
                self._world.count(REFUSED_WHILE_OPENING)
                return lambda state: state.event.is_opening
            case RegistrationClosed(reason=ClosedReason.STARTED):
                now = self._world.now() + APART
                return lambda state: state.event.starts_at <= now
            case RegistrationClosed():
                return lambda state: state.event.status is not EventStatus.OPEN
            case SeriesRegistration() if call.name == "stop_series":
                return lambda state: not state.has(user_id)
            case UnknownEvent():
                if not self.states.get(call.event_id):
                    return None
                return lambda state: state.event.deletion is not None or state.event.version == 1
            case RollcallError():
                return None
        return None

    def _changes(self, event: Event) -> set[ChangeKind]:
        """Return what the commit of an event's version has changed."""
        entry = self._world.data.journal[event.event_id, event.version]
        return {change.kind for change in entry.changes}

    def _lets_leave(self, event: Event, registration: Registration) -> bool:
        """Return whether the commit of an event's version deletes a registration: it may have answered in between."""
        entry = self._world.data.journal[event.event_id, event.version]
        return any(
            change.kind is ChangeKind.UNREGISTERED
            and (change.user_id, change.ticket) == (registration.user_id, registration.ticket)
            for change in entry.changes
        )

    def _edits_questions(self, event: Event) -> bool:
        """Return whether the commit of an event's version edits its questions: one may have been asked in between."""
        entry = self._world.data.journal[event.event_id, event.version]
        return any("questions" in (change.fields or {}) for change in entry.changes)

    def _is_alone(self, call: Call) -> bool:
        calls = self._registering[call.user_id, call.event_id]
        return not any(one is not call and one.overlaps(call) for one in calls)

    def _registered_themselves(self, state: State, user_id: str) -> bool:
        """Return whether a user is registered or waitlisted, and was not added by an organizer."""
        key = state.event.event_id, user_id
        return state.has(user_id) and (*key, state.rows[user_id].ticket) not in self._added

    def _check_busy(self) -> None:
        """Assert that whoever was told "busy, nothing was changed" was not registered by that call, also later."""
        for (user_id, event_id), calls in self._registering.items():
            for call, following in zip(calls, [*calls[1:], None], strict=True):
                if call.was_refused_as_busy and self._is_alone(call):
                    end = inf if following is None else following.begun
                    states = list(self._during(call))
                    assert (states and states[0].has(user_id)) or not any(
                        self._registered_themselves(state, user_id)
                        for state in states[1:]
                        if state.since < end
                    ), f"{call} was refused, and changed {event_id} all the same"

    def _check_answered(self) -> None:
        """Assert that whoever registered was told so, unless the answer to one of their calls is not known."""
        for event_id, states in self.states.items():
            for since, user_id, ticket in self._registrations(event_id, states):
                calls = self._registering.get((user_id, event_id), [])
                assert (event_id, user_id, ticket) in self._added or any(
                    one.ended == inf
                    or one.name == "POST register"  # programs judge their answers themselves
                    or (
                        isinstance(one.answer, RegisterOutcome)
                        and one.answer.registration.ticket == ticket
                    )
                    for one in calls
                    if one.begun <= since
                ), f"{user_id} got ticket {ticket} of {event_id}, and was never told"

    def _registrations(
        self, event_id: str, states: Sequence[State]
    ) -> Iterator[tuple[float, str, int]]:
        """Yield each registration that a commit has made: when, whose, and its ticket."""
        for state in states:
            entry = self._world.data.journal[event_id, state.event.version]
            for change in entry.changes:
                if change.kind in (ChangeKind.REGISTERED, ChangeKind.WAITLISTED):
                    yield state.since, change.user_id or "", change.ticket or 0

    # Messages and cards

    def check_end(self) -> None:
        """Assert that everything is done and true, some time after the last fault."""
        world = self._world
        of_series = {one.event_id for id_ in world.series_ids for one in world.occurrences(id_)}
        unknown = set(self.states).difference(world.asked_for, of_series)
        assert not unknown, f"nobody asked for the events {unknown}"
        for process in world.processes:
            assert process.stalled() is None, f"{process.name}: {process.stalled()}"
        assert not world.data.undelivered, f"never delivered: {sorted(world.data.undelivered)}"
        for states in self.states.values():
            assert not states[-1].event.is_unfinished, f"{states[-1].event} is unfinished"
        assert not [user for user in world.data.users.values() if user.deletion_id]
        self.replies.check()
        if world.functions is not None:
            self.replies.waits.check_results(world.functions.requests.dropped)
        self._world.exports.check()
        self._check_busy()
        self._check_answered()
        self._check_cards()
        self._check_messages()
        self._check_histories()
        self.series.check()

    def _check_histories(self) -> None:
        """Assert that one order of the calls explains all answers, for each event."""
        in_steps = self._world.weights.small_limits > 0
        for states in self.states.values():
            if states[0].event.series is not None or states[0].event.occurrence is not None:
                continue  # the histories know no registrations that nobody asked for
            check_history(
                history_of(states[0].event, states[0].since, self._calls, in_steps=in_steps)
            )

    def _check_cards(self) -> None:
        expected: dict[str, dict[str, object]] = {}
        for states in self.states.values():
            event = states[-1].event
            is_deleted = event.deletion is not None
            content = (deleted_card(event.title) if is_deleted else event_card(event)).to_dict()
            expected[event.event_id] = content
            shown = [card for card in self._cards() if card["text"] == content["text"]]
            stored = self._world.data.get_cards(event.event_id)
            if not is_deleted and not self._may_have_no_card(event):
                assert stored, f"{event.event_id} has no card"
            for card in stored:
                posted = self._world.slack.posted[card.channel_id, card.message_ts]
                assert posted.content == content, f"the card of {event.event_id} is outdated"
            assert shown or is_deleted or not stored

    def _may_have_no_card(self, event: Event) -> bool:
        """Return whether an event has no channel, or the card of an occurrence is to come (R13.2).

        If no process ran from then until the start, it gets none anymore.
        """
        if event.series is not None or event.occurrence is None:
            return event.series is not None
        days = timedelta(days=event.occurrence.card_days)
        is_off = event.status is EventStatus.CANCELED
        # At the same time by the wall clock, also if the clocks change in between.
        due = (event.starts_at.astimezone(ZoneInfo(event.time_zone)) - days).astimezone(UTC)
        slept = self._world.nights.one_lasted(due + APART, event.starts_at - APART)
        return (
            event.occurrence.card_channel is None
            or due + APART > self._world.now()
            or (days > timedelta() and (is_off or slept))
        )

    def _cards(self) -> list[dict[str, object]]:
        return [one.content for one in self._world.slack.messages(CHANNEL)]

    def _check_messages(self) -> None:
        must: Counter[tuple[str, str]] = Counter()
        replies = Counter(self.replies.in_direct_messages())
        may: Counter[tuple[str, str]] = Counter(replies)
        may.update(self._world.exports.messages())
        due: list[tuple[str, str, float]] = []
        announced: Counter[str] = Counter()
        for event_id, states in self.states.items():
            by_version = {state.event.version: state for state in states}
            for entry in self._world.data.list_journal(event_id, limit=10_000):
                for notification in entry.notifications:
                    if notification.kind is NotificationKind.CARD:
                        continue
                    text = notification_message(notification, entry).text
                    if notification.kind is NotificationKind.ANNOUNCEMENT:
                        announced[text] += 1
                    always, perhaps = self._recipients(notification, entry, by_version)
                    since = by_version[entry.version].since
                    due += [(user_id, text, since) for user_id in always]
                    must.update((user_id, text) for user_id in always)
                    may.update((user_id, text) for user_id in perhaps)
        posted = [one for one in self._world.slack.posted.values() if one.channel != CHANNEL]
        journals = {
            event_id: self._world.data.list_journal(event_id, limit=10_000)
            for event_id in self.states
        }
        of_several = texts_of_several(journals.values())
        for event_id, journal in journals.items():
            assert_in_order(event_id, journal, posted, replies, of_several)
        self._check_calendar_files(posted)
        got = Counter((one.channel, str(one.content["text"])) for one in posted)
        repeats = Counter(
            (one.channel, str(one.content["text"])) for one in posted if one.may_be_repeated
        )
        for key, count in got.items():
            assert may[key], f"{key[0]} was told what they should not hear: {key[1]}"
            assert count <= may[key] + repeats[key], f"{key[0]} was told {count} times: {key[1]}"
        for key, count in must.items():
            assert got[key] >= count, f"{key[0]} was never told: {key[1]}"
        assert not announced or max(announced.values()) == 1, f"said twice: {announced}"
        if self._world.weights.is_undisturbed:
            self._check_promptness(due, posted)

    def _check_calendar_files(self, posted: Sequence[Posted]) -> None:
        """Assert that only members who had a seat in some event got a file, which has a join link (R12.2)."""
        for one in posted:
            assert not one.calendar_file or any(
                one.channel in state.rows and state.rows[one.channel].status is REGISTERED
                for states in self.states.values()
                for state in states
                if state.since <= one.at
            ), f"{one.channel} had no seat, and got {one.calendar_file}"

    def _check_promptness(
        self, due: Iterable[tuple[str, str, float]], posted: Sequence[Posted]
    ) -> None:
        """Assert that no message waited long for another event's, or for an export (R9.6)."""
        moments: dict[tuple[str, str], list[float]] = {}
        for one in posted:
            moments.setdefault((one.channel, str(one.content["text"])), []).append(one.at)
        sent_at = sorted(one.at for one in posted)
        for user_id, text, since in due:
            at = min(at for at in moments[user_id, text] if at >= since)
            before = bisect_left(sent_at, at) - bisect_left(sent_at, since)
            took, most = at - since, MOST_SECONDS + before * SECONDS_OF_A_MESSAGE
            assert took <= most, f"{user_id} waited {took:.0f} seconds for: {text}"

    def _recipients(
        self, notification: Notification, entry: JournalEntry, by_version: dict[int, State]
    ) -> tuple[set[str], set[str]]:
        """Return who must get a notification, and who may: someone who left meanwhile need not."""
        later = [state for version, state in by_version.items() if version >= entry.version]
        if notification.user_id is not None:
            perhaps = {notification.user_id}
            may_be_outdated = notification.kind in ABOUT_REGISTRATION
            if may_be_outdated:
                self._check_registration(notification, entry, later)
            is_certain = not may_be_outdated or all(
                state.has(notification.user_id, notification.ticket) for state in later
            )
            return perhaps if is_certain else set(), perhaps
        if notification.kind is NotificationKind.ORPHANED:
            has_nobody = all(
                not state.event.organizer_ids and state.event.deletion is None for state in later
            )
            return set(ADMINS) if has_nobody else set(), set(ADMINS)
        done = self.delivered_at[entry.event_id, entry.version]
        rows = by_version[entry.version].rows
        perhaps = by_version[entry.version].audience(notification.audience)
        always = {
            user_id
            for user_id in perhaps
            if all(
                state.has(user_id, rows[user_id].ticket) for state in later if state.since <= done
            )
        }
        return always, perhaps

    def _check_registration(
        self, notification: Notification, entry: JournalEntry, later: list[State]
    ) -> None:
        """Assert that a message about a registration was on its way while its member had it (R9.3)."""
        user_id = notification.user_id or ""
        text = notification_message(notification, entry).text
        lost_at = next(
            (state.since for state in later if not state.has(user_id, notification.ticket)), inf
        )
        if any(state.has(user_id) for state in later if state.since > lost_at):
            return  # another one may have sent the same text
        longest = LONGEST_SEND + (HANG if self._world.weights.hangs else 0)
        for one in self._world.slack.messages(user_id):
            if one.text == text and one.key == entry.event_id:
                assert one.at <= lost_at + longest, f"{user_id} had left at {lost_at}: {one}"


def _state(data: MemoryData, event: Event, since: float) -> State:
    rows = {
        row.user_id: Row(row.status, row.ticket)
        for row in data.registrations.values()
        if row.event_id == event.event_id
    }
    return State(since, event, rows)


def states_between(before: State, after: State, entry: JournalEntry) -> Iterator[State]:
    """Yield what was true after each change of a commit: it may carry out several commands.

    One may close an event that another reopens, or fill one that another gives more seats: whoever was refused
    between the two was told the truth.
    """
    event, rows = before.event, dict(before.rows)
    for change in entry.changes:
        user_id = change.user_id or ""
        match change.kind:
            case ChangeKind.REGISTERED | ChangeKind.PROMOTED:
                rows[user_id] = Row(REGISTERED, change.ticket or rows[user_id].ticket)
            case ChangeKind.WAITLISTED:
                rows[user_id] = Row(WAITLISTED, change.ticket or 0)
            case ChangeKind.UNREGISTERED:
                del rows[user_id]
            case _:
                event = after.event.model_copy(update=_refusing(event) | _set_by(change))
        yield State(after.since, event, dict(rows))
        yield State(after.since, after.event, dict(rows))
    assert rows == after.rows, "the journal does not say what was written"


def _refusing(event: Event) -> dict[str, object]:
    """Return the values of an event that a refusal depends on."""
    return {name: getattr(event, name) for name in ("status", *EDITED)}


def _set_by(change: Change) -> dict[str, object]:
    """Return those of these values that a change sets."""
    if change.kind in STATUSES:
        return {"status": STATUSES[change.kind]}
    edited = (change.fields or {}).items()
    return {name: EDITED[name](str(new)) for name, (_, new) in edited if name in EDITED}


def _assert_event(data: MemoryData, event: Event, journal: tuple[JournalEntry, ...]) -> None:
    rows = {key: row for key, row in data.registrations.items() if key[0] == event.event_id}
    waitlist = {key: one for key, one in data.waitlist.items() if key[0] == event.event_id}
    assert_event(event, Everything({}, {}, rows, waitlist, {event.event_id: journal}))
    for _, user_id in rows:
        assert user_id in data.users, f"{user_id} is in {event.event_id}, and is no user"
