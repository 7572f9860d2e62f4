"""Queued requests and their results as JSON, and back (R14).

Functions of two deployments may meet at a queue. A kind of command or result that this version does not know raises
`UnreadableRequest`.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from domain import commands, errors
from domain.commands import Command, Outcome
from domain.errors import RollcallError
from domain.models import Event
from domain.queued import RequestResult

_COMMANDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(commands.Create, commands.Register, commands.ChangeAnswers, commands.AddAttendees),
        *(commands.Unregister, commands.Remove, commands.Edit, commands.FollowChannel),
        *(commands.SetStatus, commands.Announce, commands.Export, commands.PostCard),
        *(commands.TakeOver, commands.StartDeletion, commands.EditSeries, commands.EndSeries),
        commands.ChangeLeftOut,
    )
}
"""The commands that people and programs send. Steps of long operations and repairs are not queued."""

_OUTCOMES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(commands.RegisterOutcome, commands.AnswersOutcome, commands.AddOutcome),
        *(commands.UnregisterOutcome, commands.ChangeOutcome),
    )
}

_REFUSALS: dict[str, type] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, RollcallError)
    and kind not in (RollcallError, errors.NotConfirmed, errors.Queued)
}


class UnreadableRequest(Exception):
    """A stored command or result was written by a newer version, or is damaged."""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A plan for the command that was sent, and of which it is not known whether it applied."""

    plan_id: str
    version: int
    """The event's version that its commit makes."""
    outcome: RequestResult
    """The result of the command if it applied."""


def encode_command(command: Command, in_doubt: InDoubt | None = None) -> str:
    """Return a command as JSON, with the plan that may have carried it out already."""
    values = {"kind": type(command).__name__, "value": _plain(command)}
    if in_doubt is not None:
        values["in_doubt"] = _plain(in_doubt)
    return _dumped(values)


def decode_command(text: str) -> tuple[Command, InDoubt | None]:
    """Return the command of `encode_command`, and the plan in doubt. Raises `UnreadableRequest`."""
    try:
        values = json.loads(text)
        kind = _COMMANDS[values["kind"]]
        in_doubt = values.get("in_doubt")
        return (
            cast("Command", _parsed(kind, values["value"])),
            None if in_doubt is None else _parsed(InDoubt, in_doubt),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRequest(_without_values(error)) from None


def encode_results(
    request_ids: Sequence[str], outcomes: Iterable[Outcome | RollcallError], at: datetime
) -> tuple[RequestResult, ...]:
    """Return the results of requests, decided at a time. An event that outcomes share is encoded once."""
    events: dict[int, str] = {}

    def encoded(event: Event) -> str:
        if id(event) not in events:
            events[id(event)] = event.model_dump_json()
        return events[id(event)]

    return tuple(
        RequestResult(
            request_id,
            at,
            _dumped({"kind": type(outcome).__name__, "value": _plain(outcome)}),
            None if isinstance(outcome, RollcallError) else encoded(outcome.event),
        )
        for request_id, outcome in zip(request_ids, outcomes, strict=True)
    )


def decode_result(result: RequestResult) -> Outcome | RollcallError:
    """Return the outcome or refusal of a result. Raises `UnreadableRequest`."""
    try:
        values = json.loads(result.outcome)
        kind, value = values["kind"], values["value"]
        if kind in _REFUSALS:
            return cast("RollcallError", _parsed(_REFUSALS[kind], value))
        event = json.loads(cast("str", result.event))
        return cast("Outcome", _parsed(_OUTCOMES[kind], {**value, "event": event}))
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRequest(_without_values(error)) from None


def _plain(value: Any) -> Any:
    if isinstance(value, RollcallError):
        adapter = _adapter(cast("Hashable", type(value)))
        return {} if adapter is None else adapter.dump_python(value, mode="json")
    exclude = {"event"} if type(value).__name__ in _OUTCOMES else None
    adapter = cast("TypeAdapter[Any]", _adapter(cast("Hashable", type(value))))
    # A change's fields that were not given stay so: the others keep what is stored.
    return adapter.dump_python(value, mode="json", exclude=exclude, exclude_unset=True)


def _parsed(kind: type, value: Any) -> Any:
    adapter = _adapter(kind)
    return kind() if adapter is None else adapter.validate_json(_dumped(value))


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any] | None:
    """Return what encodes a kind of value. It is made when it is first needed: a function needs few of them."""
    return TypeAdapter(cast("type", kind)) if "__dataclass_fields__" in vars(kind) else None


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _without_values(error: Exception) -> str:
    """Return what is wrong, without typed text."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
    return (
        f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else type(error).__name__
    )
