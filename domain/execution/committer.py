"""The committer: commit a plan and know whether it applied. Resend it, look into the journal, or fence it."""

from __future__ import annotations

from domain.errors import OperatorNeeded
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed, UnconfirmedResolver
from domain.planning import planner
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Clock, Conflict, NewId, Store, Unavailable


class Committer:
    """Commits plans, each until there is a definite answer."""

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
        """Return whether the plan applied; if not, it never will.

        Raises `Unconfirmed`, and any other error of the store on the first attempt: then nothing was
        written. A later error says nothing about earlier attempts, so it is only reported.
        """
        was_sent = False
        for _ in self._retry.pauses(deadline):
            try:
                self._store.commit(plan)
                return True
            except AnswerLost:
                was_sent = True
                continue
            except Conflict:
                # This attempt did not apply. An earlier one may have applied, or may still arrive.
                if not was_sent:
                    return False
            except OperatorNeeded:
                if not was_sent:
                    raise
            except Exception as error:
                if not was_sent:
                    raise
                self._resolver.report(error)
            try:
                has_applied = self.find_out(plan)
            except Exception as error:  # noqa: BLE001  # reported
                self._resolver.report(error)
                continue
            if has_applied is not None:
                return has_applied
        raise Unconfirmed

    def find_out(self, plan: Plan) -> bool | None:
        """Return whether a plan that was sent applied, or None if that can't be known yet.

        If it returns False, the plan never will apply. The plan is not resent, except if it creates the
        event: its user may have received other answers since.
        """
        if plan.event is None:
            raise ValueError(f"plan {plan.plan_id} writes nothing")
        version = plan.event.version
        try:
            entry = self._store.get_journal_entry(plan.event_id, version)
            if entry is not None:
                return entry.plan_id == plan.plan_id
            event = self._store.get_event(plan.event_id)
            if event is None:
                # A creation has no version to fence. Nothing else can have happened to the event.
                self._store.commit(plan)
                return True
            if event.version == version - 1:
                # The plan could still apply. A fence changes the version, so it can't any more.
                now, plan_id = self._clock.now(), self._new_id()
                self._store.commit(planner.fence(event, now=now, plan_id=plan_id))
                return False
        except (AnswerLost, Conflict, Unavailable, OperatorNeeded):
            pass
        return None
