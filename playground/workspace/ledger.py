"""The ledger: what all parts of a workspace share. The lock, the clock, ids, the file and the list of changes."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from playground.workspace.model import WorkspaceChange
from playground.workspace.persistence import RowStore

_CHANGES_KEPT = 20_000


class Ledger:
    """Issue ids, store rows and announce changes for one workspace. Thread-safe."""

    def __init__(self, now: Callable[[], float], path: Path | None) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.rows = RowStore(path)
        counters = dict(self.rows.all("counter"))
        self._last_id = int(counters.get("id", {}).get("value", 0))
        self._last_ts = int(counters.get("ts", {}).get("value", 0))
        self._seq = 0
        self._changes: deque[WorkspaceChange] = deque(maxlen=_CHANGES_KEPT)
        self._watchers: list[Callable[[WorkspaceChange], None]] = []

    def new_id(self, prefix: str) -> str:
        """Return a new id in Slack's style. Ids never repeat, even after a restart."""
        with self.lock:
            self._last_id += 1
            self.rows.put("counter", "id", {"value": self._last_id})
            return f"{prefix}0{self._last_id:08X}"

    def new_ts(self) -> str:
        """Return the current time as a message's `ts`, always later than the previous one."""
        with self.lock:
            self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
            self.rows.put("counter", "ts", {"value": self._last_ts})
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    @property
    def seq(self) -> int:
        """The number of the latest change."""
        return self._seq

    def announce(
        self,
        kind: Literal["message", "view", "home", "channel", "member", "backstage"],
        *,
        channel_id: str | None = None,
        ts: str | None = None,
        user_id: str | None = None,
    ) -> None:
        """Announce a change to all watchers. Call with the lock held."""
        self._seq += 1
        change = WorkspaceChange(self._seq, kind, channel_id, ts, user_id)
        self._changes.append(change)
        for watcher in tuple(self._watchers):
            watcher(change)

    def since(self, seq: int) -> list[WorkspaceChange]:
        """Return the changes after number `seq`, oldest first. Only the newest 20,000 are kept."""
        with self.lock:
            newest_first = (change for change in reversed(self._changes))
            return list(reversed(list(_until(seq, newest_first))))

    def watch(self, watcher: Callable[[WorkspaceChange], None]) -> Callable[[], None]:
        """Call `watcher` with each change, in the thread that made it, so it must be quick.

        Return a function that stops the calls.
        """
        with self.lock:
            self._watchers.append(watcher)

        def stop() -> None:
            with self.lock:
                self._watchers.remove(watcher)

        return stop


def _until(seq: int, newest_first: Iterator[WorkspaceChange]) -> Iterator[WorkspaceChange]:
    for change in newest_first:
        if change.seq <= seq:
            return
        yield change
