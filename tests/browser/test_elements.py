"""Elements that Rollcall does not use: menus, confirmations, and choices in messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from slack_bolt import Ack, App, Respond

from bot.entrypoints.system import SystemClock
from playground.client.member_client import MemberClient
from playground.demo.seed import EVENTS
from playground.workspace.model import Json
from tests.support.browser.windows import AMARA, Window
from tests.support.slack.stand_in import Slack, button, section

Visit = Callable[..., Window]


@pytest.fixture
def url(server: tuple[Any, str], member_client: MemberClient) -> str:
    """Open the page of a workspace with a small test app."""
    app, address = server
    app.state.member_client = member_client
    return address


def option(value: str) -> Json:
    return {"text": {"type": "plain_text", "text": value.title()}, "value": value}


def answering(bot: App, *action_ids: str) -> None:
    """Make the bot reply to each action with its id and the choice."""

    def answer(ack: Ack, action: Json, respond: Respond) -> None:
        option = action.get("selected_option") or {}
        held = [action.get(f"selected_{kind}") for kind in ("date", "time", "user")]
        chosen = [each for each in (option.get("value"), *held) if each]
        respond(" ".join(["Got", action["action_id"], *chosen]), replace_original=False)
        ack()

    for action_id in action_ids:
        bot.action(action_id)(answer)


def test_confirmation_declined_does_nothing(visit: Visit, slack: Slack, bot: App) -> None:
    answering(bot, "delete")
    text = {"type": "mrkdwn", "text": "It can’t be *undone*."}
    confirm: Json = {"title": {"type": "plain_text", "text": "Delete it?"}, "text": text}
    confirm |= {"confirm": {"type": "plain_text", "text": "Delete"}, "style": "danger"}
    confirm |= {"deny": {"type": "plain_text", "text": "Keep"}}
    row = {"type": "actions", "elements": [button("delete", label="Throw away", confirm=confirm)]}
    slack.client.chat_postMessage(channel=EVENTS, text="A list", blocks=[row])
    amara = visit(AMARA)
    asked = amara.page.get_by_role("dialog", name="Delete it?")
    for answer in ("Keep", "Escape", "Delete"):
        amara.press("Throw away")
        expect(asked).to_contain_text("It can’t be undone.")
        expect(asked.get_by_role("button", name="Keep")).to_be_focused()
        expect(amara.only_you()).to_have_count(0)
        if answer == "Escape":
            amara.page.keyboard.press("Escape")
        else:
            amara.press(answer, asked)
        expect(asked).to_have_count(0)
    expect(amara.only_you()).to_contain_text("Got delete")
    expect(amara.page.locator(".message.ephemeral")).to_have_count(1)


def test_menu_opens_by_keyboard_and_closes_without_choice(
    visit: Visit, slack: Slack, bot: App
) -> None:
    answering(bot, "more")
    menu = {"type": "overflow", "action_id": "more", "options": [option("edit"), option("copy")]}
    slack.client.chat_postMessage(
        channel=EVENTS, text="An item", blocks=[section("An item", accessory=menu)]
    )
    amara = visit(AMARA)
    opener = amara.page.get_by_role("button", name="More actions")
    opener.press("Enter")
    expect(amara.page.get_by_role("menuitem", name="Edit")).to_be_focused()
    amara.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.press("Enter")
    amara.page.keyboard.press("ArrowDown")
    amara.page.keyboard.press("Enter")
    expect(amara.only_you()).to_contain_text("Got more copy")
    expect(amara.page.get_by_role("menu")).to_have_count(0)


def test_message_choices_are_sent_immediately(visit: Visit, slack: Slack, bot: App) -> None:
    answering(bot, "color", "day", "hour", "who")
    placeholder = {"type": "plain_text", "text": "Color"}
    elements = [
        {"type": "static_select", "action_id": "color", "placeholder": placeholder}
        | {"options": [option("red"), option("green")]},
        {"type": "datepicker", "action_id": "day", "placeholder": placeholder | {"text": "Day"}},
        {"type": "timepicker", "action_id": "hour", "placeholder": placeholder | {"text": "Hour"}},
        {"type": "users_select", "action_id": "who", "placeholder": placeholder | {"text": "Who"}},
    ]
    row = {"type": "actions", "elements": elements}
    slack.client.chat_postMessage(channel=EVENTS, text="Choose", blocks=[row])
    amara = visit(AMARA)
    amara.page.get_by_label("Color").select_option("Green")
    expect(amara.only_you()).to_contain_text("Got color green")
    amara.page.get_by_label("Day").fill("2027-02-03")
    expect(amara.only_you()).to_contain_text("Got day 2027-02-03")
    amara.page.get_by_label("Hour").fill("18:30")
    expect(amara.only_you()).to_contain_text("Got hour 18:30")
    amara.page.get_by_label("Who").select_option("Diego Quispe")
    expect(amara.only_you()).to_contain_text("Got who U0DIEGO")


@pytest.mark.parametrize(("days", "has_year"), [(150, False), (-150, False), (200, True)])
def test_date_has_a_year_beyond_six_months(
    visit: Visit, slack: Slack, days: int, has_year: bool
) -> None:
    """As Slack's page on formatting text says."""
    day = SystemClock().now() + timedelta(days=days)
    day = day.replace(day=22, hour=12)
    slack.client.chat_postMessage(
        channel=EVENTS, text=f"<!date^{int(day.timestamp())}^{{date_long_pretty}}|x>"
    )
    written = f"{day:%A, %B} 22nd{f', {day:%Y}' if has_year else ''}"
    expect(visit(AMARA).page.locator(".message time, .message .text").last).to_have_text(written)
