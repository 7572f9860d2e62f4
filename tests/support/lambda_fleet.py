"""Lambda functions for Slack's requests on DynamoDB Local, each with its own client and serving one press at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.entrypoints import lambda_functions
from bot.entrypoints.lambda_functions import QueueingStore
from bot.entrypoints.settings import Settings
from domain.ports import Clock, Conflict
from domain.queued import QueuedRequest
from playground.client.transport import signed
from playground.demo.functions import invoke
from storage.dynamodb.request_queue import DynamoDBRequestQueue
from storage.dynamodb.schema import TABLES
from tests.support.dynamodb.conflicts import Conflicts
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.infra.iam_actions import permitted
from tests.support.slack.harness import SECRET, text_of

WORKSPACE = "T1"

STORED = ""
"""The answer to a press whose acknowledgement carries no text: it took too long, and its reply goes out later."""


class WithoutQueue(DynamoDBRequestQueue):
    """A store whose queue takes nothing: only the event's version keeps functions apart."""

    def put_request(self, request: QueuedRequest) -> None:
        raise Conflict


@dataclass
class Answers:
    """Answers of each user, in order, and the seconds that the functions took."""

    by_user: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    pressed_at: dict[str, float] = field(default_factory=dict)
    """When each user pressed first, on the clock of all functions."""

    def add(self, user_id: str, answer: str, started: float, ended: float) -> None:
        """Take note of an answer."""
        self.by_user.setdefault(user_id, []).append(answer)
        self.seconds.append(ended - started)
        self.pressed_at.setdefault(user_id, started)

    def last(self, user_id: str) -> str:
        """Return a user's last answer."""
        return self.by_user[user_id][-1]

    def users_whose_last_has(self, *sentences: str) -> list[str]:
        """Return the users whose last answer has one of these sentences."""
        return [
            user_id
            for user_id in self.by_user
            if any(words in self.last(user_id) for words in sentences)
        ]

    def users_who_only_heard(self, *sentences: str) -> set[str]:
        """Return the users of whose answers each has one of these sentences."""
        return {
            user_id
            for user_id, texts in self.by_user.items()
            if all(any(words in text for words in sentences) for text in texts)
        }


class LambdaFleet:
    """Slack functions on the tables of one prefix, and what they meet of each other's transactions."""

    def __init__(
        self, prefix: str, clock: Clock, take: Callable[[float], None] = lambda _: None
    ) -> None:
        self.prefix = prefix
        self.clock = clock
        keys = {prefix + table.name: table.key.names() for table in TABLES}
        self.conflicts = Conflicts(keys, take)
        self.settings = Settings(
            store="dynamodb",
            # Nothing listens there. Replies go to the response URLs of requests.
            slack_api_url="http://127.0.0.1:9/api/",
            bot_token="xoxb-invented",
            signing_secret=SECRET,
            workspace_id=WORKSPACE,
            concurrency=1000,
        )

    def store(
        self, name: str, of: type[DynamoDBRequestQueue] = DynamoDBRequestQueue
    ) -> DynamoDBRequestQueue:
        """Return a store with a client of its own, which may do what the function with this name may."""
        client = self.conflicts.watch(permitted(client_of(local_endpoint()), name))
        return of(client, self.prefix, WORKSPACE)

    def slack_functions(self, stores: Sequence[QueueingStore]) -> list[lambda_functions.Function]:
        """Return a function for each of the stores."""
        build = lambda_functions.build_slack_function
        return [build(self.settings, store, self.clock) for store in stores]


def ask(
    function: lambda_functions.Function,
    user_id: str,
    clock: Clock,
    response_url: str = "http://127.0.0.1:9/answer",
) -> str:
    """Send `/register e1`, as an HTTP API hands it to Lambda; return the text that the user sees."""
    fields = {
        "team_id": WORKSPACE,
        "user_id": user_id,
        "user_name": user_id.lower(),
        "channel_id": "C1",
        "command": "/register",
        "text": "e1",
        "trigger_id": "1.2.3",
        "response_url": response_url,
    }
    body = urlencode(fields)
    now = clock.now().timestamp()
    headers = signed(body.encode(), SECRET, int(now))
    headers["content-type"] = "application/x-www-form-urlencoded"
    response = invoke(function, body.encode(), headers, now)
    assert response.status == 200, response
    return text_of(json.loads(response.body)["blocks"]) if response.body else STORED
