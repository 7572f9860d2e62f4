"""`rollcall check`: reads everything, says what contradicts itself, and mends it if asked (R7.6)."""

from __future__ import annotations

from collections.abc import Callable

from domain.integrity import Breach, Progress
from domain.service import Service

Say = Callable[[str], None]


def check(service: Service, *, repair: bool, say: Say, show: Callable[[Progress], None]) -> bool:
    """Say each breach, and with `repair` mend it first; return whether everything is sound now."""
    last = Progress()

    def on_progress(progress: Progress) -> None:
        nonlocal last
        last = progress
        show(progress)

    if repair:
        for breach in service.repair(on_progress):
            say(f"mended: {describe(breach)}")
    found = 0
    for breach in service.check(on_progress):
        found += 1
        say(f"breach: {describe(breach)}")
    if last.restless:
        say(f"not judged, for they never held still: {', '.join(last.restless)}")
    say(f"events: {last.events}, registrations: {last.registrations}, breaches: {found}")
    return found == 0


def describe(breach: Breach) -> str:
    """Return a breach in one line, with its ids."""
    parts = [breach.kind.value, f"event {breach.event_id}"]
    if breach.user_id is not None:
        parts.append(f"user {breach.user_id}")
    if breach.ticket is not None:
        parts.append(f"ticket {breach.ticket}")
    if breach.stored is not None:
        parts.append(f"is {breach.stored}, should be {breach.expected}")
    return ", ".join(parts)
