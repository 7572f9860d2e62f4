"""Models as the columns of rows, and back. A body is read back as it was written, without validation rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from domain.models import Event, WaitlistEntry

M = TypeVar("M", bound=BaseModel)

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the time of `to_micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def to_model(model: type[M]) -> Callable[[Row], M]:
    """Return a function that makes the model of a row whose first column is its body."""
    return lambda row: model.model_validate_json(row[0])


def to_text(row: Row) -> str:
    """Return the first column, which is text."""
    return str(row[0])


@lru_cache(maxsize=64)
def event_from_body(body: str) -> Event:
    """Return the event. Most are read a second time, unchanged, to verify their version: hence the cache."""
    return Event.model_validate_json(body)


def waitlist_body(entry: WaitlistEntry) -> str:
    """Return the body of a waitlist entry."""
    return _waitlist_entries().dump_json(entry).decode()


def to_waitlist_entry(row: Row) -> WaitlistEntry:
    """Return the waitlist entry of a row whose first column is its body."""
    return _waitlist_entries().validate_json(row[0])


@cache
def _waitlist_entries() -> TypeAdapter[WaitlistEntry]:
    return TypeAdapter(WaitlistEntry)
