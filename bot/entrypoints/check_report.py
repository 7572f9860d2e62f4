"""The report of `rollcall check`: violations in the data, and their fixes if asked (R7.6)."""

from __future__ import annotations

from typing import TextIO

from domain.integrity.violations import FixedViolation, Progress, Violation
from domain.service import Service


class Screen:
    """The output: a line per finding, and on a terminal the progress below them."""

    def __init__(self, out: TextIO, terminal: TextIO | None) -> None:
        self._out = out
        self._terminal = terminal
        self._shown = ""

    def say(self, line: str) -> None:
        """Print a line."""
        self._show("")
        print(line, file=self._out, flush=True)

    def show(self, progress: Progress) -> None:
        """Show the progress in place of the one shown before."""
        self._show(f"reading: {describe_progress(progress)}, rows recounted: {progress.counted}")

    def _show(self, text: str) -> None:
        if self._terminal is not None and text != self._shown:
            # Blanks overwrite the rest of the last text. Every terminal supports that.
            self._terminal.write(f"\r{text.ljust(len(self._shown))}" + ("" if text else "\r"))
            self._terminal.flush()
            self._shown = text


def check(service: Service, screen: Screen, *, repair: bool) -> bool:
    """Report each violation, after fixing them if `repair`. Return whether none is left.

    Raises `Unavailable`.
    """
    fixed = 0
    if repair:
        for fix in service.repair(screen.show):
            fixed += 1
            screen.say(f"fixed: {describe_fixed(fix)}")
    found = 0
    last = Progress()

    def on_progress(progress: Progress) -> None:
        nonlocal last
        last = progress
        screen.show(progress)

    for violation in service.check(on_progress):
        found += 1
        screen.say(f"violation: {describe(violation)}")
    fixes = [f"fixed: {fixed}"] if repair else []
    screen.say(", ".join([describe_progress(last), *fixes, f"violations: {found}"]))
    return found == 0


def describe_progress(progress: Progress) -> str:
    """Return the progress in one line."""
    return (
        f"events: {progress.events}, registrations: {progress.registrations},"
        f" waitlist entries: {progress.waitlist_entries}"
    )


def describe(violation: Violation) -> str:
    """Return a violation in one line, with its ids."""
    return f"{_where(violation)}: is {violation.stored}, should be {violation.expected}"


def describe_fixed(fixed: FixedViolation) -> str:
    """Return a fix in one line, with the value before and after."""
    return f"{_where(fixed.violation)}: was {fixed.violation.stored}, is now {fixed.result}"


def _where(violation: Violation) -> str:
    parts = [violation.kind.value, f"event {violation.event_id}"]
    if violation.user_id is not None:
        parts.append(f"user {violation.user_id}")
    if violation.ticket is not None:
        parts.append(f"ticket {violation.ticket}")
    return ", ".join(parts)
