"""The Lambda functions: their runtime, environment, triggers and permissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.tables import Tables
from infra.permissions import PERMISSIONS
from storage.dynamodb.schema import (
    EXPORT_SUFFIX,
    JOURNAL,
    PENDING_REPLY,
    REQUEST_PREFIX,
    REQUESTS,
    RESULT,
    Table,
)

MEMORY = 1769
"""In MB. From this size on, a function has a whole processor, which shortens its start."""

KEEP_LOGS = logs.RetentionDays.THREE_MONTHS

SYSTEM_LOG_LEVELS = {"slack": lambda_.SystemLogLevel.INFO}
"""Other levels than WARN, which is for failures only.

INFO adds two lines to each invocation, about 0.7 KB: 0.35 dollars a million. They say how long initialization took,
which only the Slack function's callers wait for.
"""

STREAM_CONCURRENCY = 10
"""Invocations at a time for each shard of a stream, the most there may be.

Lambda then keeps only the records of one item in order, its hash and range key: two invocations may have entries of one
event. A lease keeps them apart. With one invocation at a time for all, an event whose messages take a minute would keep
the others of its shard waiting. Lambda gathers no records before it begins: one invocation takes what came during the
last.
"""

QUEUE_CONCURRENCY = 1
"""Invocations of the queue function at a time for each shard: the requests of one event are items of their own, and one
consumer at a time must get them, in order."""

REPLY_CONCURRENCY = 1
"""Invocations of the reply function at a time for each shard. Each sends many replies together, and with a quota of
10 more invocations would keep the Slack function from starting."""

JOURNAL_BATCH = 100
JOURNAL_RETRIES = 5

QUEUE_BATCH = 1000
"""Requests that one invocation of the queue function takes at most: those of two seconds of the largest rush."""

REPLY_BATCH = 100
REQUEST_AGE = cdk.Duration.minutes(10)
"""How old a record may be. The queue function carries out no request that is older (`OLDEST` in its consumer).

Until then, Lambda tries it as often as it must: a part of a batch that had no time is tried again too, and in a long
rush any number of tries could be used up.
"""

WAITS = ("slack", "api")
"""The functions that put requests into the queue. They must know whether they may wait there for the result."""

MINUTE = cdk.Duration.minutes(1)

RERUNS: Mapping[str, tuple[int, cdk.Duration]] = {
    # The next minute's run does what this one left. One that waited for a minute would only meet it.
    "sweep": (0, MINUTE),
    "export": (0, MINUTE),
    # The next run is a day away. After an hour, something lasts that more runs do not end.
    "members": (2, cdk.Duration.hours(1)),
}
"""How often a scheduled function that failed is run again, and for how long a run may wait to begin.

Both EventBridge, which hands the run over, and Lambda, which then runs it, have such numbers; by themselves they try
for a day and for six hours. No failed run is kept anywhere: its event says nothing, and its error raises an alarm.
"""


class Functions(Construct):
    """The eight functions of one stage, by their names in `infra.permissions`.

    None has reserved concurrency. The queue function must always get its turn, but an account with a quota of 10 can't
    reserve any: Lambda keeps 100 for functions without. There, `concurrency` tells the functions that call it not to
    wait for it: each puts its request into the queue and is free within a tenth of a second. With a quota of 1,000, a
    press waits for its result for at most 1.6 seconds. At the 500 a second that the address lets through, these are
    900 functions at a time, and if a burst takes the others as well, they are free again as soon as they stop waiting.
    Meanwhile the stream keeps the requests, and Lambda asks again. A reservation would also be the most that there may
    be, however many events have a rush.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: str,
        code: lambda_.Code,
        tables: Tables,
        workspace_id: str,
        warm: int,
        concurrency: str,
    ) -> None:
        super().__init__(scope, id_)
        self._stage, self._code, self._tables = stage, code, tables
        self._workspace_id, self._concurrency = workspace_id, concurrency
        # An administrator enters the values. Until then, a function names the variables it lacks.
        slack, tokens = self._secret("slack"), self._secret("api")
        self.logs: dict[str, logs.LogGroup] = {}
        self.by_name = {
            "slack": self._function("slack", "slack_function", [slack], seconds=10),
            "api": self._function("api", "api_function", [tokens], seconds=29),
            # It calls no one but the store.
            "queue": self._function("queue", "queue_function", [], seconds=60),
            "reply": self._function("reply", "reply_function", [slack], seconds=60),
            "notifier": self._function("notifier", "notifier_function", [slack], seconds=60),
            # An export's try ends after ten minutes.
            "export": self._function("export", "export_function", [slack], seconds=900),
            "sweep": self._function("sweep", "sweep_function", [slack], seconds=60),
            "members": self._function("members", "members_function", [slack], seconds=900),
        }
        self.slack = self._kept_started("slack", warm) if warm else self.by_name["slack"]
        """What Slack's requests go to."""
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=f"rollcall-{stage}-dead-letters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        self._subscribe_queue(is_kept_started=warm > 0)
        self._subscribe_replies()
        self._subscribe_notifier()
        self._subscribe_exports()
        self._run("EachMinute", MINUTE, "sweep", "export")
        self._run("EachDay", cdk.Duration.days(1), "members")

    def _kept_started(self, name: str, number: int) -> lambda_.IFunction:
        """Return an alias of a function of which Lambda keeps a number started: provisioned concurrency.

        SnapStart would cost less, but it clones one process that has started: its random numbers, and the name by
        which it takes leases, would be those of all others.
        """
        return lambda_.Alias(
            self,
            f"{name.capitalize()}Warm",
            alias_name="warm",
            version=self.by_name[name].current_version,
            provisioned_concurrent_executions=number,
        )

    def _run(self, id_: str, each: cdk.Duration, *names: str) -> None:
        """Run functions at a fixed rate."""
        rule = events.Rule(self, id_, schedule=events.Schedule.rate(each))
        for name in names:
            reruns, longest_wait = RERUNS[name]
            function = self.by_name[name]
            function.configure_async_invoke(retry_attempts=reruns, max_event_age=longest_wait)
            target = targets.LambdaFunction(
                function, retry_attempts=reruns, max_event_age=longest_wait
            )
            rule.add_target(target)

    def _secret(self, name: str) -> secretsmanager.CfnSecret:
        return secretsmanager.CfnSecret(
            self,
            f"{name.capitalize()}Secret",
            name=f"rollcall/{self._stage}/{name}",
            description=f"Variables of Rollcall's {name} function ({self._stage}), as a JSON object",
        )

    def _function(
        self, name: str, handler: str, secrets: Sequence[secretsmanager.CfnSecret], *, seconds: int
    ) -> lambda_.Function:
        group = logs.LogGroup(
            self,
            f"{name.capitalize()}Log",
            log_group_name=f"/rollcall/{self._stage}/{name}",
            retention=KEEP_LOGS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.logs[name] = group
        role = iam.Role(
            self,
            f"{name.capitalize()}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        for statement in self._statements(name, group, secrets):
            role.add_to_policy(statement)
        return lambda_.Function(
            self,
            name.capitalize(),
            function_name=f"rollcall-{self._stage}-{name}",
            description=f"Rollcall's {name} function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=self._code,
            handler=f"bot.entrypoints.lambda_functions.{handler}",
            memory_size=MEMORY,
            timeout=cdk.Duration.seconds(seconds),
            role=role,
            log_group=group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=SYSTEM_LOG_LEVELS.get(name, lambda_.SystemLogLevel.WARN),
            environment=self._environment(name, secrets),
        )

    def _environment(
        self, name: str, secrets: Sequence[secretsmanager.CfnSecret]
    ) -> dict[str, str]:
        found = {
            "ROLLCALL_STORE": "dynamodb",
            "ROLLCALL_TABLE_PREFIX": self._tables.prefix,
            "ROLLCALL_WORKSPACE": self._workspace_id,
            # Rollcall has no plugins. Pydantic would search every library for them at each start.
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
        }
        if secrets:
            found["ROLLCALL_SECRETS"] = ",".join(str(secret.name) for secret in secrets)
        if name in WAITS:
            found["ROLLCALL_CONCURRENCY"] = self._concurrency
        return found

    def _statements(
        self, name: str, group: logs.LogGroup, secrets: Sequence[secretsmanager.CfnSecret]
    ) -> list[iam.PolicyStatement]:
        """Return everything that a function may do. CDK's grants and AWS's managed policies allow more."""
        found = [_allow(["logs:CreateLogStream", "logs:PutLogEvents"], [group.log_group_arn])]
        if secrets:
            arns = [secret.ref for secret in secrets]
            found.append(_allow(["secretsmanager:GetSecretValue"], arns))
        for access in PERMISSIONS[name]:
            arn = self._tables[access.table].table_arn
            if access.actions:
                found.append(_allow([f"dynamodb:{action}" for action in access.actions], [arn]))
            if access.indexes:
                indexes = [f"{arn}/index/{index}" for index in access.indexes]
                found.append(_allow(["dynamodb:Query"], indexes))
        return found

    def _subscribe_queue(self, *, is_kept_started: bool) -> None:
        """Give the queue function each new request, those of one event one batch after the other.

        So for one event, one function that is kept started is enough.
        """
        self._subscribe(
            "queue",
            REQUESTS,
            {"entry_id": {"S": lambda_.FilterRule.begins_with(REQUEST_PREFIX)}},
            concurrency=QUEUE_CONCURRENCY,
            batch_size=QUEUE_BATCH,
            max_record_age=REQUEST_AGE,
        )
        if is_kept_started:
            mappings = self.by_name["queue"].node.find_all()
            (mapping,) = (one for one in mappings if isinstance(one, lambda_.CfnEventSourceMapping))
            # The same mapping: another one would begin with all requests of the last day.
            mapping.function_name = self._kept_started("queue", 1).function_arn

    def _subscribe_replies(self) -> None:
        """Wake the reply function for each result, and for each person who is told to wait: either may come first.

        A stream has two readers at most. These are the two of this one.
        """
        self._subscribe(
            "reply",
            REQUESTS,
            {"entry_id": {"S": lambda_.FilterRule.or_(RESULT, PENDING_REPLY)}},
            concurrency=REPLY_CONCURRENCY,
            batch_size=REPLY_BATCH,
            max_record_age=REQUEST_AGE,
        )

    def _subscribe_notifier(self) -> None:
        """Wake the notifier for new entries, but not for its own writes: delivery rows and delivered marks.

        It gets the keys of jobs too, and leaves them: a filter can't exclude the end of a key. Such a
        commit wakes it anyway.
        """
        self._subscribe(
            "notifier",
            JOURNAL,
            {"version": {"N": lambda_.FilterRule.not_equals("0")}},
            batch_size=JOURNAL_BATCH,
            retry_attempts=JOURNAL_RETRIES,
        )

    def _subscribe_exports(self) -> None:
        """Wake the export function for each new job, with an invocation and a time limit of its own.

        More jobs than may run at a time wait, or are found by the next minute's run.
        """
        self._subscribe(
            "export",
            JOURNAL,
            {
                "event_id": {"S": [{"suffix": EXPORT_SUFFIX}]},
                "version": {"N": lambda_.FilterRule.not_equals("0")},
            },
            batch_size=1,
            retry_attempts=JOURNAL_RETRIES,
        )

    def _subscribe(
        self,
        name: str,
        table: Table,
        keys: Mapping[str, object],
        *,
        concurrency: int = STREAM_CONCURRENCY,
        **batches: Any,
    ) -> None:
        self.by_name[name].add_event_source(
            event_sources.DynamoEventSource(
                self._tables[table],
                # Items written before the function exists are not missed.
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                filters=[
                    lambda_.FilterCriteria.filter(
                        {
                            "eventName": lambda_.FilterRule.is_equal("INSERT"),
                            "dynamodb": {"Keys": keys},
                        }
                    )
                ],
                parallelization_factor=concurrency,
                report_batch_item_failures=True,
                bisect_batch_on_error=True,
                on_failure=event_sources.SqsDlq(self.dead_letters),
                **batches,
            )
        )


def _allow(actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources)
