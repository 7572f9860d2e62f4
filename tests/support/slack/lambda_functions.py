"""Lambda functions on DynamoDB Local and in the stand-in workspace, called with Lambda's events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.entrypoints import lambda_functions
from bot.entrypoints.settings import Settings
from playground.client.member_client import MemberClient
from playground.client.transport import BotResponse
from playground.demo.seed import EVENTS
from storage.dynamodb.request_queue import DynamoDBRequestQueue
from storage.dynamodb.schema import (
    EXPORT_SUFFIX,
    JOURNAL,
    PENDING_REPLY,
    REQUEST_PREFIX,
    REQUESTS,
    RESULT,
    Table,
)
from storage.dynamodb.store import DynamoDBStore
from tests.support.dynamodb.local import client_of, local_client, local_endpoint
from tests.support.dynamodb.moto import REGION
from tests.support.infra.iam_actions import permitted
from tests.support.slack.harness import AMARA, SECRET, SlackHarness
from tests.support.stores import empty_local

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOKEN = "token-of-the-hr-system"


@dataclass
class Context:
    """Context of an invocation, with the seconds that it has."""

    seconds: int = 30

    def get_remaining_time_in_millis(self) -> int:
        return self.seconds * 1000


@dataclass
class Deployment:
    """Functions as they are deployed, each with its own client, on one set of tables."""

    harness: SlackHarness
    store: DynamoDBRequestQueue
    clients: Mapping[str, DynamoDBClient]
    """The client of each function."""
    functions: Mapping[str, lambda_functions.Function]
    stream: Callable[[], list[dict[str, Any]]]
    requests: Callable[[], list[dict[str, Any]]]
    """Reads the new records of the request queue's stream, as `stream` does those of the journal's."""
    age: timedelta = timedelta()
    """Time between the receipt of a request by AWS and the start of its function."""

    def send(
        self, method: str, path: str, body: str, headers: Mapping[str, str], to: str
    ) -> BotResponse:
        """Send a request, as an HTTP API hands it to Lambda (payload format 2.0)."""
        received = self.harness.clock.now() - self.age
        event = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {name.lower(): value for name, value in headers.items()},
            "requestContext": {
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "",
                },
                "stage": "$default",
                "timeEpoch": int(received.timestamp() * 1000),
            },
            "body": body,
            "isBase64Encoded": False,
        }
        said = self.functions[to](event, Context())
        return BotResponse(said["statusCode"], said["body"], said.get("headers", {}))

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send a program's request; return the JSON body of the response."""
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        said = self.send(method, path, json.dumps(body), headers, "api")
        assert said.status < 300, said
        return json.loads(said.body) if said.body else None

    @property
    def slack(self) -> MemberClient:
        """Client of the members, whose requests go to the Slack function."""

        def deliver(body: bytes, headers: Mapping[str, str]) -> BotResponse:
            return self.send("POST", "/slack/events", body.decode(), headers, "slack")

        return MemberClient(self.harness.workspace, deliver, SECRET)

    def deliver(self) -> list[str]:
        """Give the functions the new records of the streams; return the sequence numbers that they report as failed."""
        failed = self.carry_out_requests()
        records = self.stream()
        if not records:
            return failed
        calls = [("notifier", records), *(("export", [one]) for one in records if is_job(one))]
        return failed + [number for call in calls for number in self._failed(*call)]

    def carry_out_requests(self) -> list[str]:
        """Give the queue and the reply function the new records of the request queue; return as `deliver` does."""
        failed: list[str] = []
        while records := [one for one in self.requests() if one["eventName"] == "INSERT"]:
            queued = [one for one in records if _entry_of(one).startswith(REQUEST_PREFIX)]
            decided = [one for one in records if _entry_of(one) in (RESULT, PENDING_REPLY)]
            for call in (("queue", queued), ("reply", decided)):
                failed += self._failed(*call) if call[1] else []
        return failed

    def _failed(self, function: str, records: list[dict[str, Any]]) -> list[str]:
        said = self.functions[function]({"Records": records}, Context())
        return [failed["itemIdentifier"] for failed in said["batchItemFailures"]]

    def sweep(self) -> None:
        """Run once what runs each minute."""
        for function in ("sweep", "export"):
            self.functions[function]({"source": "aws.events"}, Context())


def new_stream_records(store: DynamoDBStore) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that reads new records of the journal's stream that pass Lambda's filter."""
    read = new_records(store, JOURNAL)
    return lambda: [record for record in read() if is_new_entry(record)]


def new_records(store: DynamoDBStore, of: Table) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that reads new records of a table's stream."""
    client: Any = boto3.client(
        "dynamodbstreams",
        endpoint_url=local_endpoint(),
        region_name=REGION,
        aws_access_key_id="invented",
        aws_secret_access_key="invented",
    )
    table = local_client().describe_table(TableName=store._keys.table_name(of))["Table"]
    arn = table["LatestStreamArn"]
    (shard,) = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    shard_id = shard["ShardId"]
    seen: set[str] = set()

    def read() -> list[dict[str, Any]]:
        # An iterator of an empty shard does not see later records.
        iterator = client.get_shard_iterator(
            StreamArn=arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records: list[dict[str, Any]] = []
        while (page := client.get_records(ShardIterator=iterator))["Records"]:
            records += page["Records"]
            iterator = page["NextShardIterator"]
        new = [one for one in records if one["dynamodb"]["SequenceNumber"] not in seen]
        seen.update(one["dynamodb"]["SequenceNumber"] for one in new)
        return new

    read()  # skip earlier records
    return read


def is_new_entry(record: Mapping[str, Any]) -> bool:
    is_new: bool = record["eventName"] == "INSERT"
    return is_new and record["dynamodb"]["Keys"]["version"] != {"N": "0"}


def is_job(record: Mapping[str, Any]) -> bool:
    key: str = record["dynamodb"]["Keys"]["event_id"]["S"]
    return key.endswith(EXPORT_SUFFIX)


def _entry_of(record: Mapping[str, Any]) -> str:
    entry_id: str = record["dynamodb"]["Keys"]["entry_id"]["S"]
    return entry_id


@contextmanager
def deployed(harness: SlackHarness, *, concurrency: int = 1000) -> Iterator[Deployment]:
    """Yield the functions, each with its own client that has the permissions it has in AWS.

    `concurrency` is how many the account may run at once.
    """
    workspace = harness.workspace
    config = Settings(
        store="dynamodb",
        slack_api_url=f"{workspace.url}/api/",
        bot_token=workspace.app.bot_token,
        signing_secret=SECRET,
        workspace_id=workspace.team_id,
        concurrency=concurrency,
        api_tokens=((workspace.team_id, TOKEN),),
    )
    builders = {
        "slack": lambda_functions.build_slack_function,
        "api": lambda_functions.build_api_function,
        "notifier": lambda_functions.build_notifier_function,
        "export": lambda_functions.build_export_function,
        "queue": lambda_functions.build_queue_function,
        "reply": lambda_functions.build_reply_function,
        "sweep": lambda_functions.build_sweep_function,
        "members": lambda_functions.build_members_function,
    }
    with empty_local() as empty, new_event_loop():
        prefix = empty._keys.prefix
        clients = {name: permitted(client_of(local_endpoint()), name) for name in builders}
        functions = {
            name: build(
                config,
                DynamoDBRequestQueue(clients[name], prefix, workspace.team_id),
                harness.clock,
            )
            for name, build in builders.items()
        }
        store = DynamoDBRequestQueue(empty._client, prefix, workspace.team_id)
        requests = new_records(store, REQUESTS)
        deployment = Deployment(
            harness, store, clients, functions, new_stream_records(store), requests
        )
        harness.clock.while_sleeping = deployment.deliver
        yield deployment


@pytest.fixture
def deployment(harness: SlackHarness) -> Iterator[Deployment]:
    with deployed(harness) as deployment:
        yield deployment


@contextmanager
def new_event_loop() -> Iterator[None]:
    """Set an event loop, for which Mangum asks asyncio, and close it at the end."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def yoga(deployment: Deployment, **values: Any) -> None:
    """Create Amara's event over the HTTP API, with one seat and a waitlist."""
    starts = deployment.harness.clock.now() + timedelta(days=2)
    given = {
        "eventId": "yoga",
        "title": "Yoga in the park",
        "date": starts.isoformat(),
        "organizer": AMARA,
        "capacity": 1,
        "hasWaitlist": True,
    }
    deployment.ask("POST", "/events", given | values)


def post_card(deployment: Deployment, event_id: str) -> None:
    """Post an event's card as Amara."""
    view = deployment.slack.command(AMARA, EVENTS, "/event", event_id).view
    assert view is not None
    deployment.slack.click(AMARA, view, ActionId.POST_CARD)
    form = deployment.harness.workspace.views.stack(AMARA)[-1]
    deployment.slack.submit(AMARA, form.id, {(BlockId.CHANNEL, ActionId.INPUT): EVENTS})
