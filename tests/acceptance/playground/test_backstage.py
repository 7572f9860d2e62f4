"""Backstage without a browser: what its switches do, and what a rush tells."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond

from playground.__main__ import DemoBot
from playground.client.member_client import MemberClient
from playground.demo.backstage import Backstage, one_call_per_second
from playground.demo.rush import Rush, primary_buttons, simulated_member
from playground.demo.seed import EVENTS, LEADS
from playground.workspace.model import Json, Message, SlackError
from playground.workspace.state import Workspace
from tests.support.slack.page_client import Browser, status
from tests.support.slack.stand_in import Clock, Slack, button

AMARA, DIEGO = "U0AMARA", "U0DIEGO"


class Switch:
    """A bot that only knows whether it runs."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.is_running = True

    def start(self) -> None:
        self.is_running = True

    def stop(self) -> None:
        self.is_running = False


def card(slack: Slack, channel: str = EVENTS) -> Message:
    """Post a card whose primary button is called Go."""
    header = {"type": "header", "text": {"type": "plain_text", "text": "Picnic"}}
    row: Json = {"type": "actions", "block_id": "row"}
    row["elements"] = [button("go", label="Go", style="primary"), button("stay", label="Stay")]
    return slack.workspace.post(
        channel, slack.workspace.app.bot_user_id, "Picnic: 1 seat", blocks=[header, row]
    )


@pytest.fixture
def switch() -> Switch:
    return Switch()


@pytest.fixture
def backstage(member_client: MemberClient, slack: Slack, switch: Switch) -> Backstage:
    return Backstage(member_client, slack.api, switch)


@pytest.fixture
def browser(
    playground_server: tuple[Any, str], member_client: MemberClient, backstage: Backstage
) -> Browser:
    app, url = playground_server
    app.state.member_client, app.state.backstage = member_client, backstage
    return Browser(url, AMARA)


class TestSwitches:
    def test_limit_lets_one_call_of_each_method_through_a_second(self) -> None:
        clock = Clock()
        decide = one_call_per_second(clock)
        assert [decide(method) for method in ("chat.update", "views.open")] == [None, None]
        limited = decide("chat.update")
        assert limited is not None
        assert (limited.status, limited.retry_after) == (429, 1)
        clock.advance(1)
        assert decide("chat.update") is None

    def test_response_urls_have_no_limit(self) -> None:
        decide = one_call_per_second(Clock())
        assert [decide("response_url") for _ in range(3)] == [None, None, None]

    def test_slack_that_is_down_refuses_until_it_works_again(
        self, slack: Slack, backstage: Backstage
    ) -> None:
        answers = []
        for condition in ("down", "normal"):
            backstage.set_slack(condition)
            answers.append(slack.api.call("auth.test", "xoxb-playground", {}).status)
        assert answers == [503, 200]

    def test_bot_is_stopped_and_started_and_everybody_is_told(
        self, slack: Slack, backstage: Backstage, switch: Switch
    ) -> None:
        before = slack.workspace.ledger.seq
        backstage.set_bot(running=False)
        assert (switch.is_running, backstage.summary()["bot"]) == (False, False)
        backstage.set_bot(running=True)
        told = [change.kind for change in slack.workspace.ledger.since(before)]
        assert (switch.is_running, told) == (True, ["backstage", "backstage"])

    def test_real_bot_takes_nothing_while_it_is_stopped(self, slack: Slack, tmp_path: Path) -> None:
        bot = DemoBot(slack.workspace, tmp_path)
        bot.stop()
        with pytest.raises(ConnectionRefusedError):
            bot.deliver(b"", {})
        bot.start()
        bot.start()
        assert bot.deliver(b"", {}).status == 401
        bot.stop()
        assert not bot.is_running


class TestRush:
    def test_each_member_is_told_and_the_commits_are_counted(
        self, slack: Slack, bot: App, member_client: MemberClient
    ) -> None:
        commits = [1, 1]

        @bot.action("go")
        def go(ack: Ack, body: Json, respond: Respond) -> None:
            commits.append(1)
            respond(f"Hello {body['user']['id']}", replace_original=False)
            ack()

        card(slack)
        (found,) = primary_buttons(member_client, AMARA)
        rush = Rush(member_client, found, 3, commits, within=0)
        rush.run()
        seen = rush.as_json()
        assert {(each["name"], each["text"], each["failure"]) for each in seen["results"]} == {
            (f"Member {number}", f"Hello {simulated_member(number).id}", None)
            for number in (1, 2, 3)
        }
        assert (seen["answered"], seen["is_over"], seen["commits"], seen["largest_commit"]) == (
            3,
            True,
            3,
            1,
        )
        assert rush.as_json(after=2)["results"] == seen["results"][2:]

    def test_bot_that_fails_is_told_beside_the_name(
        self, slack: Slack, member_client: MemberClient
    ) -> None:
        card(slack)
        rush = Rush(member_client, primary_buttons(member_client, AMARA)[0], 1, [], within=0)
        rush.run()
        assert [each["failure"] for each in rush.as_json()["results"]] == ["dispatch_failed"]

    def test_card_that_is_gone_ends_the_rush(
        self, slack: Slack, member_client: MemberClient
    ) -> None:
        message = card(slack)
        rush = Rush(member_client, primary_buttons(member_client, AMARA)[0], 2, [], within=0)
        slack.workspace.delete(message)
        with pytest.raises(SlackError, match="message_not_found"):
            rush.run()
        seen = rush.as_json()
        assert (seen["is_over"], seen["answered"], seen["card"]) == (True, 0, None)

    def test_members_join_as_one_change_and_once(
        self, workspace: Workspace, slack: Slack, member_client: MemberClient
    ) -> None:
        card(slack)
        before = len(workspace.members())
        for _ in range(2):
            Rush(member_client, primary_buttons(member_client, AMARA)[0], 4, [], within=0).run()
        assert len(workspace.members()) == before + 4
        assert workspace.channel(EVENTS).members[-4:] == tuple(
            simulated_member(number).id for number in (1, 2, 3, 4)
        )

    def test_only_what_the_member_sees_can_be_pressed(
        self, slack: Slack, member_client: MemberClient
    ) -> None:
        card(slack, LEADS)
        assert [each.label for each in primary_buttons(member_client, AMARA)] == ["Go"]
        assert primary_buttons(member_client, DIEGO) == []

    def test_second_rush_waits_for_the_first(
        self, slack: Slack, bot: App, member_client: MemberClient, backstage: Backstage
    ) -> None:
        pressed, let_go = threading.Event(), threading.Event()

        @bot.action("go")
        def go(ack: Ack) -> None:
            pressed.set()
            let_go.wait(60)
            ack()

        message = card(slack)
        backstage.start_rush(AMARA, EVENTS, message.ts, 1)
        assert pressed.wait(60)
        with pytest.raises(LookupError, match="still running"):
            backstage.start_rush(AMARA, EVENTS, message.ts, 1)
        let_go.set()


class TestOverHttp:
    def test_what_cannot_be_done_is_a_sentence(self, browser: Browser) -> None:
        url = f"{browser.url}/backstage"
        assert browser.post("/backstage/slack", slack="purple")["failure"]
        assert (
            "no longer exists"
            in browser.post("/backstage/rush", channel=EVENTS, ts="1.1", size=3)["failure"]
        )
        assert status(f"{url}?member={AMARA}") == 200

    def test_size_of_a_rush_has_an_end(self, browser: Browser, slack: Slack) -> None:
        asked = {"channel": EVENTS, "ts": card(slack).ts, "size": 1_001}
        assert "1 to 1,000" in browser.post("/backstage/rush", **asked)["failure"]

    def test_answers_of_a_rush_that_the_page_does_not_know_are_told_from_the_first(
        self, browser: Browser, backstage: Backstage, slack: Slack, bot: App
    ) -> None:
        over = threading.Event()

        @bot.action("go")
        def go(ack: Ack) -> None:
            ack()
            over.set()

        backstage.start_rush(AMARA, EVENTS, card(slack).ts, 1)
        assert over.wait(60)
        while not browser.get("/backstage")["rush"]["is_over"]:
            pass
        known = browser.get("/backstage", rush="1", after="1")["rush"]["results"]
        other = browser.get("/backstage", rush="2", after="1")["rush"]["results"]
        assert (known, [each["name"] for each in other]) == ([], ["Member 1"])

    def test_calls_of_the_bot_are_listed_with_how_they_ended(
        self, browser: Browser, slack: Slack
    ) -> None:
        slack.client.auth_test()
        browser.post("/backstage/slack", slack="down")
        slack.api.call("chat.update", "xoxb-playground", {})
        calls = browser.get("/backstage")["calls"]
        assert [(each["method"], each["outcome"]) for each in calls] == [
            ("chat.update", "503"),
            ("auth.test", "ok"),
        ]

    def test_page_without_a_backstage_has_none(
        self, playground_server: tuple[Any, str], browser: Browser
    ) -> None:
        app, url = playground_server
        app.state.backstage = None
        assert status(f"{url}/backstage?member={AMARA}") == 404
        assert browser.get("/page/state")["backstage"] is None
