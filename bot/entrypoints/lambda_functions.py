"""What Lambda calls. A function imports, and builds before its first request, what it needs itself.

The names that Lambda knows are `bot.entrypoints.lambda_functions.slack_function`, `api_function`, `notifier_function`,
`sweep_function` and `members_function`: each is built, from the environment and the secrets, when it
is first asked for.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import random
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from bot.__main__ import SystemClock, new_id, slack_client, spawn
from bot.entrypoints.settings import Settings, SettingsError

if TYPE_CHECKING:
    from bot.notifications.delivery import Storage
    from bot.notifications.worker import NotificationWorker
    from domain.ports import Clock

_logger = logging.getLogger(__name__)

RESERVE = 5.0
"""Seconds before a function's time is out from which the notifier begins nothing more."""


class Context(Protocol):
    """What Lambda says of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return for how long the function may go on."""
        ...


Event = Mapping[str, Any]
Function = Callable[[Event, Context], Any]


def for_slack(config: Settings, store: Storage, clock: Clock) -> Function:
    """Return the function behind `POST /slack/events`.

    A request is tried for as long as it may be, counted from when AWS received it: a cold start takes
    its part (R8.12).
    """
    from bot import telemetry
    from bot.entrypoints.bootstrap import assemble
    from bot.slack.request_verification import RequestVerifier
    from domain.execution.retry import REQUEST_SECONDS

    until = 0.0
    bot = assemble(
        telemetry.measured(store),
        slack_client(config),
        workspace_id=config.workspace_id,
        signing_secret=config.signing_secret,
        clock=clock,
        new_id=new_id,
        jitter=random.random,
        spawn=spawn,
        seconds=lambda: max(0.0, until - clock.monotonic()),
    )
    request_verifier = RequestVerifier(bot.app, config.signing_secret)

    def handle(event: Event, _: Context) -> dict[str, Any]:
        nonlocal until
        received = event["requestContext"]["timeEpoch"] / 1000
        waited = max(0.0, clock.now().timestamp() - received)
        until = clock.monotonic() + REQUEST_SECONDS - waited
        body = event.get("body") or ""
        answer = request_verifier.answer(
            b64decode(body) if event.get("isBase64Encoded") else body.encode(),
            event.get("rawQueryString", ""),
            event["headers"],
        )
        return {
            "statusCode": answer.status,
            "headers": answer.first_headers_without_set_cookie(),
            "body": answer.body or "",
        }

    return handle


def for_programs(config: Settings, store: Storage, clock: Clock) -> Function:
    """Return the function of the HTTP API (R11); without a token for the workspace it is off (R10.3)."""
    from mangum import Mangum

    from bot import telemetry
    from bot.__main__ import service_without_slack
    from bot.api.app import build_api

    tokens = config.api_tokens_of(config.workspace_id)
    if not tokens:
        return lambda event, context: {"statusCode": 404, "body": ""}  # noqa: ARG005  # Lambda's
    # It tells of each request by its path, which may be anything.
    logging.getLogger("mangum").setLevel(logging.WARNING)
    service = service_without_slack(telemetry.measured(store), clock)
    api = build_api(service, tokens=tokens, clock=clock, new_id=new_id)
    return cast("Function", Mangum(api, lifespan="off"))


def for_journal(config: Settings, store: Storage, clock: Clock) -> Function:
    """Return the function on the Journal's stream: it does what each new entry owes.

    Whatever fails in one event, the others of the batch are done. The records of those that failed are
    given back, to be sent again.
    """
    notification_worker = _notification_worker(config, store, clock)

    def handle(event: Event, context: Context) -> dict[str, Any]:
        first: dict[str, str] = {}
        for record in event["Records"]:
            key = record["dynamodb"]["Keys"]["event_id"]["S"]
            _, _, event_id = key.partition("#")
            first.setdefault(event_id, record["dynamodb"]["SequenceNumber"])
        failed = _worked(notification_worker, first, clock, context)
        return {
            "batchItemFailures": [
                {"itemIdentifier": number}
                for event_id, number in first.items()
                if event_id in failed
            ]
        }

    return handle


def for_each_minute(config: Settings, store: Storage, clock: Clock) -> Function:
    """Return the function that finds and finishes what was left behind.

    Raises `RuntimeError` where that failed, for the alarm: the next minute tries again.
    """
    from bot import telemetry

    notification_worker = _notification_worker(config, store, clock)

    def handle(_: Event, context: Context) -> None:
        try:
            notification_worker.sweep()
        finally:
            failed = _worked(notification_worker, (), clock, context)
        telemetry.undelivered(notification_worker.undelivered_since(), clock.now())
        if failed:
            raise RuntimeError(f"the sweep failed for {', '.join(sorted(failed))}")

    return handle


def for_each_day(config: Settings, store: Storage, clock: Clock) -> Function:
    """Return the function that follows changes of members of which no event told (R8.14)."""
    from bot import telemetry
    from bot.__main__ import service_without_slack
    from bot.features.account.member_sync import reconcile

    service = service_without_slack(telemetry.measured(store), clock)
    client = slack_client(config)
    return lambda event, context: reconcile(service, client)  # noqa: ARG005  # Lambda's


def _notification_worker(config: Settings, store: Storage, clock: Clock) -> NotificationWorker:
    from bot import telemetry
    from bot.__main__ import service_without_slack
    from bot.notifications.worker import NotificationWorker

    service = service_without_slack(telemetry.measured(store), clock)
    return NotificationWorker(
        store,
        slack_client(config),
        clock,
        holder=new_id(),
        sweep=service.sweep,
        # A function of its own does that once a day: see `for_each_day`.
        reconcile=lambda: None,
        # Lambda stops what goes on behind an answer.
        spawn=lambda work: work(),
    )


def _worked(
    notification_worker: NotificationWorker,
    event_ids: Iterable[str],
    clock: Clock,
    context: Context,
) -> set[str]:
    for event_id in event_ids:
        notification_worker.wake(event_id)
    seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE
    return notification_worker.work_until(clock.monotonic() + seconds)


# From the environment

SLACK = frozenset({"SLACK_BOT_TOKEN", "ROLLCALL_WORKSPACE"})

_FUNCTIONS: Mapping[str, tuple[Callable[[Settings, Storage, Clock], Function], frozenset[str]]] = {
    "slack_function": (for_slack, SLACK | {"SLACK_SIGNING_SECRET"}),
    "api_function": (for_programs, frozenset({"ROLLCALL_WORKSPACE"})),
    "notifier_function": (for_journal, SLACK),
    "sweep_function": (for_each_minute, SLACK),
    "members_function": (for_each_day, SLACK),
}
"""By the name that Lambda knows: what builds it, and which variables it can't do without."""


def __getattr__(name: str) -> Function:
    """Build the function that Lambda was told to call, while it starts: that is not a request's time."""
    if name not in _FUNCTIONS:
        raise AttributeError(name)
    # What is imported stays. Python would look through it again and again for what does not,
    # which is a tenth of a cold start.
    gc.disable()
    try:
        globals()[name] = function = _built(name)
    finally:
        gc.freeze()
        gc.enable()
    return function


def _built(name: str) -> Function:
    from storage.dynamodb.store import DynamoDBStore, make_client

    build, needs = _FUNCTIONS[name]
    config = Settings.from_env({**os.environ, **_secrets(os.environ)}, needs=needs)
    store = DynamoDBStore(make_client(), config.table_prefix, config.workspace_id)
    return build(config, store, SystemClock())


def _secrets(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are kept in Secrets Manager, in the secrets that the environment names.

    Each is a JSON object of variables, read once. Raises `SettingsError`, which names no value.
    """
    import boto3

    found: dict[str, str] = {}
    for name in filter(None, env.get("ROLLCALL_SECRETS", "").split(",")):
        client = boto3.client("secretsmanager")
        try:
            secret = client.get_secret_value(SecretId=name)
        except client.exceptions.ResourceNotFoundException:
            # As deployed: there is no value until somebody puts one.
            _logger.warning("the secret %s has no value", name)
            continue
        try:
            values = json.loads(secret["SecretString"])
            found |= {str(variable): str(value) for variable, value in values.items()}
        except (AttributeError, ValueError):
            raise SettingsError(
                f"the secret {name} is malformed: it must be a JSON object"
            ) from None
    return found
