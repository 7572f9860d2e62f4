"""Every listener gets its payloads in the shapes that third parties publish (R10.2, R8.12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from playground.workspace.model import Organization
from tests.support.fuzz.answers import ONES_TO_ANSWER
from tests.support.fuzz.bot_over_http import Exchange, FuzzedBot, edge
from tests.support.fuzz.corpus import Seed
from tests.support.fuzz.mutations import Case
from tests.support.slack.payload_shapes import (
    KEYS,
    REFUSED,
    RETRIED,
    SERVED,
    SISTER,
    Variation,
    kind_of,
)

pytestmark = pytest.mark.soak

NOT_TAKEN = ("shortcut", "message_action", "event message", "event app_mention")


@pytest.fixture(scope="module")
def at(server: tuple[Any, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedBot]:
    """Give a bot whose workspace is in an organization; everybody's home is a sister workspace."""
    with edge(server, tmp_path_factory.mktemp("shapes")) as made:
        workspace = made.harness.workspace
        workspace.organization = Organization()
        for member in workspace.members():
            workspace.put_member(replace(member, team_id=None if member.is_bot else SISTER))
        yield made


def listened_to(at: FuzzedBot) -> list[Seed]:
    return [seed for seed in at.seeds if seed.name.partition(" (")[0] not in NOT_TAKEN]


def send(at: FuzzedBot, seed: Seed, variation: Variation) -> Exchange:
    return at.send(Case(replace(seed, payload=variation(seed.payload))))


def outcome(exchange: Exchange) -> tuple[object, ...]:
    """Return what a payload's shape must not change: status, kind of change, and methods called."""
    methods = [
        call.method for call in exchange.calls if call.method not in ("auth.test", "users.info")
    ]
    changed = (
        exchange.before.everything.registrations.keys()
        ^ exchange.after.everything.registrations.keys()
    )
    return exchange.response.status, methods, changed


@pytest.fixture(scope="module")
def plain(at: FuzzedBot) -> Mapping[str, tuple[object, ...]]:
    """Return the outcome of each payload as it is."""
    return {seed.name: outcome(at.send(Case(seed))) for seed in listened_to(at)}


@pytest.mark.parametrize("name", SERVED)
def test_every_listener_takes_the_shape(
    at: FuzzedBot, plain: Mapping[str, tuple[object, ...]], name: str
) -> None:
    varied = [seed for seed in listened_to(at) if SERVED[name](seed.payload) != seed.payload]
    assert varied
    for seed in varied:
        assert outcome(send(at, seed, SERVED[name])) == plain[seed.name], seed


@pytest.mark.parametrize("name", REFUSED)
def test_every_listener_refuses_the_shape(at: FuzzedBot, name: str) -> None:
    for seed in listened_to(at):
        exchange = send(at, seed, REFUSED[name])
        assert exchange.before == exchange.after, seed
        assert exchange.response.status in (200, 503), seed
        assert {call.method for call in exchange.calls} <= {*ONES_TO_ANSWER, "auth.test"}, seed
        if seed.kind == "event":
            assert exchange.calls == (), seed


def test_repeated_delivery_of_every_event_is_accepted(at: FuzzedBot) -> None:
    for seed in listened_to(at):
        if seed.kind == "event":
            assert at.send(Case(seed), RETRIED).response.status == 200


def test_playground_sends_the_published_keys(at: FuzzedBot) -> None:
    kinds = set()
    for seed in listened_to(at):
        kinds.add(kind_of(seed))
        assert set(seed.payload) - {"message"} == KEYS[kind_of(seed)] - {"message"}, seed
        _assert_parts(seed.payload)
    assert kinds == {kind for kind in KEYS if kind not in ("team", "user", "view", "authorization")}


def _assert_parts(payload: Mapping[str, Any]) -> None:
    for name in ("team", "user", "view"):
        if name in payload:
            assert set(payload[name]) == KEYS[name], name
    for authorization in payload.get("authorizations", ()):
        assert set(authorization) == KEYS["authorization"]
    if payload.get("view", {}).get("type") == "home":
        assert payload["view"]["title"]["text"] == "View Title"
