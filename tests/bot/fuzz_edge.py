"""The real bot behind its real HTTP layer, put back as it was after each payload that changed something."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from bot.assembly import assemble
from bot.http import build_http
from domain.models import Card
from playground.delivery import Response, into_app
from playground.dispatch import Dispatcher
from playground.slack_api import Call, SlackApi
from storage.sqlite import SQLiteStore
from tests.bot.conftest import SECRET, Town, running
from tests.bot.fuzz_corpus import Kind, Seed, recorded
from tests.bot.fuzz_walk import prepare
from tests.bot.fuzzing import Case, encoded
from tests.invariants import Everything, assert_sound, everything_in
from tests.surroundings import at_once, ids

PATH = "/slack/events"


@dataclass(frozen=True)
class State:
    """All that is stored, cards included."""

    everything: Everything
    cards: frozenset[Card]


@dataclass(frozen=True)
class Exchange:
    """A payload that was sent, and everything that came of it."""

    case: Case
    kind: Kind
    original: Any
    payload: Any
    response: Response
    calls: tuple[Call, ...]
    """What Slack was asked before the request was answered."""
    delivered: tuple[Call, ...]
    """What the notifier then sent."""
    refusals: tuple[str, ...]
    logs: tuple[logging.LogRecord, ...]
    before: State
    after: State


class _Logs(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Edge:
    """Sends payloads to the bot over ASGI. What one of them changed, the next does not see."""

    def __init__(
        self, server: Starlette, town: Town, folder: Path, seeds: list[Seed], runner: asyncio.Runner
    ) -> None:
        self._server = server
        self.town = town
        self.seeds = seeds
        self.sent: Counter[str] = Counter()
        self._folder = folder
        self._runner = runner
        self._opened = 0
        self.logs = _Logs()
        self._restore()

    def _restore(self) -> None:
        """Have a new bot on the store as it was prepared."""
        if self._opened:
            self.close()
        self._opened += 1
        path = self._folder / f"{self._opened}.sqlite"
        shutil.copy(self._folder / "prepared.sqlite", path)
        self.store = SQLiteStore(path, self.town.workspace.team_id)
        self.bot = assemble(
            self.store,
            self.town.client,
            workspace_id=self.town.workspace.team_id,
            signing_secret=SECRET,
            clock=self.town.clock,
            new_id=ids(f"made{self._opened}-"),
            jitter=lambda: 0.5,
            spawn=at_once,
        )
        self._web = build_http(self.bot.app, self.bot.executor, SECRET)
        self.slack = Dispatcher(self.town.workspace, self.deliver, SECRET)
        self._watch = sqlite3.connect(path)
        self._seen_version = self._version()
        self.state = State(everything_in(self.store), self._cards())

    def close(self) -> None:
        """Stop the bot."""
        self._watch.close()
        self.bot.stop()
        self.store.close()
        (self._folder / f"{self._opened}.sqlite").unlink()

    def _version(self) -> int:
        """Return SQLite's own number for what is in the file: it moves with every commit."""
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def _cards(self) -> frozenset[Card]:
        events = everything_in(self.store).events
        return frozenset(card for event_id in events for card in self.store.get_cards(event_id))

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> Response:
        """Bring a request to the bot's web application, as its server would."""
        return self._runner.run(self._deliver(body, headers))

    async def _deliver(self, body: bytes, headers: Mapping[str, str]) -> Response:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 3000),
        }
        answer: dict[str, Any] = {"status": 500, "body": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            answer["status"] = message.get("status", answer["status"])
            answer["body"] += message.get("body", b"")

        await self._web(scope, receive, send)
        return Response(answer["status"], answer["body"].decode())

    def send(self, case: Case, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send a case's payload, signed; let what it caused be delivered; return what came of it."""
        original = case.seed.fresh(self.town.workspace)
        payload = case.applied(original)
        body, content_type = encoded(case.seed.kind, payload)
        return self.send_body(case, original, payload, body, content_type, headers)

    def send_body(
        self,
        case: Case,
        original: Any,
        payload: Any,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        """Send any bytes, signed unless `headers` say otherwise; return what came of it."""
        workspace = self.town.workspace
        self._server.state.slack_api = api = SlackApi(workspace)
        self.sent[case.seed.name.partition(" (")[0]] += 1
        workspace.refusals.clear()
        self.logs.records.clear()
        before = self.state
        response, failure = self.slack.send(body, content_type, headers)
        assert response is not None, failure
        answered = len(api.calls())
        changed = self._version() != self._seen_version
        if changed:
            self.bot.notifier.do_what_is_due()
        calls = tuple(api.calls())
        refusals = tuple(workspace.refusals)
        workspace.refusals.clear()
        after = before
        if changed:
            after = State(assert_sound(self.store), self._cards())
        exchange = Exchange(
            case,
            case.seed.kind,
            original,
            payload,
            response,
            calls[:answered],
            calls[answered:],
            refusals,
            tuple(self.logs.records),
            before,
            after,
        )
        if changed:
            self._restore()
        return exchange


@contextmanager
def edge(server: tuple[Any, str], folder: Path) -> Iterator[Edge]:
    """Give a bot at its edge, in a town where something is going on, with payloads of everything."""
    with running(server, SQLiteStore, folder / "town.sqlite", at_once) as town:
        prepare(town)
        with sqlite3.connect(folder / "prepared.sqlite") as copy:
            with sqlite3.connect(folder / "town.sqlite") as source:
                source.backup(copy)
            source.close()
        copy.close()
        with asyncio.Runner() as runner:
            seeds = recorded(town, into_app(town.bot.app))
            made = Edge(server[0], town, folder, seeds, runner)
            logging.getLogger().addHandler(made.logs)
            yield made
            logging.getLogger().removeHandler(made.logs)
            made.close()
