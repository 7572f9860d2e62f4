"""The real bot behind its real HTTP layer; its data is restored after each payload that changed something."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from bot.entrypoints.bootstrap import assemble
from bot.entrypoints.http_server import build_http
from bot.entrypoints.system import SystemClock
from domain.ports import Clock
from playground.client.member_client import MemberClient
from playground.client.transport import BotResponse, into_app
from playground.web_api.server import Call, SlackApi
from storage.sqlite.store import SQLiteStore
from tests.support.environment import ids, run_now
from tests.support.fuzz.corpus import Kind, Seed, parsed, recorded
from tests.support.fuzz.mutations import Case, encoded
from tests.support.fuzz.walk import OF_THE_CROWD, prepare
from tests.support.invariants import Everything, assert_invariants, everything_in
from tests.support.slack.harness import SECRET, SlackHarness, patient_lookups, run_bot

PATH = "/slack/events"


@dataclass(frozen=True)
class State:
    """Everything that is stored, including cards."""

    everything: Everything
    cards: frozenset[tuple[Any, ...]]


@dataclass(frozen=True)
class Exchange:
    """A payload that was sent, and its results."""

    case: Case
    kind: Kind
    original: Any
    payload: Any
    response: BotResponse
    asked: int
    """Calls of the store before the response."""
    calls: tuple[Call, ...]
    """Calls to Slack before the response."""
    delivered: tuple[Call, ...]
    """Calls to Slack by the notification worker, after the response."""
    refusals: tuple[str, ...]
    logs: tuple[logging.LogRecord, ...]
    before: State
    after: State


class _Logs(logging.Handler):
    """Keeps log records of warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class WatchedStore(SQLiteStore):
    """Counts the calls of its methods."""

    asked = 0

    def __getattribute__(self, name: str) -> Any:
        if name[0] != "_" and name not in ("asked", "close"):
            self.asked += 1
        return super().__getattribute__(name)


class _File:
    """The store's file, which can be checked for writes and restored."""

    def __init__(self, path: Path, prepared: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("ATTACH ? AS prepared", (str(prepared),))
        rows = self._connection.execute(
            "SELECT name FROM prepared.sqlite_schema WHERE type = 'table'"
        )
        self._tables = [name for (name,) in rows]
        self.restore()

    def close(self) -> None:
        self._connection.close()

    def restore(self) -> None:
        """Restore the prepared data."""
        self._connection.execute("BEGIN IMMEDIATE")
        for name in self._tables:
            self._connection.execute(f"DELETE FROM main.{name}")
            self._connection.execute(f"INSERT INTO main.{name} SELECT * FROM prepared.{name}")
        self._connection.execute("COMMIT")
        self._seen = self._version()

    def is_written(self) -> bool:
        """Return whether the bot wrote anything since: SQLite's data version changes with every commit."""
        return self._version() != self._seen

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA main.data_version").fetchone()[0])

    def cards(self) -> frozenset[tuple[Any, ...]]:
        """Return every remembered card."""
        return frozenset(self._connection.execute("SELECT * FROM main.cards"))


class _SigningClock(SystemClock):
    """Tells the machine's time, because payloads are signed with it. Durations are those of the bot's own clock.

    On a busy machine, a request could otherwise take longer than Slack waits.
    """

    def __init__(self, bots: Clock) -> None:
        self._bots = bots

    def monotonic(self) -> float:
        return self._bots.monotonic()


class FuzzedBot:
    """Sends payloads to the bot over ASGI. No payload sees the changes of another."""

    def __init__(
        self,
        server: Starlette,
        harness: SlackHarness,
        folder: Path,
        seeds: list[Seed],
        runner: asyncio.Runner,
    ) -> None:
        self._server = server
        self.harness = harness
        harness.clock.while_sleeping = lambda: None  # the harness's own bot rests
        self.seeds = seeds
        self.sent: Counter[str] = Counter()
        self._runner = runner
        self.logs = _Logs()
        self.store = WatchedStore(folder / "fuzzed.sqlite", harness.workspace.team_id)
        with patient_lookups():
            self.bot = assemble(
                self.store,
                harness.client,
                workspace_id=harness.workspace.team_id,
                signing_secret=SECRET,
                clock=harness.clock,
                new_id=ids("made"),
                jitter=lambda: 0.5,
                spawn=run_now,
            )
        self._web = build_http(
            self.bot.app, self.bot.executor, SECRET, _SigningClock(harness.clock)
        )
        self.slack = MemberClient(harness.workspace, self.deliver, SECRET)
        self._file = _File(folder / "fuzzed.sqlite", folder / "prepared.sqlite")
        self.prepared = self._state()
        assert_invariants(self.store)

    def close(self) -> None:
        """Stop the bot."""
        self._file.close()
        self.bot.stop()
        self.store.close()

    def _state(self) -> State:
        return State(everything_in(self.store), self._file.cards())

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
        """Bring a request to the bot's web application, as its server would."""
        return self._runner.run(self._deliver(body, headers))

    async def _deliver(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
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
        return BotResponse(answer["status"], answer["body"].decode())

    def send(self, case: Case, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send a case's payload, signed; let what it caused be delivered; return what came of it."""
        original = case.seed.fresh(self.harness.workspace)
        payload = case.applied(original)
        body, content_type = encoded(case.seed.kind, payload)
        return self.send_body(case, original, parsed(body)[1], body, content_type, headers)

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
        workspace = self.harness.workspace
        self._server.state.slack_api = api = SlackApi(workspace)
        self.sent[case.seed.name.partition(" (")[0]] += 1
        workspace.refusals.clear()
        self.logs.records.clear()
        self.store.asked = 0
        response, failure = self.slack.send(body, content_type, headers)
        assert response is not None, failure
        asked = self.store.asked
        answered = len(api.calls())
        changed = self._file.is_written()
        if changed:
            self.bot.notification_worker.process_due_events()
        calls = tuple(api.calls())
        refusals = tuple(workspace.refusals)
        workspace.refusals.clear()
        after = self.prepared
        if changed:
            after = State(assert_invariants(self.store), self._file.cards())
        exchange = Exchange(
            case,
            case.seed.kind,
            original,
            payload,
            response,
            asked,
            calls[:answered],
            calls[answered:],
            refusals,
            tuple(self.logs.records),
            self.prepared,
            after,
        )
        if changed:
            self._file.restore()
        return exchange


@contextmanager
def edge(server: tuple[Any, str], folder: Path) -> Iterator[FuzzedBot]:
    """Give a bot at its edge, in a town where something is going on, with payloads of everything."""
    with run_bot(server, SQLiteStore, folder / "town.sqlite", run_now) as harness:
        prepare(harness)
        with sqlite3.connect(folder / "prepared.sqlite") as copy:
            with sqlite3.connect(folder / "town.sqlite") as source:
                source.backup(copy)
            source.close()
        copy.close()
        with asyncio.Runner() as runner:
            seeds = recorded(harness, into_app(harness.bot.app))
            refusals = harness.workspace.refusals
            assert set(refusals) == OF_THE_CROWD
            refusals.clear()
            made = FuzzedBot(server[0], harness, folder, seeds, runner)
            logging.getLogger().addHandler(made.logs)
            yield made
            logging.getLogger().removeHandler(made.logs)
            made.close()
