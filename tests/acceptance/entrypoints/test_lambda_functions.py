"""The Lambda functions, with the events that Lambda sends, on AWS's own engine and in a local Slack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints import lambda_functions
from bot.entrypoints.settings import Settings, SettingsError
from playground.demo.seed import EVENTS
from storage.dynamodb.schema import EVENTS as EVENTS_TABLE
from tests.support.dynamodb.local import local_client
from tests.support.dynamodb.moto import REGION, dynamodb_client
from tests.support.invariants import assert_sound
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, answer, shown
from tests.support.slack.lambda_functions import Cloud, Context, post_card, yoga


def test_from_a_program_and_slack_through_the_journal_to_the_person_promoted(cloud: Cloud) -> None:
    """HTTP, stream and schedule: each function does its part, and nothing else connects them."""
    yoga(cloud)
    seated = cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert sentences.seat() in answer(seated)
    waits = cloud.slack.command(CHLOE, EVENTS, "/register", "yoga")
    assert sentences.waitlisted(1) in answer(waits)
    assert cloud.ask("DELETE", f"/events/yoga/register/{BJORN}") == {"promoted": [CHLOE]}
    assert cloud.town.told(CHLOE) == []

    assert cloud.deliver() == []
    (told,) = cloud.town.told(CHLOE)
    assert sentences.promoted() in told
    assert assert_sound(cloud.store).seated("yoga") == [CHLOE]
    assert cloud.store.list_undelivered(limit=10, cursor=None).items == ()


def test_a_card_shows_what_the_stream_told_of(cloud: Cloud) -> None:
    yoga(cloud)
    post_card(cloud, "yoga")
    card = cloud.town.workspace.messages(EVENTS)[-1]
    cloud.slack.click(BJORN, card, ActionId.REGISTER)
    assert cloud.deliver() == []
    assert sentences.taken(1, 1) in shown(cloud.town.workspace.messages(EVENTS, seen_by=AMARA)[-1])


def test_a_poisoned_record_does_not_block_the_rest(cloud: Cloud) -> None:
    """What can't be delivered is given back, for the retries and the queue of dead letters."""
    for event_id in ("poisoned", "yoga"):
        yoga(cloud, eventId=event_id)
        for user_id in (BJORN, CHLOE):
            cloud.slack.command(user_id, EVENTS, "/register", event_id)
        cloud.ask("DELETE", f"/events/{event_id}/register/{BJORN}")
    records = cloud.stream()
    poison(cloud, "poisoned")

    said = cloud.functions["notifier"]({"Records": records}, Context())
    (first, *_) = (record for record in records if event_of(record) == "poisoned")
    assert said == {"batchItemFailures": [{"itemIdentifier": first["dynamodb"]["SequenceNumber"]}]}
    (told,) = cloud.town.told(CHLOE)
    assert sentences.promoted() in told


def event_of(record: Mapping[str, Any]) -> str:
    key: str = record["dynamodb"]["Keys"]["event_id"]["S"]
    return key.partition("#")[2]


def poison(cloud: Cloud, event_id: str) -> None:
    """Make the event's item one that a newer Rollcall wrote, which this one can't read."""
    tables = cloud.store._tables
    where = tables.at(tables.event(event_id))
    assert where["TableName"] == tables.name(EVENTS_TABLE)
    local_client().update_item(
        **where,
        UpdateExpression="SET v = :newer",
        ExpressionAttributeValues={":newer": {"N": "99"}},
    )


def test_the_sweep_delivers_what_no_record_told_of(cloud: Cloud) -> None:
    """R9.1: a stream's record may be lost, or have gone to the dead letters."""
    yoga(cloud)
    for user_id in (BJORN, CHLOE):
        cloud.slack.command(user_id, EVENTS, "/register", "yoga")
    cloud.ask("DELETE", f"/events/yoga/register/{BJORN}")
    cloud.sweep()
    (told,) = cloud.town.told(CHLOE)
    assert sentences.promoted() in told


def test_a_sweep_that_fails_says_so_after_it_did_the_rest(cloud: Cloud) -> None:
    """An alarm hears of it, and nobody waits for it to be mended."""
    for event_id in ("poisoned", "yoga"):
        yoga(cloud, eventId=event_id)
        for user_id in (BJORN, DIEGO):
            cloud.slack.command(user_id, EVENTS, "/register", event_id)
        cloud.ask("DELETE", f"/events/{event_id}/register/{BJORN}")
    poison(cloud, "poisoned")
    with pytest.raises(RuntimeError, match=r"^the sweep failed for poisoned$"):
        cloud.sweep()
    (told,) = cloud.town.told(DIEGO)
    assert sentences.promoted() in told


def test_who_waited_for_a_cold_start_is_answered_in_time(cloud: Cloud) -> None:
    """R8.12: Slack's three seconds began before the function did."""
    yoga(cloud)
    cloud.age = timedelta(seconds=2.2)
    late = cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert sentences.BUSY in answer(late)
    assert assert_sound(cloud.store).seated("yoga") == []


def test_what_slack_did_not_sign_is_401(cloud: Cloud) -> None:
    body = urlencode({"command": "/register", "team_id": cloud.town.workspace.team_id})
    said = cloud.send("POST", "/slack/events", body, {}, "slack")
    assert said.status == 401


def test_a_program_without_a_token_is_401(cloud: Cloud) -> None:
    assert cloud.send("GET", "/users", "", {}, "api").status == 401


def test_without_tokens_there_is_no_api(cloud: Cloud) -> None:
    """R10.3."""
    env = {"ROLLCALL_STORE": "dynamodb", "ROLLCALL_WORKSPACE": "T1"}
    off = lambda_functions.for_programs(Settings.from_env(env), cloud.store, cloud.town.clock)
    assert off({}, Context())["statusCode"] == 404


# From the environment

DEPLOYED = {
    "ROLLCALL_STORE": "dynamodb",
    "ROLLCALL_WORKSPACE": "T0",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "0123456789",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "invented",
    "AWS_SECRET_ACCESS_KEY": "invented",
    "AWS_LAMBDA_FUNCTION_NAME": "rollcall",
}

WEB = {"fastapi", "starlette", "uvicorn", "mangum", "bot.api"}


@pytest.mark.parametrize(
    ("function", "needed", "not_needed"),
    [
        ("slack_function", {"slack_bolt", "bot.features.registration.listeners"}, WEB),
        ("api_function", {"bot.api.app"}, {"slack_bolt", "bot.features.registration"}),
        (
            "notifier_function",
            {"bot.notifications.worker"},
            WEB | {"slack_bolt", "bot.features.registration"},
        ),
        (
            "sweep_function",
            {"bot.notifications.worker"},
            WEB | {"slack_bolt", "bot.features.registration"},
        ),
    ],
)
def test_a_function_imports_only_what_it_needs(
    function: str, needed: set[str], not_needed: set[str]
) -> None:
    says = (
        f"import sys; from bot.entrypoints.lambda_functions import {function}; print(*sys.modules)"
    )
    env = {**os.environ, **DEPLOYED, "ROLLCALL_API_TOKENS": "T0=a-token-of-the-hr-system"}
    ended = subprocess.run(
        [sys.executable, "-c", says], env=env, capture_output=True, text=True, check=True
    )
    modules = {*ended.stdout.split()}
    assert needed <= modules
    assert not (not_needed | {"storage.sqlite.store", "playground"}) & modules


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return Secrets Manager, with the environment of a function that has nothing secret in it."""
    dynamodb_client()
    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, value)
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name)
    return boto3.client("secretsmanager")


def test_secrets_are_read_where_the_function_starts(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {name: DEPLOYED[name] for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")}
    secrets.create_secret(Name="rollcall/slack", SecretString=json.dumps(values))
    monkeypatch.setenv("ROLLCALL_SECRETS", "rollcall/slack")
    try:
        assert callable(lambda_functions.slack_function)
    finally:
        vars(lambda_functions).pop("slack_function", None)


def test_what_is_missing_is_named_where_the_function_starts(secrets: Any) -> None:
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET is missing"):
        lambda_functions.slack_function  # noqa: B018  # it is built when it is asked for


def test_a_malformed_secret_is_named_and_not_shown(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.create_secret(Name="rollcall/odd", SecretString="xoxb-very-secret")
    monkeypatch.setenv("ROLLCALL_SECRETS", "rollcall/odd")
    with pytest.raises(SettingsError) as wrong:
        lambda_functions.slack_function  # noqa: B018  # as above
    assert "rollcall/odd" in str(wrong.value)
    assert "very-secret" not in str(wrong.value)


def test_a_secret_without_a_value_is_as_if_it_were_not_there(
    secrets: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As deployed: until somebody puts one, what is missing is named, and the API is off (R10.3)."""
    secrets.create_secret(Name="rollcall/none")
    monkeypatch.setenv("ROLLCALL_SECRETS", "rollcall/none")
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET is missing"):
        lambda_functions.slack_function  # noqa: B018  # as above
    assert "the secret rollcall/none has no value" in caplog.text
    try:
        assert lambda_functions.api_function({}, Context())["statusCode"] == 404
    finally:
        vars(lambda_functions).pop("api_function", None)


def test_there_is_no_other_function() -> None:
    with pytest.raises(AttributeError):
        lambda_functions.other_function  # noqa: B018  # as above
