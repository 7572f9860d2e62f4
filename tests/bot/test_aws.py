"""The Lambda functions, with the events that Lambda sends, on AWS's own engine and in a local Slack."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest

from bot import aws
from bot.config import Config, ConfigError
from bot.ids import ActionId
from playground.delivery import Response
from playground.dispatch import Dispatcher
from playground.seed import EVENTS
from storage.dynamodb import DynamoDBStore
from storage.schema import EVENTS as EVENTS_TABLE
from storage.schema import JOURNAL
from tests.bot.conftest import AMARA, BJORN, CHLOE, DIEGO, SECRET, Town, answer, shown
from tests.invariants import assert_sound
from tests.storage.dynamodb_local import local_client, local_endpoint
from tests.storage.moto import REGION, dynamodb_client
from tests.stores import empty_local
from tests.surroundings import service_on

TOKEN = "token-of-the-hr-system"


class Context:
    """An invocation that has half a minute."""

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass
class Cloud:
    """The functions as they are deployed, each with parts of its own, on one set of tables."""

    town: Town
    store: DynamoDBStore
    slack_function: aws.Function
    api_function: aws.Function
    notifier_function: aws.Function
    sweep_function: aws.Function
    stream: Callable[[], list[dict[str, Any]]]
    age: timedelta = timedelta()
    """How long ago AWS received a request when its function begins."""

    def send(
        self, method: str, path: str, body: str, headers: Mapping[str, str], to: aws.Function
    ) -> Response:
        """Send a request, as an HTTP API hands it to Lambda (payload format 2.0)."""
        received = self.town.clock.now() - self.age
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
        said = to(event, Context())
        return Response(said["statusCode"], said["body"], said.get("headers", {}))

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send a program's request; return what is answered."""
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        said = self.send(method, path, json.dumps(body), headers, self.api_function)
        assert said.status < 300, said
        return json.loads(said.body) if said.body else None

    @property
    def slack(self) -> Dispatcher:
        """The members, whose requests go through the function."""

        def deliver(body: bytes, headers: Mapping[str, str]) -> Response:
            return self.send("POST", "/slack/events", body.decode(), headers, self.slack_function)

        return Dispatcher(self.town.workspace, deliver, SECRET)

    def deliver(self) -> list[str]:
        """Give the notifier what the stream has; return the numbers of the records that it gave back."""
        records = self.stream()
        if not records:
            return []
        said = self.notifier_function({"Records": records}, Context())
        return [failed["itemIdentifier"] for failed in said["batchItemFailures"]]


def streamed(store: DynamoDBStore) -> Callable[[], list[dict[str, Any]]]:
    """Return what reads the Journal's stream from now on, as Lambda's filter lets it through."""
    client: Any = boto3.client(
        "dynamodbstreams",
        endpoint_url=local_endpoint(),
        region_name=REGION,
        aws_access_key_id="invented",
        aws_secret_access_key="invented",
    )
    table = local_client().describe_table(TableName=store._tables.name(JOURNAL))["Table"]
    arn = table["LatestStreamArn"]
    (shard,) = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    shard_id = shard["ShardId"]
    seen: set[str] = set()

    def read() -> list[dict[str, Any]]:
        # An iterator of an empty shard is good for nothing once there are records.
        iterator = client.get_shard_iterator(
            StreamArn=arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records: list[dict[str, Any]] = []
        while (page := client.get_records(ShardIterator=iterator))["Records"]:
            records += page["Records"]
            iterator = page["NextShardIterator"]
        new = [one for one in records if one["dynamodb"]["SequenceNumber"] not in seen]
        seen.update(one["dynamodb"]["SequenceNumber"] for one in new)
        return [record for record in new if is_new_entry(record)]

    read()  # what was there before
    return read


def is_new_entry(record: Mapping[str, Any]) -> bool:
    is_new: bool = record["eventName"] == "INSERT"
    return is_new and record["dynamodb"]["Keys"]["version"] != {"N": "0"}


@pytest.fixture
def event_loop() -> Iterator[None]:
    """Have a loop for whoever asks asyncio for one, as Mangum does, and close it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def cloud(town: Town, event_loop: None) -> Iterator[Cloud]:
    workspace = town.workspace
    config = Config(
        store="dynamodb",
        slack_api_url=f"{workspace.url}/api/",
        bot_token=workspace.app.bot_token,
        signing_secret=SECRET,
        workspace_id=workspace.team_id,
        api_tokens=((workspace.team_id, TOKEN),),
    )
    with empty_local() as store:
        yield Cloud(
            town,
            store,
            aws.for_slack(config, store, town.clock),
            aws.for_programs(config, store, town.clock),
            aws.for_journal(config, store, town.clock),
            aws.for_each_minute(config, store, town.clock),
            streamed(store),
        )


def yoga(cloud: Cloud, **values: Any) -> None:
    """Create Amara's event over the HTTP API, and have her post its card in Slack."""
    starts = cloud.town.clock.now() + timedelta(days=2)
    given = {
        "eventId": "yoga",
        "title": "Yoga in the park",
        "date": starts.isoformat(),
        "organizer": AMARA,
        "capacity": 1,
        "hasWaitlist": True,
    }
    cloud.ask("POST", "/events", given | values)


def test_from_a_program_and_slack_through_the_journal_to_the_person_promoted(cloud: Cloud) -> None:
    """HTTP, stream and schedule: each function does its part, and nothing else connects them."""
    yoga(cloud)
    seated = cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert "You have a seat in *Yoga in the park*" in answer(seated)
    waits = cloud.slack.command(CHLOE, EVENTS, "/register", "yoga")
    assert "You are 1st in line" in answer(waits)
    assert cloud.ask("DELETE", f"/events/yoga/register/{BJORN}") == {"promoted": [CHLOE]}
    assert cloud.town.told(CHLOE) == []

    assert cloud.deliver() == []
    (told,) = cloud.town.told(CHLOE)
    assert "A seat came free: you have a seat in *Yoga in the park*" in told
    assert assert_sound(cloud.store).seated("yoga") == [CHLOE]
    assert cloud.store.list_undelivered(limit=10, cursor=None).items == ()


def test_a_card_shows_what_the_stream_told_of(cloud: Cloud) -> None:
    yoga(cloud)
    event = service_on(cloud.store).get_event("yoga")
    cloud.town.bot.notifier._board._store = cloud.store
    cloud.town.bot.notifier.announce(event, EVENTS)
    card = cloud.town.workspace.messages(EVENTS)[-1]
    cloud.slack.click(BJORN, card, ActionId.REGISTER)
    assert cloud.deliver() == []
    assert "1 of 1 seats" in shown(cloud.town.workspace.messages(EVENTS, seen_by=AMARA)[-1])


def test_a_poisoned_record_does_not_block_the_rest(cloud: Cloud) -> None:
    """What can't be delivered is given back, for the retries and the queue of dead letters."""
    for event_id in ("poisoned", "yoga"):
        yoga(cloud, eventId=event_id)
        for user_id in (BJORN, CHLOE):
            cloud.slack.command(user_id, EVENTS, "/register", event_id)
        cloud.ask("DELETE", f"/events/{event_id}/register/{BJORN}")
    records = cloud.stream()
    poison(cloud, "poisoned")

    said = cloud.notifier_function({"Records": records}, Context())
    (first, *_) = (record for record in records if event_of(record) == "poisoned")
    assert said == {"batchItemFailures": [{"itemIdentifier": first["dynamodb"]["SequenceNumber"]}]}
    (told,) = cloud.town.told(CHLOE)
    assert "you have a seat in *Yoga in the park*" in told


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
    cloud.sweep_function({"source": "aws.scheduler"}, Context())
    (told,) = cloud.town.told(CHLOE)
    assert "A seat came free" in told


def test_a_sweep_that_fails_says_so_after_it_did_the_rest(cloud: Cloud) -> None:
    """An alarm hears of it, and nobody waits for it to be mended."""
    for event_id in ("poisoned", "yoga"):
        yoga(cloud, eventId=event_id)
        for user_id in (BJORN, DIEGO):
            cloud.slack.command(user_id, EVENTS, "/register", event_id)
        cloud.ask("DELETE", f"/events/{event_id}/register/{BJORN}")
    poison(cloud, "poisoned")
    with pytest.raises(RuntimeError, match=r"^the sweep failed for poisoned$"):
        cloud.sweep_function({"source": "aws.scheduler"}, Context())
    (told,) = cloud.town.told(DIEGO)
    assert "you have a seat in *Yoga in the park*" in told


def test_who_waited_for_a_cold_start_is_answered_in_time(cloud: Cloud) -> None:
    """R8.12: Slack's three seconds began before the function did."""
    yoga(cloud)
    cloud.age = timedelta(seconds=2.2)
    late = cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert "nothing was changed" in answer(late)
    assert assert_sound(cloud.store).seated("yoga") == []


def test_what_slack_did_not_sign_is_401(cloud: Cloud) -> None:
    body = urlencode({"command": "/register", "team_id": cloud.town.workspace.team_id})
    said = cloud.send("POST", "/slack/events", body, {}, cloud.slack_function)
    assert said.status == 401


def test_a_program_without_a_token_is_401(cloud: Cloud) -> None:
    assert cloud.send("GET", "/users", "", {}, cloud.api_function).status == 401


def test_without_tokens_there_is_no_api(cloud: Cloud) -> None:
    """R10.3."""
    env = {"ROLLCALL_STORE": "dynamodb", "ROLLCALL_WORKSPACE": "T1"}
    off = aws.for_programs(Config.from_env(env), cloud.store, cloud.town.clock)
    assert cloud.send("GET", "/users", "", {}, off).status == 404


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
        ("slack_function", {"slack_bolt", "bot.listeners.registering"}, WEB),
        ("api_function", {"bot.api.app"}, {"slack_bolt", "bot.listeners"}),
        ("notifier_function", {"bot.notifier"}, WEB | {"slack_bolt", "bot.listeners"}),
        ("sweep_function", {"bot.notifier"}, WEB | {"slack_bolt", "bot.listeners"}),
    ],
)
def test_a_function_imports_only_what_it_needs(
    function: str, needed: set[str], not_needed: set[str]
) -> None:
    says = f"import sys; from bot.aws import {function}; print(*sys.modules)"
    env = {**os.environ, **DEPLOYED, "ROLLCALL_API_TOKENS": "T0=a-token-of-the-hr-system"}
    ended = subprocess.run(
        [sys.executable, "-c", says], env=env, capture_output=True, text=True, check=True
    )
    modules = {*ended.stdout.split()}
    assert needed <= modules
    assert not (not_needed | {"storage.sqlite", "playground"}) & modules


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
        assert callable(aws.slack_function)
    finally:
        vars(aws).pop("slack_function", None)


def test_what_is_missing_is_named_where_the_function_starts(secrets: Any) -> None:
    with pytest.raises(ConfigError, match="SLACK_SIGNING_SECRET is missing"):
        aws.slack_function  # noqa: B018  # it is built when it is asked for


def test_a_malformed_secret_is_named_and_not_shown(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.create_secret(Name="rollcall/odd", SecretString="xoxb-very-secret")
    monkeypatch.setenv("ROLLCALL_SECRETS", "rollcall/odd")
    with pytest.raises(ConfigError) as wrong:
        aws.slack_function  # noqa: B018  # as above
    assert "rollcall/odd" in str(wrong.value)
    assert "very-secret" not in str(wrong.value)


def test_there_is_no_other_function() -> None:
    with pytest.raises(AttributeError):
        aws.other_function  # noqa: B018  # as above
