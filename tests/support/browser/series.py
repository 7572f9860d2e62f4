"""A weekly series that a member creates in a browser."""

from __future__ import annotations

from datetime import UTC, timedelta

from playwright.sync_api import expect

from bot.entrypoints.system import SystemClock
from tests.support.browser.windows import Window

TITLE = "Running club"


def create_series(window: Window) -> None:
    """Create a weekly series of eight, without the fifth, with two seats; those who missed one go first."""
    window.type_command("/event create")
    form = window.modal
    form.get_by_label("Title").fill(TITLE)
    first = (SystemClock().now() + timedelta(days=2)).astimezone(UTC)
    form.get_by_label("Start date").fill(f"{first:%Y-%m-%d}")
    form.get_by_label("Start time").fill("18:00")
    form.get_by_label("Seats").fill("2")
    form.get_by_label("Repeats").select_option("Every week")
    form.get_by_label("Or how many times").fill("8")
    form.get_by_label("Dates to skip").fill(f"{first + timedelta(weeks=4):%Y-%m-%d}")
    form.get_by_label("Registration opens").fill("7")
    form.get_by_label("Whoever was on the waitlist last time goes first").check()
    window.press("Preview", form)
    expect(form).to_contain_text("(7 dates)")
    expect(form).to_contain_text(f"Every {first:%A}, until")
    window.press("Create", form)
    expect(form).to_contain_text(f"{TITLE} has been created")
    window.press("Close", form.get_by_role("contentinfo"))
