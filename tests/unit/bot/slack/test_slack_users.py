"""User objects of Slack's: the name that people see, and guests, whatever fields are missing."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.slack_users import SlackUser, read_user


def user(**fields: Any) -> SlackUser:
    return SlackUser.model_validate({"id": "U1", "name": "the login handle"} | fields)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"profile": {"display_name": "Bo", "real_name": "Björn L."}}, "Bo"),
        ({"profile": {"display_name": "", "real_name": "Björn L."}}, "Björn L."),
        ({"profile": {"display_name": None, "real_name": " Björn L. "}}, "Björn L."),
        ({"profile": {"display_name": "\u200b\u3164", "real_name": "Björn L."}}, "Björn L."),
        ({"profile": {}, "real_name": "Björn L."}, "Björn L."),
        ({"profile": None, "real_name": "Björn L."}, "Björn L."),
        ({"real_name": None}, ""),
        ({"profile": {"display_name": "cut \ud83d"}}, "cut ?"),
        ({"profile": {"display_name": 7, "real_name": "Björn L."}}, "Björn L."),
        ({}, ""),
    ],
)
def test_name_is_the_display_name_else_the_real_name(fields: dict[str, Any], name: str) -> None:
    assert user(**fields).name == name


@pytest.mark.parametrize(
    ("fields", "is_guest"),
    [
        ({"is_restricted": True, "is_ultra_restricted": False}, True),
        ({"is_restricted": False, "is_ultra_restricted": True}, True),
        ({"is_restricted": False, "is_ultra_restricted": False}, False),
        ({"is_restricted": None}, False),
        ({}, False),
    ],
)
def test_guest_is_restricted_or_ultra_restricted(fields: dict[str, Any], is_guest: bool) -> None:
    assert user(**fields).is_guest is is_guest


def test_unusable_name_does_not_hide_a_deactivation() -> None:
    assert user(deleted=True, profile={"display_name": "cut \ud83d"}).is_deactivated


@pytest.mark.parametrize("other", [None, [], {"id": "no id"}, {"id": "U1", "deleted": "yes"}])
def test_what_is_no_user_is_logged_and_left_out(
    other: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_user(other) is None
    assert len(caplog.messages) == 1
