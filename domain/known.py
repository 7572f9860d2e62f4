"""Events as this process last knew them: for a first try, which the version decides, and never for an answer."""

from __future__ import annotations

import threading
from collections import OrderedDict

from domain.models import Event

MOST_KNOWN = 256
"""Events of which a process keeps what it knows: more than take registrations at a time."""


class Known:
    """The events that this process knows. Any thread may ask; for one event, one at a time tells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Each with whether nobody else wrote it lately: where others write too, a try without
        # reading mostly fails, and takes from the event's throughput.
        self._events: OrderedDict[str, tuple[Event, bool]] = OrderedDict()

    def worth_a_try(self, event_id: str) -> Event | None:
        """Return the event as it probably still is, None where that is not known or not probable."""
        with self._lock:
            event, is_alone = self._events.get(event_id, (None, False))
            return event if is_alone else None

    def has_read(self, event: Event) -> None:
        """Take note of what is stored."""
        with self._lock:
            before, _ = self._events.get(event.event_id, (event, True))
            self._keep(event, is_alone=before.version == event.version)

    def has_written(self, event: Event) -> None:
        """Take note of what this process stored."""
        with self._lock:
            _, is_alone = self._events.get(event.event_id, (event, True))
            self._keep(event, is_alone=is_alone)

    def _keep(self, event: Event, *, is_alone: bool) -> None:
        self._events[event.event_id] = (event, is_alone)
        self._events.move_to_end(event.event_id)
        if len(self._events) > MOST_KNOWN:
            self._events.popitem(last=False)
