"""The Lambda functions with events as Lambda sends them, on DynamoDB Local and the local Slack."""

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
from bot.slack.error_messages import SENTENCES
from domain.errors import TooLate
from playground.demo.seed import EVENTS
from storage.dynamodb.schema import EVENTS as EVENTS_TABLE
from tests.support.dynamodb.local import local_client
from tests.support.dynamodb.moto import REGION, dynamodb_client
from tests.support.invariants import assert_invariants
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, reply, shown
from tests.support.slack.lambda_functions import Context, Deployment, post_card, yoga


def test_promotion_goes_through_every_function(deployment: Deployment) -> None:
    """HTTP, stream and schedule are all that connects the functions."""
    yoga(deployment)
    seated = deployment.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert "a seat in *Yoga in the park*" in reply(seated)
    waitlisted = deployment.slack.command(CHLOE, EVENTS, "/register", "yoga")
    assert "1st" in reply(waitlisted)
    assert deployment.ask("DELETE", f"/events/yoga/register/{BJORN}") == {"promoted": [CHLOE]}
    assert deployment.harness.direct_messages(CHLOE) == []

    assert deployment.deliver() == []
    (message,) = deployment.harness.direct_messages(CHLOE)
    assert "a seat in *Yoga in the park*" in message
    assert assert_invariants(deployment.store).seated("yoga") == [CHLOE]
    assert deployment.store.list_undelivered(limit=10, cursor=None).items == ()


def test_stream_updates_cards(deployment: Deployment) -> None:
    yoga(deployment)
    post_card(deployment, "yoga")
    card = deployment.harness.workspace.messages(EVENTS)[-1]
    deployment.slack.click(BJORN, card, ActionId.REGISTER)
    assert deployment.deliver() == []
    assert "1 of 1 seat taken" in shown(
        deployment.harness.workspace.messages(EVENTS, visible_to=AMARA)[-1]
    )


def test_poisoned_record_does_not_block_the_others(deployment: Deployment) -> None:
    """Failed records are returned, for Lambda's retries and the dead-letter queue."""
    for event_id in ("poisoned", "yoga"):
        yoga(deployment, eventId=event_id)
        for user_id in (BJORN, CHLOE):
            deployment.slack.command(user_id, EVENTS, "/register", event_id)
        deployment.ask("DELETE", f"/events/{event_id}/register/{BJORN}")
    records = deployment.stream()
    poison(deployment, "poisoned")

    result = deployment.functions["notifier"]({"Records": records}, Context())
    (first, *_) = (record for record in records if event_of(record) == "poisoned")
    assert result == {
        "batchItemFailures": [{"itemIdentifier": first["dynamodb"]["SequenceNumber"]}]
    }
    (message,) = deployment.harness.direct_messages(CHLOE)
    assert "a seat in *Yoga in the park*" in message


def event_of(record: Mapping[str, Any]) -> str:
    key: str = record["dynamodb"]["Keys"]["event_id"]["S"]
    return key.partition("#")[2]


def poison(deployment: Deployment, event_id: str) -> None:
    """Mark the event's item as written by a newer version, which this one can't read."""
    keys = deployment.store._keys
    where = keys.at(keys.event(event_id))
    assert where["TableName"] == keys.table_name(EVENTS_TABLE)
    local_client().update_item(
        **where,
        UpdateExpression="SET v = :newer",
        ExpressionAttributeValues={":newer": {"N": "99"}},
    )


def test_sweep_delivers_entries_whose_records_were_lost(deployment: Deployment) -> None:
    """R9.1: a record may be lost or end as a dead letter."""
    yoga(deployment)
    for user_id in (BJORN, CHLOE):
        deployment.slack.command(user_id, EVENTS, "/register", "yoga")
    deployment.ask("DELETE", f"/events/yoga/register/{BJORN}")
    deployment.sweep()
    (message,) = deployment.harness.direct_messages(CHLOE)
    assert "a seat in *Yoga in the park*" in message


def test_sweep_logs_failed_events_and_continues_with_others(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    """The error in the log raises one alarm, and other events don't wait for the fix."""
    for event_id in ("poisoned", "yoga"):
        yoga(deployment, eventId=event_id)
        for user_id in (BJORN, DIEGO):
            deployment.slack.command(user_id, EVENTS, "/register", event_id)
        deployment.ask("DELETE", f"/events/{event_id}/register/{BJORN}")
    poison(deployment, "poisoned")
    deployment.sweep()
    (error,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert error.getMessage() == "notifications of poisoned failed"
    (message,) = deployment.harness.direct_messages(DIEGO)
    assert "a seat in *Yoga in the park*" in message


def test_cold_start_counts_toward_the_request_deadline(deployment: Deployment) -> None:
    """R8.12: Slack's three seconds start before the function does."""
    yoga(deployment)
    deployment.age = timedelta(seconds=2.7)
    late = deployment.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert SENTENCES[TooLate](None) in reply(late)
    assert assert_invariants(deployment.store).seated("yoga") == []


def test_late_start_makes_one_attempt(deployment: Deployment) -> None:
    """R8.12: nothing is busy."""
    yoga(deployment)
    deployment.age = timedelta(seconds=2.5)
    assert "You have a seat" in reply(deployment.slack.command(BJORN, EVENTS, "/register", "yoga"))


def test_request_without_slacks_signature_is_401(deployment: Deployment) -> None:
    body = urlencode({"command": "/register", "team_id": deployment.harness.workspace.team_id})
    response = deployment.send("POST", "/slack/events", body, {}, "slack")
    assert response.status == 401


def test_unsigned_certificate_check_is_200(deployment: Deployment) -> None:
    said = deployment.send("POST", "/slack/events", "token=old&ssl_check=1", {}, "slack")
    assert (said.status, said.body) == (200, "")


def test_api_request_without_a_token_is_401(deployment: Deployment) -> None:
    assert deployment.send("GET", "/users", "", {}, "api").status == 401


def test_without_tokens_the_api_is_off(deployment: Deployment) -> None:
    """R10.3."""
    env = {"ROLLCALL_STORE": "dynamodb", "ROLLCALL_WORKSPACE": "T1"}
    off = lambda_functions.build_api_function(
        Settings.from_env(env), deployment.store, deployment.harness.clock
    )
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
            "queue_function",
            {"domain.execution.queue_consumer"},
            WEB | {"slack_sdk", "bot.features"},
        ),
        # These two also say what became of a press that waited in a queue.
        ("reply_function", {"bot.notifications.queued_replies"}, WEB | {"slack_bolt"}),
        ("sweep_function", {"bot.notifications.worker"}, WEB | {"slack_bolt"}),
    ],
)
def test_function_imports_only_what_it_needs(
    function: str, needed: set[str], not_needed: set[str]
) -> None:
    script = (
        f"import sys; from bot.entrypoints.lambda_functions import {function}; print(*sys.modules)"
    )
    env = {**os.environ, **DEPLOYED, "ROLLCALL_API_TOKENS": "T0=a-token-of-the-hr-system"}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )
    modules = {*ended.stdout.split()}
    assert needed <= modules
    assert not (not_needed | {"storage.sqlite.store", "playground", "PIL", "icalendar"}) & modules


BUILT = """
from pydantic import BaseModel

def models(of):
    for model in of.__subclasses__():
        yield model
        yield from models(model)

built = (one for one in models(BaseModel) if one.__pydantic_complete__)
print(*(f"{one.__module__}.{one.__name__}" for one in built))
"""


def test_start_builds_no_model() -> None:
    """The smallest validator takes a millisecond to build, and a request needs a few of the many."""
    script = f"from bot.entrypoints.lambda_functions import slack_function\n{BUILT}"
    env = {**os.environ, **DEPLOYED}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == []


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return Secrets Manager, with a function's environment that holds no secrets."""
    dynamodb_client()
    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, value)
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name)
    return boto3.client("secretsmanager")


def test_secrets_are_read_at_startup(secrets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {name: DEPLOYED[name] for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")}
    secrets.create_secret(Name="rollcall/slack", SecretString=json.dumps(values))
    monkeypatch.setenv("ROLLCALL_SECRETS", "rollcall/slack")
    try:
        assert callable(lambda_functions.slack_function)
    finally:
        vars(lambda_functions).pop("slack_function", None)


def test_missing_variable_is_named_at_startup(secrets: Any) -> None:
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET is missing"):
        lambda_functions.slack_function  # noqa: B018  # access builds it


def test_malformed_secret_is_named_without_its_value(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.create_secret(Name="rollcall/odd", SecretString="xoxb-very-secret")
    monkeypatch.setenv("ROLLCALL_SECRETS", "rollcall/odd")
    with pytest.raises(SettingsError) as error:
        lambda_functions.slack_function  # noqa: B018  # as above
    assert "rollcall/odd" in str(error.value)
    assert "very-secret" not in str(error.value)


def test_secret_without_a_value_is_ignored_with_a_warning(
    secrets: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """New secrets have none: missing variables are named, and the API is off (R10.3)."""
    secrets.create_secret(Name="rollcall/none")
    monkeypatch.setenv("ROLLCALL_SECRETS", "rollcall/none")
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET is missing"):
        lambda_functions.slack_function  # noqa: B018  # as above
    assert "the secret rollcall/none has no value" in caplog.text
    try:
        assert lambda_functions.api_function({}, Context())["statusCode"] == 404
    finally:
        vars(lambda_functions).pop("api_function", None)


def test_unknown_function_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        lambda_functions.other_function  # noqa: B018  # as above
