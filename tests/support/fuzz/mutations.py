"""Strategies that turn real payloads into ones that no client of Slack sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from hypothesis import strategies as st

from playground.workspace.model import Json
from tests.support.fuzz.corpus import Kind, Seed
from tests.support.fuzz.values import READ, STRINGS, VALUES

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

Step = str | int
Path = tuple[Step, ...]
"""The path to one place in a payload. After `private_metadata` it leads into the JSON found there."""

Operation = Literal["replace", "drop", "twice", "wrap", "put"]


@dataclass(frozen=True)
class Mutation:
    """One change of a payload at one place; `put` adds a key."""

    path: Path
    operation: Operation
    value: Any = None


@dataclass(frozen=True)
class Case:
    """A payload to send: a seed and its mutations."""

    seed: Seed
    mutations: tuple[Mutation, ...] = ()

    def __repr__(self) -> str:
        """Show how a failing example is made: the payload itself would be pages long."""
        return f"{self.seed.name!r} with {list(self.mutations)}"

    def applied(self, payload: Json) -> Json:
        """Return the payload after its mutations, in order. A mutation that finds nothing changes nothing."""
        for mutation in self.mutations:
            payload = mutated(payload, mutation)
        return payload


def encoded(kind: Kind, payload: Any) -> tuple[bytes, str]:
    """Return a payload as Slack sends it, with its content type."""
    if kind == "event":
        return json.dumps(payload).encode(), JSON
    if kind == "interaction":
        return urlencode({"payload": json.dumps(payload)}).encode(), FORM
    pairs: list[tuple[str, str]] = []
    for key, value in payload.items():
        pairs += [(key, _field(one)) for one in (value if isinstance(value, list) else [value])]
    return urlencode(pairs, errors="surrogatepass").encode(), FORM


def _field(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def mutated(payload: Any, mutation: Mutation) -> Any:
    """Return a payload with one mutation."""
    if not mutation.path:
        return payload
    return _within(payload, mutation.path, mutation)


def _within(part: Any, path: Path, mutation: Mutation) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(part, str):
        try:
            decoded = json.loads(part)
        except (ValueError, RecursionError):
            return part
        return (
            json.dumps(_within(decoded, path, mutation))
            if isinstance(decoded, dict | list)
            else part
        )
    if mutation.operation == "put" and not rest and isinstance(part, dict):
        return part | {str(step): mutation.value}
    if not _has(part, step):
        return part
    part = part.copy()
    if rest:
        part[step] = _within(part[step], rest, mutation)
        return part
    match mutation.operation:
        case "drop":
            del part[step]
        case "twice" if isinstance(part, list) and isinstance(step, int):
            part.insert(step, deepcopy(part[step]))
        case "twice":
            part[step] = [part[step], part[step]]
        case "wrap":
            part[step] = {"value": part[step]}
        case _:
            part[step] = mutation.value
    return part


def _has(part: Any, step: Step) -> bool:
    if isinstance(part, list):
        return isinstance(step, int) and step < len(part)
    return isinstance(part, dict) and step in part


def paths(part: Any, so_far: Path = ()) -> Iterator[Path]:
    """Yield the path to everything in a payload, and in the JSON of its metadata."""
    if so_far:
        yield so_far
    inner: Sequence[tuple[Step, Any]] = ()
    if isinstance(part, str) and so_far[-1:] == ("private_metadata",) and part:
        part = json.loads(part)
    if isinstance(part, dict):
        inner = list(part.items())
    elif isinstance(part, list):
        # The first items of a long list stand for all.
        inner = list(enumerate(part[:3]))
    for step, one in inner:
        yield from paths(one, (*so_far, step))


def mutations(seed: Seed) -> st.SearchStrategy[Mutation]:
    """Return the mutations of a seed's payload: half of them where the bot reads, the others anywhere."""
    everywhere = list(paths(seed.payload))
    read = [path for path in everywhere if path[-1] in READ]
    path = st.one_of(st.sampled_from(read), st.sampled_from(everywhere))
    names = st.sampled_from(sorted(READ))
    return st.one_of(
        st.builds(Mutation, path, st.just("replace"), VALUES),
        st.builds(Mutation, path, st.just("replace"), STRINGS),
        st.builds(Mutation, path, st.sampled_from(["drop", "twice", "wrap"])),
        st.builds(
            lambda path, name, value: Mutation((*path[:-1], name), "put", value),
            path,
            names,
            VALUES,
        ),
    )


def cases(seeds: Sequence[Seed], least: int = 1, most: int = 3) -> st.SearchStrategy[Case]:
    """Return cases of every seed, with this many mutations."""
    done = {seed.name: st.lists(mutations(seed), min_size=least, max_size=most) for seed in seeds}
    return st.sampled_from(seeds).flatmap(
        lambda seed: done[seed.name].map(lambda made: Case(seed, tuple(made)))
    )


def used(payload: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the ids that a payload presses, submits, asks for or fills in, by kind of id."""
    view = payload.get("view", {})
    blocks: dict[str, Any] = view.get("state", {}).get("values", {})
    inputs = {action for block in blocks.values() for action in block}
    pressed = {action["action_id"] for action in payload.get("actions", [])}
    options = {
        option["value"]
        for block in blocks.values()
        for held in block.values()
        for option in held.get("selected_options") or []
    }
    return {
        "action": pressed | inputs,
        "block": set(blocks),
        "callback": {view["callback_id"]} if view.get("callback_id") else set(),
        "option": options,
        "command": {payload["command"]} if "command" in payload else set(),
    }
