"""The demo's clock, which Backstage moves forward."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from bot.entrypoints.system import SystemClock


class DemoClock(SystemClock):
    """The system's clock, some hours ahead. A file remembers how many: the demo's data is from its future then."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead = timedelta(hours=int(file.read_text()) if file.exists() else 0)

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead."""
        return self._ahead

    def now(self) -> datetime:
        """Return the demo's time, aware, in UTC."""
        return super().now() + self._ahead

    def move(self, hours: int) -> None:
        """Move it forward."""
        self._ahead += timedelta(hours=hours)
        self._file.write_text(str(self._ahead // timedelta(hours=1)))
