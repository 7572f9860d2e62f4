"""Faults that Rollcall once had, and guards that can be taken away: the simulation must find each of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.notifications import recipients
from bot.notifications.delivery_run import DeliveryRun
from bot.notifications.due_work import DueWork
from domain.execution.committer import Committer
from domain.execution.leases import Lease, Leases
from domain.models import JournalEntry, Registration, WaitlistEntry
from domain.planning.plan import Plan
from tests.support.simulation.scheduler import ProcessClock
from tests.support.simulation.world import World
from tests.support.unguarded_store import UnguardedStore

PutBack = Callable[[pytest.MonkeyPatch, World], None]


def _audience_by_clocks(patch: pytest.MonkeyPatch, _: World) -> None:
    """Decide by wall clocks who belongs to an audience (R9.4)."""

    def was_attendee(row: Registration | WaitlistEntry, entry: JournalEntry) -> bool:
        return row.registered_at <= entry.at

    patch.setattr(recipients, "_was_attendee", was_attendee)


def _no_wait_for_the_roster(patch: pytest.MonkeyPatch, _: World) -> None:
    """Read the roster right after the waitlist, though its index lags (R9.4)."""
    patch.setattr(DeliveryRun, "_has_changed_since", lambda *_: False)


def _intervals_by_the_wall_clock(patch: pytest.MonkeyPatch, _: World) -> None:
    """Measure intervals on a clock that can be set back (R9.6)."""
    patch.setattr(ProcessClock, "monotonic", lambda clock: clock.now().timestamp())


def _leases_by_the_wall_clock(patch: pytest.MonkeyPatch, _: World) -> None:
    """Take a lease whose stored end is over by this process's own wall clock (R9.6)."""
    take = Leases.take

    def take_by_clock(leases: Leases, key: str) -> Lease | None:
        row = leases._outbox.get_delivery(key)
        if row.leased_until is not None and row.leased_until <= leases._clock.now():
            leases._others[key] = row.revision, leases._clock.monotonic() - leases._seconds
        return take(leases, key)

    patch.setattr(Leases, "take", take_by_clock)


def _leases_not_renewed(patch: pytest.MonkeyPatch, _: World) -> None:
    """Renew no lease while its holder works (R9.6)."""
    patch.setattr(Lease, "renew", lambda _: None)


def _lost_is_refused(patch: pytest.MonkeyPatch, _: World) -> None:
    """Take a lost answer for a refusal, and plan again (R7.4, R8.12)."""

    def commit(committer: Committer, plan: Plan, deadline: float) -> bool:
        try:
            committer._store.commit(plan)
        except Exception:  # noqa: BLE001  # that is the fault
            return False
        return True

    patch.setattr(Committer, "commit", commit)


def _no_fence(patch: pytest.MonkeyPatch, _: World) -> None:
    """Call a plan dead that may still arrive (R8.12)."""
    find_out = Committer.find_out

    def find_out_without_fence(committer: Committer, plan: Plan) -> bool | None:
        assert plan.event is not None
        entry = committer._store.get_journal_entry(plan.event_id, plan.event.version)
        return False if entry is None else find_out(committer, plan)

    patch.setattr(Committer, "find_out", find_out_without_fence)


def _nothing_retried_in_the_background(patch: pytest.MonkeyPatch, _: World) -> None:
    """Forget what is due after a failure, until the next start (R9.1)."""
    patch.setattr(DueWork, "_continue_at", lambda *_: None)


def _refusals_from_the_cache(patch: pytest.MonkeyPatch, _: World) -> None:
    """Answer a refusal from what was read, without a second look (R3)."""
    from domain.execution.executor import Executor

    patch.setattr(Executor, "_is_unchanged", lambda *_: True)


def _without(*guards: str) -> PutBack:
    def take_away(_: pytest.MonkeyPatch, world: World) -> None:
        world.served = UnguardedStore(world.data, guards)

    take_away.__doc__ = f"Commit without the condition on {', '.join(guards)} (R7)."
    return take_away


FAULTS: dict[str, PutBack] = {
    "audiences by wall clocks": _audience_by_clocks,
    "no wait for the roster's index": _no_wait_for_the_roster,
    "intervals by the wall clock": _intervals_by_the_wall_clock,
    "leases by the wall clock": _leases_by_the_wall_clock,
    "leases that are not renewed": _leases_not_renewed,
    "a lost answer taken for a refusal": _lost_is_refused,
    "a plan called dead that can still arrive": _no_fence,
    "due work forgotten": _nothing_retried_in_the_background,
    "refusals without a second look": _refusals_from_the_cache,
    "no condition on the version": _without("version", "entry"),
    "no condition on the registration": _without("registration"),
    "no condition on the user": _without("user"),
    "no condition on the deletion": _without("deletion id"),
}


def seeds_until_found(
    fault: PutBack, most: int, first: int = 0, make_world: Callable[[int], World] = World
) -> tuple[int, str] | None:
    """Return the number of seeds until the fault is found, and by what; None if none of so many finds it."""
    for seed in range(first, first + most):
        with pytest.MonkeyPatch.context() as patch:
            world = make_world(seed)
            fault(patch, world)
            try:
                world.run()
            except Exception as error:  # noqa: BLE001  # whatever it breaks, it is found
                return seed - first + 1, f"{type(error).__name__}: {error}"
    return None
