"""Shapes of Slack's payloads as third parties publish them: their keys, and the variations that occur.

The facts are from bolt-python's scenario tests and its tests of request internals, from java-slack-sdk's logs of
payloads, and from Slack's pages on organizations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

from playground.workspace.model import Json, Organization
from tests.support.fuzz.corpus import Seed

OURS, SISTER, OTHER = "T0PLAYGRND", "T0SISTER", "T0OTHER"
ORGANIZATION, OTHER_ORGANIZATION = Organization().id, "E0OTHER"

Variation: TypeAlias = Callable[[Json], Json]

# Keys

_ACTOR = "type token api_app_id team enterprise is_enterprise_install user"
KEYS: Mapping[str, frozenset[str]] = {
    name: frozenset(keys.split())
    for name, keys in {
        "command": "token team_id team_domain channel_id channel_name user_id user_name command text"
        " api_app_id is_enterprise_install response_url trigger_id",
        "action in a message": f"{_ACTOR} container channel message state actions response_url trigger_id",
        "action in an ephemeral": f"{_ACTOR} container channel state actions response_url trigger_id",
        "action in a view": f"{_ACTOR} container view actions trigger_id",
        "view_submission": f"{_ACTOR} view trigger_id response_urls",
        "view_closed": f"{_ACTOR} view is_cleared",
        "block_suggestion": f"{_ACTOR} container view action_id block_id value",
        "event": "token team_id context_team_id context_enterprise_id api_app_id event type event_id"
        " event_time authorizations is_ext_shared_channel event_context",
        "team": "id domain",
        "user": "id username name team_id",
        "view": "id team_id type blocks private_metadata callback_id state hash title clear_on_close"
        " notify_on_close close submit previous_view_id root_view_id app_id external_id"
        " app_installed_team_id bot_id",
        "authorization": "enterprise_id team_id user_id is_bot is_enterprise_install",
    }.items()
}


def kind_of(seed: Seed) -> str:
    """Return the name in `KEYS` of a payload's kind."""
    payload = seed.payload
    if seed.kind in ("command", "event"):
        return seed.kind
    if payload["type"] != "block_actions":
        return str(payload["type"])
    if "view" in payload:
        return "action in a view"
    is_ephemeral = payload["container"]["is_ephemeral"]
    return "action in an ephemeral" if is_ephemeral else "action in a message"


# Variations. Each changes a payload in place, where it has such a part.


def _of_interaction(change: Callable[[Json], None]) -> Variation:
    def varied(payload: Json) -> Json:
        payload = deepcopy(payload)
        if isinstance(payload.get("user"), dict):
            change(payload)
        return payload

    return varied


def _of_event(change: Callable[[Json], None]) -> Variation:
    def varied(payload: Json) -> Json:
        payload = deepcopy(payload)
        if "event" in payload:
            change(payload)
        return payload

    return varied


def _enterprise(payload: Json) -> None:
    names = {"enterprise_id": ORGANIZATION, "enterprise_name": "Group"}
    payload["enterprise"] = {"id": ORGANIZATION, "name": "Group"}
    payload["team"] |= names


def _member_of(team_id: str) -> Variation:
    def change(payload: Json) -> None:
        _enterprise(payload)
        payload["user"]["team_id"] = team_id

    return _of_interaction(change)


def _org_wide(payload: Json) -> None:
    payload |= {"team": None, "enterprise": {"id": ORGANIZATION}, "is_enterprise_install": True}
    if "view" in payload:
        payload["view"]["app_installed_team_id"] = ORGANIZATION


def _in_thread(payload: Json) -> None:
    if "message_ts" in payload.get("container", {}):
        payload["container"]["thread_ts"] = "1700000000.000100"
    if "message" in payload:
        payload["message"] |= {"thread_ts": "1700000000.000100", "parent_user_id": "U0ROLLCALL"}


def _unfurled(payload: Json) -> None:
    if "message_ts" in payload.get("container", {}):
        payload["container"] |= {"type": "message_attachment", "attachment_id": 1}
        payload["container"] |= {"is_app_unfurl": False, "app_unfurl_url": ""}


def _with_response_urls(payload: Json) -> None:
    if payload["type"] == "view_submission":
        url = {"block_id": "b", "action_id": "a", "channel_id": "C1"}
        payload["response_urls"] = [url | {"response_url": "http://127.0.0.1:9/nothing"}]


def _bare(payload: Json) -> None:
    for key in ("token", "api_app_id", "enterprise", "is_enterprise_install", "response_urls"):
        payload.pop(key, None)
    for key in ("username", "team_id"):
        payload["user"].pop(key, None)
    for key in ("hash", "external_id", "bot_id", "app_id", "app_installed_team_id", "team_id"):
        payload.get("view", {}).pop(key, None)


def _with_nulls(payload: Json) -> None:
    payload |= {"enterprise": None, "is_enterprise_install": None, "function_data": None}
    if "view" in payload:
        payload["view"] |= {"close": None, "submit": None, "bot_id": None}


def _grown(part: Any) -> Any:
    """Return a part with a key that nobody knows yet in each of its objects but the values of inputs."""
    if isinstance(part, Mapping):
        known = {key: value if key == "values" else _grown(value) for key, value in part.items()}
        return {**known, "not_known_yet": {"id": "X1"}}
    return [_grown(each) for each in part] if isinstance(part, list) else part


def _command_in_organization(payload: Json) -> Json:
    names = {"enterprise_id": ORGANIZATION, "enterprise_name": "Group", "thread_ts": "1.1"}
    return payload | names if "command" in payload else payload


def _event_in_organization(payload: Json) -> None:
    payload["enterprise_id"] = payload["context_enterprise_id"] = ORGANIZATION
    payload["authorizations"] = [payload["authorizations"][0] | {"enterprise_id": ORGANIZATION}]
    payload["event"]["user_team"] = ORGANIZATION


def _event_org_wide(payload: Json) -> None:
    granted = {"enterprise_id": ORGANIZATION, "team_id": None, "is_enterprise_install": True}
    payload["authorizations"] = [payload["authorizations"][0] | granted]


def _event_of_sister(payload: Json) -> None:
    """Slack names the member's workspace as the event's, and ours in the authorization."""
    payload |= {"team_id": SISTER, "enterprise_id": ORGANIZATION}


def _event_before_authorizations(payload: Json) -> None:
    payload |= {"authed_users": ["U0ROLLCALL"], "authed_teams": [OURS]}
    for key in ("authorizations", "context_team_id", "context_enterprise_id", "event_context"):
        del payload[key]


SERVED: Mapping[str, Variation] = {
    "organization as the member's": _member_of(ORGANIZATION),
    "sister workspace as the member's": _member_of(SISTER),
    "org-wide installation": _of_interaction(_org_wide),
    "thread": _of_interaction(_in_thread),
    "attachment": _of_interaction(_unfurled),
    "response URLs": _of_interaction(_with_response_urls),
    "missing fields": _of_interaction(_bare),
    "null fields": _of_interaction(_with_nulls),
    "more fields": lambda payload: payload if "command" in payload else _grown(payload),
    "command in an organization": _command_in_organization,
    "event in an organization": _of_event(_event_in_organization),
    "event of an org-wide installation": _of_event(_event_org_wide),
    "event of a sister workspace": _of_event(_event_of_sister),
    "event before authorizations": _of_event(_event_before_authorizations),
}
"""Variations that get the same answer as the payload without them, in a workspace of the organization."""


def _by_stranger(payload: Json) -> Json:
    """Slack Connect: the other side's workspace and organization, ours only as the view's installation."""
    payload = deepcopy(payload)
    if "command" in payload:
        return payload | {"team_id": OTHER, "enterprise_id": OTHER_ORGANIZATION}
    if "event" in payload:
        there = {"enterprise_id": OTHER_ORGANIZATION, "team_id": OTHER}
        return payload | there | {"authorizations": [there], "is_ext_shared_channel": True}
    payload |= {"enterprise": {"id": OTHER_ORGANIZATION}, "team": {"id": OTHER}}
    payload["user"]["team_id"] = OTHER_ORGANIZATION
    return payload


def _without_workspace(payload: Json) -> Json:
    """Only the organization is named."""
    payload = deepcopy(payload)
    if "command" in payload:
        return payload | {"team_id": ORGANIZATION, "is_enterprise_install": "true"}
    if "event" in payload:
        return payload | {"team_id": None, "enterprise_id": ORGANIZATION, "authorizations": []}
    _org_wide(payload)
    payload["user"]["team_id"] = ORGANIZATION
    payload.get("view", {}).pop("team_id", None)
    return payload


def _of_another_installation(payload: Json) -> Json:
    payload = deepcopy(payload)
    if "view" in payload:
        payload["view"]["app_installed_team_id"] = OTHER
    elif "team" in payload:
        payload["team"] = {"id": OTHER}
    elif "event" in payload:
        payload["authorizations"] = [{"team_id": OTHER}]
    else:
        payload["team_id"] = OTHER
    return payload


REFUSED: Mapping[str, Variation] = {
    "stranger": _by_stranger,
    "no workspace": _without_workspace,
    "another installation": _of_another_installation,
}
"""Variations that get a refusal and change nothing (R10.2)."""

RETRIED: Mapping[str, str] = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
"""The headers of an event that Slack sends again."""
