"""The CloudFormation template: tables, functions, address and alarms (R10.5)."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.api.app import CONFIRMATION_SECONDS
from bot.entrypoints import lambda_functions
from bot.entrypoints.settings import Settings
from bot.entrypoints.slack_startup import slack_client
from bot.notifications.card_updater import RETRY_DELAY
from bot.notifications.delivery import LEASE_RETRY
from bot.notifications.due_work import MAX_PAUSE, MAX_PAUSES, RETRY_AFTER_UNAVAILABLE
from bot.notifications.rate_limiter import CARD_INTERVAL
from bot.notifications.sender import FIRST_RETRY_DELAY
from bot.slack.request_budget import ACKNOWLEDGED_BY
from bot.slack.web_client import REPLY_SECONDS
from domain.execution.retry import LATEST_SECONDS
from domain.ports import INDEX_LAG
from infra.permissions import PERMISSIONS
from storage.dynamodb.schema import JOURNAL, REQUESTS, TABLES, Table, definition
from storage.dynamodb.store import CLIENT
from tests.support.infra.iam_actions import allowed
from tests.support.infra.synthesis import FUNCTIONS, STREAMED, Resources, synthesize

ROOT = Path(__file__).parents[2]


def test_every_finding_of_cdk_nag_is_acknowledged_with_a_reason(assembly: Path) -> None:
    report = json.loads((assembly / "validation-report.json").read_text())
    (nag,) = report["pluginReports"]
    assert (nag["conclusion"], nag["violations"]) == ("success", [])
    assert nag["suppressedViolations"]
    assert all(finding["reason"] for finding in nag["suppressedViolations"])


def test_types_of_every_part_of_cdk_in_use_are_checked() -> None:
    """Mypy skips the others, which would be Any without a word."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    checked = {
        name for one in overrides if one.get("follow_imports") == "normal" for name in one["module"]
    }
    used = {
        f"aws_cdk.{alias.name}"
        for folder in ("infra", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "aws_cdk"
        for alias in node.names
    }
    assert "aws_cdk.aws_lambda" in used
    assert used <= checked


def test_two_stages_share_no_name(
    prod: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account can hold several stages."""
    monkeypatch.setenv("CDK_VALIDATION", "false")
    qa = Resources(synthesize(tmp_path, "qa"))
    assert names(prod)
    assert not names(prod) & names(qa)


NAMES = (
    "AlarmName",
    "DashboardName",
    "FunctionName",
    "LogGroupName",
    "Name",
    "QueueName",
    "TableName",
)


def names(resources: Resources) -> set[str]:
    """Return the names that must be unique in an account."""
    return {
        properties[key]
        for properties in resources.all()
        for key in (*NAMES, "TopicName")
        if isinstance(properties.get(key), str)
    }


@pytest.mark.parametrize("stage", ["Prod", "1st", "x" * 21, "a_b", "-a"])
def test_malformed_stage_is_refused(node: None, stage: str) -> None:
    import aws_cdk as cdk  # it starts Node

    from infra.app import stage_of

    with pytest.raises(SystemExit, match="stage is malformed"):
        stage_of(cdk.App(context={"stage": stage}))


# Tables


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_table_matches_the_schema(prod: Resources, table: Table) -> None:
    """`rollcall tables create` and CloudFormation create the same table."""
    wanted = definition(table, "rollcall-prod-")
    made = prod.one("AWS::DynamoDB::GlobalTable", TableName=wanted["TableName"])
    stream = made.get("StreamSpecification")
    assert {
        "TableName": made["TableName"],
        "BillingMode": made["BillingMode"],
        "KeySchema": made["KeySchema"],
        "AttributeDefinitions": by_name(made["AttributeDefinitions"]),
        "GlobalSecondaryIndexes": made.get("GlobalSecondaryIndexes"),
        "StreamSpecification": stream and {"StreamEnabled": True, **stream},
    } == {
        "GlobalSecondaryIndexes": None,
        "StreamSpecification": None,
        **wanted,
        "AttributeDefinitions": by_name(wanted["AttributeDefinitions"]),
    }


def by_name(attributes: list[Mapping[str, str]]) -> list[Mapping[str, str]]:
    return sorted(attributes, key=lambda attribute: attribute["AttributeName"])


def test_there_are_no_tables_besides_the_schema(prod: Resources) -> None:
    made = {table["TableName"] for table in prod.of("AWS::DynamoDB::GlobalTable")}
    assert made == {f"rollcall-prod-{table.name}" for table in TABLES}


def test_tables_are_on_demand_encrypted_backed_up_and_protected(prod: Resources) -> None:
    """R10.5."""
    for table in prod.of("AWS::DynamoDB::GlobalTable"):
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
        (replica,) = table["Replicas"]
        assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert replica["DeletionProtectionEnabled"] is True


def test_tables_outlive_the_stack(prod: Resources) -> None:
    assert prod.policies_of("AWS::DynamoDB::GlobalTable") == {("Retain", "Retain")}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_old_items_expire_as_the_schema_says(prod: Resources, table: Table) -> None:
    """R7.8. An attribute of another name would never delete anything, and nobody would notice."""
    made = prod.one("AWS::DynamoDB::GlobalTable", TableName=f"rollcall-prod-{table.name}")
    expected = table.expires_by and {"AttributeName": table.expires_by, "Enabled": True}
    assert made.get("TimeToLiveSpecification") == expected


def test_only_the_journal_and_the_requests_are_streamed(prod: Resources) -> None:
    streamed = [
        table["TableName"]
        for table in prod.of("AWS::DynamoDB::GlobalTable")
        if "StreamSpecification" in table
    ]
    assert streamed == [f"rollcall-prod-{one.name}" for one in (JOURNAL, REQUESTS)]


# Functions


def test_there_are_eight_functions(prod: Resources) -> None:
    made = {one["FunctionName"] for one in prod.of("AWS::Lambda::Function")}
    assert made == {f"rollcall-prod-{name}" for name in FUNCTIONS}
    assert set(PERMISSIONS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_runs_python_3_13_on_arm64_and_logs_json(prod: Resources, name: str) -> None:
    function = prod.function(name)
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        # Initialization is in lines of the level INFO, and only Slack waits for it.
        "SystemLogLevel": "INFO" if name == "slack" else "WARN",
        "LogGroup": function["LoggingConfig"]["LogGroup"],
    }
    assert prod.named(function["LoggingConfig"]["LogGroup"]) == f"/rollcall/prod/{name}"


def test_handlers_are_those_of_lambda_functions(prod: Resources) -> None:
    handlers = {one["Handler"] for one in prod.of("AWS::Lambda::Function")}
    assert handlers == {
        f"bot.entrypoints.lambda_functions.{name}" for name in lambda_functions._FUNCTIONS
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_environment_of_a_function_is_complete_and_has_no_secret(
    prod: Resources, name: str
) -> None:
    """R10.4: a function gets only the names of its own secrets."""
    expected: dict[str, Any] = {
        "ROLLCALL_STORE": "dynamodb",
        "ROLLCALL_TABLE_PREFIX": "rollcall-prod-",
        "ROLLCALL_WORKSPACE": {"Ref": "Workspace"},
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }
    if (secret := secret_of(name)) is not None:
        expected["ROLLCALL_SECRETS"] = secret
    if name in ("slack", "api"):
        expected["ROLLCALL_CONCURRENCY"] = {"Ref": "Concurrency"}
    assert prod.function(name)["Environment"]["Variables"] == expected


def secret_of(function: str) -> str | None:
    """Return the only secret of a function. The queue function calls no one who would ask for one."""
    return {"api": "rollcall/prod/api", "queue": None}.get(function, "rollcall/prod/slack")


def test_no_secret_has_a_value_in_the_template(prod: Resources) -> None:
    for secret in prod.of("AWS::SecretsManager::Secret"):
        assert set(secret) == {"Name", "Description"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_policy_allows_exactly_the_permissions(prod: Resources, name: str) -> None:
    """R10.5: the table permissions of `infra.permissions`, and the function's own secret and log."""
    wanted = {(f"dynamodb:{action}", resource) for action, resource in allowed(name)}
    wanted |= {
        ("logs:CreateLogStream", f"/rollcall/prod/{name}"),
        ("logs:PutLogEvents", f"/rollcall/prod/{name}"),
    }
    if (secret := secret_of(name)) is not None:
        wanted.add(("secretsmanager:GetSecretValue", secret))
    if name in STREAMED:
        # Lambda reads the stream and sends dead letters with the function's role.
        wanted |= {
            (f"dynamodb:{action}", f"{STREAMED[name].name}.StreamArn")
            for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        }
        wanted |= {
            (f"sqs:{action}", "dead-letters")
            for action in ("GetQueueAttributes", "GetQueueUrl", "SendMessage")
        }
    assert sorted(prod.statements(name)) == sorted(wanted)


def test_functions_run_at_a_fixed_rate(prod: Resources) -> None:
    scheduled = {
        rule["ScheduleExpression"]: [prod.named(target["Arn"]) for target in rule["Targets"]]
        for rule in prod.of("AWS::Events::Rule")
    }
    assert scheduled == {"rate(1 minute)": ["sweep", "export"], "rate(1 day)": ["members"]}


RERUNS = {
    # Whoever waited for a minute would meet the next run.
    "sweep": (0, 60),
    "export": (0, 60),
    "members": (2, 3600),
}


def test_failed_run_is_repeated_only_if_the_next_one_is_far_away(prod: Resources) -> None:
    """EventBridge hands a run over, then Lambda runs it: each tries again by itself, for a day and for six hours."""
    handed_over = {
        prod.named(target["Arn"]): (
            target["RetryPolicy"]["MaximumRetryAttempts"],
            target["RetryPolicy"]["MaximumEventAgeInSeconds"],
        )
        for rule in prod.of("AWS::Events::Rule")
        for target in rule["Targets"]
    }
    run = {
        prod.named(one["FunctionName"]): (
            one["MaximumRetryAttempts"],
            one["MaximumEventAgeInSeconds"],
        )
        for one in prod.of("AWS::Lambda::EventInvokeConfig")
    }
    assert handed_over == run == RERUNS


# Time limits


def test_pauses_of_the_notifier_fit_its_time_limit() -> None:
    """It waits for what passes within seconds, and leaves to the next minute's sweep what takes longer."""
    soon = (CARD_INTERVAL, INDEX_LAG, LEASE_RETRY, RETRY_AFTER_UNAVAILABLE)
    assert max(soon) <= MAX_PAUSE
    assert min(FIRST_RETRY_DELAY, RETRY_DELAY) > MAX_PAUSE


@pytest.mark.parametrize("name", ["notifier", "sweep"])
def test_function_that_waits_still_has_time_to_send(prod: Resources, name: str) -> None:
    limit = prod.function(name)["Timeout"]
    assert limit <= 60  # what is left then waits for the next minute's sweep, not for two
    assert (limit - lambda_functions.RESERVE) / 2 > MAX_PAUSES


STORE_CALL: float = CLIENT.connect_timeout + CLIENT.read_timeout  # type: ignore[attr-defined]  # botocore sets them
"""Seconds for one try of a request to DynamoDB: connecting and waiting are timed apart, as in calls to Slack."""


@pytest.mark.parametrize("name", ["notifier", "reply", "sweep", "export", "members"])
def test_longest_calls_fit_the_time_limit(prod: Resources, name: str) -> None:
    """One to Slack takes half of what is left at most, and leaves what the store needs."""
    settings = Settings("dynamodb", bot_token="xoxb-1", slack_api_url="https://slack.com/api/")
    slack_call = 2 * slack_client(settings).timeout
    assert STORE_CALL < lambda_functions.STORE_RESERVE < lambda_functions.RESERVE
    assert slack_call + lambda_functions.RESERVE < prod.function(name)["Timeout"]


def test_slack_function_is_ended_only_if_it_hangs(prod: Resources) -> None:
    """What is committed at the last moment still gets its reply, though Slack has stopped waiting."""
    limit = prod.function("slack")["Timeout"]
    assert limit > ACKNOWLEDGED_BY + STORE_CALL + REPLY_SECONDS


def test_api_function_ends_before_the_limit_of_api_gateway(prod: Resources) -> None:
    """API Gateway waits 30 seconds. The function waits for an unconfirmed change, after its tries."""
    assert LATEST_SECONDS + CONFIRMATION_SECONDS + STORE_CALL < prod.function("api")["Timeout"] < 30
