"""Backstage without a browser: its switches and the rush."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond

from playground.__main__ import DemoBot
from playground.client.member_client import MemberClient
from playground.demo.backstage import MOST_HOURS, Backstage, one_call_per_second
from playground.demo.clock import DemoClock
from playground.demo.rush import IN_QUEUE, Counts, Rush, primary_buttons, simulated_member
from playground.demo.seed import EVENTS, LEADS
from playground.workspace.model import Json, Message, SlackError
from playground.workspace.state import Workspace
from tests.support.slack.page_client import Browser, status
from tests.support.slack.stand_in import Clock, Slack, button

AMARA, DIEGO = "U0AMARA", "U0DIEGO"


class FakeBot:
    """A fake bot that can be started and stopped."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.is_running = True
        self.functions_started = 0
        self.ahead = timedelta()

    def start(self) -> None:
        self.is_running = True

    def stop(self) -> None:
        self.is_running = False

    def move_clock(self, hours: int) -> None:
        self.ahead += timedelta(hours=hours)


def card(slack: Slack, channel: str = EVENTS) -> Message:
    """Post a card whose primary button is called Go."""
    header = {"type": "header", "text": {"type": "plain_text", "text": "Picnic"}}
    row: Json = {"type": "actions", "block_id": "row"}
    row["elements"] = [button("go", label="Go", style="primary"), button("stay", label="Stay")]
    return slack.workspace.post(
        channel, slack.workspace.app.bot_user_id, "Picnic: 1 seat", blocks=[header, row]
    )


@pytest.fixture
def switch() -> FakeBot:
    return FakeBot()


@pytest.fixture
def backstage(member_client: MemberClient, slack: Slack, switch: FakeBot) -> Backstage:
    return Backstage(member_client, member_client, slack.api, switch)


@pytest.fixture
def browser(
    playground_server: tuple[Any, str], member_client: MemberClient, backstage: Backstage
) -> Browser:
    app, url = playground_server
    app.state.member_client, app.state.backstage = member_client, backstage
    return Browser(url, AMARA)


class TestSwitches:
    def test_rate_limit_lets_each_method_through_once_a_second(self) -> None:
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

    @pytest.mark.parametrize("condition", ["slow", "rate_limited", "down"])
    def test_condition_of_one_method_leaves_the_others_alone(
        self, slack: Slack, backstage: Backstage, condition: str
    ) -> None:
        backstage.set_slack(condition, "views.open")
        for _ in range(2):
            slack.api.call("views.open", "xoxb-playground", {})
            slack.api.call("auth.test", "xoxb-playground", {})
        faults = {call.method: call.fault for call in slack.api.calls()}
        assert faults["views.open"] is not None
        assert faults["auth.test"] is None
        assert (backstage.summary()["slack"], backstage.summary()["method"]) == (
            condition,
            "views.open",
        )

    def test_down_slack_responds_503_until_it_is_normal_again(
        self, slack: Slack, backstage: Backstage
    ) -> None:
        answers = []
        for condition in ("down", "normal"):
            backstage.set_slack(condition)
            answers.append(slack.api.call("auth.test", "xoxb-playground", {}).status)
        assert answers == [503, 200]

    def test_stopping_and_starting_the_bot_is_announced_to_all_members(
        self, slack: Slack, backstage: Backstage, switch: FakeBot
    ) -> None:
        before = slack.workspace.ledger.seq
        backstage.set_bot(running=False)
        assert (switch.is_running, backstage.summary()["bot"]) == (False, False)
        backstage.set_bot(running=True)
        announced = [change.kind for change in slack.workspace.ledger.since(before)]
        assert (switch.is_running, announced) == (True, ["backstage", "backstage"])

    @pytest.mark.parametrize("hours", [0, -1, MOST_HOURS + 1])
    def test_clock_moves_only_forward_and_not_for_months(
        self, backstage: Backstage, switch: FakeBot, hours: int
    ) -> None:
        with pytest.raises(LookupError, match=f"Choose 1 to {MOST_HOURS} hours"):
            backstage.move_clock(hours)
        assert switch.ahead == timedelta()

    def test_clock_that_was_moved_is_shown_to_all_members(
        self, slack: Slack, backstage: Backstage
    ) -> None:
        before = slack.workspace.ledger.seq
        backstage.move_clock(24)
        announced = [change.kind for change in slack.workspace.ledger.since(before)]
        assert (backstage.summary()["ahead"], announced) == (86_400, ["backstage"])

    def test_rush_through_functions_is_refused_once_the_clock_was_moved(
        self, slack: Slack, backstage: Backstage
    ) -> None:
        """They would take an event of the demo's future for one that is far away."""
        posted = card(slack)
        backstage.move_clock(1)
        with pytest.raises(LookupError, match="clock can’t be moved"):
            backstage.start_rush(AMARA, EVENTS, posted.ts, 1, on_lambda=True)

    def test_clock_stays_ahead_after_a_restart(self, tmp_path: Path) -> None:
        DemoClock(tmp_path / "clock").move(5)
        assert DemoClock(tmp_path / "clock").ahead == timedelta(hours=5)

    def test_stopped_bot_refuses_requests(self, slack: Slack, tmp_path: Path) -> None:
        bot = DemoBot(slack.workspace, tmp_path, DemoClock(tmp_path / "clock"))
        bot.stop()
        with pytest.raises(ConnectionRefusedError):
            bot.deliver(b"", {})
        bot.start()
        bot.start()
        assert bot.deliver(b"", {}).status == 401
        bot.stop()
        assert not bot.is_running


def result_of_one_press(
    slack: Slack, bot: App, member_client: MemberClient, *responses: str
) -> Json:
    """Have one member press a button to which the app responds with these texts. Return the rush's result."""

    @bot.action("go")
    def go(ack: Ack, respond: Respond) -> None:
        for text in responses:
            respond(text, replace_original=False)
        ack()

    card(slack)
    (found,) = primary_buttons(member_client, AMARA)
    rush = Rush(member_client, found, 1, Counts([]), within=0)
    rush.run()
    result: Json = rush.as_json()["results"][0]
    return result


class TestRush:
    def test_rush_has_a_result_per_member_and_counts_commits(
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
        rush = Rush(member_client, found, 3, Counts(commits), within=0)
        rush.run()
        report = rush.as_json()
        assert {(each["name"], each["text"], each["failure"]) for each in report["results"]} == {
            (f"Member {number}", f"Hello {simulated_member(number).id}", None)
            for number in (1, 2, 3)
        }
        assert (
            report["answered"],
            report["is_over"],
            report["commits"],
            report["largest_commit"],
        ) == (
            3,
            True,
            3,
            1,
        )
        assert rush.as_json(after=2)["results"] == report["results"][2:]

    def test_member_who_is_asked_to_wait_gets_the_later_response(
        self, slack: Slack, bot: App, member_client: MemberClient
    ) -> None:
        result = result_of_one_press(slack, bot, member_client, IN_QUEUE, "Hello")
        assert (result["text"], result["has_waited"]) == ("Hello", True)

    def test_member_without_a_reply_is_a_failed_result(
        self,
        slack: Slack,
        bot: App,
        member_client: MemberClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("playground.demo.rush.REPLY_SECONDS", 0.0)  # nobody watches
        result = result_of_one_press(slack, bot, member_client, IN_QUEUE)
        assert (result["failure"], result["has_waited"]) == ("No reply within 0 seconds.", False)

    def test_rush_that_is_ended_waits_for_nobody(
        self, slack: Slack, member_client: MemberClient
    ) -> None:
        card(slack)
        (found,) = primary_buttons(member_client, AMARA)
        rush = Rush(member_client, found, 3, Counts([]), within=3600)
        rush.end()
        rush.run()
        assert rush.is_over
        assert len(rush.as_json()["results"]) <= 1  # the first presses at once

    def test_failing_bot_is_a_failed_result(
        self, slack: Slack, member_client: MemberClient
    ) -> None:
        card(slack)
        rush = Rush(
            member_client, primary_buttons(member_client, AMARA)[0], 1, Counts([]), within=0
        )
        rush.run()
        assert [each["failure"] for each in rush.as_json()["results"]] == ["dispatch_failed"]

    def test_deleted_card_ends_the_rush(self, slack: Slack, member_client: MemberClient) -> None:
        message = card(slack)
        rush = Rush(
            member_client, primary_buttons(member_client, AMARA)[0], 2, Counts([]), within=0
        )
        slack.workspace.delete(message)
        with pytest.raises(SlackError, match="message_not_found"):
            rush.run()
        report = rush.as_json()
        assert (report["is_over"], report["answered"], report["card"]) == (True, 0, None)

    def test_members_join_as_one_change_and_once(
        self, workspace: Workspace, slack: Slack, member_client: MemberClient
    ) -> None:
        card(slack)
        before = len(workspace.members())
        for _ in range(2):
            Rush(
                member_client, primary_buttons(member_client, AMARA)[0], 4, Counts([]), within=0
            ).run()
        assert len(workspace.members()) == before + 4
        assert workspace.channel(EVENTS).members[-4:] == tuple(
            simulated_member(number).id for number in (1, 2, 3, 4)
        )

    def test_only_buttons_visible_to_the_member_are_offered(
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
    def test_invalid_request_is_a_failure_with_a_sentence(self, browser: Browser) -> None:
        url = f"{browser.url}/backstage"
        assert browser.post("/backstage/slack", slack="purple")["failure"]
        assert browser.post("/backstage/slack", slack="slow", method="views.shut")["failure"]
        assert (
            "no longer exists"
            in browser.post("/backstage/rush", channel=EVENTS, ts="1.1", size=3)["failure"]
        )
        assert status(f"{url}?member={AMARA}") == 200

    def test_condition_of_one_method_is_shown(self, browser: Browser) -> None:
        browser.post("/backstage/slack", slack="slow", method="response_url")
        state = browser.get("/backstage")
        assert (state["slack"], state["method"]) == ("slow", "response_url")
        assert {"views.open", "chat.update", "response_url"} <= set(state["methods"])

    def test_size_of_a_rush_is_limited(self, browser: Browser, slack: Slack) -> None:
        asked = {"channel": EVENTS, "ts": card(slack).ts, "size": 1_001}
        assert "1 to 1,000" in browser.post("/backstage/rush", **asked)["failure"]

    def test_results_of_another_rush_start_from_the_first(
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
        later = browser.get("/backstage", rush="1", after="1")["rush"]["results"]
        other = browser.get("/backstage", rush="2", after="1")["rush"]["results"]
        assert (later, [each["name"] for each in other]) == ([], ["Member 1"])

    def test_calls_are_listed_with_their_outcome(self, browser: Browser, slack: Slack) -> None:
        slack.client.auth_test()
        browser.post("/backstage/slack", slack="down")
        slack.api.call("chat.update", "xoxb-playground", {})
        calls = browser.get("/backstage")["calls"]
        assert [(each["method"], each["outcome"]) for each in calls] == [
            ("chat.update", "503"),
            ("auth.test", "ok"),
        ]

    def test_server_without_backstage_responds_404(
        self, playground_server: tuple[Any, str], browser: Browser
    ) -> None:
        app, url = playground_server
        app.state.backstage = None
        assert status(f"{url}/backstage?member={AMARA}") == 404
        assert browser.get("/page/state")["backstage"] is None
