"""Metrics, the dashboard, and the alarms.

Lambda, DynamoDB, SQS and the HTTP API provide metrics. Rollcall's own are in `infra.log_metrics`.
`docs/operations.md` says what to do about each alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.functions import Functions
from infra.constructs.http_endpoint import HttpEndpoint
from infra.constructs.tables import Tables
from infra.log_metrics import LOG_METRICS, LogMetric
from storage.dynamodb import schema

MINUTE = cdk.Duration.minutes(1)
FIVE_MINUTES = cdk.Duration.minutes(5)

SLOW_REQUEST = cdk.Duration.millis(2500)
"""Slack waits three seconds (R8.12), including the time on the network."""

REFUSED_REQUESTS = 5
"""Slack's requests that get 4xx in five minutes. Now and then somebody else finds the address and tries it."""

CLAIMED_PERCENT = 80
"""The share of the account's concurrency that is in use when the alarm starts. A rush can still take the rest."""

UNDELIVERED_FOR = cdk.Duration.minutes(5)

LATE = cdk.Duration.seconds(30)
"""The age of a request or a result, when its function is done with it, from which on people wait too long."""

LASTS = 3
"""Periods in a row after which something does not pass by itself."""

ERRORS: Mapping[str, tuple[cdk.Duration, int, int]] = {
    # Nobody tries these again for the person or the program.
    "slack": (FIVE_MINUTES, 1, 1),
    "api": (FIVE_MINUTES, 1, 1),
    # A stream, or the next minute, tries these again.
    "queue": (MINUTE, 1, LASTS),
    "reply": (MINUTE, 1, LASTS),
    "notifier": (MINUTE, 1, LASTS),
    "export": (MINUTE, 1, LASTS),
    "sweep": (MINUTE, 1, LASTS),
    # Lambda tries it again twice, each time within minutes. A run may take 15 of them.
    "members": (cdk.Duration.hours(1), 3, 1),
}
"""For each function the period, the number of errors in it, and the periods in a row that raise its alarm."""


class Monitoring(Construct):
    """Metrics, alarms and dashboard of one stage."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: str,
        tables: Tables,
        functions: Functions,
        endpoint: HttpEndpoint,
        email: str,
        email_is_given: cdk.CfnCondition,
    ) -> None:
        super().__init__(scope, id_)
        self._stage, self._tables, self._functions, self._endpoint = (
            stage,
            tables,
            functions,
            endpoint,
        )
        self._topic = sns.Topic(
            self, "Alarms", topic_name=f"rollcall-{stage}-alarms", enforce_ssl=True
        )
        # A policy of its own replaces the topic's default policy, which lets alarms publish.
        self._topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self._topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
            )
        )
        self._all_alarms: list[cloudwatch.IAlarm] = []
        self._subscribe(email, email_is_given)
        for name, metric in LOG_METRICS.items():
            self._add_metric_filters(name, metric)
        self._add_alarms()
        self._add_dashboard()

    def _subscribe(self, email: str, is_given: cdk.CfnCondition) -> None:
        subscription = sns.CfnSubscription(
            self, "Email", protocol="email", endpoint=email, topic_arn=self._topic.topic_arn
        )
        subscription.cfn_options.condition = is_given

    # Rollcall's own metrics

    def _add_metric_filters(self, name: str, metric: LogMetric) -> None:
        for function in metric.functions:
            logs.MetricFilter(
                self,
                f"{name}Of{function.capitalize()}",
                log_group=self._functions.logs[function],
                filter_pattern=logs.FilterPattern.literal(f"{{ {metric.lines} }}"),
                metric_namespace=self._namespace,
                metric_name=name,
                metric_value=f"$.{metric.field}" if metric.field else "1",
                unit=cloudwatch.Unit[metric.unit],
            )

    @property
    def _namespace(self) -> str:
        return f"Rollcall/{self._stage}"

    def _log_metric(
        self, name: str, statistic: str = "Sum", period: cdk.Duration = FIVE_MINUTES
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._namespace, metric_name=name, statistic=statistic, period=period
        )

    # Alarms

    def _add_alarms(self) -> None:
        """Add the alarms. Each asks for somebody: what passes by itself raises one only when it lasts."""
        each, endpoint = self._functions.by_name, self._endpoint
        for name, (period, threshold, periods) in ERRORS.items():
            self._add_alarm(
                f"{name}-errors",
                f"The {name} function failed",
                each[name].metric_errors(period=period),
                threshold=threshold,
                periods=periods,
            )
        self._add_alarm(
            "failures",
            "An unexpected error was logged. The person concerned has its reference",
            self._log_metric("Failures"),
        )
        self._add_alarm(
            "throttles",
            "Lambda throttled functions. People got no reply",
            _sum_of(function.metric_throttles(period=FIVE_MINUTES) for function in each.values()),
        )
        self._add_alarm(
            "concurrency",
            f"{CLAIMED_PERCENT} % of the account's Lambda concurrency is claimed. Beyond it, people get no reply",
            cloudwatch.MathExpression(
                # The quota is the account's own: 10 in a new one, 1,000 by default.
                expression="100 * claimed / SERVICE_QUOTA(executions)",
                using_metrics={
                    "claimed": _account_metric("ClaimedAccountConcurrency", FIVE_MINUTES),
                    "executions": _account_metric("ConcurrentExecutions", FIVE_MINUTES),
                },
                label="Percent of the account's concurrency",
                period=FIVE_MINUTES,
            ),
            threshold=CLAIMED_PERCENT,
        )
        # An alarm can watch ten metrics. There are seven tables with two metrics each.
        for kind in ("Read", "Write"):
            self._add_alarm(
                f"{kind.lower()}-throttles",
                f"DynamoDB throttled {kind.lower()}s for 15 minutes. People were asked to try again",
                self._table_throttles(kind),
                periods=LASTS,
            )
        self._add_alarm(
            "slow",
            "For 15 minutes, 1 % of Slack's requests took longer than 2.5 of the 3 seconds that Slack waits",
            # Lambda's own `Duration` leaves initialization out.
            endpoint.slack_metric("IntegrationLatency", "p99", FIVE_MINUTES),
            threshold=SLOW_REQUEST.to_milliseconds(),
            periods=LASTS,
        )
        self._add_alarm(
            "undelivered",
            "A notification or card update has waited for 5 minutes, or the sweep stopped reporting",
            self._log_metric("OldestUndelivered", "Maximum", MINUTE),
            threshold=UNDELIVERED_FOR.to_seconds(),
            periods=3,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        for name, what in (("queue", "A press"), ("reply", "The reply to a press")):
            self._add_alarm(
                f"{name}-late",
                f"{what} in the queue was {LATE.to_seconds()} seconds old when the {name} function was done with it,"
                " in each of three minutes",
                _iterator_age(each[name], MINUTE),
                threshold=LATE.to_milliseconds(),
                periods=LASTS,
            )
        self._add_alarm(
            "dead-letters",
            "A function gave up on records of a stream",
            self._functions.dead_letters.metric_approximate_number_of_messages_visible(
                period=FIVE_MINUTES, statistic="Maximum"
            ),
        )
        self._add_alarm(
            "endpoint-errors",
            "The HTTP endpoint returned 5xx at least 5 times in each of three times 5 minutes",
            endpoint.metric("5xx", "Sum", FIVE_MINUTES),
            threshold=5,  # an occasional 503 means "busy, nothing changed"
            periods=LASTS,
        )
        self._add_alarm(
            "slack-refused",
            f"At least {REFUSED_REQUESTS} requests to Slack's address got 4xx within 5 minutes: 401 or 429",
            # Not those of API clients, who are told so and often expect it.
            endpoint.slack_metric("4xx", "Sum", FIVE_MINUTES),
            threshold=REFUSED_REQUESTS,
        )

    def _table_throttles(self, kind: str) -> cloudwatch.MathExpression:
        return _sum_of(
            cloudwatch.Metric(
                namespace="AWS/DynamoDB",
                metric_name=f"{kind}ThrottleEvents",
                dimensions_map={"TableName": self._tables.prefix + table.name},
                statistic="Sum",
                period=FIVE_MINUTES,
            )
            for table in schema.TABLES
        )

    def _add_alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float = 1,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "".join(word.capitalize() for word in name.split("-")),
            alarm_name=f"rollcall-{self._stage}-{name}",
            alarm_description=f"{description}. What to do: docs/operations.md, {name}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=missing,
        )
        action = actions.SnsAction(self._topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        self._all_alarms.append(alarm)

    # The dashboard

    def _add_dashboard(self) -> None:
        each, endpoint = self._functions.by_name, self._endpoint
        minute = MINUTE
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"rollcall-{self._stage}",
            default_interval=cdk.Duration.hours(3),
            widgets=[
                [cloudwatch.AlarmStatusWidget(alarms=self._all_alarms, width=24, title="Alarms")],
                [
                    _graph(
                        "Registrations",
                        [self._log_metric(name, period=minute) for name in ACTIVITY],
                    ),
                    _graph(
                        "Refusals",
                        [self._log_metric(name, period=minute) for name in REFUSALS],
                    ),
                    _graph(
                        "Batch size and conflicts",
                        [
                            self._log_metric("BatchSize", "Maximum", minute),
                            self._log_metric("BatchSize", "Average", minute),
                            self._log_metric("Conflicts", period=minute),
                        ],
                    ),
                ],
                [
                    _graph(
                        "Duration of Slack's requests, initialization included",
                        [
                            *(
                                endpoint.slack_metric("IntegrationLatency", statistic, minute)
                                for statistic in ("p50", "p99", "Maximum")
                            ),
                            self._log_metric("Initialization", "Maximum", minute),
                        ],
                    ),
                    _graph(
                        "Delay from commit to notification",
                        [
                            self._log_metric("DeliveryLag", statistic, minute)
                            for statistic in ("p50", "p99")
                        ],
                    ),
                    _graph(
                        "Age of the oldest undelivered notification",
                        [self._log_metric("OldestUndelivered", "Maximum", minute)],
                    ),
                ],
                [
                    _graph(
                        "Requests",
                        [
                            endpoint.metric(name, statistic, minute)
                            for name, statistic in (
                                ("Count", "SampleCount"),
                                ("4xx", "Sum"),
                                ("5xx", "Sum"),
                            )
                        ],
                    ),
                    _graph("Errors", [one.metric_errors(period=minute) for one in each.values()]),
                    _graph(
                        "Concurrent executions",
                        [
                            *(
                                one.metric(
                                    "ConcurrentExecutions", statistic="Maximum", period=minute
                                )
                                for one in each.values()
                            ),
                            _account_metric("ClaimedAccountConcurrency", minute),
                        ],
                    ),
                ],
                [
                    _graph(
                        "Age of the last request and result of a batch",
                        [_iterator_age(each[name], minute) for name in ("queue", "reply")],
                    ),
                    _graph(
                        "Duration of a batch in the queue",
                        [
                            each["queue"].metric_duration(statistic=statistic, period=minute)
                            for statistic in ("p50", "Maximum")
                        ],
                    ),
                ],
            ],
        )


ACTIVITY = ("Registrations", "Unregistrations", "Promotions")
REFUSALS = ("Refusals", "Busy", "NotConfirmed")


def _graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)


def _account_metric(name: str, period: cdk.Duration) -> cloudwatch.Metric:
    """Return a metric of all Lambda functions in the account and region. It has no dimensions."""
    return cloudwatch.Metric(
        namespace="AWS/Lambda", metric_name=name, statistic="Maximum", period=period
    )


def _iterator_age(function: lambda_.IFunction, period: cdk.Duration) -> cloudwatch.Metric:
    """Return how old the last record of a batch was when the function was done with it."""
    return function.metric("IteratorAge", statistic="Maximum", period=period)


def _sum_of(metrics: Iterable[cloudwatch.Metric]) -> cloudwatch.MathExpression:
    named = {f"m{number}": metric for number, metric in enumerate(metrics)}
    return cloudwatch.MathExpression(
        # A metric without data counts as 0.
        expression="SUM(FILL(METRICS(), 0))",
        using_metrics=dict(named),
        period=FIVE_MINUTES,
    )
