"""What the items of the request queue (R14) cost, from the code that makes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from bot.slack.reply_addresses import ReplyAddress
from domain.commands import Register
from domain.execution.executor import BATCH_SIZE
from domain.execution.request_codec import encode_command, encode_results
from domain.planning.plan import ACTIONS_PER_COMMIT, Plan, PutBatchResults
from domain.queued import AwaitedReply, BatchResults, QueuedRequest
from storage.dynamodb import request_items
from storage.dynamodb.keys import Keys
from storage.dynamodb.schema import REQUESTS
from tests.benchmarks.model import EVENT_ID, Planned, costs_of, plan_of
from tests.benchmarks.units import KB, item_size
from tests.support.environment import START

KEYS = Keys("", "T024BE7LD")
REQUEST_ID = "r" * 32
RESPONSE_URL = "https://hooks.slack.com/actions/T024BE7LD/1234567890123/" + "x" * 24

READ_KB = 4
"""The size of a read unit, in KB."""


@dataclass(frozen=True)
class QueueUnits:
    """Write units of each item, and read units of a look at a result: half of one for each 4 KB."""

    opening: int
    request: int
    result: int
    awaited_reply: int
    look: float
    batches: int
    """Read units of the results of the last two commits."""


@cache
def queue_units() -> QueueUnits:
    """Return what the items of a registration in a queue cost."""
    plan = plan_of(1, 1)
    (result,) = encode_results([REQUEST_ID], plan.outcomes, START)
    result_item = request_items.result_item(KEYS, result)
    address = ReplyAddress(user_id="U00000000", response_url=RESPONSE_URL, about=EVENT_ID)
    request = QueuedRequest(REQUEST_ID, EVENT_ID, START, encode_command(Register("U00000000")))
    reply = AwaitedReply(REQUEST_ID, EVENT_ID, START, address.model_dump_json())
    full = plan_of(BATCH_SIZE, BATCH_SIZE, ACTIONS_PER_COMMIT - 1)
    batch = item_size(request_items.batch_results_item(KEYS, _results_of(full)))
    return QueueUnits(
        opening=_written(request_items.opening_item(KEYS, EVENT_ID, START)),
        request=_written(request_items.request_item(KEYS, request)),
        result=_written(result_item),
        awaited_reply=_written(request_items.awaited_reply_item(KEYS, reply)),
        look=math.ceil(item_size(result_item) / KB / READ_KB) / 2,
        batches=2 * math.ceil(batch / KB / READ_KB),
    )


@cache
def planned_with_results(requests: int, free: int) -> Planned:
    """Return the consumer's commit of as many of the requests as fit, with the item of their results."""
    plan = plan_of(requests, free, ACTIONS_PER_COMMIT - 1)
    costs = costs_of(replace(plan, actions=(*plan.actions, PutBatchResults(_results_of(plan)))))
    hot = dict(costs.hot)
    hot[partition_of_results()] = hot.pop(REQUESTS.name)
    return costs._replace(hot=hot)


def partition_of_results() -> str:
    """Return the partition with the results of the last batches: the queue's, unless their hash key is another."""
    _, results = request_items.batch_address(KEYS, EVENT_ID, 0)
    _, opening = KEYS.in_queue(EVENT_ID, request_items.OPENING)
    hash_key = REQUESTS.key.hash
    return REQUESTS.name if results[hash_key] == opening[hash_key] else "results"


def _results_of(plan: Plan) -> BatchResults:
    ids = [f"{number:032}" for number in range(len(plan.outcomes))]
    return BatchResults(EVENT_ID, 0, 1, encode_results(ids, plan.outcomes, START))


def _written(item: Mapping[str, Any]) -> int:
    """Return the write units of an item, with the indexes that it is in."""
    indexes = sum(set(index.key.names()) <= set(item) for index in REQUESTS.indexes)
    return math.ceil(item_size(item) / KB) + indexes
