"""What the judge takes for true between the commands of one commit."""

from __future__ import annotations

from domain.enums import ChangeKind, EventStatus
from domain.models import Change
from tests.support.builders import a_journal_entry, an_event
from tests.support.simulation.judge import State, states_between


def test_event_is_closed_between_the_commands_that_close_and_reopen_it() -> None:
    """Found by seed 70373, on 2026-11-29: a member was refused in between, and the judge called that untrue."""
    before, after = State(0.0, an_event(version=1), {}), State(1.0, an_event(version=2), {})
    kinds = (ChangeKind.CLOSED, ChangeKind.EDITED, ChangeKind.REOPENED)
    entry = a_journal_entry(changes=tuple(Change(kind=kind) for kind in kinds))

    statuses = [state.event.status for state in states_between(before, after, entry)]

    assert statuses[::2] == [EventStatus.CLOSED, EventStatus.CLOSED, EventStatus.OPEN]
