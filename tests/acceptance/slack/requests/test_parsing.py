"""Each payload is parsed once, however many parts of the bot read it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bot.blocks.ids import ActionId
from bot.slack.interactions import parse
from playground.demo.seed import RANDOM
from tests.support.slack.harness import BJORN, SlackHarness


@contextmanager
def counted() -> Iterator[list[str]]:
    """Record calls of `parse` in this thread, in which Bolt runs its middleware."""
    calls: list[str] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is parse.__code__:
            calls.append(str(frame.f_locals["body"].get("type")))

    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def test_click_is_parsed_once(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    with counted() as calls:
        harness.slack.click(BJORN, card, ActionId.REGISTER)
        harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert calls == ["block_actions", "block_actions"], "the second one is refused"


def test_command_under_rollcall_is_parsed_once(harness: SlackHarness) -> None:
    harness.event()
    with counted() as calls:
        harness.slack.command(BJORN, RANDOM, "/rollcall", "register yoga")
    assert len(calls) == 1
