"""Store without some of its guards, for the negative controls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from domain.planning.plan import (
    Action,
    CheckRegistration,
    CheckUser,
    Plan,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
)
from domain.ports import AnswerLost, Store

Deliver = Callable[[], None]
Meanwhile = Callable[[Deliver], None]
"""Acts while a commit is on its way. It may call its argument to deliver the commit; otherwise the commit follows."""

_fresh = count(1)


@dataclass
class UnguardedStore:
    """Store of one process, without the guards named in `without`.

    - `version`, `registration`, `user`: the commit's condition on that item is met whatever is stored.
    - `deletion id`: the condition on the user is met although the user is being deleted.
    - `series registration`: the condition on a registration for a series is met although it ended.
    - `entry`: the commit writes no journal entry.
    - `event deletion`: no event gets a deletion id.
    - `token`: a commit that is sent again is a new request.
    """

    store: Store
    without: Sequence[str] = ()
    meanwhile: Meanwhile | None = None
    before_second_read: Callable[[], None] | None = None
    lose_answers: int = 0
    _sent: set[str] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def get_event(self, event_id: str) -> object:
        """Read the event, then act before the next read."""
        event = self.store.get_event(event_id)
        act, self.before_second_read = self.before_second_read, None
        if act is not None:
            act()
        return event

    def commit(self, plan: Plan) -> None:
        """Commit the plan without its guards, while others act."""
        act, self.meanwhile = self.meanwhile, None
        results: list[Exception | None] = []

        def deliver() -> None:
            try:
                self._really_commit(plan)
                results.append(None)
            except Exception as error:  # noqa: BLE001  # raised by `commit`
                results.append(error)

        if act is not None:
            act(deliver)
        if not results:
            deliver()
        if results[0] is not None:
            raise results[0]

    def _really_commit(self, plan: Plan) -> None:
        actions = tuple(self._unguarded(action) for action in plan.actions if self._is_kept(action))
        sent = replace(plan, actions=actions)
        if "token" in self.without and plan.plan_id in self._sent:
            sent = replace(sent, plan_id=f"resent{next(_fresh)}")
        self._sent.add(plan.plan_id)
        self.store.commit(sent)
        if self.lose_answers:
            self.lose_answers -= 1
            raise AnswerLost

    def _is_being_deleted(self, check: CheckUser) -> bool:
        user = self.store.get_user(check.user_id)
        return user is not None and user.deletion_id is not None

    def _is_kept(self, action: Action) -> bool:
        return not (
            (isinstance(action, CheckUser) and "user" in self.without)
            or (
                isinstance(action, CheckUser)
                and "deletion id" in self.without
                and self._is_being_deleted(action)
            )
            or (isinstance(action, CheckRegistration) and "series registration" in self.without)
            or (isinstance(action, PutJournalEntry) and "entry" in self.without)
        )

    def _unguarded(self, action: Action) -> Action:
        match action:
            case PutEvent(event, replaces) if replaces is not None:
                if "event deletion" in self.without:
                    event = event.model_copy(update={"deletion": None})
                if "version" in self.without:
                    stored = self.store.get_event(event.event_id)
                    replaces = stored.version if stored else None
                return PutEvent(event, replaces)
            case PutRegistration(row, _) if "registration" in self.without:
                rows = self.store.get_rows(row.event_id, registrations_of=[row.user_id], users=())
                return PutRegistration(row, rows.registrations.get(row.user_id))
            case _:
                return action
