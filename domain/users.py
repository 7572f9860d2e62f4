"""Users as R1 has them: written one at a time, each on condition of the revision that was read."""

from __future__ import annotations

from collections.abc import Callable

from domain.errors import Busy, DuplicateUser, UnknownUser
from domain.execution.cache import UserCache
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed
from domain.inputs import UserChanges, UserDraft
from domain.models import User
from domain.ports import AnswerLost, Clock, Conflict, NewId, Store, Unavailable


class Users:
    """Writes users. Whatever writes raises `Busy`, or `Unconfirmed` where an answer was lost.

    What was unsettled can be asked again, with the same arguments: it never happens twice.
    """

    def __init__(self, store: Store, retry: RetryPolicy, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock
        self._new_id = new_id
        self._user_cache = UserCache()

    def find(self, user_id: str) -> User | None:
        """Return the user as stored, also one under deletion."""
        return self._retry.read(lambda: self._store.get_user(user_id))

    def get(self, user_id: str) -> User:
        """Return the user; raises `UnknownUser`."""
        user = self.find(user_id)
        if user is None or user.deletion is not None:
            raise UnknownUser(user_id)
        return user

    def creation(self, draft: UserDraft) -> Callable[[], User]:
        """Return what creates a user; it raises `DuplicateUser`."""
        now = self._clock.now()
        user = User(
            user_id=draft.user_id or self._new_id(),
            name=draft.name,
            time_zone=draft.time_zone,
            created_at=now,
            updated_at=now,
            revision=self._new_id(),
        )

        def create() -> User:
            if not self._put(user, replaces=None):
                raise DuplicateUser(user.user_id)
            return user

        return create

    def update(self, user_id: str, changes: UserChanges) -> Callable[[], User]:
        """Return what changes a user; it raises `UnknownUser`."""
        # What was sent, and replaces what: sent again as it is, until it is known how it ended.
        sent: list[tuple[User, str]] = []

        def change() -> User:
            for _ in self._retry.attempts():
                if not sent:
                    stored = self.get(user_id)
                    new = {"updated_at": self._clock.now(), "revision": self._new_id()}
                    user = stored.model_copy(update=changes.given() | new)
                    sent.append((user, stored.revision))
                user, replaces = sent[0]
                if self._put(user, replaces=replaces):
                    return user
                sent.clear()
            raise Busy

        return change

    def ensure(self, draft: UserDraft) -> User:
        """Return the user as the draft has it; see `Service.ensure_user`."""
        if draft.user_id is None:
            raise ValueError("ensure_user needs the user's own id")
        user = self._ensured(draft.user_id, draft)
        if _is_as(user, draft):
            self._user_cache.add(user.user_id, draft)
        return user

    def is_cached(self, draft: UserDraft) -> bool:
        """Return whether this process has seen the user stored as the draft has it; it may be so no more."""
        return self._user_cache.has(draft)

    def _ensured(self, user_id: str, draft: UserDraft) -> User:
        stored = self.find(user_id)
        try:
            if stored is None:
                return self.creation(draft)()
            if stored.deletion is not None:
                raise UnknownUser(user_id)
            if _is_as(stored, draft):
                return stored
            return self.update(user_id, UserChanges.of(**draft.given()))()
        except DuplicateUser:
            return self.get(user_id)
        except Unconfirmed:
            raise Busy from None

    def mark(self, user_id: str, mark: str) -> str:
        """Mark a user for deletion; return the mark that holds. Raises `UnknownUser`."""
        self._user_cache.forget(user_id)
        was_sent = False
        for _ in self._retry.attempts():
            try:
                stored = self._store.get_user(user_id)
                if stored is None:
                    raise UnknownUser(user_id)
                held = self._store.start_user_deletion(user_id, mark, revision=stored.revision)
            except AnswerLost:
                was_sent = True
                continue
            except (Conflict, Unavailable):
                continue
            if held is not None:
                return held
        raise Unconfirmed if was_sent else Busy

    def _put(self, user: User, *, replaces: str | None) -> bool:
        """Return whether the write applied; when not, another user or revision is stored."""
        self._user_cache.forget(user.user_id)
        was_sent = False
        for _ in self._retry.attempts():
            try:
                self._store.put_user(user, replaces=replaces)
                return True
            except AnswerLost:
                was_sent = True
            except Conflict:
                verdict = self._find_out(user, replaces)
                if verdict is not None:
                    return verdict
        raise Unconfirmed if was_sent else Busy

    def _find_out(self, user: User, replaces: str | None) -> bool | None:
        """Return what is stored says of a write that met a conflict, None if nothing can be said yet."""
        try:
            stored = self._store.get_user(user.user_id)
        except Unavailable:
            return None
        if (stored and stored.revision) == user.revision:
            return True
        if (stored and stored.revision) != replaces or (stored and stored.deletion):
            return False
        return None


def _is_as(user: User, draft: UserDraft) -> bool:
    return all(getattr(user, name) == value for name, value in draft.given().items())
