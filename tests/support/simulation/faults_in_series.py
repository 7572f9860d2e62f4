"""Guards of series (R13) that can be taken away: the simulation must find each fault that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from domain.commands import ChangeOutcome, Edit, Enroll
from domain.enums import ClosedReason
from domain.models import Event
from domain.planning import events, series
from domain.planning.working_copy import WorkingCopy
from tests.support.simulation.busy_worlds import world_with_series
from tests.support.simulation.fault import Fault, without
from tests.support.simulation.world import World


def _anybody_while_it_opens(patch: pytest.MonkeyPatch, _: World) -> None:
    """Let anybody register for an occurrence before those who want all of the series have their places (R13.4)."""
    closed_reason = Event.closed_reason

    def closed_for_all_others(event: Event, now: datetime) -> ClosedReason | None:
        reason = closed_reason(event, now)
        return None if reason is ClosedReason.OPENING else reason

    patch.setattr(Event, "closed_reason", closed_for_all_others)


def _steps_done_again(patch: pytest.MonkeyPatch, _: World) -> None:
    """Honor registrations again that another process has honored since they were read (R13.4)."""
    enroll = series.enroll

    def enroll_again(work: WorkingCopy, command: Enroll) -> ChangeOutcome | None:
        occurrence = work.existing_event().occurrence
        if occurrence is not None:
            done = occurrence.honored_first if command.goes_first else occurrence.honored
            command = replace(command, after=done)
        return enroll(work, command)

    patch.setattr(series, "enroll", enroll_again)


def _own_changes_lost(patch: pytest.MonkeyPatch, _: World) -> None:
    """Have an edit of a series change also what was changed in one occurrence alone (R13.3)."""

    def all_of_it(_: Event, command: Edit) -> dict[str, object]:
        return command.changes.given()

    patch.setattr(events, "_kept", all_of_it)


FAULTS: dict[str, Fault] = {
    "no condition on the registration for a series": Fault(
        "guard", without("series registration"), world_with_series
    ),
    "anybody while an occurrence opens": Fault("guard", _anybody_while_it_opens, world_with_series),
    "registrations for a series honored again": Fault(
        "guard", _steps_done_again, world_with_series
    ),
    "an edit of a series that loses others": Fault("guard", _own_changes_lost, world_with_series),
}
