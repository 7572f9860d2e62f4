"""The cost of a registration in AWS, from the press to the card, and of a month without any.

The functions run on DynamoDB Local, each with its own client, and the units of their requests are
added up. Prices are AWS's for `us-east-1` in July 2025, on demand and without the free tier. The
functions' durations are estimates. What costs while nobody uses it is counted in the template
(`tests.benchmarks.idle`).
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from bot.blocks.ids import ActionId
from playground.demo.http_server import build_server, serve
from playground.demo.seed import EVENTS
from storage.sqlite.store import SQLiteStore
from tests.benchmarks.figures import Figure
from tests.benchmarks.idle import (
    GB,
    PER_GB_SECOND,
    PER_LOGGED_GB,
    PER_MILLION_INVOCATIONS,
    idle_costs,
)
from tests.benchmarks.units import KB, units_of_requests
from tests.benchmarks.units import PER_MILLION as OF_UNITS
from tests.support.dynamodb.local import offer_engine
from tests.support.environment import ids, run_now, service_on
from tests.support.infra.synthesis import Resources, synthesize
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, run_bot
from tests.support.slack.lambda_functions import Deployment, deployed, post_card, yoga

PER_MILLION = OF_UNITS | {"invocation": PER_MILLION_INVOCATIONS, "address": 1.00}
"""Dollars, for DynamoDB's units, Lambda's invocations and API Gateway's requests."""

SECONDS = {"slack": 0.10, "notifier": 0.30}
"""Estimates for one invocation. Two thirds of it is waiting for DynamoDB and Slack."""

LOGGED = 4 * KB
KEPT, PER_KEPT_GB = 2 * KB, 0.25 + 0.20
"""Bytes per registration, and dollars per GB and month for items and their backup."""


def figures() -> Iterator[Figure]:
    """Yield the units of a registration, and the monthly cost of a thousand and of a million."""
    end = offer_engine()
    try:
        with serve(app := build_server()) as url, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rollcall.sqlite"
            with (
                run_bot((app, url), SQLiteStore, path, run_now) as harness,
                deployed(harness) as deployment,
            ):
                units = _units_of_a_registration(deployment)
                yield from _figures(units, Resources(synthesize(Path(folder), "prod")))
    finally:
        end()


def _units_of_a_registration(deployment: Deployment) -> dict[str, Counter[str]]:
    """Return the units of each function when a person presses Register on a card, which is updated.

    The person is stored but not cached in this function, the usual case with many people and functions.
    """
    yoga(deployment, capacity=20, description="Mats are there. " * 20)
    post_card(deployment, "yoga")
    card = deployment.harness.workspace.messages(EVENTS)[-1]
    deployment.slack.click(CHLOE, card, ActionId.REGISTER)  # the function's first request
    deployment.slack.click(BJORN, card, ActionId.REGISTER)
    service_on(deployment.store, new_id=ids("elsewhere")).ensure_user(
        deployment.harness.draft(DIEGO)
    )
    deployment.deliver()
    deployment.harness.clock.sleep(5)
    with ExitStack() as stack:
        units = {
            name: stack.enter_context(units_of_requests(deployment.clients[name]))
            for name in ("slack", "notifier")
        }
        deployment.slack.click(DIEGO, card, ActionId.REGISTER)
        deployment.deliver()
    return {name: each.taken for name, each in units.items()}


def _figures(units: Mapping[str, Counter[str]], resources: Resources) -> Iterator[Figure]:
    write, read = (sum(taken[kind] for taken in units.values()) for kind in ("write", "read"))
    for name, taken in units.items():
        yield Figure(f"the function {name}: write units", taken["write"])
        yield Figure(f"the function {name}: read units", taken["read"])
    idle = idle_costs(resources)
    for cost in idle:
        yield Figure(f"idle, a month: {cost.name}", cost.dollars, "dollars")
    yield Figure(
        "idle, a month, beyond what is free",
        sum(cost.dollars_beyond_free for cost in idle),
        "dollars",
    )
    fixed = sum(cost.dollars for cost in idle)
    each = (
        write * PER_MILLION["write"]
        + read * PER_MILLION["read"]
        + PER_MILLION["address"]
        + 2 * PER_MILLION["invocation"]
    ) / 1e6 + (SECONDS["slack"] + SECONDS["notifier"]) * GB * PER_GB_SECOND
    each += (LOGGED * PER_LOGGED_GB + KEPT * PER_KEPT_GB) / KB**3
    yield Figure("idle, a month", fixed, "dollars")
    for number in (1_000, 1_000_000):
        yield Figure(f"{number:,} registrations a month", number * each + fixed, "dollars")
