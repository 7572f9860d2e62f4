"""Committing a plan, and knowing whether it did: resend, look into the journal, or fence it off."""

from __future__ import annotations

from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed, UnconfirmedResolver
from domain.planning import planner
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Clock, Conflict, NewId, Store, Unavailable


class Committer:
    """Gets plans into the store, and a definite answer out of it."""

    def __init__(
        self,
        store: Store,
        retry: RetryPolicy,
        clock: Clock,
        new_id: NewId,
        resolver: UnconfirmedResolver,
    ) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock
        self._new_id = new_id
        self._resolver = resolver

    def commit(self, plan: Plan, deadline: float) -> bool:
        """Return whether the plan applied; when not, it never will.

        Raises `Unconfirmed`; and what the store raises where it was sent once alone, and so was not
        written. A failure after that says nothing of what was sent before: it is reported.
        """
        sent_before = False
        for _ in self._retry.pauses(deadline):
            try:
                self._store.commit(plan)
                return True
            except AnswerLost:
                sent_before = True
                continue
            except Conflict:
                # This attempt did not apply. An earlier one may have, or may be on its way still.
                if not sent_before:
                    return False
            except Exception as error:
                if not sent_before:
                    raise
                self._resolver.report(error)
            verdict = self._find_out(plan)
            if verdict is not None:
                return verdict
        raise Unconfirmed

    def resolve(self, plan: Plan) -> bool:
        """Return whether a plan applied that was sent to no known end; it will not from now on.

        It is not sent again: its person may have been told of other things since.
        """
        return self._resolver.resolve(lambda: self._find_out(plan))

    def _find_out(self, plan: Plan) -> bool | None:
        """Return what the journal says of a plan, None if nothing can be said yet."""
        if plan.event is None:
            raise ValueError(f"plan {plan.plan_id} writes nothing")
        version = plan.event.version
        try:
            entry = self._store.get_journal_entry(plan.event_id, version)
            if entry is not None:
                return entry.plan_id == plan.plan_id
            event = self._store.get_event(plan.event_id)
            if event is None:
                # It is to be created, so that there is no version to move: nothing has gone on without it.
                self._store.commit(plan)
                return True
            if event.version == version - 1:
                # The version stands where it stood: move it, and the plan can't apply any more.
                now, plan_id = self._clock.now(), self._new_id()
                self._store.commit(planner.fence(event, now=now, plan_id=plan_id))
                return False
        except (AnswerLost, Conflict, Unavailable):
            pass
        return None
