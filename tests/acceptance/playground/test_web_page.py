"""The page's endpoints over HTTP: state, actions, the change stream, and refused origins."""

import contextlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from playground.client.member_client import MemberClient
from playground.demo.http_server import PortUnavailableError, build_server, serve
from playground.demo.seed import EVENTS, LEADS
from tests.support.slack.page_client import Browser, status
from tests.support.slack.stand_in import Slack, button, field, modal

ADA, DIEGO = "U0AMARA", "U0DIEGO"


@pytest.fixture
def browser(playground_server: tuple[Any, str], member_client: MemberClient) -> Browser:
    app, url = playground_server
    app.state.member_client = member_client
    return Browser(url, ADA)


class TestOwnOrigin:
    @pytest.mark.parametrize("path", ["/", "/page/state", "/api/auth.test"])
    def test_foreign_host_header_is_refused(self, browser: Browser, path: str) -> None:
        """Refuse a name that was rebound to 127.0.0.1."""
        assert status(browser.url + path, Host="evil.example") == 403

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
    def test_foreign_origin_is_refused(self, browser: Browser, origin: str) -> None:
        assert status(f"{browser.url}/page/state", Origin=origin) == 403

    def test_own_origin_is_answered_with_a_content_security_policy(self, browser: Browser) -> None:
        with urllib.request.urlopen(f"{browser.url}/", timeout=5) as answer:
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert status(f"{browser.url}/static/main.js", Origin=browser.url) == 200


class TestReading:
    def test_member_sees_own_channels_with_unread_counts(
        self, browser: Browser, slack: Slack
    ) -> None:
        slack.client.chat_postMessage(channel=EVENTS, text="Hello")
        channels = {each["name"]: each for each in browser.get("/page/state")["channels"]}
        assert channels["events"]["unread"] == 1
        assert not channels["leads"]["has_bot"]
        names = [
            each["name"] for each in Browser(browser.url, DIEGO).get("/page/state")["channels"]
        ]
        assert "leads" not in names

    def test_messages_of_a_channel_without_the_member_are_not_found(self, browser: Browser) -> None:
        url = f"{browser.url}/page/messages?{urlencode({'member': DIEGO, 'channel': LEADS})}"
        assert status(url) == 404

    def test_file_is_a_download(self, browser: Browser, slack: Slack) -> None:
        slack.client.files_upload_v2(channel=EVENTS, content="<script>", filename="a.html")
        (message,) = browser.get("/page/messages", channel=EVENTS)
        with urllib.request.urlopen(message["files"][0]["url_private"], timeout=5) as answer:
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert answer.headers["Content-Type"] == "application/octet-stream"

    def test_downloads_name_has_single_spaces(self, browser: Browser, slack: Slack) -> None:
        name = "Lunch – 東京.csv"
        slack.client.files_upload_v2(channel=EVENTS, content="x", filename=name)
        (message,) = browser.get("/page/messages", channel=EVENTS)
        url = quote(message["files"][0]["url_private"], safe=":/")
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert 'filename="Lunch.csv"' in answer.headers["Content-Disposition"]

    def test_permalink_leads_to_the_page(self, browser: Browser, slack: Slack) -> None:
        ts = slack.client.chat_postMessage(channel=EVENTS, text="Hello")["ts"]
        link = slack.client.chat_getPermalink(channel=EVENTS, message_ts=ts)["permalink"]
        with urllib.request.urlopen(link, timeout=5) as answer:
            assert answer.url == f"{browser.url}/?in={EVENTS}"


class TestActions:
    def test_click_is_answered_ephemerally(self, browser: Browser, bot: App, slack: Slack) -> None:
        @bot.action("go")
        def answer(ack: Ack, respond: Respond) -> None:
            respond("Done", response_type="ephemeral", replace_original=False)
            ack()

        row = {"type": "actions", "block_id": "row", "elements": [button("go")]}
        ts = slack.client.chat_postMessage(channel=EVENTS, text="x", blocks=[row])["ts"]
        clicked = browser.act("click", channel=EVENTS, ts=ts, block_id="row", action_id="go")
        assert clicked["failure"] is None
        last = browser.get("/page/messages", channel=EVENTS)[-1]
        assert (last["text"], last["ephemeral_to"]) == ("Done", ADA)

    def test_modal_shows_field_errors_and_closes_after_submission(
        self, browser: Browser, bot: App
    ) -> None:
        form = modal(field("name", {"type": "plain_text_input"}), callback_id="form")

        @bot.command("/register")
        def show(ack: Ack, client: WebClient, command: dict[str, str]) -> None:
            client.views_open(trigger_id=command["trigger_id"], view=form)
            ack()

        @bot.view("form")
        def take(ack: Ack, view: dict[str, Any]) -> None:
            if view["state"]["values"]["name"]["value"]["value"] == "bad":
                ack(response_action="errors", errors={"name": "No"})
            else:
                ack()

        browser.act("command", channel=EVENTS, name="/register", text="")
        (view,) = browser.get("/page/state")["stack"]
        bad = browser.act("submit", view=view["id"], values={"name": {"value": "bad"}})
        assert bad["errors"] == {"name": "No"}
        (kept,) = browser.get("/page/state")["stack"]
        assert kept["state"]["values"]["name"]["value"]["value"] == "bad"
        browser.act("submit", view=view["id"], values={"name": {"value": "good"}})
        assert browser.get("/page/state")["stack"] == []

    def test_submitting_a_closed_view_is_a_failure(self, browser: Browser) -> None:
        assert "is open" in browser.act("submit", view="V0GONE", values={})["failure"]

    def test_invite_brings_the_bot_into_a_private_channel(
        self, browser: Browser, slack: Slack
    ) -> None:
        browser.act("command", channel=LEADS, name="/invite", text="@Rollcall")
        assert slack.client.chat_postMessage(channel=LEADS, text="Thanks")["ok"]


@contextmanager
def streaming(browser: Browser) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(browser.url.removeprefix("http://"), timeout=5)
    connection.request("GET", f"/page/stream?member={browser.member}")
    answer = connection.getresponse()
    hello, *_ = [answer.readline() for _ in range(3)]
    assert hello == b"event: hello\n"
    yield answer
    answer.close()
    connection.close()


class TestStream:
    def test_stream_names_the_changed_channels(self, browser: Browser, slack: Slack) -> None:
        with streaming(browser) as stream:
            slack.client.chat_postMessage(channel=EVENTS, text="Hello")
            event = json.loads(stream.readline().removeprefix(b"data: "))
            assert event["channels"] == [EVENTS]

    def test_stream_omits_messages_visible_to_others_only(
        self, browser: Browser, slack: Slack
    ) -> None:
        with streaming(browser) as stream:
            slack.client.chat_postEphemeral(channel=EVENTS, user=DIEGO, text="psst")
            slack.client.chat_postMessage(channel="C0RANDOM", text="for all")
            event = json.loads(stream.readline().removeprefix(b"data: "))
            assert event["channels"] == ["C0RANDOM"]

    def test_open_stream_does_not_delay_shutdown(self, member_client: MemberClient) -> None:
        with serve(build_server(member_client=member_client)) as url:
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
            connection.request("GET", f"/page/stream?member={ADA}")
            stream = connection.getresponse()
        with contextlib.suppress(http.client.IncompleteRead):
            stream.read()
        stream.close()
        connection.close()


def test_port_in_use_raises(browser: Browser) -> None:
    with (
        pytest.raises(PortUnavailableError),
        serve(build_server(), int(browser.url.rpartition(":")[2])),
    ):
        pass


def test_page_responds_503_until_the_bot_has_started() -> None:
    with serve(build_server()) as url:
        assert status(f"{url}/page/state") == 503
