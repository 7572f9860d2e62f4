"""The browser for tests and screenshots: the machine's own Chromium or Chrome, or Playwright's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ON_A_MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOW_TO_GET_ONE = (
    "No Chromium or Chrome found. On Debian and Ubuntu, run: apt install chromium."
    " Elsewhere, run: .venv/bin/python -m playwright install chromium"
)


class NoBrowserError(Exception):
    """There is no browser. The message says how to get one."""


def installed() -> str | None:
    """Return the path of the machine's own browser, if any."""
    found = filter(None, map(shutil.which, NAMES))
    return next(found, None) or next(filter(os.path.exists, ON_A_MAC), None)


@contextmanager
def running() -> Iterator[Browser]:
    """Run a headless browser. Raises `NoBrowserError`."""
    with sync_playwright() as playwright:
        path = installed() or playwright.chromium.executable_path
        if not Path(path).exists():
            raise NoBrowserError(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()
