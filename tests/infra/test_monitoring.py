"""Metrics, alarms and the dashboard: what CloudWatch is asked for exists as AWS publishes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.log_metrics import LOG_METRICS
from storage.dynamodb.schema import TABLES
from tests.support.infra.service_calls import ROOT
from tests.support.infra.synthesis import FUNCTIONS, Resources


def test_logs_are_kept_for_three_months(prod: Resources) -> None:
    assert {group["RetentionInDays"] for group in prod.of("AWS::Logs::LogGroup")} == {90}


ALARMS = {
    *(f"{name}-errors" for name in FUNCTIONS),
    *("failures", "throttles", "concurrency", "read-throttles", "write-throttles", "slow"),
    *(
        "undelivered",
        "dead-letters",
        "endpoint-errors",
        "slack-refused",
        "queue-late",
        "reply-late",
    ),
}


def test_every_alarm_notifies_when_it_starts_and_ends(prod: Resources) -> None:
    alarms = {
        alarm["AlarmName"].removeprefix("rollcall-prod-"): alarm
        for alarm in prod.of("AWS::CloudWatch::Alarm")
    }
    assert set(alarms) == ALARMS
    for alarm in alarms.values():
        (in_alarm,), (ok,) = alarm["AlarmActions"], alarm["OKActions"]
        assert prod.named(in_alarm) == prod.named(ok) == "alarms"


def alarm(prod: Resources, name: str) -> Mapping[str, Any]:
    return prod.one("AWS::CloudWatch::Alarm", AlarmName=f"rollcall-prod-{name}")


ROUTE = {"ApiId", "Stage", "Method", "Resource"}

PUBLISHED: Mapping[tuple[str, str], tuple[set[str], ...]] = {
    ("AWS/ApiGateway", "4xx"): ({"ApiId"}, {"ApiId", "Stage"}, ROUTE),
    ("AWS/ApiGateway", "5xx"): ({"ApiId"}, {"ApiId", "Stage"}, ROUTE),
    ("AWS/ApiGateway", "Count"): ({"ApiId"}, {"ApiId", "Stage"}, ROUTE),
    ("AWS/ApiGateway", "IntegrationLatency"): ({"ApiId"}, {"ApiId", "Stage"}, ROUTE),
    ("AWS/DynamoDB", "ReadThrottleEvents"): (
        {"TableName"},
        {"TableName", "GlobalSecondaryIndexName"},
    ),
    ("AWS/DynamoDB", "WriteThrottleEvents"): (
        {"TableName"},
        {"TableName", "GlobalSecondaryIndexName"},
    ),
    ("AWS/Lambda", "ClaimedAccountConcurrency"): (set(),),
    ("AWS/Lambda", "ConcurrentExecutions"): (set(), {"FunctionName"}, {"FunctionName", "Resource"}),
    ("AWS/Lambda", "Duration"): (set(), {"FunctionName"}, {"FunctionName", "Resource"}),
    ("AWS/Lambda", "Errors"): (set(), {"FunctionName"}, {"FunctionName", "Resource"}),
    # Of functions that a stream calls.
    ("AWS/Lambda", "IteratorAge"): (set(), {"FunctionName"}, {"FunctionName", "Resource"}),
    ("AWS/Lambda", "Throttles"): (set(), {"FunctionName"}, {"FunctionName", "Resource"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ({"QueueName"},),
}
"""The metrics of AWS that alarms and the dashboard may use, with the dimensions that each is published by.

From the page on metrics in each service's guide. CloudWatch accepts an alarm on anything else, which then never starts.
API Gateway publishes metrics by route only where detailed metrics are enabled.
"""


def watched(one: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield namespace, name and dimensions of each metric of an alarm."""
    metrics = [
        query["MetricStat"]["Metric"] for query in one.get("Metrics", ()) if "MetricStat" in query
    ]
    for metric in metrics or [one]:
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
        yield metric["Namespace"], metric["MetricName"], dimensions


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_metric_of_an_alarm_is_published_with_these_dimensions(prod: Resources, name: str) -> None:
    own = {
        transformation["MetricName"]
        for one in prod.of("AWS::Logs::MetricFilter")
        for transformation in one["MetricTransformations"]
        if "Dimensions" not in transformation
    }
    metrics = [*watched(alarm(prod, name))]
    assert metrics
    for namespace, metric, dimensions in metrics:
        if namespace == "Rollcall/prod":
            assert (metric in own, dimensions) == (True, {})
        else:
            assert set(dimensions) in PUBLISHED[namespace, metric]
        for dimension, value in dimensions.items():
            assert value_exists(prod, dimension, value), (dimension, value)


def value_exists(prod: Resources, dimension: str, value: Any) -> bool:
    """Return whether a resource of the stack has the dimension's value."""
    match dimension:
        case "ApiId":
            return value in [{"Ref": id_} for id_ in prod.ids_of("AWS::ApiGatewayV2::Api")]
        case "FunctionName":
            return value in [{"Ref": id_} for id_ in prod.ids_of("AWS::Lambda::Function")]
        case "QueueName":
            return prod.named(value) == "dead-letters.QueueName"
        case "TableName":
            return value in [one["TableName"] for one in prod.of("AWS::DynamoDB::GlobalTable")]
        case "Stage":
            return value in [one["StageName"] for one in prod.of("AWS::ApiGatewayV2::Stage")]
        case "Method" | "Resource":
            return value in ("POST", "/slack/events")  # with detailed metrics: see below
        case _:
            return False


def test_slack_route_has_metrics_of_its_own(prod: Resources) -> None:
    """They cost something, so no other route has."""
    settings = prod.given(HttpApi="on").one("AWS::ApiGatewayV2::Stage")["RouteSettings"]
    assert [route for route, one in settings.items() if one.get("DetailedMetricsEnabled")] == [
        "POST /slack/events"
    ]


def test_metrics_on_the_dashboard_are_published_with_these_dimensions(prod: Resources) -> None:
    parts = prod.one("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(one if isinstance(one, str) else "reference" for one in parts))
    metrics = [
        metric
        for widget in body["widgets"]
        for metric in widget["properties"].get("metrics", ())
        if not metric[0].startswith("Rollcall/")
    ]
    assert metrics
    for namespace, name, *rest in metrics:
        dimensions = {one for one in rest[::2] if isinstance(one, str)}
        assert dimensions in PUBLISHED[namespace, name]


def test_dashboard_costs_nothing_in_an_account_with_nothing_else(prod: Resources) -> None:
    """docs/operations.md: three dashboards are free, with up to 50 metrics each."""
    parts = prod.one("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(one if isinstance(one, str) else "reference" for one in parts))
    shown = [one for each in body["widgets"] for one in each["properties"].get("metrics", ())]
    assert len(shown) <= 50


def test_topic_accepts_alarms_and_only_encrypted_messages(prod: Resources) -> None:
    (policy,) = prod.of("AWS::SNS::TopicPolicy")
    denied, allowed_ = policy["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )
    assert allowed_["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (allowed_["Effect"], allowed_["Action"]) == ("Allow", "sns:Publish")
    assert allowed_["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_of_a_function_raises_an_alarm(prod: Resources, name: str) -> None:
    errors = alarm(prod, f"{name}-errors")
    assert (errors["Namespace"], errors["MetricName"]) == ("AWS/Lambda", "Errors")
    assert prod.named(errors["Dimensions"][0]["Value"]) == name
    minutes = errors["Period"] // 60
    assert (errors["Threshold"], errors["EvaluationPeriods"], minutes) == {
        "slack": (1, 1, 5),
        "api": (1, 1, 5),
        # What a stream, the next minute or Lambda tries again raises an alarm only if it lasts.
        "queue": (1, 3, 1),
        "reply": (1, 3, 1),
        "notifier": (1, 3, 1),
        "export": (1, 3, 1),
        "sweep": (1, 3, 1),
        "members": (3, 1, 60),
    }[name]


LASTING = ("endpoint-errors", "queue-late", "read-throttles", "reply-late", "slow", "undelivered")


@pytest.mark.parametrize("name", [*LASTING, "write-throttles"])
def test_what_may_pass_raises_an_alarm_only_if_it_lasts(prod: Resources, name: str) -> None:
    """An alarm means that somebody must do something."""
    assert alarm(prod, name)["EvaluationPeriods"] == 3


def test_throttling_of_any_function_raises_an_alarm(prod: Resources) -> None:
    metrics = [*watched(alarm(prod, "throttles"))]
    assert {metric for _, metric, _ in metrics} == {"Throttles"}
    functions = {prod.named(dimensions["FunctionName"]) for _, _, dimensions in metrics}
    assert functions == {*FUNCTIONS}


@pytest.mark.parametrize("function", ["queue", "reply"])
def test_presses_that_wait_in_the_queue_for_long_raise_an_alarm(
    prod: Resources, function: str
) -> None:
    """R14: the result of a press takes less than two seconds. Half a minute is no rush any more."""
    late = alarm(prod, f"{function}-late")
    ((_, metric, dimensions),) = watched(late)
    assert (metric, prod.named(dimensions["FunctionName"])) == ("IteratorAge", function)
    assert (late["Statistic"], late["Threshold"], late["Period"]) == ("Maximum", 30_000, 60)


def test_dead_letter_raises_an_alarm(prod: Resources) -> None:
    letters = alarm(prod, "dead-letters")
    assert letters["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert prod.named(letters["Dimensions"][0]["Value"]) == "dead-letters.QueueName"
    assert letters["Threshold"] == 1


def test_metric_filters_match_the_figures(prod: Resources) -> None:
    found: dict[str, set[tuple[str, str, str]]] = {}
    for one in prod.of("AWS::Logs::MetricFilter"):
        (made,) = one["MetricTransformations"]
        assert made["MetricNamespace"] == "Rollcall/prod"
        group = prod.named(one["LogGroupName"]).rpartition("/")[2]
        found.setdefault(made["MetricName"], set()).add(
            (group, one["FilterPattern"], made["MetricValue"])
        )
    assert found == {
        name: {
            (function, f"{{ {figure.lines} }}", f"$.{figure.field}" if figure.field else "1")
            for function in figure.functions
        }
        for name, figure in LOG_METRICS.items()
    }


def test_operations_page_says_of_every_alarm_what_it_means_and_what_to_do() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    alarms = page.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    covered: set[str] = set()
    for line in alarms.splitlines():
        if line.startswith("| `"):
            names, meaning, action = re.split(r"(?<!\\)\|", line)[1:-1]
            covered.update(re.findall(r"`([\w-]+)`", names))
            assert all(cell.strip() for cell in (meaning, action)), line
    assert covered == ALARMS


def test_quota_of_a_new_account_comes_before_its_first_deployment() -> None:
    """Ten functions at once are too few for a rush."""
    for page in ("README.md", "docs/operations.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert 0 < text.find("L-B99A9384") < text.find("make deploy STAGE="), page


def test_slow_request_raises_an_alarm(prod: Resources) -> None:
    """R8.12: the 99th percentile, with initialization, which Lambda's `Duration` leaves out."""
    slow = alarm(prod, "slow")
    assert (slow["MetricName"], slow["ExtendedStatistic"]) == ("IntegrationLatency", "p99")
    assert slow["Threshold"] == 2500
    ((_, _, dimensions),) = watched(slow)
    assert (dimensions["Method"], dimensions["Resource"]) == ("POST", "/slack/events")


def test_refused_requests_of_slack_raise_an_alarm(prod: Resources) -> None:
    """A request beyond the limit gets 429, one with another signing secret 401. Programs expect their 404 and 409."""
    refused = alarm(prod, "slack-refused")
    ((_, metric, dimensions),) = watched(refused)
    assert (metric, dimensions["Resource"]) == ("4xx", "/slack/events")
    assert (refused["Threshold"], refused["Period"], refused["EvaluationPeriods"]) == (5, 300, 1)


def test_claimed_concurrency_raises_an_alarm_before_the_accounts_quota(prod: Resources) -> None:
    """Whatever the quota is: 10 in a new account, 1,000 by default."""
    claimed = alarm(prod, "concurrency")
    expression, *metrics = claimed["Metrics"]
    assert expression["Expression"] == "100 * claimed / SERVICE_QUOTA(executions)"
    assert {one["Id"]: one["MetricStat"]["Metric"]["MetricName"] for one in metrics} == {
        "claimed": "ClaimedAccountConcurrency",
        # The metric that Service Quotas names as the usage of this quota.
        "executions": "ConcurrentExecutions",
    }
    assert {one["MetricStat"]["Stat"] for one in metrics} == {"Maximum"}
    assert claimed["Threshold"] == 80


REPORT = {
    "time": "2026-11-29T12:00:00.000Z",
    "type": "platform.report",
    "record": {
        "requestId": "6f7f0961f83442118a7af6fe80b88d56",
        "metrics": {
            "durationMs": 101.51,
            "billedDurationMs": 300,
            "memorySizeMB": 1769,
            "maxMemoryUsedMB": 133,
            "initDurationMs": 116.67,
        },
        "status": "success",
    },
}
"""A line of Lambda's own after a cold start. One after a warm start has no `initDurationMs`."""


def test_initialization_is_read_from_the_lines_of_lambda() -> None:
    metric = LOG_METRICS["Initialization"]
    paths = [metric.field, *re.findall(r"\$\.([\w.]+)", metric.lines)]
    for path in paths:
        value: Any = REPORT
        for name in str(path).split("."):
            value = value[name]
        assert value in ("platform.report", 116.67)
    assert metric.functions == ("slack",)  # whose system log has the level INFO


def test_undelivered_message_or_silent_sweep_raises_an_alarm(prod: Resources) -> None:
    undelivered = alarm(prod, "undelivered")
    assert undelivered["MetricName"] == "OldestUndelivered"
    assert undelivered["Threshold"] == 300
    assert undelivered["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("kind", ["Read", "Write"])
def test_throttling_of_any_table_raises_an_alarm(prod: Resources, kind: str) -> None:
    metrics = [*watched(alarm(prod, f"{kind.lower()}-throttles"))]
    tables = {dimensions["TableName"] for _, _, dimensions in metrics}
    assert tables == {f"rollcall-prod-{table.name}" for table in TABLES}
    assert len(metrics) <= 10  # CloudWatch's limit for an alarm


def test_alarm_email_is_an_optional_parameter(prod: Resources) -> None:
    assert prod.of("AWS::SNS::Subscription") == []
    subscription = prod.given(AlarmEmail="you@example.org").one("AWS::SNS::Subscription")
    assert subscription["Protocol"] == "email"
    assert subscription["Endpoint"] == {"Ref": "AlarmEmail"}


# The budget


def test_budget_is_made_only_with_an_email_address(prod: Resources) -> None:
    assert prod.of("AWS::Budgets::Budget") == []
    with_email = prod.given(AlarmEmail="you@example.org", MonthlyBudget="80")
    budget = with_email.one("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
    assert (budget["Budget"]["BudgetType"], budget["Budget"]["TimeUnit"]) == ("COST", "MONTHLY")
    subscribers = {
        (one["Notification"]["NotificationType"], one["Notification"]["Threshold"]): [
            each["Address"] for each in one["Subscribers"]
        ]
        for one in budget["NotificationsWithSubscribers"]
    }
    assert subscribers == {
        ("ACTUAL", 100): [{"Ref": "AlarmEmail"}],
        ("FORECASTED", 100): [{"Ref": "AlarmEmail"}],
    }


def test_budget_counts_all_costs(prod: Resources) -> None:
    """A filter by tag would count nothing until somebody activates the tag for billing."""
    budget = prod.given(AlarmEmail="you@example.org").one("AWS::Budgets::Budget")["Budget"]
    assert not {"CostFilters", "FilterExpression"} & budget.keys()


def test_dashboard_shows_every_figure(prod: Resources) -> None:
    body = json.dumps(prod.one("AWS::CloudWatch::Dashboard")["DashboardBody"])
    for figure in LOG_METRICS:
        assert figure in body or figure == "Failures"
