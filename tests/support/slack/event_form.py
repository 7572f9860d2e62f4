"""Steps in the form that creates an event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.blocks.ids import ActionId, BlockId
from playground.demo.seed import EVENTS
from playground.workspace.model import View
from tests.support.slack.harness import BJORN, SlackHarness

INPUTS = {block: (block.value, ActionId.INPUT.value) for block in BlockId} | {
    BlockId.END: (BlockId.END.value, ActionId.END.value),
    BlockId.TIME_ZONE: (BlockId.TIME_ZONE.value, ActionId.TIME_ZONE.value),
    BlockId.REPEATS: (BlockId.REPEATS.value, ActionId.REPEATS.value),
}


def opened_short(harness: SlackHarness, user_id: str = BJORN, channel_id: str = EVENTS) -> View:
    """Open the form with `/event create`; return it, with what most events need."""
    view = harness.slack.command(user_id, channel_id, "/event", "create").view
    assert view is not None
    return view


def opened(harness: SlackHarness, user_id: str = BJORN, channel_id: str = EVENTS) -> View:
    """Open the form with `/event create`, and press *More options*; return it."""
    view = opened_short(harness, user_id, channel_id)
    result = harness.slack.click(user_id, view, ActionId.MORE_OPTIONS)
    assert result.failure is None, result.failure
    return harness.workspace.views.stack(user_id)[-1]


def repeating(harness: SlackHarness, view: View, choice: str = "weekly", **values: Any) -> View:
    """Fill in the form, and choose in *Repeats*; return the form with the inputs of a series."""
    typed = filled(harness, **values)
    result = harness.slack.click(
        view.user_id, view, ActionId.REPEATS, selected=choice, values=typed
    )
    assert result.failure is None, result.failure
    return harness.workspace.views.stack(view.user_id)[-1]


def offered_ends(harness: SlackHarness, view: View, typed: str) -> dict[str, str]:
    """Type into the end; return the values that can be chosen from then on, with their labels."""
    result = harness.slack.options(view.user_id, view.id, ActionId.END, query=typed)
    assert result.failure is None, result.failure
    return {option["value"]: option["text"]["text"] for option in result.options}


def filled(harness: SlackHarness, **values: Any) -> Mapping[tuple[str, str], Any]:
    """Return the values of the form: a class in two days, and `values` by names of `BlockId`."""
    day = (harness.clock.now() + timedelta(days=2)).date().isoformat()
    given = {
        "TITLE": "Pottery",
        "START_DATE": day,
        "START_TIME": "18:00",
        "CAPACITY": "12",
        "CHANNEL": EVENTS,
    }
    return {INPUTS[BlockId[name]]: value for name, value in (given | values).items()}


def changes_of_the_clock(year: int) -> tuple[str, str]:
    """Return the days when Stockholm's clocks go forward and back."""
    zone = ZoneInfo("Europe/Stockholm")
    first = datetime(year, 1, 1, 12, tzinfo=zone)
    forward = back = ""
    for number in range(365):
        day, after = first + timedelta(days=number), first + timedelta(days=number + 1)
        if (day.utcoffset() or timedelta()) < (after.utcoffset() or timedelta()):
            forward = after.date().isoformat()
        elif (day.utcoffset() or timedelta()) > (after.utcoffset() or timedelta()):
            back = after.date().isoformat()
    return forward, back
