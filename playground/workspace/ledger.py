"""What all parts of a workspace share: the lock, the clock, the ids, the file and the list of changes."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from playground.workspace.model import Change
from playground.workspace.persistence import Saved

_CHANGES_KEPT = 20_000


class Ledger:
    """Numbers, saves and announces what happens in one workspace. Thread-safe."""

    def __init__(self, now: Callable[[], float], path: Path | None) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.saved = Saved(path)
        counters = dict(self.saved.all("counter"))
        self._last_id = int(counters.get("id", {}).get("value", 0))
        self._last_ts = int(counters.get("ts", {}).get("value", 0))
        self._seq = 0
        self._changes: deque[Change] = deque(maxlen=_CHANGES_KEPT)
        self._watchers: list[Callable[[Change], None]] = []

    def new_id(self, prefix: str) -> str:
        """An id in Slack's style that this workspace never used, after a restart either."""
        with self.lock:
            self._last_id += 1
            self.saved.put("counter", "id", {"value": self._last_id})
            return f"{prefix}0{self._last_id:08X}"

    def new_ts(self) -> str:
        """The present time as a message's `ts`: later than every one before, whatever the clock says."""
        with self.lock:
            self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
            self.saved.put("counter", "ts", {"value": self._last_ts})
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    @property
    def seq(self) -> int:
        """The number of the latest change."""
        return self._seq

    def changed(
        self,
        kind: Literal["message", "view", "home", "channel", "member", "backstage"],
        *,
        channel_id: str | None = None,
        ts: str | None = None,
        user_id: str | None = None,
    ) -> None:
        """Announces a change to whoever watches. Called with the lock held."""
        self._seq += 1
        change = Change(self._seq, kind, channel_id, ts, user_id)
        self._changes.append(change)
        for watcher in tuple(self._watchers):
            watcher(change)

    def since(self, seq: int) -> list[Change]:
        """The changes after number `seq`, oldest first; the very old are forgotten."""
        with self.lock:
            newest_first = (change for change in reversed(self._changes))
            return list(reversed(list(_until(seq, newest_first))))

    def watch(self, watcher: Callable[[Change], None]) -> Callable[[], None]:
        """Calls `watcher` with each change, in the thread that made it, so it must be quick.

        Returns what ends it.
        """
        with self.lock:
            self._watchers.append(watcher)

        def stop() -> None:
            with self.lock:
                self._watchers.remove(watcher)

        return stop


def _until(seq: int, newest_first: Iterator[Change]) -> Iterator[Change]:
    for change in newest_first:
        if change.seq <= seq:
            return
        yield change
