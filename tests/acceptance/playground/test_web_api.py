"""Slack's own client against the stand-in: responses and errors."""

import http.client
import json
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from playground.demo.seed import EVENTS, LEADS
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Json
from tests.support.slack.stand_in import Clock, Slack, client_of, field, modal, section

ADA, BJORN = "U0AMARA", "U0BJORN"
HOME = {"type": "home", "blocks": [section("Welcome")]}


def refusal(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Json:
    """Return the response with which Slack refuses the call."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    answer: Json = dict(caught.value.response.data)
    return answer


def error(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the error code with which Slack refuses the call."""
    return str(refusal(call, *args, **kwargs)["error"])


def posted(slack: Slack, channel: str = EVENTS, **kwargs: Any) -> str:
    return str(slack.client.chat_postMessage(channel=channel, text="Hello", **kwargs)["ts"])


def trigger(slack: Slack) -> str:
    return slack.workspace.new_trigger(ADA, EVENTS)


class TestAuthentication:
    def test_auth_test_identifies_the_bot(self, slack: Slack) -> None:
        answer = slack.client.auth_test()
        assert (answer["bot_id"], answer["team_id"]) == ("B0ROLLCALL", "T0PLAYGRND")
        assert "chat:write" in str(answer.headers["x-oauth-scopes"])

    def test_wrong_token_is_invalid_auth(self, slack: Slack) -> None:
        assert error(client_of(slack.workspace, "xoxb-wrong").auth_test) == "invalid_auth"

    def test_no_token_is_not_authed(self, slack: Slack) -> None:
        anonymous = WebClient(base_url=f"{slack.workspace.url}/api/")
        assert error(anonymous.auth_test) == "not_authed"

    def test_unknown_method_is_refused(self, slack: Slack) -> None:
        assert error(slack.client.api_call, "chat.shout") == "unknown_method"

    def test_missing_scope_names_what_is_needed_and_provided(self, slack: Slack) -> None:
        slack.workspace.app = replace(slack.workspace.app, scopes=frozenset({"commands"}))
        answer = refusal(slack.client.chat_postMessage, channel=EVENTS, text="x")
        assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
        assert answer["provided"] == "commands"


class TestMembersAndConversations:
    def test_user_has_zone_admin_flag_and_locale_if_asked(self, slack: Slack) -> None:
        user = slack.client.users_info(user=ADA, include_locale=True)["user"]
        assert (user["tz"], user["tz_offset"], user["is_admin"]) == ("Africa/Lagos", 3600, True)
        assert user["locale"] == "en-GB"
        assert "locale" not in slack.client.users_info(user=ADA)["user"]

    def test_unknown_user_is_refused(self, slack: Slack) -> None:
        assert error(slack.client.users_info, user="U0NOBODY") == "user_not_found"

    def test_users_are_paginated(self, slack: Slack) -> None:
        sizes = [len(page["members"]) for page in slack.client.users_list(limit=3)]
        assert sizes == [3, 3, 1]

    def test_open_gives_the_same_direct_message_each_time(self, slack: Slack) -> None:
        first = slack.client.conversations_open(users=ADA)["channel"]["id"]
        assert first.startswith("D")
        assert slack.client.conversations_open(users=[ADA])["channel"]["id"] == first

    def test_open_with_a_deactivated_member_is_refused(self, slack: Slack) -> None:
        slack.workspace.put_member(replace(slack.workspace.member(BJORN), deleted=True))
        assert error(slack.client.conversations_open, users=BJORN) == "user_disabled"

    def test_private_channel_without_the_bot_does_not_exist_for_it(self, slack: Slack) -> None:
        assert error(slack.client.conversations_info, channel=LEADS) == "channel_not_found"
        listed = slack.client.conversations_list(types="public_channel,private_channel")
        assert LEADS not in [channel["id"] for channel in listed["channels"]]

    def test_invited_bot_sees_the_private_channel_and_its_members(self, slack: Slack) -> None:
        slack.workspace.join(LEADS, slack.workspace.app.bot_user_id)
        assert slack.client.conversations_info(channel=LEADS)["channel"]["is_private"]
        assert len(slack.client.conversations_members(channel=LEADS)["members"]) == 4


class TestMessages:
    def test_message_is_answered_in_slacks_shape(self, slack: Slack) -> None:
        answer = slack.client.chat_postMessage(channel=EVENTS, text="Hi", blocks=[section("Hi")])
        assert answer["channel"] == EVENTS
        assert answer["message"]["ts"] == answer["ts"]
        assert answer["message"]["bot_id"] == "B0ROLLCALL"
        assert answer["message"]["blocks"][0]["block_id"]

    def test_user_id_opens_the_direct_message(self, slack: Slack) -> None:
        answer = slack.client.chat_postMessage(channel=ADA, text="Hi")
        assert answer["channel"] == slack.workspace.dm(ADA).id

    def test_timestamps_rise_even_if_the_clock_does_not(self, slack: Slack) -> None:
        assert posted(slack) < posted(slack)

    @pytest.mark.parametrize("channel", ["C0NOWHERE", "U0NOBODY", LEADS])
    def test_invisible_channel_is_not_found(self, slack: Slack, channel: str) -> None:
        call = slack.client.chat_postMessage
        assert error(call, channel=channel, text="x") == "channel_not_found"

    def test_public_channel_without_the_bot_needs_a_scope(self, slack: Slack) -> None:
        channel = slack.workspace.add_channel("quiet", [ADA]).id
        assert error(slack.client.chat_postMessage, channel=channel, text="x") == "not_in_channel"
        more = slack.workspace.app.scopes | {"chat:write.public"}
        slack.workspace.app = replace(slack.workspace.app, scopes=more)
        assert posted(slack, channel)

    def test_disabled_messages_tab_is_an_error(self, slack: Slack) -> None:
        slack.workspace.app = replace(slack.workspace.app, messages_tab=False)
        assert (
            error(slack.client.chat_postMessage, channel=ADA, text="x") == "messages_tab_disabled"
        )

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            ({"text": " ", "blocks": []}, "no_text"),
            ({"text": "x" * 40_001}, "msg_too_long"),
            ({"text": "x", "blocks": "not json"}, "invalid_blocks_format"),
            ({"text": "x", "blocks": [section("y" * 3000)] * 5}, "msg_blocks_too_long"),
            ({"text": "x", "metadata": {"event_type": "t"}}, "invalid_metadata_format"),
        ],
    )
    def test_content_beyond_limits_is_refused(
        self, slack: Slack, content: Json, expected: str
    ) -> None:
        body = {"channel": EVENTS, **content}
        assert error(slack.client.api_call, "chat.postMessage", json=body) == expected

    def test_invalid_blocks_say_where_and_why(self, slack: Slack) -> None:
        blocks = [section("y" * 3001)]
        answer = refusal(slack.client.chat_postMessage, channel=EVENTS, text="x", blocks=blocks)
        where = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
        assert answer["error"] == "invalid_blocks"
        assert answer["errors"] == [where]
        assert answer["response_metadata"]["messages"] == [f"[ERROR] {where}"]

    def test_metadata_is_kept(self, slack: Slack) -> None:
        metadata = {"event_type": "card", "event_payload": {"event_id": "e1"}}
        ts = posted(slack, metadata=metadata)
        assert slack.workspace.message(EVENTS, ts).metadata == metadata

    def test_update_without_blocks_keeps_them(self, slack: Slack) -> None:
        ts = posted(slack, blocks=[section("old")])
        answer = slack.client.chat_update(channel=EVENTS, ts=ts, text="new")
        assert answer["text"] == "new"
        assert slack.workspace.message(EVENTS, ts).blocks[0]["text"]["text"] == "old"

    def test_only_own_existing_messages_can_be_updated_or_deleted(self, slack: Slack) -> None:
        ts = slack.workspace.post(EVENTS, ADA, "mine").ts
        update, delete = slack.client.chat_update, slack.client.chat_delete
        assert error(update, channel=EVENTS, ts=ts, text="x") == "cant_update_message"
        assert error(delete, channel=EVENTS, ts=ts) == "cant_delete_message"
        assert error(update, channel=EVENTS, ts="1.0", text="x") == "message_not_found"

    def test_updated_text_has_a_lower_limit(self, slack: Slack) -> None:
        call = slack.client.chat_update
        assert error(call, channel=EVENTS, ts=posted(slack), text="x" * 4001) == "msg_too_long"

    def test_delete_removes(self, slack: Slack) -> None:
        slack.client.chat_delete(channel=EVENTS, ts=posted(slack))
        assert slack.workspace.messages(EVENTS) == []

    def test_ephemeral_message_is_visible_to_one_and_can_not_be_updated(self, slack: Slack) -> None:
        ts = slack.client.chat_postEphemeral(channel=EVENTS, user=ADA, text="psst")["message_ts"]
        assert [m.text for m in slack.workspace.messages(EVENTS, ADA)] == ["psst"]
        assert slack.workspace.messages(EVENTS, BJORN) == []
        call = slack.client.chat_update
        assert error(call, channel=EVENTS, ts=ts, text="x") == "message_not_found"

    def test_ephemeral_needs_the_member_in_the_channel(self, slack: Slack) -> None:
        slack.workspace.join(LEADS, slack.workspace.app.bot_user_id)
        call = slack.client.chat_postEphemeral
        assert error(call, channel=LEADS, user="U0DIEGO", text="x") == "user_not_in_channel"

    def test_permalink_leads_to_the_message(self, slack: Slack) -> None:
        ts = posted(slack)
        link = slack.client.chat_getPermalink(channel=EVENTS, message_ts=ts)["permalink"]
        assert link.endswith(f"/archives/{EVENTS}/p{ts.replace('.', '')}")


class TestViews:
    def test_trigger_works_once(self, slack: Slack) -> None:
        used = trigger(slack)
        view = slack.client.views_open(trigger_id=used, view=modal(section("x")))["view"]
        assert view["root_view_id"] == view["id"]
        call = slack.client.views_open
        assert error(call, trigger_id=used, view=modal()) == "exchanged_trigger_id"

    def test_trigger_expires_after_three_seconds(self, slack: Slack, clock: Clock) -> None:
        old = trigger(slack)
        clock.advance(3.1)
        call = slack.client.views_open
        assert error(call, trigger_id=old, view=modal()) == "expired_trigger_id"

    def test_unknown_trigger_is_invalid(self, slack: Slack) -> None:
        assert error(slack.client.views_open, trigger_id="1", view=modal()) == "invalid_trigger_id"

    def test_view_beyond_limits_says_where_and_why(self, slack: Slack) -> None:
        view = modal(title={"type": "plain_text", "text": "x" * 25})
        answer = refusal(slack.client.views_open, trigger_id=trigger(slack), view=view)
        assert answer["error"] == "invalid_arguments"
        where = "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
        assert answer["response_metadata"]["messages"] == [where]

    def test_huge_view_is_too_large(self, slack: Slack) -> None:
        view = modal(*[section("y" * 3000)] * 90)
        assert (
            error(slack.client.views_open, trigger_id=trigger(slack), view=view) == "view_too_large"
        )

    def test_modal_stack_has_at_most_three_views(self, slack: Slack) -> None:
        slack.client.views_open(trigger_id=trigger(slack), view=modal())
        for _ in range(2):
            slack.client.views_push(trigger_id=trigger(slack), view=modal())
        call = slack.client.views_push
        assert error(call, trigger_id=trigger(slack), view=modal()) == "push_limit_reached"

    def test_update_of_a_closed_view_is_not_found(self, slack: Slack) -> None:
        view = slack.client.views_open(trigger_id=trigger(slack), view=modal())["view"]
        slack.workspace.views.close(view["id"])
        assert error(slack.client.views_update, view_id=view["id"], view=modal()) == "not_found"

    def test_update_with_an_old_hash_conflicts(self, slack: Slack) -> None:
        view = slack.client.views_open(trigger_id=trigger(slack), view=modal())["view"]
        both = {"view_id": view["id"], "hash": view["hash"]}
        assert slack.client.views_update(view=modal(section("1")), **both)["ok"]
        assert error(slack.client.views_update, view=modal(), **both) == "hash_conflict"

    def test_external_id_finds_its_view_and_is_unique(self, slack: Slack) -> None:
        view = modal(external_id="mine")
        slack.client.views_open(trigger_id=trigger(slack), view=view)
        assert slack.client.views_update(external_id="mine", view=view)["ok"]
        call = slack.client.views_push
        assert error(call, trigger_id=trigger(slack), view=view) == "duplicate_external_id"

    def test_home_is_published_under_one_id(self, slack: Slack) -> None:
        first = slack.client.views_publish(user_id=ADA, view=HOME)["view"]
        again = slack.client.views_publish(user_id=ADA, view=HOME, hash=first["hash"])["view"]
        assert again["id"] == first["id"]
        call = slack.client.views_publish
        assert error(call, user_id=ADA, view=HOME, hash=first["hash"]) == "hash_conflict"

    def test_modal_can_not_be_published_as_home(self, slack: Slack) -> None:
        call = slack.client.views_publish
        assert error(call, user_id=ADA, view=modal(field("x", {"type": "datepicker"}))) == (
            "invalid_arguments"
        )


class TestFiles:
    def test_upload_to_a_direct_message_can_be_fetched(self, slack: Slack) -> None:
        channel = slack.client.conversations_open(users=ADA)["channel"]["id"]
        slack.client.files_upload_v2(
            channel=channel, content="BEGIN:VCALENDAR", filename="tea.ics", initial_comment="Tea"
        )
        (message,) = slack.workspace.messages(channel)
        assert message.files[0]["name"] == "tea.ics"
        assert slack.workspace.file(message.files[0]["id"]).content == b"BEGIN:VCALENDAR"

    def test_file_can_not_be_shared_with_a_user_id(self, slack: Slack) -> None:
        call = slack.client.files_upload_v2
        assert error(call, channel=ADA, content="x", filename="x") == "channel_not_found"

    def test_message_whose_text_links_to_a_file_shares_it(self, slack: Slack) -> None:
        uploaded = slack.client.files_upload_v2(content="BEGIN", filename="tea & cake.ics")["file"]
        link = f"<{uploaded['permalink']}|The file>"
        for user_id in (ADA, BJORN):
            posted = slack.client.chat_postMessage(channel=user_id, text=f"Tea. {link}")
            assert posted["message"]["files"][0]["id"] == uploaded["id"]

    def test_link_in_the_blocks_alone_shares_no_file(self, slack: Slack) -> None:
        uploaded = slack.client.files_upload_v2(content="BEGIN", filename="tea.ics")["file"]
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": uploaded["permalink"]}}]
        posted = slack.client.chat_postMessage(channel=ADA, text="Tea.", blocks=blocks)
        assert "files" not in posted["message"]


class TestResponseUrls:
    def url(self, slack: Slack) -> WebhookClient:
        return WebhookClient(slack.workspace.new_response_url(ADA, EVENTS), retry_handlers=[])

    def test_response_url_works_five_times(self, slack: Slack) -> None:
        hook = self.url(slack)
        assert [hook.send(text="x").status_code for _ in range(6)] == [200] * 5 + [404]
        assert "used_url" in hook.send(text="x").body

    def test_response_url_expires_after_thirty_minutes(self, slack: Slack, clock: Clock) -> None:
        hook = self.url(slack)
        clock.advance(30 * 60 + 1)
        assert "expired_url" in hook.send(text="x").body

    def test_response_is_ephemeral_by_default(self, slack: Slack) -> None:
        hook = self.url(slack)
        hook.send(text="for one")
        hook.send(text="for all", response_type="in_channel")
        assert [m.text for m in slack.workspace.messages(EVENTS, BJORN)] == ["for all"]

    def test_blocks_beyond_limits_are_refused_and_noted(self, slack: Slack) -> None:
        assert self.url(slack).send(text="x", blocks=[{"type": "table"}]).status_code == 400
        assert "unsupported type: table" in slack.workspace.refusals[0]


class TestFaults:
    def test_rate_limit_says_when_to_retry(self, slack: Slack) -> None:
        slack.api.fail_next("chat.postMessage", Fault.rate_limited(7))
        with pytest.raises(SlackApiError) as caught:
            posted(slack)
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["retry-after"] == "7"
        assert posted(slack)

    def test_server_error_is_not_json(self, slack: Slack) -> None:
        slack.api.fail_next("chat.postMessage", Fault.server_error(503))
        with pytest.raises(SlackApiError, match="Received a response in a non-JSON format"):
            posted(slack)

    def test_refusal_lasts_for_the_given_number_of_calls(self, slack: Slack) -> None:
        slack.api.fail_next("chat.postMessage", Fault.refused("account_inactive"), times=2)
        call = slack.client.chat_postMessage
        errors = [error(call, channel=EVENTS, text="x") for _ in range(2)]
        assert errors == ["account_inactive"] * 2
        assert posted(slack)

    def test_closed_connection_changes_nothing(self, slack: Slack) -> None:
        slack.api.fail_next("chat.postMessage", Fault.closed())
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            posted(slack)
        assert slack.workspace.messages(EVENTS) == []

    def test_lost_response_keeps_the_change(self, slack: Slack) -> None:
        slack.api.fail_next("chat.postMessage", Fault.closed(applied=True))
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            posted(slack)
        assert len(slack.workspace.messages(EVENTS)) == 1

    @pytest.mark.parametrize("applied", [False, True])
    def test_silence_lasts_until_the_caller_gives_up(self, slack: Slack, applied: bool) -> None:
        slack.api.fail_next("chat.postMessage", Fault.timed_out(applied=applied))
        slack.client.timeout = 0.4  # type: ignore[assignment]  # the socket takes fractions
        with pytest.raises(TimeoutError):
            posted(slack)
        assert len(slack.workspace.messages(EVENTS)) == applied

    @pytest.mark.parametrize("applied", [False, True])
    def test_truncated_response_is_incomplete(self, slack: Slack, applied: bool) -> None:
        slack.api.fail_next("chat.postMessage", Fault.cut_off(applied=applied))
        with pytest.raises(http.client.IncompleteRead):
            posted(slack)
        assert len(slack.workspace.messages(EVENTS)) == applied

    def test_proxy_page_is_not_a_slack_response(self, slack: Slack) -> None:
        slack.api.fail_next("chat.postMessage", Fault.proxy_page())
        with pytest.raises(SlackApiError, match="Received a response in a non-JSON") as caught:
            posted(slack)
        assert caught.value.response.status_code == 200

    def test_queued_pass_precedes_the_default_fault(self, slack: Slack) -> None:
        slack.api.faults.set_default(Fault.refused("internal_error"))
        slack.api.faults.enqueue("auth.test", None, 1)
        assert slack.client.auth_test()["ok"]
        next_fault = slack.api.faults.peek("auth.test")
        assert next_fault is not None
        assert next_fault.error == error(slack.client.auth_test) == "internal_error"
        slack.api.faults.clear()
        assert slack.api.faults.peek("auth.test") is None
        assert slack.client.auth_test()["ok"]

    def test_slow_response_is_complete(self, slack: Slack) -> None:
        slack.api.fail_next("chat.postMessage", Fault.slow(0.01))
        assert slack.client.chat_postMessage(channel=EVENTS, text="x")["ok"]
        assert [(call.ok, call.fault) for call in slack.api.calls()] == [(True, Fault.slow(0.01))]

    def test_default_fault_lasts_until_it_is_removed(self, slack: Slack) -> None:
        slack.api.faults.set_default(Fault.refused("internal_error"))
        assert error(slack.client.auth_test) == "internal_error"
        slack.api.faults.set_default(None)
        assert slack.client.auth_test()["ok"]

    def test_calls_are_recorded_without_the_token(self, slack: Slack) -> None:
        posted(slack)
        (call,) = slack.api.calls("chat.postMessage")
        assert (call.args["channel"], call.ok) == (EVENTS, True)
        assert slack.workspace.app.bot_token not in json.dumps(call.args)


def test_form_encoded_call_equals_json(slack: Slack) -> None:
    body = f"token={slack.workspace.app.bot_token}&channel={EVENTS}&text=Hi&blocks=%5B%5D".encode()
    url = f"{slack.workspace.url}/api/chat.postMessage"
    with urllib.request.urlopen(url, body, timeout=5) as answer:
        assert json.load(answer)["ok"]
