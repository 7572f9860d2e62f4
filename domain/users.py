"""Users (R1): written one at a time, on the condition that the stored revision is the one that was read."""

from __future__ import annotations

from collections.abc import Callable

from domain.errors import Busy, DuplicateUser, OperatorNeeded, UnknownUser
from domain.execution.cache import UserCache
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed
from domain.inputs import UserChanges, UserDraft
from domain.models import User
from domain.ports import AnswerLost, Clock, Conflict, NewId, Store, Unavailable


class Users:
    """Reads and writes users. Each write raises `Busy`, or `Unconfirmed` if an answer was lost.

    An unconfirmed write can be repeated with the same arguments: it never applies twice.
    """

    def __init__(self, store: Store, retry: RetryPolicy, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock
        self._new_id = new_id
        self._user_cache = UserCache()

    def find(self, user_id: str) -> User | None:
        """Return the user as stored, even during its deletion, or None."""
        return self._retry.read(lambda: self._store.get_user(user_id))

    def get(self, user_id: str) -> User:
        """Return the user; raise `UnknownUser`."""
        user = self.find(user_id)
        if user is None or user.deletion_id is not None:
            raise UnknownUser(user_id)
        return user

    def prepare_creation(self, draft: UserDraft) -> Callable[[], User]:
        """Return a function that creates the user, or raises `DuplicateUser`."""
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

    def prepare_update(self, user_id: str, changes: UserChanges) -> Callable[[], User]:
        """Return a function that changes the user, or raises `UnknownUser`."""
        # The write and the revision that it replaces: repeated unchanged until its end is known.
        pending: list[tuple[User, str]] = []

        def update() -> User:
            for _ in self._retry.attempts():
                if not pending:
                    stored = self.get(user_id)
                    new = {"updated_at": self._clock.now(), "revision": self._new_id()}
                    user = stored.model_copy(update=changes.given() | new)
                    pending.append((user, stored.revision))
                user, replaces = pending[0]
                if self._put(user, replaces=replaces):
                    return user
                pending.clear()
            raise Busy

        return update

    def ensure(self, draft: UserDraft) -> User:
        """Return the user as the draft describes it; see `Service.ensure_user`."""
        if draft.user_id is None:
            raise ValueError("ensure_user needs the user's own id")
        user = self._ensure(draft.user_id, draft)
        if _matches(user, draft):
            self._user_cache.add(user.user_id, draft)
        return user

    def is_cached(self, draft: UserDraft) -> bool:
        """Return whether this process has seen the user stored as the draft describes it."""
        return self._user_cache.has(draft)

    def _ensure(self, user_id: str, draft: UserDraft) -> User:
        stored = self.find(user_id)
        try:
            if stored is None:
                return self.prepare_creation(draft)()
            if stored.deletion_id is not None:
                raise UnknownUser(user_id)
            if _matches(stored, draft):
                return stored
            return self.prepare_update(user_id, UserChanges.of(**draft.given()))()
        except DuplicateUser:
            return self.get(user_id)
        except Unconfirmed:
            raise Busy from None

    def start_deletion(self, user_id: str, deletion_id: str) -> str:
        """Start the user's deletion and return its id: that of an earlier start, if there is one.

        Raises `UnknownUser`.
        """
        self._user_cache.forget(user_id)
        was_sent = False
        for _ in self._retry.attempts():
            try:
                stored = self._store.get_user(user_id)
                if stored is None:
                    raise UnknownUser(user_id)
                current = self._store.start_user_deletion(
                    user_id, deletion_id, revision=stored.revision
                )
            except AnswerLost:
                was_sent = True
                continue
            except (Conflict, Unavailable):
                continue
            except OperatorNeeded:
                if not was_sent:
                    raise
                continue
            if current is not None:
                return current
        raise Unconfirmed if was_sent else Busy

    def _put(self, user: User, *, replaces: str | None) -> bool:
        """Return whether the write applied; if not, another user or revision is stored."""
        self._user_cache.forget(user.user_id)
        was_sent = False
        for _ in self._retry.attempts():
            try:
                self._store.put_user(user, replaces=replaces)
                return True
            except AnswerLost:
                was_sent = True
            except OperatorNeeded:
                if not was_sent:
                    raise
            except Conflict:
                has_applied = self._find_out(user, replaces)
                if has_applied is not None:
                    return has_applied
        raise Unconfirmed if was_sent else Busy

    def _find_out(self, user: User, replaces: str | None) -> bool | None:
        """Return whether a write that met a conflict applied, or None if that can't be known yet."""
        try:
            stored = self._store.get_user(user.user_id)
        except (Unavailable, OperatorNeeded):
            return None
        if (stored and stored.revision) == user.revision:
            return True
        if (stored and stored.revision) != replaces or (stored and stored.deletion_id):
            return False
        return None


def _matches(user: User, draft: UserDraft) -> bool:
    return all(getattr(user, name) == value for name, value in draft.given().items())
