"""The command line: `rollcall`. Here, and nowhere else, the real clock, store and Slack meet."""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.config import Config, ConfigError

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from bot.assembly import Bot
    from bot.delivery import Storage
    from domain.integrity import Breach, Progress
    from domain.service import Service

SLACK = frozenset({"SLACK_BOT_TOKEN"})


class SystemClock:
    """Time as it is. Implements `domain.ports.Clock`."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Wait for the signal, at most so long; return whether it came."""
        return signal.wait(seconds)


def new_id() -> str:
    """Return an identifier that nobody else has."""
    return uuid.uuid4().hex


def spawn(work: Callable[[], None]) -> None:
    """Do the work in a thread; what goes wrong there is logged once."""

    def run() -> None:
        try:
            work()
        except Exception:
            logging.getLogger(__name__).exception("work in the background failed")

    threading.Thread(target=run, daemon=True).start()


def open_store(config: Config, workspace_id: str) -> Storage:
    """Return the store that the configuration names."""
    if config.sqlite_path is not None:
        from storage.sqlite import SQLiteStore

        return SQLiteStore(config.sqlite_path, workspace_id)
    from storage.dynamodb import DynamoDBStore, make_client

    return DynamoDBStore(make_client(), config.table_prefix, workspace_id)


def slack_client(config: Config) -> WebClient:
    """Return Slack's client, which tries each call once: the notifier knows what may be repeated."""
    from slack_sdk import WebClient

    return WebClient(
        token=config.bot_token, base_url=config.slack_api_url, timeout=10, retry_handlers=[]
    )


def workspace_of(client: WebClient) -> str:
    """Return the workspace that the token is of: the one that this process serves."""
    return str(client.auth_test()["team_id"])


def real_bot(store: Storage, client: WebClient, *, workspace_id: str, signing_secret: str) -> Bot:
    """Return a bot with the real clock, identifiers and dice."""
    from bot.assembly import assemble

    return assemble(
        store,
        client,
        workspace_id=workspace_id,
        signing_secret=signing_secret,
        clock=SystemClock(),
        new_id=new_id,
        jitter=random.random,
        spawn=spawn,
    )


def _bot(config: Config) -> Bot:
    client = slack_client(config)
    workspace_id = workspace_of(client)
    return real_bot(
        open_store(config, workspace_id),
        client,
        workspace_id=workspace_id,
        # Socket Mode signs nothing: the connection itself is the app's.
        signing_secret=config.signing_secret or new_id(),
    )


def _socket(asked: argparse.Namespace, env: Mapping[str, str]) -> int:  # noqa: ARG001  # as all
    config = Config.from_env(env, needs=SLACK | {"SLACK_APP_TOKEN"})
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    from bot.assembly import THREADS

    bot = _bot(config)
    handler = SocketModeHandler(bot.app, config.app_token, concurrency=THREADS)
    bot.notifier.start()
    handler.connect()  # type: ignore[no-untyped-call]  # Bolt's
    print("Rollcall is connected (Ctrl-C stops it)", flush=True)
    _until_stopped()
    handler.close()  # type: ignore[no-untyped-call]  # Bolt's
    bot.stop()
    return 0


def _until_stopped() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


def _http(asked: argparse.Namespace, env: Mapping[str, str]) -> int:
    config = Config.from_env(env, needs=SLACK | {"SLACK_SIGNING_SECRET"})
    import uvicorn

    from bot.http import build_http

    bot = _bot(config)
    bot.notifier.start()
    web = build_http(bot.app, bot.executor)
    # It stops on SIGINT and SIGTERM by itself, once the requests in hand are answered.
    uvicorn.run(web, host=asked.host, port=asked.port, log_level="info", server_header=False)
    bot.stop()
    return 0


def _manifest(asked: argparse.Namespace, env: Mapping[str, str]) -> int:  # noqa: ARG001  # as all
    from bot import manifest

    text = manifest.for_http(asked.url) if asked.url else manifest.for_socket_mode()
    print(text, end="")
    return 0


def _tables(asked: argparse.Namespace, env: Mapping[str, str]) -> int:  # noqa: ARG001  # as all
    config = Config.from_env(env)
    if config.sqlite_path is not None:
        open_store(config, "none")
        print(f"{config.sqlite_path} is ready")
        return 0
    from storage.dynamodb import make_client
    from storage.schema import create_tables

    made = create_tables(make_client(), config.table_prefix)
    print("\n".join(f"made {name}" for name in made) or "all tables are there already")
    return 0


def _check(asked: argparse.Namespace, env: Mapping[str, str]) -> int:
    config = Config.from_env(env, needs=frozenset() if asked.workspace else SLACK)
    workspace_id = asked.workspace or workspace_of(slack_client(config))
    store = open_store(config, workspace_id)
    return check(service_without_slack(store), repair=asked.repair)


def service_without_slack(store: Storage) -> Service:
    """Return the service alone; what its commits owe, the bot's sweep delivers."""
    from domain.service import Service

    return Service(
        store,
        SystemClock(),
        new_id=new_id,
        jitter=random.random,
        spawn=spawn,
        on_commit=lambda _: None,
    )


def check(service: Service, *, repair: bool) -> int:
    """Print each breach, and with `repair` mend it; return 1 if any is left."""
    found = 0
    if repair:
        for breach in service.repair(_show):
            print(f"mended: {describe(breach)}")
    for breach in service.check(_show):
        found += 1
        print(f"breach: {describe(breach)}")
    print(f"{found} breaches" if found else "everything is sound")
    return 1 if found else 0


def _show(progress: Progress) -> None:
    restless = f", {len(progress.restless)} never held still" if progress.restless else ""
    print(
        f"\rread {progress.events} events, {progress.registrations} registrations{restless}",
        end="\n" if restless else "",
        file=sys.stderr,
        flush=True,
    )


def describe(breach: Breach) -> str:
    """Return a breach in one line, with its ids."""
    parts = [breach.kind.value, f"event {breach.event_id}"]
    if breach.user_id is not None:
        parts.append(f"user {breach.user_id}")
    if breach.ticket is not None:
        parts.append(f"ticket {breach.ticket}")
    if breach.stored is not None:
        parts.append(f"is {breach.stored}, should be {breach.expected}")
    return ", ".join(parts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rollcall",
        description="Event registration in Slack. Configured by the environment: see README.md.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    socket = commands.add_parser("socket", help="run the bot in Socket Mode")
    socket.set_defaults(run=_socket)
    http = commands.add_parser("http", help="run the bot over HTTP, at /slack/events")
    http.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    http.add_argument("--port", type=int, default=3000, help="default: 3000")
    http.set_defaults(run=_http)
    manifest = commands.add_parser("manifest", help="print the app manifest")
    manifest.add_argument("--url", help="for HTTP instead of Socket Mode: where the bot answers")
    manifest.set_defaults(run=_manifest)
    tables = commands.add_parser("tables", help="make what the store needs")
    tables.add_argument("what", choices=["create"])
    tables.set_defaults(run=_tables)
    checking = commands.add_parser(
        "check", help="read everything and report what contradicts itself"
    )
    checking.add_argument("--repair", action="store_true", help="and mend it")
    checking.add_argument("--workspace", help="the workspace's id, instead of asking Slack")
    checking.set_defaults(run=_check)
    return parser


def main(argv: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run a command; return its exit status."""
    asked = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        with suppress(KeyboardInterrupt):
            status: int = asked.run(asked, os.environ if env is None else env)
            return status
    except ConfigError as error:
        print(f"The environment is not complete:\n{error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
