"""In-memory request queue, beside the in-memory store."""

from __future__ import annotations

from playground.demo.request_queue import RequestsInMemory
from tests.support.memory_store import MemoryStore


class MemoryRequestQueue(MemoryStore, RequestsInMemory):
    """`domain.ports.RequestQueue` with its store, for one thread. It is the demo's, with a store in memory."""

    def __init__(self) -> None:
        RequestsInMemory.__init__(self)
        MemoryStore.__init__(self)
