"""The functions under Lambda's own client: event shapes, freezing, time limits and kills (R8.12, R9.1, R9.8)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playground.client.member_client import MemberClient
from playground.client.transport import BotResponse
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from storage.dynamodb.store import DynamoDBStore
from tests.support.dynamodb.local import local_endpoint
from tests.support.dynamodb.moto import REGION
from tests.support.environment import ids, new_event, service_on
from tests.support.infra.runtime_api import Killed, LambdaFunction
from tests.support.npm import Unobtainable, give_up
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness
from tests.support.slack.lambda_functions import new_stream_records
from tests.support.stores import empty_local

pytestmark = pytest.mark.soak

POST = "chat.postMessage"
SIGNING_SECRET = "the-signing-secret"
Start = Callable[..., LambdaFunction]


@pytest.fixture
def store(harness: SlackHarness) -> Iterator[DynamoDBStore]:
    with empty_local() as empty:
        yield DynamoDBStore(empty._client, empty._keys.prefix, harness.workspace.team_id)


@pytest.fixture
def start(harness: SlackHarness, store: DynamoDBStore) -> Iterator[Start]:
    """Give a function that returns one of the functions, and kill them all at the end."""
    env = {
        "AWS_ENDPOINT_URL_DYNAMODB": local_endpoint(),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "invented",
        "AWS_SECRET_ACCESS_KEY": "invented",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
        "ROLLCALL_STORE": "dynamodb",
        "ROLLCALL_TABLE_PREFIX": store._keys.prefix,
        "ROLLCALL_WORKSPACE": harness.workspace.team_id,
        "SLACK_API_URL": f"{harness.workspace.url}/api/",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    }
    with ExitStack() as functions:

        def started(name: str, *, seconds: float = 30) -> LambdaFunction:
            try:
                function = LambdaFunction(name, env, seconds=seconds)
            except Unobtainable as reason:
                give_up(str(reason))
            functions.callback(function.kill)
            return function

        yield started


def events_of_bjorn(harness: SlackHarness, store: DynamoDBStore, *event_ids: str) -> None:
    """Create events with one seat, which Chloe has, and Diego on the waitlist."""
    now = datetime.now(UTC)  # noqa: TID251  # other processes compare it with theirs
    service = service_on(store, new_id=ids("setup"), clock=None)
    for user_id in (CHLOE, DIEGO):
        service.ensure_user(harness.draft(user_id))
    for event_id in event_ids:
        new_event(
            service,
            event_id,
            starts_at=now + timedelta(days=2),
            organizer_id=BJORN,
            capacity=1,
        )
        for user_id in (CHLOE, DIEGO):
            service.register(event_id, user_id)


def member(harness: SlackHarness, function: LambdaFunction) -> MemberClient:
    """Return the members' client, whose requests reach a function as an HTTP API sends them (format 2.0)."""

    def deliver(body: bytes, headers: Mapping[str, str]) -> BotResponse:
        event = {
            "version": "2.0",
            "routeKey": "POST /slack/events",
            "rawPath": "/slack/events",
            "rawQueryString": "",
            "headers": {name.lower(): value for name, value in headers.items()},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "domainName": "api.execute-api.eu-central-1.amazonaws.com",
                "http": {
                    "method": "POST",
                    "path": "/slack/events",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "Slackbot 1.0",
                },
                "requestId": "id=",
                "routeKey": "POST /slack/events",
                "stage": "$default",
                "time": "29/Nov/2026:19:00:00 +0000",
                "timeEpoch": int(time.time() * 1000),  # noqa: TID251  # another process compares it
            },
            "body": body.decode(),
            "isBase64Encoded": False,
        }
        said = function.invoke(event)
        return BotResponse(said["statusCode"], said["body"], said.get("headers", {}))

    return MemberClient(harness.workspace, deliver, SIGNING_SECRET)


def test_command_is_answered_after_a_start_and_after_a_freeze(
    harness: SlackHarness, store: DynamoDBStore, start: Start
) -> None:
    events_of_bjorn(harness, store, "e1")
    function = start("slack")
    client = member(harness, function)
    # On a busy machine, a start takes what a registration has until it is too late (R8.12).
    assert client.command(AMARA, RANDOM, "/rollcall", "help").failure is None
    first = client.command(AMARA, RANDOM, "/register", "e1")
    assert first.failure is None
    process_id = function.process_id
    time.sleep(3)  # noqa: TID251  # frozen for longer than any of its time limits for a request
    second = client.command(BJORN, RANDOM, "/register", "e1")
    assert second.failure is None
    assert function.process_id == process_id
    waitlist = [entry.user_id for entry in store.get_waitlist("e1", limit=9)]
    assert waitlist == [DIEGO, AMARA, BJORN]


def promotions(store: DynamoDBStore, *event_ids: str) -> list[dict[str, Any]]:
    """Let Chloe give up her seats; return the stream's records of that, and of nothing before."""
    read = new_stream_records(store)
    for event_id in event_ids:
        service_on(store, new_id=ids(f"leaves {event_id}")).unregister(event_id, CHLOE)
    return [as_lambda_has_it(record) for record in read()]


def as_lambda_has_it(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of the stream as the event source mapping hands it to a function, in JSON."""
    created = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    stream = f"arn:aws:dynamodb:{REGION}:123456789012:table/rollcall-prod-journal/stream/2026-11-29T00:00:00.000"
    change = {**record["dynamodb"], "ApproximateCreationDateTime": created}
    return {**record, "dynamodb": change, "eventSourceARN": stream}


def test_batch_fails_only_for_the_event_that_cannot_be_read(
    harness: SlackHarness, store: DynamoDBStore, start: Start
) -> None:
    events_of_bjorn(harness, store, "e1", "e2")
    records = promotions(store, "e1", "e2")
    store._client.update_item(
        TableName=f"{store._prefix}events",
        Key={"event_id": {"S": store._items.key("e1")}},
        UpdateExpression="REMOVE title",
    )
    answer = start("notifier").invoke({"Records": records})
    (failed,) = answer["batchItemFailures"]
    assert failed == {"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}
    assert len(harness.direct_messages(DIEGO)) == 1


def test_notifier_ends_before_its_time_limit_while_slack_is_silent(
    harness: SlackHarness, store: DynamoDBStore, start: Start
) -> None:
    events_of_bjorn(harness, store, "e1")
    records = promotions(store, "e1")
    harness.api.fail_next(POST, Fault(never_answers=True))
    function = start("notifier", seconds=12)
    begun = time.monotonic()
    function.invoke({"Records": records})
    assert time.monotonic() - begun < 12
    assert function.process_id is not None


def test_message_of_a_killed_notifier_is_sent_by_the_next_one(
    harness: SlackHarness, store: DynamoDBStore, start: Start
) -> None:
    """At least once: the next one waits until the lease of the killed one is over (R9.1, R9.6)."""
    events_of_bjorn(harness, store, "e1")
    records = promotions(store, "e1")
    harness.api.fail_next(POST, Fault.slow(20))
    with pytest.raises(Killed):
        start("notifier").invoke({"Records": records}, killed_after=6)
    function = start("sweep", seconds=60)
    ends = time.monotonic() + 90
    while store.get_undelivered("e1") and time.monotonic() < ends:
        assert function.invoke({"source": "aws.events", "detail-type": "Scheduled Event"}) is None
        time.sleep(5)  # noqa: TID251  # the lease is measured by other processes' clocks
    assert len(harness.direct_messages(DIEGO)) >= 1
    assert store.get_undelivered("e1") == ()
