"""Backstage: a rush, an outage, a rate limit, and a stopped bot lose nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser.windows import AMARA, BJORN, CHLOE, DIEGO, Window, plain
from tests.support.slack import sentences

Visit = Callable[..., Window]


def test_rush_replies_to_everyone_and_waitlist_has_no_gap(visit: Visit) -> None:
    amara = visit(AMARA)
    amara.press("Backstage")
    amara.backstage.get_by_label("Members").fill("60")
    amara.press("Start rush")
    expect(amara.backstage).to_contain_text("60 of 60 answered")
    expect(amara.backstage.get_by_role("status")).to_have_text(
        re.compile(r"60 of 60 answered in \d+\.\d+\ss, with \d+ commits")
    )
    waitlist = amara.backstage.get_by_role("region", name="Waitlist")
    expect(waitlist.locator(".position")).to_have_text([str(number) for number in range(1, 60)])
    groups = amara.backstage.locator(".groups li")
    expect(groups).to_have_count(2)
    expect(groups.filter(has_text="1 ×")).to_contain_text("You have a seat")
    expect(groups.filter(has_text="59 ×")).to_contain_text("1st to 59th on the waitlist")
    expect(amara.card()).to_contain_text(sentences.taken(4, 4, waitlist=59))
    expect(amara.backstage).to_contain_text(f"{sentences.taken(4, 4, waitlist=59)}” after")
    expect(amara.page.get_by_label("You are").get_by_role("option")).to_have_count(6)


def test_rush_through_lambda_functions_is_as_exact(visit: Visit) -> None:
    amara = visit(AMARA)
    amara.press("Backstage")
    amara.backstage.get_by_label("Members").fill("30")
    amara.backstage.get_by_label("Handled by").select_option("Lambda functions")
    expect(amara.backstage).to_contain_text("Each handles one press at a time.")
    amara.press("Start rush")
    expect(amara.backstage).to_contain_text("30 of 30 answered")
    expect(amara.backstage).to_contain_text(re.compile(r"\d+ started for this rush"))
    groups = amara.backstage.locator(".groups li")
    expect(groups.filter(has_text="29 ×")).to_contain_text("1st to 29th on the waitlist")


def test_rush_starts_only_once_its_buttons_are_listed(visit: Visit) -> None:
    """Before that, a press on *Start rush* had no effect."""
    amara = visit(AMARA)
    held: list[Route] = []
    amara.page.route("**/backstage?*", lambda route: held.append(route))
    with amara.page.expect_request("**/backstage?*"):
        amara.press("Backstage")
    start = amara.backstage.get_by_role("button", name="Start rush")
    expect(start).to_be_disabled()
    held[0].continue_()
    expect(start).to_be_enabled()


def test_second_rush_of_same_members_changes_nothing(visit: Visit) -> None:
    amara = visit(AMARA)
    amara.press("Backstage")
    amara.backstage.get_by_label("Members").fill("5")
    amara.backstage.get_by_label("Button").select_option(
        "Register · Tool talk: better code reviews"
    )
    for text in ("5 ×You have a seat", "5 ×You already have a seat"):
        amara.press("Start rush")
        expect(amara.backstage.locator(".groups")).to_contain_text(text)
    expect(amara.card("Tool talk")).to_contain_text("7 of 20 seats")


def test_outage_notifications_arrive_after_recovery(visit: Visit) -> None:
    """A seat is promoted while Slack is down and the bot restarts. The notification arrives later."""
    amara, bjorn = visit(AMARA), visit(BJORN)
    amara.press("Register", amara.card())
    bjorn.press("Join waitlist", bjorn.card())
    expect(bjorn.only_you()).to_contain_text(plain(sentences.waitlisted(1)))
    expect(bjorn.card()).to_contain_text("1 on the waitlist")
    amara.type_command("/unregister yoga")
    expect(amara.only_you()).to_contain_text(plain(sentences.question(back=1, heir=True)))

    amara.press("Backstage")
    amara.choose_slack("Down")
    expect(bjorn.page.get_by_role("status")).to_contain_text("Slack is down for the bot")
    amara.press("Unregister", amara.only_you())
    expect(amara.backstage).to_contain_text("chat.postMessage503")
    amara.press("Stop bot")
    expect(bjorn.page.get_by_role("status")).to_contain_text("The bot is stopped")
    amara.choose_slack("Normal")
    bjorn.press("Unregister", bjorn.card())
    expect(bjorn.page.get_by_role("alert")).to_contain_text("Rollcall couldn’t be reached")
    expect(bjorn.card()).to_contain_text("1 on the waitlist")

    amara.press("Start bot")
    expect(bjorn.page.get_by_role("button", name="Rollcall 1 unread")).to_be_visible()
    expect(bjorn.card()).not_to_contain_text("on the waitlist")
    expect(bjorn.page.locator("#conditions")).to_be_empty()


def test_one_method_that_is_down_leaves_the_rest_alone(visit: Visit) -> None:
    amara = visit(AMARA)
    amara.press("Backstage")
    amara.backstage.get_by_label("API method").select_option("views.open")
    amara.choose_slack("Down")
    expect(amara.backstage).to_contain_text(
        "Slack’s views.open is down. Everything else is normal."
    )
    amara.press("Manage", amara.card())
    expect(amara.only_you()).to_contain_text("Slack is busy. Nothing changed.")
    amara.press("Unregister", amara.card())
    expect(amara.only_you()).to_contain_text("not registered")


@pytest.mark.parametrize("answer", ["Slow", "Rate limited"])
def test_slow_or_limited_slack_loses_no_reply(visit: Visit, answer: str) -> None:
    amara = visit(AMARA)
    amara.press("Backstage")
    amara.choose_slack(answer)
    members = [visit(user_id) for user_id in (BJORN, CHLOE, DIEGO)]
    for member in members[:2]:
        member.press("Register", member.card("Tool talk"))
    for member in members[:2]:
        expect(member.only_you()).to_contain_text("You have a seat")
    expect(members[2].card("Tool talk")).to_contain_text("4 of 20 seats")
