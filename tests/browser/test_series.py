"""A series in a browser, from its creation through eight weeks of the demo's clock (R13)."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.support.browser.series import TITLE, create_series
from tests.support.browser.windows import AMARA, BJORN, CHLOE, DIEGO, Window

Visit = Callable[..., Window]


def cards(window: Window) -> Locator:
    """Return the series' cards, the oldest first."""
    heading = window.page.get_by_role("heading", name=TITLE)
    return window.page.get_by_role("listitem").filter(has=heading)


def later(window: Window, step: str, weeks: int) -> None:
    """Move the demo's clock forward so many times, and wait until it has moved."""
    clock = window.backstage.locator(".clock")
    for _ in range(weeks):
        before = clock.inner_text()
        window.press(step, window.backstage)
        expect(clock).not_to_have_text(re.compile(re.escape(before.rpartition(",")[0])))


def test_whoever_missed_one_goes_first_in_the_next_through_eight_weeks(visit: Visit) -> None:
    """Each date is made once, and not on the holiday. The second and the third in line take turns."""
    amara = visit(AMARA)
    create_series(amara)
    members = [visit(one) for one in (BJORN, CHLOE, DIEGO)]
    for member, outcome in zip(members, ("you have a seat", "you have a seat", "1st"), strict=True):
        member.press("All of the series", cards(member).last)
        expect(member.only_you()).to_contain_text(f"You’re registered for all of {TITLE}")
        expect(member.only_you()).to_contain_text(outcome)
    amara.press("Backstage")
    expect(amara.backstage.locator(".clock")).not_to_be_empty()
    later(amara, "+1 week", 1)
    expect(cards(amara)).to_have_count(2)
    expect(cards(amara).first).to_contain_text("Started · 2 of 2 seats taken · 1 on the waitlist")
    later(amara, "+1 week", 7)
    expect(cards(amara)).to_have_count(7)
    expect(cards(amara).last).to_contain_text("Started · 2 of 2 seats taken · 1 on the waitlist")
    for member, missed in zip(members, (0, 3, 3), strict=True):
        member.go_to("Rollcall")
        member.page.get_by_role("tab", name="Messages").click()
        waitlisted = member.page.get_by_text(f"You’re on the waitlist for {TITLE}, because")
        seated = member.page.get_by_text(f"You have a seat in {TITLE}, because")
        expect(seated).to_have_count(6 - missed)
        expect(waitlisted).to_have_count(missed)
