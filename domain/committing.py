"""Committing a plan, and knowing whether it did: resend, look into the journal, or fence it off."""

from __future__ import annotations

from domain import seating
from domain.patience import Patience
from domain.plans import Plan
from domain.ports import AnswerLost, Clock, Conflict, NewId, Store, Unavailable
from domain.settling import Unsettled


class Committer:
    """Gets plans into the store, and a definite answer out of it."""

    def __init__(self, store: Store, patience: Patience, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._patience = patience
        self._clock = clock
        self._new_id = new_id

    def commit(self, plan: Plan, deadline: float | None, *, sent_before: bool = False) -> bool:
        """Return whether the plan applied; when not, it never will.

        `sent_before` says that it was sent already, to no known end. Raises `Unsettled`.
        """
        for _ in self._patience.pauses(deadline):
            try:
                self._store.commit(plan)
                return True
            except AnswerLost:
                sent_before = True
            except Conflict:
                # This attempt did not apply. An earlier one may have, or may be on its way still.
                if not sent_before:
                    return False
                verdict = self._verdict(plan)
                if verdict is not None:
                    return verdict
        raise Unsettled

    def _verdict(self, plan: Plan) -> bool | None:
        """Return what the journal says of a plan, None if nothing can be said yet."""
        if plan.event is None:
            raise ValueError(f"plan {plan.plan_id} writes nothing")
        version = plan.event.version
        try:
            entry = self._store.get_journal_entry(plan.event_id, version)
            if entry is not None:
                return entry.plan_id == plan.plan_id
            # The version stands where it stood: move it, and the plan can't apply any more.
            event = self._store.get_event(plan.event_id)
            if event is not None and event.version == version - 1:
                now, plan_id = self._clock.now(), self._new_id()
                self._store.commit(seating.fence(event, now=now, plan_id=plan_id))
                return False
        except (AnswerLost, Conflict, Unavailable):
            pass
        return None
