"""Lists as they are read, against how they were read before, in turns: in one run, on DynamoDB Local.

Before, botocore and boto3 converted each attribute of each item, a list's two requests came one after the other, and a
page of the HTTP API had at most 100 entries.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from starlette.testclient import TestClient

from bot.api.app import build_api
from domain.models import Event, Registration
from domain.service import Service
from storage.dynamodb import items
from storage.dynamodb.items import STORE_ATTRIBUTES, Items
from storage.dynamodb.store import CLIENT, DynamoDBStore
from tests.benchmarks.figures import Figure
from tests.support.dynamodb.large_events import fill
from tests.support.dynamodb.local import local_endpoint, offer_engine
from tests.support.environment import ManualClock, ids, new_event, new_users, service_on
from tests.support.stores import empty_local

EVENTS = tuple(f"event{number}" for number in range(50))
ROUNDS = 100
ROSTER = 1_000
FORMER_PAGE = 100
_deserializer: Any = TypeDeserializer()


def figures() -> Iterator[Figure]:
    """Yield the ratios of each list's time to that of the former way, with its time in this process alone."""
    end = offer_engine()
    try:
        with empty_local() as store:
            service = service_on(store, new_id=ids("lists"))
            former = service_on(_FormerStore(_former_client(), store._prefix, "T1"))
            _fill(service)
            reads: dict[str, Callable[[Service], object]] = {
                "a person's list of 50 events": lambda of: of.get_events_for("person", EVENTS),
                "a person's 50 registrations": lambda of: of.list_registrations_of("person"),
                "one event": lambda of: of.get_event(EVENTS[0]),
            }
            fill(store, "roster", ROSTER, 0)
            with _web(service) as web, _web(former) as former_web:
                whole = partial(_read_roster, web, ROSTER)
                yield from _compared(
                    f"a roster of {ROSTER:,} over HTTP, in one page",
                    whole,
                    partial(_read_roster, former_web, FORMER_PAGE),
                    rounds=20,
                    at_most=0.3,
                )
                yield Figure("its requests over HTTP", whole(), at_most=1)
            for name, read in reads.items():
                at_most = 0.6 if "50 events" in name else None
                yield from _compared(
                    name, partial(read, service), partial(read, former), at_most=at_most
                )
    finally:
        end()


def _fill(service: Service) -> None:
    users = ("person", "ada", "ben", "cleo")
    new_users(service, *users)
    for event_id in EVENTS:
        new_event(service, event_id, capacity=10, description="Mats are there. " * 20)
        for user_id in users:
            service.register(event_id, user_id)


def _web(service: Service) -> TestClient:
    api = build_api(service, tokens=["token"], clock=ManualClock(), new_id=ids("reference"))
    return TestClient(api, headers={"Authorization": "Bearer token"})


def _read_roster(web: TestClient, limit: int) -> int:
    """Read the whole roster in pages of so many entries. Return the number of requests."""
    requests, entries, cursor = 0, 0, ""
    while True:
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        page = web.get("/events/roster/registrations", params=query).json()
        requests += 1
        entries += len(page["registered"])
        cursor = page["nextCursor"]
        if not cursor:
            assert entries == ROSTER
            return requests


def _compared(
    name: str,
    now: Callable[[], object],
    before: Callable[[], object],
    *,
    rounds: int = ROUNDS,
    at_most: float | None = None,
) -> Iterator[Figure]:
    times: dict[str, list[tuple[float, float]]] = {"now": [], "before": []}
    for _ in range(rounds):
        times["now"].append(_timed(now))
        with _former_conversion():
            times["before"].append(_timed(before))
    for number, which in enumerate(("in all", "in this process")):
        median = {one: statistics.median(taken[number] for taken in times[one]) for one in times}
        ratio = median["now"] / median["before"]
        yield Figure(
            f"{name}: {which}, over the former way",
            ratio,
            "times",
            at_most=None if number else at_most,
        )


def _timed(read: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of a call, and those in which this process worked."""
    begun, worked = time.perf_counter(), time.process_time()
    read()
    return time.perf_counter() - begun, time.process_time() - worked


class _FormerStore(DynamoDBStore):
    def get_events_and_registrations(
        self, event_ids: Collection[str], user_id: str
    ) -> tuple[dict[str, Event], tuple[Registration, ...]]:
        registrations = self.get_registrations_of(user_id)
        return self.get_events(event_ids), registrations


def _former_client() -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=local_endpoint(),
        region_name="eu-central-1",
        aws_access_key_id="invented",
        aws_secret_access_key="invented",
        config=CLIENT.merge(Config(read_timeout=60, parameter_validation=True)),
    )


@contextmanager
def _former_conversion() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "_from_wire", _converted_by_boto3)
        patch.setattr(Items, "_values", _values)
        yield


def _values(self: Items, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's values as `Items._values` does, converting also those attributes that are dropped."""
    values = {
        name: value for name, value in items.from_wire(item).items() if name not in STORE_ATTRIBUTES
    }
    ids_in = {
        name: self.identifier(values[name]) for name in ("event_id", "user_id") if name in values
    }
    return values | ids_in


def _converted_by_boto3(wire: Mapping[str, Any]) -> Any:
    return _plain(_deserializer.deserialize(wire))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value
