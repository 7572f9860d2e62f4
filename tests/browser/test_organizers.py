"""Organizers in a browser, from creating an event to canceling it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

from playwright.sync_api import Locator, expect

from bot.entrypoints.system import SystemClock
from tests.support.browser.windows import AMARA, BJORN, CHLOE, PRIYA, Window, plain
from tests.support.slack import sentences

Visit = Callable[..., Window]


def create_form(window: Window, title: str, start_time: str) -> Locator:
    """Open the form that creates an event, and fill in its title and a start in two days."""
    window.type_command("/event create")
    form = window.modal
    form.get_by_label("Title").fill(title)
    day = (SystemClock().now() + timedelta(days=2)).astimezone(UTC)
    form.get_by_label("Start date").fill(f"{day:%Y-%m-%d}")
    form.get_by_label("Start time").fill(start_time)
    return form


def test_wrong_input_is_a_field_error_and_input_kept(visit: Visit) -> None:
    amara = visit(AMARA)
    form = create_form(amara, "Sketching", "18:30")
    form.get_by_label("Seats").fill("none")
    amara.press("Create", form)
    expect(form.get_by_label("Seats")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Seats")).to_be_focused()
    expect(form.get_by_label("Title")).to_have_value("Sketching")
    form.get_by_label("Seats").fill("3")
    amara.press("More options", form)
    expect(form.get_by_label("Title")).to_have_value("Sketching")
    zone = form.get_by_label("Time zone")
    zone.fill("toky")
    form.get_by_role("option", name="Asia/Tokyo").click()
    amara.press("Create", form)
    expect(form).to_contain_text("Sketching is open for registration")
    amara.press("Close", form.get_by_role("contentinfo"))
    expect(amara.card("Sketching")).to_contain_text("0 of 3 seats")
    # Amara is in Lagos, eight hours behind.
    expect(amara.card("Sketching")).to_contain_text("10:30 AM")


def test_question_is_added_corrected_and_asked(visit: Visit) -> None:
    amara, bjorn = visit(AMARA), visit(BJORN)
    form = create_form(amara, "Team lunch", "12:00")
    form.get_by_label("Seats").fill("3")
    amara.press("More options", form)
    amara.press("Add a question", form)
    form.get_by_label(re.compile("^Question 1")).fill("Which lunch?")
    form.get_by_label("Kind of answer to question 1").select_option("One of the options")
    amara.press("Add a question", form)
    expect(form.get_by_label(re.compile("^Question 2"))).to_be_visible()
    expect(form.get_by_label(re.compile("^Question 1"))).to_have_value("Which lunch?")
    expect(form.get_by_label("Title")).to_have_value("Team lunch")
    amara.press("Create", form)
    options = form.get_by_label("Options for question 1")
    expect(options).to_have_attribute("aria-invalid", "true")
    expect(options).to_be_focused()
    options.fill("Meat\nVegetarian")
    form.get_by_label("Required").first.check()
    amara.press("Create", form)
    expect(form).to_contain_text("Team lunch is open for registration")
    bjorn.press("Register", bjorn.card("Team lunch"))
    expect(bjorn.modal).to_contain_text("Which lunch?")
    expect(bjorn.modal).to_contain_text("Vegetarian")


def test_error_of_a_select_is_not_covered_by_its_list(visit: Visit) -> None:
    amara = visit(AMARA)
    form = create_form(amara, "Lunch talk", "18:00")
    end = form.get_by_role("combobox", name=re.compile("^End"))
    end.fill("noon")
    form.get_by_role("option", name="12:00 PM").click()
    form.get_by_label("Seats").fill("3")
    amara.press("Create", form)
    expect(end).to_have_attribute("aria-invalid", "true")
    expect(end).to_be_focused()
    expect(form.get_by_role("listbox")).to_be_hidden()
    end.click()
    expect(form.get_by_role("option").first).to_be_visible()


def test_capacity_increase_is_previewed_then_notified(visit: Visit) -> None:
    """The preview names who gets a seat, and they are notified."""
    amara, bjorn, chloe = visit(AMARA), visit(BJORN), visit(CHLOE)
    bjorn.press("Register", bjorn.card())
    chloe.press("Join waitlist", chloe.card())
    expect(chloe.only_you()).to_contain_text(plain(sentences.waitlisted(1)))
    amara.press("Manage", amara.card())
    amara.press("Change capacity", amara.modal)
    amara.modal.get_by_label("Seats").fill("6")
    amara.press("Preview", amara.modal)
    expect(amara.modal).to_contain_text("Chloé Tremblay")
    amara.modal.locator("[type=submit]").click()
    expect(amara.card()).to_contain_text("5 of 6 seats")
    expect(chloe.page.get_by_role("button", name="Rollcall 1 unread")).to_be_visible()


def test_answers_are_given_changed_and_counted(visit: Visit) -> None:
    amara, bjorn = visit(AMARA), visit(BJORN)
    amara.press("Manage", amara.card())
    amara.press("Edit", amara.modal)
    amara.press("Add a question", amara.modal)
    amara.modal.get_by_label(re.compile("^Question 1")).fill("Which mat?")
    amara.modal.get_by_label("Kind of answer to question 1").select_option("One of the options")
    amara.modal.get_by_label("Options for question 1").fill("My own\nA borrowed one")
    amara.modal.get_by_label("Required").first.check()
    amara.press("Save", amara.modal)
    expect(amara.modal).to_contain_text("will be asked")

    bjorn.press("Register", bjorn.card())
    bjorn.modal.get_by_label("My own").check()
    bjorn.press("Register", bjorn.modal)
    expect(bjorn.modal).to_contain_text(plain(sentences.seat()))
    bjorn.press("Change answers", bjorn.modal)
    expect(bjorn.modal.get_by_label("My own")).to_be_checked()
    bjorn.modal.get_by_label("A borrowed one").check()
    bjorn.press("Save", bjorn.modal)
    expect(bjorn.modal).to_contain_text("have been saved")

    amara.press("Back", amara.modal)
    amara.press("Close", amara.modal.get_by_role("contentinfo"))
    amara.press("Manage", amara.card())
    expect(amara.modal).to_contain_text("A borrowed one")
    amara.press("Answers", amara.modal)
    expect(amara.modal).to_contain_text("0 My own")
    expect(amara.modal).to_contain_text("1 A borrowed one")
    expect(amara.modal).to_contain_text("3 without an answer")


def test_attendees_are_previewed_then_added_and_notified(visit: Visit) -> None:
    """R12.4: one gets the last seat, one joins the waitlist, and one is in already."""
    amara, bjorn, chloe = visit(AMARA), visit(BJORN), visit(CHLOE)
    amara.press("Manage", amara.card())
    amara.press("Add people", amara.modal)
    for name in ("Björn", "Chloé", "Priya"):
        amara.modal.get_by_role("checkbox", name=name).check()
    amara.press("Preview", amara.modal)
    expect(amara.modal).to_contain_text("Will get a seat (1): @Björn Lindqvist")
    expect(amara.modal).to_contain_text("Will join the waitlist (1): @Chloé Tremblay (1st)")
    expect(amara.modal).to_contain_text("Already in (1): @Priya Raman")
    expect(amara.card()).to_contain_text("3 of 4 seats")
    amara.press("Add", amara.modal)
    expect(amara.modal).to_contain_text("2 people have been added")
    amara.press("Back", amara.modal)
    expect(amara.modal).to_contain_text("Waitlisted (1)")
    expect(amara.card()).to_contain_text("4 of 4 seats taken · 1 on the waitlist")

    for window in (bjorn, chloe):
        window.page.get_by_role("button", name="Rollcall 1 unread").click()
        window.page.get_by_role("tab", name="Messages").click()
        expect(window.page.locator(".message").last).to_contain_text("@Amara Okafor")
    bjorn.press("Give up my seat", bjorn.page.locator(".message").last)
    bjorn.press("Unregister", bjorn.page.locator(".message").last)
    expect(chloe.page.locator(".message").last).to_contain_text(plain(sentences.promoted()))


def test_attendee_list_downloads(visit: Visit) -> None:
    amara = visit(AMARA)
    amara.press("Manage", amara.card())
    amara.press("Export CSV", amara.modal)
    amara.press("Close", amara.modal.get_by_role("banner"))
    amara.go_to("Rollcall")
    amara.page.get_by_role("tab", name="Messages").click()
    with amara.page.expect_download() as download:
        amara.page.get_by_role("link", name="bytes · download").click()
    listed = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "registered,,Priya Raman,U0PRIYA" in listed


def test_announcement_and_cancellation_arrive(visit: Visit) -> None:
    amara, priya = visit(AMARA), visit(PRIYA)
    amara.press("Manage", amara.card())
    amara.press("Message attendees", amara.modal)
    amara.modal.get_by_label("Message").fill("Bring water & <b>a hat</b>")
    amara.press("Preview", amara.modal)
    amara.press("Send", amara.modal)
    expect(priya.page.get_by_role("button", name="Rollcall 1 unread")).to_be_visible()
    priya.go_to("Rollcall")
    priya.page.get_by_role("tab", name="Messages").click()
    expect(priya.page.locator(".message").last).to_contain_text("Bring water & <b>a hat</b>")
    priya.go_to("events")

    amara.press("Close", amara.modal.get_by_role("banner"))
    amara.press("Manage", amara.card())
    amara.press("Cancel event", amara.modal)
    expect(amara.modal.get_by_role("heading", name="Cancel event")).to_be_visible()
    amara.press("Cancel event", amara.modal)
    expect(priya.card()).to_contain_text("Canceled")
    expect(priya.page.get_by_role("button", name="Rollcall 1 unread")).to_be_visible()
