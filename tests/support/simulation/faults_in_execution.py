"""Faults of commands, commits, leases and processes that are put back, and guards that are taken away."""

from __future__ import annotations

from typing import Any

import pytest

from bot.entrypoints import lambda_functions
from bot.notifications.worker import NotificationWorker
from domain.execution.attempts import Attempts
from domain.execution.background import BackgroundQueue
from domain.execution.committer import Committer
from domain.execution.leases import Lease, Leases
from domain.execution.unconfirmed import Attempt, UnconfirmedResolver
from domain.models import DeliveryState
from domain.planning.plan import Plan
from domain.ports import Conflict, ThreadNotStarted
from tests.support.simulation.busy_worlds import (
    world_with_deletions,
    world_with_late_writes,
    world_with_lost_requests,
)
from tests.support.simulation.fault import Fault, without
from tests.support.simulation.scheduler import ProcessClock
from tests.support.simulation.world import World


def _intervals_by_the_wall_clock(patch: pytest.MonkeyPatch, _: World) -> None:
    """Measure intervals on a clock that can be set back."""
    patch.setattr(ProcessClock, "monotonic", lambda clock: clock.now().timestamp())


def _leases_by_the_wall_clock(patch: pytest.MonkeyPatch, _: World) -> None:
    """Take a lease whose stored end is over by this process's own wall clock."""
    take = Leases.take

    def take_by_clock(leases: Leases, key: str) -> Lease | None:
        row = leases._outbox.get_delivery(key)
        if row.leased_until is not None and row.leased_until <= leases._clock.now():
            leases._others[key] = row.revision, leases._clock.monotonic() - leases._seconds
        return take(leases, key)

    patch.setattr(Leases, "take", take_by_clock)


def _leases_not_renewed(patch: pytest.MonkeyPatch, _: World) -> None:
    """Renew no lease while its holder works."""
    patch.setattr(Lease, "renew", lambda _: None)


def _own_late_request_ends_the_lease(patch: pytest.MonkeyPatch, _: World) -> None:
    """Take a late request of this process for the lease for another process's."""

    def refused(_: Lease) -> DeliveryState:
        raise Conflict

    patch.setattr(Lease, "_save_after_own_request", refused)


def _no_lease(patch: pytest.MonkeyPatch, world: World) -> None:
    """Grant each process the lease, whoever holds it, and save whatever it has done."""
    take, save = world.data.take_lease, world.data.save_delivery

    def take_any(event_id: str, **options: Any) -> Any:
        row = world.data.get_delivery(event_id)
        world.data.deliveries[event_id] = row.model_copy(update={"leased_until": None})
        return take(event_id, **options)

    def save_any(delivery: Any) -> Any:
        stored = world.data.get_delivery(delivery.event_id)
        held = {"holder": delivery.holder, "revision": delivery.revision}
        world.data.deliveries[delivery.event_id] = stored.model_copy(update=held)
        return save(delivery)

    patch.setattr(world.data, "take_lease", take_any)
    patch.setattr(world.data, "save_delivery", save_any)


def _lost_is_refused(patch: pytest.MonkeyPatch, _: World) -> None:
    """Take a lost answer for a refusal, and plan again."""

    def commit(committer: Committer, plan: Plan, deadline: float) -> bool:
        try:
            committer._store.commit(plan)
        except Exception:  # noqa: BLE001  # that is the fault
            return False
        return True

    patch.setattr(Committer, "commit", commit)


def _no_fence(patch: pytest.MonkeyPatch, _: World) -> None:
    """Call a plan dead that may still arrive."""
    find_out = Committer.find_out

    def find_out_without_fence(committer: Committer, plan: Plan) -> bool | None:
        assert plan.event is not None
        entry = committer._store.get_journal_entry(plan.event_id, plan.event.version)
        return False if entry is None else find_out(committer, plan)

    patch.setattr(Committer, "find_out", find_out_without_fence)


def _neither_token_nor_journal(patch: pytest.MonkeyPatch, world: World) -> None:
    """Take a plan that is sent again for a new one, and one that is refused then for one that never applied."""
    without("token")(patch, world)
    patch.setattr(Committer, "find_out", lambda *_: False)


def _refusals_from_the_cache(patch: pytest.MonkeyPatch, _: World) -> None:
    """Answer a refusal from what was read, without a second look."""
    patch.setattr(Attempts, "_is_unchanged", lambda *_: True)


def _a_thread_for_each_result(patch: pytest.MonkeyPatch, _: World) -> None:
    """Resolve each unconfirmed write in a thread of its own."""

    def keep_trying(resolver: UnconfirmedResolver, attempt: Attempt) -> None:
        def run() -> None:
            while not attempt():
                resolver._clock.sleep(1.0)

        resolver._spawn(run)

    patch.setattr(UnconfirmedResolver, "keep_trying", keep_trying)


def _results_forgotten(patch: pytest.MonkeyPatch, _: World) -> None:
    """Never complete the result of an unconfirmed write."""
    patch.setattr(UnconfirmedResolver, "complete", lambda *_: None)


def _threads_not_awaited(patch: pytest.MonkeyPatch, _: World) -> None:
    """Count a thread that did not start among those that run."""

    def ensure_running(queue: BackgroundQueue) -> None:
        with queue._lock:
            if not queue._queued or queue._running >= 1:
                return
            queue._running += 1
        try:
            queue._spawn(queue._run)
        except ThreadNotStarted:
            return

    patch.setattr(BackgroundQueue, "ensure_running", ensure_running)


def _sweep_off_for_good(patch: pytest.MonkeyPatch, _: World) -> None:
    """Keep the sweep's lock if its thread does not start."""
    sweep = NotificationWorker._sweep_in_background

    def sweep_once(worker: NotificationWorker) -> None:
        spawn = worker._spawn

        def spawn_or_keep(work: Any) -> None:
            try:
                spawn(work)
            except ThreadNotStarted:
                return

        worker._spawn = spawn_or_keep
        try:
            sweep(worker)
        finally:
            worker._spawn = spawn

    patch.setattr(NotificationWorker, "_sweep_in_background", sweep_once)


def _no_time_in_reserve(patch: pytest.MonkeyPatch, _: World) -> None:
    """Let a function begin calls as long as it has any time left."""
    patch.setattr(lambda_functions, "RESERVE", -30.0)
    patch.setattr(lambda_functions, "STORE_RESERVE", -30.0)


FAULTS: dict[str, Fault] = {
    "intervals by the wall clock": Fault("item 3", _intervals_by_the_wall_clock),
    "leases by the wall clock": Fault("item 3", _leases_by_the_wall_clock),
    "leases that are not renewed": Fault("item 2, guard", _leases_not_renewed),
    "a lease ended by one's own late request": Fault(
        "guard", _own_late_request_ends_the_lease, world_with_lost_requests
    ),
    "no lease": Fault("guard", _no_lease),
    "a lost answer taken for a refusal": Fault("guard", _lost_is_refused),
    "a plan called dead that can still arrive": Fault("guard", _no_fence, world_with_late_writes),
    "neither a token nor the journal": Fault("guard", _neither_token_nor_journal),
    "refusals without a second look": Fault("guard", _refusals_from_the_cache),
    "no condition on the version": Fault("guard", without("version", "entry")),
    "no condition on the registration": Fault("guard", without("registration")),
    "no condition on the user": Fault("guard", without("user")),
    "no condition on the deletion": Fault("guard", without("deletion id"), world_with_deletions),
    "no deletion id of an event": Fault("guard", without("event deletion")),
    "a thread for each result": Fault("item 8", _a_thread_for_each_result),
    "results forgotten": Fault("guard", _results_forgotten),
    "a thread that did not start is counted": Fault("item 8", _threads_not_awaited),
    "the sweep off once its thread did not start": Fault("item 8", _sweep_off_for_good),
    "functions without time in reserve": Fault("item 8", _no_time_in_reserve),
}
