"""The store as notifications need it."""

from __future__ import annotations

from typing import Protocol

from domain.ports import Outbox, Store


class StoreWithOutbox(Store, Outbox, Protocol):
    """A store with its outbox."""
