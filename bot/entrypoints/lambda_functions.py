"""The Lambda functions: `slack_function`, `api_function` and the others in `_FUNCTIONS`.

Lambda knows them by these names in this module. Each is built on first access, from the environment
and the secrets, and imports only what it needs.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import random
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Protocol, cast

from bot.entrypoints import bootstrap, system
from bot.entrypoints.settings import Settings, SettingsError
from bot.entrypoints.slack_startup import slack_client
from bot.entrypoints.system import new_id
from bot.notifications.ports import StoreWithOutbox
from domain.ports import RequestQueue

if TYPE_CHECKING:
    from bot.notifications.queued_replies import QueuedReplies
    from bot.notifications.worker import NotificationWorker
    from domain.ports import Clock
    from domain.queued import QueuedRequest

_logger = logging.getLogger(__name__)

RESERVE = 5.0
"""Seconds before a function's time limit from which on Slack is called no more."""

UPLOAD_RESERVE = 25.0
"""Seconds before a function's time limit from which on no piece of a file is sent. It and its answer take up to 20."""

STORE_RESERVE = 2.5
"""Seconds before a function's time limit when the last call to Slack ends: what it did is stored then."""


class Context(Protocol):
    """Lambda's context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still run."""
        ...


class QueueingStore(StoreWithOutbox, RequestQueue, Protocol):
    """A store with its outbox and its request queue, which reads the records of the queue's stream."""

    def requests_in(self, records: Sequence[Event]) -> list[QueuedRequest]:
        """Return the requests in records, in order."""
        ...

    def request_id_of(self, record: Event) -> str:
        """Return the id of the request to which a result or an awaited reply belongs."""
        ...


Event = Mapping[str, Any]
Function = Callable[[Event, Context], Any]


def build_slack_function(settings: Settings, store: QueueingStore, clock: Clock) -> Function:
    """Return the function behind `POST /slack/events`.

    A request's time starts when AWS receives it, so a cold start uses part of it (R8.12).
    """
    from bot import telemetry
    from bot.slack.reply_addresses import reply_address
    from bot.slack.request_budget import request_received
    from bot.slack.request_verification import RequestVerifier
    from domain.execution.queueing_executor import REPLY_LATER_AFTER, Queueing

    bot = bootstrap.assemble(
        telemetry.measured(store),
        slack_client(settings),
        workspace_id=settings.workspace_id,
        signing_secret=settings.signing_secret,
        clock=clock,
        new_id=new_id,
        jitter=random.random,
        spawn=system.spawn,
        queueing=Queueing(
            store, reply_address, REPLY_LATER_AFTER if settings.waits_in_queue else 0.0
        ),
    )
    request_verifier = RequestVerifier(bot.app, settings.signing_secret, clock)

    def handle(event: Event, _: Context) -> dict[str, Any]:
        received = event["requestContext"]["timeEpoch"] / 1000
        waited = max(0.0, clock.now().timestamp() - received)
        body = event.get("body") or ""
        with request_received(clock.monotonic() - waited, clock):
            response = request_verifier.answer(
                b64decode(body) if event.get("isBase64Encoded") else body.encode(),
                event.get("rawQueryString", ""),
                event["headers"],
            )
        return {
            "statusCode": response.status,
            "headers": response.first_headers_without_set_cookie(),
            "body": response.body or "",
        }

    return handle


def build_api_function(settings: Settings, store: QueueingStore, clock: Clock) -> Function:
    """Return the function of the HTTP API (R11). Without a token, it answers 404 to everything (R10.3)."""
    from mangum import Mangum

    from bot import telemetry
    from bot.api.app import build_api
    from domain.execution.queueing_executor import ANSWER_LATEST, Queueing

    tokens = settings.api_tokens_of(settings.workspace_id)
    if not tokens:
        return lambda event, context: {"statusCode": 404, "body": ""}  # noqa: ARG005  # Lambda passes both
    # It logs each request's path, which may contain anything.
    logging.getLogger("mangum").setLevel(logging.WARNING)
    # A program must wait for its result, because no later reply is possible. Where few functions can run at once, those
    # that wait would keep the queue function from starting: there, each tries alone, and may be told "busy".
    queueing = Queueing(store, lambda: None, ANSWER_LATEST) if settings.waits_in_queue else None
    service = bootstrap.build_service(telemetry.measured(store), clock, queueing)
    api = build_api(service, tokens=tokens, clock=clock, new_id=new_id)
    return cast("Function", Mangum(api, lifespan="off"))


def build_notifier_function(settings: Settings, store: StoreWithOutbox, clock: Clock) -> Function:
    """Return the function that reads the journal's stream and delivers each new entry's notifications.

    It leaves jobs, whose records the stream has too, to `export_function`.
    A failure in one event does not stop the others of the batch. The function returns the failed
    records, and Lambda sends them again.
    """
    limit = _TimeLimit(clock)
    notification_worker = _notification_worker(settings, store, clock, limit)

    def handle(event: Event, context: Context) -> dict[str, Any]:
        limit.begin(context)
        first_records = _first_records(event)
        for event_id in first_records:
            notification_worker.schedule(event_id)
        failed = notification_worker.process_until(limit.last_call)
        return _failures(first_records, failed)

    return handle


def build_export_function(settings: Settings, store: StoreWithOutbox, clock: Clock) -> Function:
    """Return the function that carries out export jobs: those of the journal's stream, and each minute what is left.

    A job that waits for Slack is left for the next minute, and so is one that the time limit ends. If the store does
    not list the jobs, the next minute's run does: a fault that passes is a warning.
    """
    from bot.notifications.export_worker import ExportWorker
    from bot.slack.api_errors import CircuitBreaker
    from bot.slack.web_client import TimeLimitedClient
    from domain.ports import Unavailable

    breaker = CircuitBreaker(clock)
    limit = _TimeLimit(clock)
    client = TimeLimitedClient(slack_client(settings), limit.left)
    exports = ExportWorker(store, client, clock, breaker, holder=new_id())

    def handle(event: Event, context: Context) -> dict[str, Any]:
        limit.begin(context)
        first_records = _first_records(event)
        for job_id in first_records:
            exports.schedule(job_id)
        if not first_records:
            try:
                exports.schedule_undelivered()
            except Unavailable as error:
                _logger.warning("the jobs were not listed (%r), trying again in a minute", error)
        failed = exports.process_until(limit.last_piece)
        if failed and not first_records:
            raise RuntimeError(f"exports failed: {', '.join(sorted(failed))}")
        return _failures(first_records, failed)

    return handle


def _first_records(event: Event) -> dict[str, str]:
    """Return the ids of the events and jobs in a batch of the stream, each with its first record's number."""
    first_records: dict[str, str] = {}
    for record in event.get("Records", ()):
        key = record["dynamodb"]["Keys"]["event_id"]["S"]
        _, _, id_ = key.partition("#")
        first_records.setdefault(id_, record["dynamodb"]["SequenceNumber"])
    return first_records


def _failures(first_records: Mapping[str, str], failed: Set[str]) -> dict[str, Any]:
    return {
        "batchItemFailures": [
            {"itemIdentifier": number} for id_, number in first_records.items() if id_ in failed
        ]
    }


def build_queue_function(settings: Settings, store: QueueingStore, clock: Clock) -> Function:  # noqa: ARG001  # every builder gets the settings
    """Return the function that reads the stream of queued requests and carries them out, event by event (R14).

    Lambda hands it the requests that it had no time for again, in order.
    """
    from bot import telemetry
    from bot.slack.unexpected_failures import log_unexpected

    limit = _TimeLimit(clock)
    consumer = bootstrap.build_queue_consumer(
        telemetry.measured(store), store, clock, lambda error: log_unexpected(error, new_id)
    )

    def handle(event: Event, context: Context) -> dict[str, Any]:
        limit.begin(context)
        records: dict[str, list[Event]] = {}
        for record in event["Records"]:
            records.setdefault(record["dynamodb"]["Keys"]["queue"]["S"], []).append(record)
        failed = []
        for number, of_event in enumerate(records.values()):
            requests = store.requests_in(of_event)
            # Each event gets its share of the time that is left: one that can't go on must not keep the others.
            now = clock.monotonic()
            until = now + (limit.last_store_call - now) / (len(records) - number)
            consumed = consumer.consume(requests[0].event_id, requests, until)
            left = of_event[consumed.number :]
            if left:
                _logger.warning("%d queued requests are tried again: %r", len(left), consumed.fault)
                failed.append(left[0]["dynamodb"]["SequenceNumber"])
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}

    return handle


def build_reply_function(settings: Settings, store: QueueingStore, clock: Clock) -> Function:
    """Return the function that sends the replies to queued requests whose people were told to wait (R14).

    It gets results and awaited replies from the stream. With whichever of the two is written last, both are there.
    """
    limit = _TimeLimit(clock)
    replies = _queued_replies(settings, store, clock, limit)

    def handle(event: Event, context: Context) -> dict[str, Any]:
        limit.begin(context)
        first_records: dict[str, str] = {}
        for record in event["Records"]:
            number = record["dynamodb"]["SequenceNumber"]
            first_records.setdefault(store.request_id_of(record), number)
        return _failures(first_records, replies.send(first_records, limit.last_call))

    return handle


def build_sweep_function(settings: Settings, store: QueueingStore, clock: Clock) -> Function:
    """Return the function that runs each minute and finishes the work that others left.

    A fault that passes is a warning: the next run tries again, and if three in a row report nothing, that
    raises an alarm.
    """
    from bot import telemetry
    from domain.errors import Busy
    from domain.ports import Unavailable

    limit = _TimeLimit(clock)
    notification_worker = _notification_worker(settings, store, clock, limit)
    replies = _queued_replies(settings, store, clock, limit)

    def handle(_: Event, context: Context) -> None:
        limit.begin(context)
        try:
            try:
                notification_worker.sweep()
            finally:
                try:
                    # Half of what is left: notifications must have their turn, whatever waits here.
                    replies.send_left((clock.monotonic() + limit.last_call) / 2)
                finally:
                    notification_worker.process_until(limit.last_call)
            since = notification_worker.undelivered_since(limit.last_store_call)
            telemetry.log_undelivered(since, clock.now())
        except (Busy, Unavailable) as error:
            _logger.warning("the sweep did not finish (%r), trying again in a minute", error)

    return handle


def build_members_function(settings: Settings, store: StoreWithOutbox, clock: Clock) -> Function:
    """Return the function that runs each day and catches up with changes of Slack's members and channels (R2.8, R8.14).

    If its time ends before the comparison does, the next run continues.
    """
    from bot import telemetry
    from bot.features.account.member_sync import MemberComparison
    from bot.features.cards.listing import ChannelFollower
    from bot.slack.web_client import TimeLimitedClient

    service = bootstrap.build_service(telemetry.measured(store), clock)
    limit = _TimeLimit(clock)
    client = TimeLimitedClient(slack_client(settings), limit.left)
    comparison = MemberComparison(service, store, client, clock, holder=new_id())
    follower = ChannelFollower(service, client, clock)

    def handle(_: Event, context: Context) -> None:
        limit.begin(context)
        try:
            comparison.run(limit.last_call)
        finally:
            follower.follow_all(limit.last_call)

    return handle


class _TimeLimit:
    """The time limit of the invocation in progress, on the monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends = clock.monotonic()

    def begin(self, context: Context) -> None:
        """Begin an invocation."""
        self._ends = self._clock.monotonic() + context.get_remaining_time_in_millis() / 1000

    @property
    def last_call(self) -> float:
        """The moment from which on Slack is called no more."""
        return self._ends - RESERVE

    @property
    def last_piece(self) -> float:
        """The moment from which on no piece of a file is sent."""
        return self._ends - UPLOAD_RESERVE

    @property
    def last_store_call(self) -> float:
        """The moment from which on nothing is read that can wait."""
        return self._ends - STORE_RESERVE

    def left(self) -> float:
        """Return the seconds that a call to Slack which begins now may take."""
        return self._ends - STORE_RESERVE - self._clock.monotonic()


def _queued_replies(
    settings: Settings, store: QueueingStore, clock: Clock, limit: _TimeLimit
) -> QueuedReplies:
    from bot.notifications.queued_replies import QueuedReplies
    from bot.slack.unexpected_failures import log_unexpected

    # Half of what is left, as a call of `TimeLimitedClient`: connecting and waiting for the response are timed apart.
    sender = bootstrap.build_reply_sender(
        store, slack_client(settings), clock, lambda: limit.left() / 2
    )
    return QueuedReplies(
        store, sender, clock, system.spawn, lambda error: log_unexpected(error, new_id)
    )


def _notification_worker(
    settings: Settings, store: StoreWithOutbox, clock: Clock, limit: _TimeLimit
) -> NotificationWorker:
    from bot import telemetry
    from bot.notifications.worker import NotificationWorker
    from bot.slack.web_client import TimeLimitedClient

    service = bootstrap.build_service(telemetry.measured(store), clock)
    return NotificationWorker(
        store,
        TimeLimitedClient(slack_client(settings), limit.left),
        clock,
        holder=new_id(),
        workspace_id=settings.workspace_id,
        sweep=service.sweep,
        # `members_function` does that once a day.
        reconcile=lambda: None,
        # Lambda freezes threads that are still running after the answer.
        spawn=lambda work: work(),
    )


# From the environment

SLACK = frozenset({"SLACK_BOT_TOKEN", "ROLLCALL_WORKSPACE"})

_FUNCTIONS: Mapping[
    str, tuple[Callable[[Settings, QueueingStore, Clock], Function], frozenset[str]]
] = {
    "slack_function": (build_slack_function, SLACK | {"SLACK_SIGNING_SECRET"}),
    "api_function": (build_api_function, frozenset({"ROLLCALL_WORKSPACE"})),
    "notifier_function": (build_notifier_function, SLACK),
    "export_function": (build_export_function, SLACK),
    "queue_function": (build_queue_function, frozenset({"ROLLCALL_WORKSPACE"})),
    "reply_function": (build_reply_function, SLACK),
    "sweep_function": (build_sweep_function, SLACK),
    "members_function": (build_members_function, SLACK),
}
"""Each function's builder and the variables that it requires."""


def __getattr__(name: str) -> Function:
    """Build the function that Lambda calls, at its start: that takes no request's time."""
    if name not in _FUNCTIONS:
        raise AttributeError(name)
    # Imported modules stay in memory. Collecting garbage among them would take a tenth of a cold start.
    gc.disable()
    try:
        globals()[name] = function = _build(name)
    finally:
        gc.freeze()
        gc.enable()
    return function


def _build(name: str) -> Function:
    from bot.store_alarm import watched
    from storage.dynamodb.request_queue import DynamoDBRequestQueue
    from storage.dynamodb.store import make_client

    build, needs = _FUNCTIONS[name]
    settings = Settings.from_env({**os.environ, **_secrets(os.environ)}, needs=needs)
    clock = system.SystemClock()
    store = DynamoDBRequestQueue(make_client(), settings.table_prefix, settings.workspace_id)
    return build(settings, watched(store, clock), clock)


def _secrets(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables in the secrets that `ROLLCALL_SECRETS` names, each a JSON object.

    Raises `SettingsError`, which contains no value.
    """
    import boto3

    found: dict[str, str] = {}
    for name in filter(None, env.get("ROLLCALL_SECRETS", "").split(",")):
        client = boto3.client("secretsmanager")
        try:
            secret = client.get_secret_value(SecretId=name)
        except client.exceptions.ResourceNotFoundException:
            # A newly deployed secret has no value until an admin sets one.
            _logger.warning("the secret %s has no value", name)
            continue
        try:
            values = json.loads(secret["SecretString"])
            found |= {str(variable): str(value) for variable, value in values.items()}
        except (AttributeError, ValueError):
            raise SettingsError(
                f"The secret {name} is malformed: it must be a JSON object"
            ) from None
    return found
