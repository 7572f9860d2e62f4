"""The stand-in's rate limits, page limits, and what it takes as a channel, through Slack's own client."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError

from playground.demo.seed import EVENTS, LEADS
from playground.web_api.rate_limits import CALLS_A_MINUTE, TIER_2
from playground.workspace.model import Member
from tests.support.slack.stand_in import Clock, Slack

BJORN = "U0BJORN"


def refusal(call: object, **arguments: object) -> SlackApiError:
    assert callable(call)
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value


def test_call_over_the_limit_says_how_long_to_wait(slack: Slack, clock: Clock) -> None:
    slack.api.rate_limits.is_on = True
    for _ in range(TIER_2):
        slack.client.users_list()
    clock.advance(18)
    response = refusal(slack.client.users_list).response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "42"
    slack.client.users_info(user=BJORN)  # each method has its own limit
    clock.advance(42)
    slack.client.users_list()


def test_rate_limits_are_off_by_default(slack: Slack) -> None:
    for _ in range(TIER_2 + 1):
        slack.client.users_list()


def test_limited_call_has_no_effect(slack: Slack, clock: Clock) -> None:
    slack.api.rate_limits.is_on = True
    ts = slack.client.chat_postMessage(channel=EVENTS, text="Hello")["ts"]
    for number in range(CALLS_A_MINUTE["chat.update"]):
        slack.client.chat_update(channel=EVENTS, ts=ts, text=f"Hello {number}")
    refusal(slack.client.chat_update, channel=EVENTS, ts=ts, text="Too many")
    assert slack.workspace.message(EVENTS, ts).text != "Too many"


@pytest.mark.parametrize("method", ["users_list", "conversations_list"])
@pytest.mark.parametrize(("limit", "is_allowed"), [(1_000, True), (1_001, False), (-1, False)])
def test_page_has_at_most_1000_items(
    slack: Slack, method: str, limit: int, is_allowed: bool
) -> None:
    call = getattr(slack.client, method)
    if is_allowed:
        call(limit=limit)
    else:
        assert refusal(call, limit=limit).response["error"] == "invalid_limit"


def test_cursor_of_no_page_is_refused(slack: Slack) -> None:
    assert refusal(slack.client.users_list, cursor="x").response["error"] == "invalid_cursor"


@pytest.mark.parametrize("name", ["events", "#events"])
def test_channel_name_is_taken_as_channel_by_post_message_only(slack: Slack, name: str) -> None:
    posted = slack.client.chat_postMessage(channel=name, text="Hello")
    assert posted["channel"] == EVENTS
    update = refusal(slack.client.chat_update, channel=name, ts=posted["ts"], text="Bye")
    assert update.response["error"] == "channel_not_found"


def test_name_of_a_private_channel_that_the_bot_is_not_in_is_unknown(slack: Slack) -> None:
    leads = slack.workspace.channel(LEADS).name
    error = refusal(slack.client.chat_postMessage, channel=leads, text="Hello")
    assert error.response["error"] == "channel_not_found"


def test_guests_and_names_are_in_user_objects(slack: Slack) -> None:
    guest = Member("U0GUEST", "guest", "Gia Rossi", display_name="Gia", is_ultra_restricted=True)
    slack.workspace.put_member(guest)
    user = slack.client.users_info(user=guest.id)["user"]
    assert (user["is_restricted"], user["is_ultra_restricted"]) == (True, True)
    assert (user["profile"]["display_name"], user["profile"]["real_name"]) == ("Gia", "Gia Rossi")
    assert user["name"] == "guest"
