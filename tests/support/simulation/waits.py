"""Judge of requests that wait in a queue (R14): whoever was told to wait is told the result, once, and truly."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import inf
from typing import TYPE_CHECKING

from bot.notifications.queued_replies import LEFT_AFTER
from bot.outcome_messages import outcome_message
from domain.commands import ChangeOutcome
from domain.errors import OutcomeUnknown
from domain.execution.request_codec import decode_result
from domain.queued import AwaitedReply, QueuedRequest, RequestResult
from tests.support.simulation.requests import SlackRequest
from tests.support.simulation.situations import ANSWERED_LATER

if TYPE_CHECKING:
    from tests.support.simulation.judge import Call
    from tests.support.simulation.memory import MemoryData
    from tests.support.simulation.world import World

LEFT = LEFT_AFTER.total_seconds() - 5.0
"""Seconds after which the sweep may send a reply, at least: it is awaited a little longer than its member waits."""

MOST_SECONDS = 5.0
"""How long a reply may take while nothing fails: its records, and a function's start."""


@dataclass(eq=False)
class Wait:
    """A request in a queue, from when it was put there until it has a result."""

    call: Call | None
    """The call that put it there, if it is judged."""
    request: SlackRequest | None
    is_promised: bool = False
    """Whether its member was told to wait."""
    promised_at: float = inf
    answer: object = None
    since: float = 0.0
    """When there was both somebody who waits, and a result."""
    late_writes: int = 0
    """How often the awaited reply was written late: after each, it may be sent again."""


class Waits:
    """Knows which requests wait, and what came of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._all: dict[str, Wait] = {}
        """By id."""
        self._open: set[str] = set()
        """The ids of the requests without a result."""

    def begin(self, queued: QueuedRequest, call: Call | None, request: SlackRequest | None) -> None:
        """Take note that a request is on its way into a queue. It may be sent more than once."""
        if queued.request_id not in self._all:
            self._all[queued.request_id] = Wait(call, request)
            self._open.add(queued.request_id)

    def is_promised_a_reply(self, call: Call) -> None:
        """Take note that the member behind a call is told to wait."""
        wait = next(one for one in reversed(self._all.values()) if one.call is call)
        wait.is_promised, wait.promised_at = True, self._world.scheduler.seconds
        if wait.answer is not None:
            self._judge(wait)

    def have_results(self, data: MemoryData) -> None:
        """Judge the results that there are now. The first one counts."""
        if not self._open:
            return
        batches = [one for batch in data.batches.values() for one in batch.results]
        committed = {result.request_id: result for result in batches}
        for request_id in sorted(self._open):
            result = data.results.get(request_id) or committed.get(request_id)
            if result is not None:
                self._open.discard(request_id)
                self._has_result(self._all[request_id], result)

    def has_arrived_late(self, reply: AwaitedReply) -> None:
        """Take note that an awaited reply was written late, maybe after it was sent and deleted."""
        self._all[reply.request_id].late_writes += 1

    def _has_result(self, wait: Wait, result: RequestResult) -> None:
        wait.answer = decode_result(result)
        if wait.is_promised:
            self._judge(wait)

    def _judge(self, wait: Wait) -> None:
        wait.since = self._world.scheduler.seconds
        if wait.request is not None:
            wait.request.later = outcome_message(wait.answer, wait.request.user_id).text
        if wait.call is not None and not isinstance(wait.answer, OutcomeUnknown):
            is_begun = wait.call.name == "delete_event" and isinstance(wait.answer, ChangeOutcome)
            with self._world.judging():
                self._world.judge.check(wait.call, False if is_begun else wait.answer)

    # At the end

    def check(
        self, request: SlackRequest, texts: Sequence[str], messages: Collection[tuple[str, str]]
    ) -> None:
        """Assert that a member who was told to wait has heard the result, once unless Slack or a crash excuses more."""
        waits = [one for one in self._all.values() if one.is_promised and one.request is request]
        if not waits:
            return
        for wait in waits:
            if wait.answer is None:
                self._is_given_up(wait)
        has_heard = request.later in texts or (request.user_id, request.later) in messages
        assert has_heard, f"{request} was told to wait, and never told: {request.later}"
        posted = self._world.slack.replies.get(request.response_url, [])
        times = [one for one in posted if one.text == request.later]
        excused = sum(one.may_be_repeated for one in times)
        excused += sum(wait.late_writes for wait in waits)
        # The function that gets the records may be about to send what the sweep finds.
        excused += sum(one.at >= waits[-1].promised_at + LEFT for one in times)
        assert len(times) <= 1 + excused, f"{request} was told {len(times)} times: {request.later}"
        self._world.count(ANSWERED_LATER)
        if times and not self._world.weights.is_slowed:
            self._check_promptness(waits[-1], times[0].at)

    def _check_promptness(self, wait: Wait, at: float) -> None:
        """Assert that a reply was sent when its result was there, after those before it: no sweep has to find it."""
        posted = [one for replies in self._world.slack.replies.values() for one in replies]
        before = sum(wait.since <= one.at < at for one in posted)
        most = MOST_SECONDS + before * 2 * self._world.weights.slack_seconds
        assert at - wait.since <= most, f"{wait.request} waited {at - wait.since:.0f} s"

    def _is_given_up(self, wait: Wait) -> None:
        """Judge a request that has no result: it has never reached its queue, or its record was too old."""
        wait.answer = OutcomeUnknown()
        self._judge(wait)

    def check_results(self, dropped: Collection[str]) -> None:
        """Assert that each request that reached its queue has a result."""
        data = self._world.data
        put = {one.request_id for queue in data.requests.values() for one in queue}
        left = put - data.results.keys() - set(dropped)
        assert not left, f"requests without a result: {sorted(left)}"
        assert not data.awaited, f"replies that are still awaited: {sorted(data.awaited)}"

    def in_direct_messages(self) -> Iterator[tuple[str, str]]:
        """Yield what members may hear in a direct message, whether they were told to wait or never answered."""
        for wait in self._all.values():
            if wait.request is not None:
                user_id = wait.request.user_id
                text = outcome_message(wait.answer or OutcomeUnknown(), user_id).text
                yield from repeat((user_id, text), 1 + wait.late_writes)
