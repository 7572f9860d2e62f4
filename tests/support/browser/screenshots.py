"""Screenshots for the README from a session with the real demo: `make screenshots`.

The session is always the same, except for dates, times and the duration of the rush.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, expect

from playground.__main__ import demo
from tests.support.browser.chromium import running
from tests.support.browser.series import TITLE, create_series
from tests.support.browser.windows import AMARA, BJORN, CHLOE, DIEGO, Window, plain
from tests.support.slack import sentences

DOCS = Path(__file__).parents[3] / "docs"


def main() -> None:
    """Take all screenshots."""
    expect.set_options(timeout=60_000)
    with (
        running() as browser,
        TemporaryDirectory() as data,
        demo(0, Path(data), empty=False, reset=False) as url,
    ):
        waitlist_position(browser, url)
        manage_event(browser, url)
        rush(browser, url)
        series(browser, url)


def window(browser: Browser, url: str, member_id: str, width: int, height: int) -> Window:
    """Open #events as a member."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=2, reduced_motion="reduce"
    )
    opened = Window(context.new_page())
    opened.page.goto(f"{url}/?member={member_id}&in=C0EVENTS")
    expect(opened.card()).to_be_visible()
    return opened


def waitlist_position(browser: Browser, url: str) -> None:
    """Show a card in its channel, and the ephemeral message of a member on the waitlist."""
    bjorn, chloe = (window(browser, url, each, 1040, 770) for each in (BJORN, CHLOE))
    bjorn.press("Register", bjorn.card())
    chloe.press("Join waitlist", chloe.card())
    expect(chloe.only_you()).to_contain_text(plain(sentences.waitlisted(1)))
    expect(chloe.card()).to_contain_text(sentences.taken(4, 4, waitlist=1))
    take(chloe, "playground")


def series(browser: Browser, url: str) -> None:
    """Show the card of a series' first date, and the reply to a member who registered for all of it."""
    chloe, diego = (window(browser, url, each, 1040, 770) for each in (CHLOE, DIEGO))
    create_series(chloe)  # in Amara’s window, Manage is still open
    card = diego.card(TITLE)
    diego.press("All of the series", card)
    expect(diego.only_you()).to_contain_text(f"You’re registered for all of {TITLE}")
    expect(card).to_contain_text(sentences.taken(1, 2))
    take(diego, "series")


def manage_event(browser: Browser, url: str) -> None:
    """Show the organizer's modal with actions, attendees and the waitlist."""
    amara = window(browser, url, AMARA, 1040, 760)
    amara.press("Manage", amara.card())
    expect(amara.modal).to_contain_text("Waitlisted (1)")
    take(amara, "manage")


def rush(browser: Browser, url: str) -> None:
    """Show a rush of 300 members. A small window starts it, because rendering a large one slows it down."""
    chloe = window(browser, url, CHLOE, 400, 700)
    chloe.press("Backstage")
    chloe.backstage.get_by_label("Button").select_option(
        "Register · Tool talk: better code reviews"
    )
    chloe.press("Start rush")
    expect(chloe.backstage).to_contain_text("300 of 300 answered")
    expect(chloe.backstage).to_contain_text(f"{sentences.taken(20, 20, waitlist=282)}” after")
    bjorn = window(browser, url, BJORN, 1280, 940)
    bjorn.press("Backstage")
    expect(bjorn.backstage).to_contain_text("300 of 300 answered")
    expect(bjorn.card("Tool talk")).to_contain_text(sentences.taken(20, 20, waitlist=282))
    button = bjorn.backstage.get_by_label("Button")
    button.select_option("Join waitlist · Tool talk: better code reviews")
    bjorn.backstage.get_by_role("heading", name="Rush").evaluate("each => each.scrollIntoView()")
    take(bjorn, "rush")


def take(opened: Window, name: str) -> None:
    """Write one screenshot, without a hovered or focused element."""
    opened.page.mouse.move(0, 0)
    opened.page.evaluate("() => document.activeElement.blur()")
    opened.page.screenshot(path=DOCS / f"{name}.png", animations="disabled")
    opened.page.context.close()


if __name__ == "__main__":
    main()
