"""Fixtures: the real demo in this process, and member windows in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from playground.__main__ import demo
from tests.support.browser.chromium import NoBrowserError, running
from tests.support.browser.windows import Window

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser. Without one, skip; in CI, fail."""
    try:
        with running() as started:
            yield started
    except NoBrowserError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Run a demo and give its URL."""
    with demo(0, tmp_path, empty=False, reset=False) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Callable[..., Window]]:
    """Return a function that opens a window as a member. At the end, expect no errors in any window."""
    opened: list[Window] = []

    def open_window(
        member_id: str, channel_id: str = "C0EVENTS", *, width: int = 1280, dark: bool = False
    ) -> Window:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        window = Window(context.new_page())
        opened.append(window)
        window.page.goto(f"{url}/?member={member_id}&in={channel_id}")
        expect(window.page.get_by_role("heading", level=1)).not_to_have_text("…")
        return window

    yield open_window
    for window in opened:
        window.page.context.close()
    assert [window.errors for window in opened if window.errors] == []
