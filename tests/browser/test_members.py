"""Members in windows of their own, without reloading."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser.windows import AMARA, BJORN, CHLOE, DIEGO, TALK, YOGA, Window, plain
from tests.support.slack import sentences

Visit = Callable[..., Window]


def test_three_members_fill_event_and_seat_is_promoted(visit: Visit) -> None:
    """One takes the last seat, two join the waitlist, one unregisters, and the next is notified."""
    amara, bjorn, chloe = visit(AMARA), visit(BJORN), visit(CHLOE)
    amara.press("Register", amara.card())
    expect(amara.only_you()).to_contain_text(plain(sentences.seat(YOGA)))
    bjorn.press("Join waitlist", bjorn.card())
    expect(bjorn.only_you()).to_contain_text(plain(sentences.waitlisted(1)))
    chloe.press("Join waitlist", chloe.card())
    expect(chloe.only_you()).to_contain_text(plain(sentences.waitlisted(2)))
    expect(amara.card()).to_contain_text(sentences.taken(4, 4, waitlist=2))
    expect(amara.page.locator(".message.ephemeral")).to_have_count(1)

    amara.press("Unregister", amara.card())
    expect(amara.only_you()).to_contain_text(plain(sentences.question(back=2, heir=True)))
    amara.press("Unregister", amara.only_you())
    expect(amara.only_you()).to_contain_text(plain(sentences.unregistered()))
    expect(bjorn.page.get_by_role("button", name="Rollcall 1 unread")).to_be_visible()
    expect(chloe.card()).to_contain_text(sentences.taken(4, 4, waitlist=1))

    bjorn.go_to("Rollcall")
    bjorn.page.get_by_role("tab", name="Messages").click()
    expect(bjorn.page.locator(".message").last).to_contain_text(plain(sentences.promoted()))
    expect(bjorn.page.get_by_role("button", name="unread")).to_have_count(0)
    bjorn.page.get_by_role("tab", name="Home").click()
    expect(bjorn.page.get_by_role("region", name="App Home")).to_contain_text(YOGA)


FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Ends when what the page has read is shown."""


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_button_held_down_while_the_page_changes_still_works(visit: Visit, by: str) -> None:
    amara, bjorn = visit(AMARA), visit(BJORN)
    page = bjorn.page
    entry = page.get_by_role("navigation").get_by_role("button", name="Rollcall")
    entry.hover()
    entry.focus()
    with page.expect_response("**/page/messages?*") as read:
        page.mouse.down() if by == "mouse" else page.keyboard.down(" ")
        amara.press("Register", amara.card())
    read.value.finished()
    page.evaluate(FRAMES)
    page.mouse.up() if by == "mouse" else page.keyboard.up(" ")
    expect(page.get_by_role("heading", level=1)).to_have_text("Rollcall")


def test_reply_is_seen_by_a_member_who_has_scrolled_up(visit: Visit) -> None:
    chloe = visit(CHLOE)
    for _ in range(3):
        chloe.type_command("/rollcall help")
    expect(chloe.page.locator(".message.ephemeral")).to_have_count(3)
    chloe.press("Register", chloe.card())  # at the top
    expect(chloe.only_you()).to_contain_text(plain(sentences.seat(YOGA)))
    expect(chloe.only_you()).to_be_in_viewport(ratio=1)


def test_time_is_shown_in_each_members_zone(visit: Visit) -> None:
    lagos, lima = visit(AMARA), visit(DIEGO)
    expect(lagos.card().locator(".text time").first).to_have_text(re.compile(" 5:00 PM$"))
    expect(lima.card().locator(".text time").first).to_have_text(re.compile(" 11:00 AM$"))


def test_commands_autocomplete_and_reply_to_sender_only(visit: Visit) -> None:
    chloe, diego = visit(CHLOE), visit(DIEGO)
    box = chloe.page.get_by_role("combobox", name="Message #events")
    box.fill("/reg")
    expect(chloe.page.get_by_role("listbox", name="Commands").get_by_role("option")).to_have_text(
        [
            "/register [event]Register for an event",
            "/registrations [registered|waitlisted]See your registrations",
        ]
    )
    box.press("Enter")
    expect(chloe.page.locator("#usage")).to_have_text("/register [event] Register for an event")
    box.press_sequentially("tool")
    box.press("Enter")
    expect(chloe.only_you()).to_contain_text(plain(sentences.seat(TALK)))
    expect(diego.card(TALK)).to_contain_text("3 of 20 seats")
    expect(diego.page.locator(".message.ephemeral")).to_have_count(0)


def test_whole_command_name_wins_over_completion(visit: Visit) -> None:
    amara = visit(AMARA)
    amara.type_command("/event")
    expect(amara.page.get_by_role("combobox", name="Message #events")).to_have_value("")
    expect(amara.only_you().or_(amara.modal).first).to_be_visible()


def test_picker_opens_unscrolled(visit: Visit) -> None:
    amara = visit(AMARA)
    amara.type_command("/register")
    expect(amara.modal.get_by_role("option").first).to_be_visible()
    assert amara.modal.locator(".modal-body").evaluate("body => body.scrollTop") == 0


def test_member_switcher_and_back_button(visit: Visit) -> None:
    window = visit(AMARA)
    expect(window.page.get_by_role("button", name="leads")).to_be_visible()
    window.page.get_by_label("You are").select_option("Diego Quispe")
    expect(window.page.get_by_role("button", name="leads")).to_have_count(0)
    expect(window.page).to_have_title("#events · Diego Quispe")
    window.page.go_back()
    expect(window.page).to_have_title("#events · Amara Okafor")
