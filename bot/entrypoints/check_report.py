"""`rollcall check`: reads everything, says what contradicts itself, and mends it if asked (R7.6)."""

from __future__ import annotations

from typing import TextIO

from domain.integrity.violations import FixedViolation, Progress, Violation
from domain.service import Service


class Screen:
    """What is found, line by line; on a terminal, how far the reading is below it."""

    def __init__(self, out: TextIO, terminal: TextIO | None) -> None:
        self._out = out
        self._terminal = terminal
        self._shown = ""

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._show("")
        print(line, file=self._out, flush=True)

    def show(self, progress: Progress) -> None:
        """Print over what was shown before how much has been read."""
        self._show(f"reading: {describe_progress(progress)}, rows counted: {progress.counted}")

    def _show(self, text: str) -> None:
        if self._terminal is not None and text != self._shown:
            # Blanks over what the last text leaves; any terminal knows how to do that.
            self._terminal.write(f"\r{text.ljust(len(self._shown))}" + ("" if text else "\r"))
            self._terminal.flush()
            self._shown = text


def check(service: Service, screen: Screen, *, repair: bool) -> bool:
    """Say each breach, and with `repair` mend it first; return whether everything is sound now.

    Raises `Unavailable`.
    """
    mended = 0
    if repair:
        for mend in service.repair(screen.show):
            mended += 1
            screen.say(f"mended: {describe_fixed(mend)}")
    found = 0
    last = Progress()

    def on_progress(progress: Progress) -> None:
        nonlocal last
        last = progress
        screen.show(progress)

    for violation in service.check(on_progress):
        found += 1
        screen.say(f"breach: {describe(violation)}")
    mends = [f"mended: {mended}"] if repair else []
    screen.say(", ".join([describe_progress(last), *mends, f"breaches: {found}"]))
    return found == 0


def describe_progress(progress: Progress) -> str:
    """Return in one line how much was read."""
    return (
        f"events: {progress.events}, registrations: {progress.registrations},"
        f" places in line: {progress.waitlist_entries}"
    )


def describe(violation: Violation) -> str:
    """Return a breach in one line, with its ids."""
    return f"{_where(violation)}: is {violation.stored}, should be {violation.expected}"


def describe_fixed(mended: FixedViolation) -> str:
    """Return in one line what was, and what is now."""
    return f"{_where(mended.violation)}: was {mended.violation.stored}, is now {mended.result}"


def _where(violation: Violation) -> str:
    parts = [violation.kind.value, f"event {violation.event_id}"]
    if violation.user_id is not None:
        parts.append(f"user {violation.user_id}")
    if violation.ticket is not None:
        parts.append(f"ticket {violation.ticket}")
    return ", ".join(parts)
