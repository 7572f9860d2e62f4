"""Accessibility: axe-core on every screen, dark mode, 360 px, and keyboard only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files

import pytest
from playwright.sync_api import Locator, expect

from bot.entrypoints.system import SystemClock
from tests.support.browser.windows import AMARA, BJORN, CHLOE, YOGA, Window, plain
from tests.support.slack import sentences

Visit = Callable[..., Window]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
VIOLATIONS = """async () => (await axe.run()).violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)"""


MANAGE = {
    "Edit": "Edit event",
    "Change capacity": "Change capacity",
    "Add people": "Add people",
    "Message attendees": "Message attendees",
    "History": "Event history",
    "Duplicate": "Create event",
    "Cancel event": "Cancel event",
    "Delete": "Delete event",
}
"""Buttons in Manage, and the title of the modal that each opens."""


def assert_accessible(window: Window, where: str) -> None:
    """Run all axe-core rules on the page, once no button waits for its answer: until then, it is dimmed."""
    expect(window.page.locator("[aria-busy=true]")).to_have_count(0)
    window.page.evaluate(AXE)
    assert (where, window.page.evaluate(VIOLATIONS)) == (where, [])


def assert_fits(window: Window, where: str) -> None:
    """Assert that nothing overflows to the right, and that buttons are large enough."""
    wide = window.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    cut_off = window.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a, h1, h2, h3, .text")]
            .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.matches(".sr-only, .skip"))
            .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5)
            .map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert (where, wide, cut_off) == (where, 0, [])


def every_screen(window: Window, look: Callable[[Window, str], None]) -> None:
    """Visit every screen and call `look`."""
    page = window.page
    size = page.viewport_size
    narrow = size is not None and size["width"] < 720

    def go_to(entry: str) -> None:
        if narrow:
            window.press("Channels and members")
        window.go_to(entry)

    window.press("Register", window.card())
    expect(window.only_you()).to_contain_text("You have a seat")
    window.press("Who’s going", window.card())
    expect(window.only_you()).to_contain_text("have a seat in")
    look(window, "a channel")
    page.get_by_role("combobox", name="Message ").fill("/")
    expect(page.get_by_role("listbox", name="Commands")).to_be_visible()
    look(window, "the commands")
    page.get_by_role("combobox", name="Message ").fill("")
    window.type_command("/event create")
    window.press("Create", window.modal)
    expect(window.modal.get_by_text("Please complete this required field.").first).to_be_visible()
    look(window, "a form with errors")
    window.press("More options", window.modal)
    expect(window.modal.get_by_label("Join link")).to_be_visible()
    look(window, "a form with all inputs")
    window.press("Cancel", window.modal)
    window.press("Manage", window.card())
    expect(window.modal.get_by_role("heading", name="Manage event")).to_be_visible()
    look(window, "Manage")
    for button, title in MANAGE.items():
        window.press(button, window.modal)
        expect(window.modal.get_by_role("heading", name=title)).to_be_visible()
        look(window, button)
        if button == "Change capacity":
            window.modal.get_by_label("Seats").fill("1")
            window.press("Preview", window.modal)
            expect(window.modal.get_by_role("alert")).to_contain_text("Capacity can’t be 1")
            look(window, "a capacity that is too small")
        if button == "Add people":
            window.press("Preview", window.modal)
            expect(window.modal.get_by_role("group", name="People")).to_have_attribute(
                "aria-invalid", "true"
            )
            window.modal.get_by_role("checkbox", name="Björn").check()
            window.modal.get_by_role("checkbox", name="Priya").check()
            window.press("Preview", window.modal)
            expect(window.modal).to_contain_text("Will join the waitlist")
            look(window, "a preview of who would be added")
        window.press("Cancel" if button == "Duplicate" else "Back", window.modal)
        expect(window.modal.get_by_role("heading", name="Manage event")).to_be_visible()
    window.press("Close", window.modal.get_by_role("banner"))
    go_to("Rollcall")
    expect(page.get_by_role("region", name="App Home")).to_contain_text(YOGA)
    look(window, "App Home")
    page.get_by_role("tab", name="Messages").click()
    expect(page.get_by_text("No messages yet. Rollcall will message you here.")).to_be_visible()
    look(window, "direct messages")
    go_to("events")
    window.press("Backstage")
    window.backstage.get_by_label("Members").fill("3")
    window.press("Start rush")
    expect(window.backstage).to_contain_text("3 of 3 answered")
    window.choose_slack("Down")
    expect(page.locator("#conditions")).not_to_be_empty()
    look(window, "backstage")
    window.press("Close Backstage")
    if narrow:
        window.press("Channels and members")
        look(window, "the rail")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_violation_on_any_screen(visit: Visit, dark: bool) -> None:
    every_screen(visit(AMARA, dark=dark), assert_accessible)


def test_axe_finds_no_violation_in_narrow_window(visit: Visit) -> None:
    every_screen(visit(AMARA, width=360), assert_accessible)


def test_every_screen_fits_360_pixels(visit: Visit) -> None:
    every_screen(visit(AMARA, width=360), assert_fits)


def tab_to(target: Locator) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(60):
        target.page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{target} can't be reached by Tab")


def test_keyboard_registers_unregisters_and_reads_message(visit: Visit) -> None:
    bjorn, chloe = visit(BJORN), visit(CHLOE)
    chloe.page.keyboard.press("Tab")
    expect(chloe.page.get_by_role("link", name="Skip to messages")).to_be_focused()
    chloe.page.keyboard.press("Enter")
    tab_to(chloe.card().get_by_role("button", name="Register", exact=True))
    chloe.page.keyboard.press("Enter")
    expect(chloe.only_you()).to_contain_text("You have a seat")
    bjorn.press("Join waitlist", bjorn.card())
    expect(chloe.card()).to_contain_text("1 on the waitlist")

    tab_to(chloe.only_you().get_by_role("button", name="Unregister"))
    chloe.page.keyboard.press("Space")
    expect(chloe.only_you().get_by_role("button", name="Keep my seat")).to_be_visible()
    tab_to(chloe.only_you().get_by_role("button", name="Unregister"))
    chloe.page.keyboard.press("Enter")
    expect(chloe.only_you()).to_contain_text(plain(sentences.unregistered()))

    tab_to(bjorn.page.get_by_role("button", name="Rollcall 1 unread"))
    bjorn.page.keyboard.press("Enter")
    tab_to(bjorn.page.get_by_role("tab", name="Home"))
    bjorn.page.keyboard.press("ArrowRight")
    expect(bjorn.page.locator(".message").last).to_contain_text(plain(sentences.promoted()))
    expect(bjorn.page.get_by_role("tab", name="Messages")).to_be_focused()


def test_keyboard_fills_form_and_focus_returns(visit: Visit) -> None:
    amara = visit(AMARA)
    keys = amara.page.keyboard
    box = amara.page.get_by_role("combobox", name="Message ")
    tab_to(box)
    keys.type("/ev")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(box).to_have_value("/event ")
    keys.type("create")
    keys.press("Enter")
    expect(amara.modal.get_by_label("Title")).to_be_focused()
    keys.type("Sketching")
    next_week = SystemClock().now() + timedelta(weeks=1)
    for label, typed in (
        ("Start date", f"{next_week:%m%d%Y}"),
        ("Start time", "0630PM"),
        ("Seats", "12"),
    ):
        tab_to(amara.modal.get_by_label(label))
        keys.type(typed)
    keys.press("Enter")
    expect(amara.modal).to_contain_text("Sketching is open for registration")
    keys.press("Escape")
    expect(amara.modal).to_have_count(0)
    expect(box).to_be_focused()
    expect(amara.card("Sketching")).to_contain_text("0 of 12 seats")


def test_keyboard_operates_backstage(visit: Visit) -> None:
    amara = visit(AMARA)
    opener = amara.page.get_by_role("button", name="Backstage", exact=True)
    tab_to(opener)
    amara.page.keyboard.press("Enter")
    expect(amara.page.get_by_role("button", name="Close Backstage")).to_be_focused()
    amara.page.keyboard.press("Tab")
    amara.page.keyboard.press("ArrowRight")
    expect(amara.page.get_by_role("radio", name="Slow")).to_be_checked()
    expect(amara.page.locator("#conditions")).to_contain_text("Slack is slow")
    amara.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
