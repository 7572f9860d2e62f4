"""Start times of commands and of a cold Slack function, compared with bare libraries, and the package's size.

*Bare* is the least that a bot on these libraries needs: a Bolt `App` that checks signatures, one command
behind Bolt's Lambda adapter, a DynamoDB client, and one pydantic model. Its first request reads one
item. *Rollcall* is `slack_function` as deployed. Its first request is a person's first `/register`,
which makes more requests to DynamoDB, so bare is also measured with as many. Each runs in a new process,
alternately, on the same DynamoDB Local.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from infra.package import build
from storage.dynamodb.schema import create_tables
from storage.dynamodb.store import DynamoDBStore
from tests.benchmarks.figures import Figure, ratio_of
from tests.benchmarks.rush_http import a_scene
from tests.support.dynamodb.local import local_client, local_endpoint, offer_engine
from tests.support.environment import new_event, service_on

ROOT = Path(__file__).parents[2]

ROUNDS = 10

PREFIX = "cold-"

COMMON = """
import json, sys, time
from urllib.parse import urlencode

started = time.perf_counter()

def event(user_id):
    from slack_sdk.signature import SignatureVerifier
    body = urlencode({"team_id": "T1", "user_id": user_id, "user_name": "ada", "channel_id": "C1",
        "command": "/register", "text": "e1", "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:9/answer"})
    now = time.time()
    signature = SignatureVerifier("a signing secret").generate_signature(
        timestamp=str(int(now)), body=body)
    return {"version": "2.0", "rawPath": "/slack/events", "rawQueryString": "", "body": body,
        "headers": {"content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": str(int(now)), "x-slack-signature": signature},
        "requestContext": {"timeEpoch": int(now * 1000), "http": {"method": "POST"}},
        "isBase64Encoded": False}

class Context:
    function_name = invoked_function_arn = "rollcall"

def timing_of_dynamodb():
    from botocore.httpsession import URLLib3Session
    send, waited = URLLib3Session.send, []
    def timed(*arguments):
        begun = time.perf_counter()
        try:
            return send(*arguments)
        finally:
            waited.append(time.perf_counter() - begun)
    URLLib3Session.send = timed
    return waited

def measure(function):
    imported = time.perf_counter()
    waited = timing_of_dynamodb()
    said = function(event(sys.argv[1]), Context())
    answered = time.perf_counter()
    assert said["statusCode"] == 200, said
    print(json.dumps([imported - started, answered - imported, sum(waited)]))
    return said
"""

BARE = (
    COMMON
    + """
import os
del os.environ["SLACK_BOT_TOKEN"], os.environ["PYDANTIC_DISABLE_PLUGINS"]
import boto3
from pydantic import BaseModel
from slack_bolt import App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult

class Item(BaseModel):
    event_id: str
    version: int

app = App(signing_secret="a signing secret", process_before_response=True,
    authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1"))
client = boto3.client("dynamodb")

@app.command("/register")
def register(ack):
    for _ in range(int(sys.argv[2])):
        found = client.get_item(TableName="cold-events", Key={"event_id": {"S": "T1#e1"}},
            ConsistentRead=True)["Item"]
    item = Item(event_id=found["event_id"]["S"], version=int(found["version"]["N"]))
    ack(f"{item.event_id} is at {item.version}")

handler = SlackRequestHandler(app)
measure(handler.handle)
"""
)

ROLLCALL = (
    COMMON
    + """
from bot.entrypoints.lambda_functions import slack_function

said = measure(slack_function)
assert "seat" in said["body"], said
"""
)

COUNTING = (
    COMMON
    + """
import botocore.endpoint
from bot.entrypoints.lambda_functions import slack_function

sent = 0
send = botocore.endpoint.Endpoint.make_request

def counted(*arguments):
    global sent
    sent += 1
    return send(*arguments)

botocore.endpoint.Endpoint.make_request = counted
slack_function(event(sys.argv[1]), None)
print(sent)
"""
)

SOCKET = """
import sqlite3, pydantic
from slack_bolt import App
from websockets.sync.client import connect
"""

Timing = list[float]
"""Seconds of the imports and setup, of the first request, and of its waiting for DynamoDB."""


def figures() -> Iterator[Figure]:
    """Yield the start times of commands and functions, and the package's size."""
    end = offer_engine()
    try:
        yield from _commands()
        with prepared() as env:
            requests = int(_run(COUNTING, env, "U0", "0"))
            yield Figure("requests to DynamoDB of a function's first request", requests)
            yield from _timings(env, requests)
    finally:
        end()
    yield from _sizes()


@contextmanager
def prepared() -> Iterator[dict[str, str]]:
    """Yield a function's environment, with tables and an event."""
    client = local_client()
    create_tables(client, PREFIX)
    soon = datetime.now(UTC) + timedelta(days=2)  # noqa: TID251  # other processes compare it with theirs
    new_event(service_on(DynamoDBStore(client, PREFIX, "T1")), starts_at=soon, capacity=100)
    yield {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "AWS_ENDPOINT_URL_DYNAMODB": local_endpoint(),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "invented",
        "AWS_SECRET_ACCESS_KEY": "invented",
        "AWS_LAMBDA_FUNCTION_NAME": "rollcall",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
        "ROLLCALL_STORE": "dynamodb",
        "ROLLCALL_TABLE_PREFIX": PREFIX,
        "ROLLCALL_WORKSPACE": "T1",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "a-signing-secret",
    }


def _run(script: str, env: Mapping[str, str], *arguments: str) -> str:
    signing = script.replace("a signing secret", env["SLACK_SIGNING_SECRET"])
    command = [sys.executable, "-c", signing, *arguments]
    ended = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _commands() -> Iterator[Figure]:
    """Yield the time of `rollcall --help`, and of `rollcall socket` until it asks Slack for a connection."""
    commands = {
        "Python alone": ["-c", ""],
        "rollcall --help": ["-m", "bot", "--help"],
        "the libraries of Socket Mode alone": ["-c", SOCKET],
        "rollcall socket": ["-m", "bot", "socket"],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    with a_scene() as scene:
        env = {**scene.env, "SLACK_APP_TOKEN": "xapp-1"}
        for _ in range(ROUNDS):
            for name, arguments in commands.items():
                begun = time.perf_counter()
                # This Slack has no Socket Mode, so the bot ends when it is ready.
                subprocess.run(
                    [sys.executable, *arguments],
                    env=env,
                    cwd=ROOT,
                    capture_output=True,
                    check=False,
                )
                took[name].append(time.perf_counter() - begun)
    found = {name: median(seconds) for name, seconds in took.items()}
    for name, seconds in found.items():
        yield Figure(name, seconds * 1000, "ms")
    for command, bare in zip(list(found)[1::2], list(found)[::2], strict=True):
        yield Figure(f"{command}, over {bare}", ratio_of(found[command], found[bare]), "times")


def _timings(env: Mapping[str, str], requests: int) -> Iterator[Figure]:
    alike = f"bare, {requests} requests"
    scripts = {"bare": (BARE, "1"), alike: (BARE, str(requests)), "Rollcall": (ROLLCALL, "")}
    timings: dict[str, list[Timing]] = {name: [] for name in scripts}
    for number in range(-1, ROUNDS):
        for name, (script, reads) in scripts.items():
            timing = json.loads(_run(script, env, f"U{number + 2}", reads))
            if number >= 0:  # the first round writes bytecode and warms the disk
                timings[name].append(timing)
    for name, found in timings.items():
        imports, first = (median(timing[at] for timing in found) for at in (0, 1))
        yield Figure(f"a function, {name}: import", imports * 1000, "ms")
        yield Figure(f"a function, {name}: first request", first * 1000, "ms")
    whole = {name: median(_sums(one)[0] for one in found) for name, found in timings.items()}
    own = {name: median(_sums(one)[1] for one in found) for name, found in timings.items()}
    yield Figure("Rollcall over bare, one request", ratio_of(whole["Rollcall"], whole["bare"]))
    yield Figure(f"Rollcall over {alike}", ratio_of(whole["Rollcall"], whole[alike]), at_most=1.10)
    yield Figure("Rollcall over bare, own work", ratio_of(own["Rollcall"], own["bare"]))


def _sums(timing: Timing) -> tuple[float, float]:
    """Return the total, and the total without waiting for DynamoDB."""
    imports, request, waited = timing
    return imports + request, imports + request - waited


def _sizes() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        package, archive = Path(folder) / "lambda", Path(folder) / "lambda.zip"
        build(ROOT, package)
        files = [path for path in package.rglob("*") if path.is_file()]
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in files:
                zipped.write(path, path.relative_to(package))
        unpacked = sum(path.stat().st_size for path in files)
        yield Figure("the package, unpacked", unpacked / 1e6, "MB")
        yield Figure("the package, zipped", archive.stat().st_size / 1e6, "MB")
