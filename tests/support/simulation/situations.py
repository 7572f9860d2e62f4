"""Situations that a run must meet: several things at a bad moment, each of which has broken a promise before."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Any

from domain.enums import ChangeKind
from domain.models import DeliveryState, JournalEntry
from domain.planning.plan import Plan, PutJournalEntry

if TYPE_CHECKING:
    from tests.support.simulation.process import Process
    from tests.support.simulation.slack import Posted
    from tests.support.simulation.world import World

LOST_AND_LEASE = "a commit's answer is lost while a lease changes hands"
LEFT_BEFORE_MESSAGE = "a promoted member leaves before the message about it is sent"
JUMP_IN_DEFERRAL = "a wall clock jumps while a message is deferred"
CRASH_AFTER_POST = "a process dies between a post to Slack and its record"
EDIT_IN_INCREASE = "an event is edited during a capacity increase of several steps"
LATE_AND_FENCED = "a write arrives after its fence"
TWO_IN_FLIGHT = "a member's two presses are in flight at once"
EMPTY_WAITLIST = "a waitlist empties"
THAWED = "a function is thawed with old state"
KEPT_SENT = "a kept reply is sent"
LIMITED_AUDIENCE = "Slack limits the rate in the middle of an audience"
DEAD_HOLDER = "a lease is taken from a process that died"
DELETED_IN_DELIVERY = "an event is deleted before its messages are sent"
PRESS_IN_DELETION = "a member presses while their user is being deleted"
WAITED = "a command waited in a queue"
ANSWERED_LATER = "somebody was told to wait and was told the result"
TAKEN_OVER = "a queue's consumer was killed and another one took over"
IN_DOUBT_QUEUED = "a plan in doubt was handed to the queue"

REFUSED_WHILE_OPENING = "somebody is refused while those who want all of a series get their places"
STOPPED_WHILE_OPENING = "somebody stops a series while an occurrence opens"
CRASH_WHILE_OPENING = "a process dies while an occurrence opens"
CARRIED_ACROSS_CRASH = "an edit of a series is carried on after a crash"
MISSED_FIRST = "somebody who missed the last occurrence goes first"
CLOCKS_CHANGE = "the clocks change between two occurrences"

LOST_WHILE_HANGING = "a process that hangs loses its lease"

MUST_OCCUR = (
    LOST_AND_LEASE,
    LEFT_BEFORE_MESSAGE,
    JUMP_IN_DEFERRAL,
    CRASH_AFTER_POST,
    EDIT_IN_INCREASE,
    LATE_AND_FENCED,
    TWO_IN_FLIGHT,
    EMPTY_WAITLIST,
    THAWED,
    KEPT_SENT,
    LIMITED_AUDIENCE,
    DEAD_HOLDER,
    DELETED_IN_DELIVERY,
    PRESS_IN_DELETION,
    LOST_WHILE_HANGING,
    WAITED,
    ANSWERED_LATER,
    TAKEN_OVER,
    IN_DOUBT_QUEUED,
    REFUSED_WHILE_OPENING,
    STOPPED_WHILE_OPENING,
    CRASH_WHILE_OPENING,
    CARRIED_ACROSS_CRASH,
    MISSED_FIRST,
    CLOCKS_CHANGE,
    "a check beside everything else",
    "a program asks again",
    "an admin takes an event over",
    "an answer is not confirmed",
    "an export arrives",
    "an organizer adds members",
    "somebody submits twice",
    "the store is full",
)
"""What the seeds of CI must meet, each at least once."""

AT_ONCE = 5.0
"""Seconds within which two things happen at the same time: as long as a person would wait for an answer."""


class Situations:
    """Watches one run: each method hears of something that has just happened, and counts what situation it makes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.seen: Counter[str] = Counter()
        self._lost_at = self._changed_hands_at = -inf
        self._promoted: dict[tuple[str, str], int] = {}
        """By event and member: the version of the last promotion."""
        self._increasing: set[str] = set()
        """Events with a capacity increase that takes several commits."""
        self._holders: dict[str, Process] = {}
        """The process of each holder of a lease."""
        self._rows: dict[str, DeliveryState] = {}
        self._unrecorded: set[Process] = set()
        """Processes that have posted a message since they recorded one as sent."""
        self._crashed_in_edit: set[str] = set()
        """Series of which a process died while one of their edits was on its way."""
        self._in_flight: Counter[str] = Counter()
        """The number of requests of each member that Slack awaits an acknowledgement of."""

    # The store

    def has_written(self, name: str, args: tuple[Any, ...]) -> None:
        """Take note of a write that the store has applied, or refused."""
        if name == "commit":
            for action in args[0].actions:
                if isinstance(action, PutJournalEntry):
                    self._has_committed(action.entry)
        elif name == "take_lease":
            self._has_taken_lease(self._world.data.get_delivery(args[0]))
        elif name == "save_delivery":
            self._unrecorded.discard(self._world.scheduler.owner())

    def _has_committed(self, entry: JournalEntry) -> None:
        data, event_id = self._world.data, entry.event_id
        stored = data.journal.get((event_id, entry.version))
        event = data.get_event(event_id)
        if stored is None or stored.plan_id != entry.plan_id or event is None:
            return
        delivered = data.get_delivery(event_id).delivered_version
        for change in entry.changes:
            key = event_id, change.user_id or ""
            if change.kind is ChangeKind.PROMOTED:
                self._promoted[key] = entry.version
            elif change.kind is ChangeKind.UNREGISTERED:
                if self._promoted.pop(key, 0) > delivered:
                    self._count(LEFT_BEFORE_MESSAGE)
            elif change.kind is ChangeKind.EDITED and event_id in self._increasing:
                self._count(EDIT_IN_INCREASE)
            elif change.kind is ChangeKind.DELETED and delivered < entry.version - 1:
                self._count(DELETED_IN_DELIVERY)
        if event.capacity_target is None:
            self._increasing.discard(event_id)
        else:
            self._increasing.add(event_id)
        is_carried = event.series is not None and event.series.carried is None
        if is_carried and event_id in self._crashed_in_edit:
            self._crashed_in_edit.remove(event_id)
            self._count(CARRIED_ACROSS_CRASH)

    def _has_taken_lease(self, row: DeliveryState) -> None:
        before = self._rows.get(row.event_id, row)
        self._rows[row.event_id] = row
        process = self._world.scheduler.owner()
        if row.holder is not None and process is not None:
            self._holders.setdefault(row.holder, process)
        if before.holder in (row.holder, None):
            return
        self._changed_hands_at = self._world.scheduler.seconds
        self._check_lost_and_lease()
        if self._holders[before.holder].is_dead:
            self._count(DEAD_HOLDER)
        elif self._holders[before.holder].is_hanging:
            self._count(LOST_WHILE_HANGING)

    def has_lost_commit(self) -> None:
        """Take note that the answer of a commit is lost."""
        self._lost_at = self._world.scheduler.seconds
        self._check_lost_and_lease()

    def _check_lost_and_lease(self) -> None:
        if abs(self._lost_at - self._changed_hands_at) <= AT_ONCE:
            self._count(LOST_AND_LEASE)

    def has_refused_late(self, plan: Plan) -> None:
        """Take note of a commit that has arrived late and was refused."""
        if plan.event is not None:
            stored = self._world.data.journal.get((plan.event_id, plan.event.version))
            if stored is not None and not stored.changes:
                self._count(LATE_AND_FENCED)

    def has_emptied_waitlist(self) -> None:
        """Take note that the last member on a waitlist has left it."""
        self._count(EMPTY_WAITLIST)

    # Slack

    def has_posted(self, process: Process, posted: Posted) -> None:
        """Take note of a message that a process has posted."""
        self._unrecorded.add(process)
        if (posted.channel, posted.text) in self._world.judge.replies.kept:
            self._count(KEPT_SENT)

    def is_limited(self, process: Process) -> None:
        """Take note that Slack has limited a process."""
        rows = self._world.data.deliveries.values()
        if any(row.recipient and self._holders.get(row.holder or "") is process for row in rows):
            self._count(LIMITED_AUDIENCE)

    def has_pressed(self, user_id: str) -> None:
        """Take note that a member has sent a request."""
        self._in_flight[user_id] += 1
        if self._in_flight[user_id] > 1:
            self._count(TWO_IN_FLIGHT)
        user = self._world.data.get_user(user_id)
        if user is not None and user.deletion_id is not None:
            self._count(PRESS_IN_DELETION)

    def is_acknowledged(self, user_id: str) -> None:
        """Take note that Slack awaits one acknowledgement less."""
        self._in_flight[user_id] -= 1

    # Processes

    def has_died(self, process: Process) -> None:
        """Take note that a process has died."""
        if process in self._unrecorded:
            self._count(CRASH_AFTER_POST)
        for event in self._world.data.events.values():
            if event.is_opening:
                self._count(CRASH_WHILE_OPENING)
            if event.series is not None and event.series.carried is not None:
                self._crashed_in_edit.add(event.event_id)

    def is_thawed(self, commits: int) -> None:
        """Take note that a function goes on that was frozen after so many commits."""
        if 0 < commits < self._world.judge.commits:
            self._count(THAWED)

    def has_jumped(self) -> None:
        """Take note that a wall clock has jumped."""
        if any(row.deferred for row in self._world.data.deliveries.values()):
            self._count(JUMP_IN_DEFERRAL)

    def _count(self, situation: str) -> None:
        self.seen[situation] += 1
