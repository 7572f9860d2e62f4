"""A process's view of a real store, in which a test takes guards out and lets others act in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from domain.planning.plan import Action, CheckUser, Plan, PutEvent, PutJournalEntry, PutRegistration
from domain.ports import AnswerLost, Store

Deliver = Callable[[], None]
Meanwhile = Callable[[Deliver], None]
"""What others do while a commit is on its way; it may say when the commit arrives, else it does at the end."""

_fresh = count(1)


@dataclass
class UnguardedStore:
    """The store, without some of its guards.

    Without `version`, `registration` or `user`, the commit's condition on that is met whatever is
    stored; without `user mark`, that on the user is met by one under deletion; without `entry` the
    journal does not say which version was made by whom; without `mark` no event is marked for
    deletion; without `token` a commit that is sent again is a new one.
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
        """Read the event; before anything else is read, something happens."""
        event = self.store.get_event(event_id)
        happens, self.before_second_read = self.before_second_read, None
        if happens is not None:
            happens()
        return event

    def commit(self, plan: Plan) -> None:
        """Commit the plan, less its guards, while others act."""
        happens, self.meanwhile = self.meanwhile, None
        ends: list[Exception | None] = []

        def deliver() -> None:
            try:
                self._really_commit(plan)
                ends.append(None)
            except Exception as error:  # noqa: BLE001  # raised where the commit was asked for
                ends.append(error)

        if happens is not None:
            happens(deliver)
        if not ends:
            deliver()
        if ends[0] is not None:
            raise ends[0]

    def _really_commit(self, plan: Plan) -> None:
        actions = tuple(self._unguarded(action) for action in plan.actions if self._is_kept(action))
        sent = replace(plan, actions=actions)
        if "token" in self.without and plan.plan_id in self._sent:
            sent = replace(sent, plan_id=f"anew{next(_fresh)}")
        self._sent.add(plan.plan_id)
        self.store.commit(sent)
        if self.lose_answers:
            self.lose_answers -= 1
            raise AnswerLost

    def _is_marked(self, check: CheckUser) -> bool:
        user = self.store.get_user(check.user_id)
        return user is not None and user.deletion is not None

    def _is_kept(self, action: Action) -> bool:
        return not (
            (isinstance(action, CheckUser) and "user" in self.without)
            or (
                isinstance(action, CheckUser)
                and "user mark" in self.without
                and self._is_marked(action)
            )
            or (isinstance(action, PutJournalEntry) and "entry" in self.without)
        )

    def _unguarded(self, action: Action) -> Action:
        match action:
            case PutEvent(event, replaces) if replaces is not None:
                if "mark" in self.without:
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
