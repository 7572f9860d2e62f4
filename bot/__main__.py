"""The command line: `rollcall`. Here, and nowhere else, the real clock, store and Slack meet."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.entrypoints.settings import Settings, SettingsError

if TYPE_CHECKING:
    import argparse

    from slack_sdk import WebClient
    from starlette.types import ASGIApp

    from bot.entrypoints.bootstrap import Bot
    from bot.notifications.delivery import Storage
    from domain.ports import Clock
    from domain.service import Service

CANNOT = 2
"""The exit status where a command can't be carried out, as argparse's for one that is mistyped."""

INTERRUPTED = 130
"""The exit status of a check that was stopped by Ctrl-C: nothing is known."""

SLACK = frozenset({"SLACK_BOT_TOKEN"})


class StartupError(Exception):
    """What the command needs is not there, in a sentence for who runs it."""


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


@contextmanager
def opened(config: Settings, workspace_id: str) -> Iterator[Storage]:
    """Give the store that the configuration names, and close it afterwards. Raises `StartupError`."""
    if config.sqlite_path is None:
        with asking_dynamodb():
            store = dynamodb_store(config, workspace_id)
        yield store
        return
    from storage.sqlite.store import SQLiteStore

    try:
        file = SQLiteStore(config.sqlite_path, workspace_id)
    except ValueError as error:
        raise StartupError(f"ROLLCALL_STORE: {error}") from error
    with closing(file):
        yield file


START_TRIES = 5
"""Seconds that a store may take to answer at start: whoever starts the bot wants to hear of a wrong address."""


def dynamodb_store(config: Settings, workspace_id: str) -> Storage:
    """Return the store on DynamoDB, once it has answered. Raises `Unavailable`, and botocore's errors."""
    from domain.ports import Unavailable
    from storage.dynamodb.store import DynamoDBStore, make_client

    store = DynamoDBStore(make_client(), config.table_prefix, workspace_id)
    for tries_left in reversed(range(START_TRIES)):
        try:
            store.list_unfinished_users(limit=1)
            break
        except Unavailable:
            if not tries_left:
                raise
            time.sleep(1)
    return store


@contextmanager
def asking_dynamodb() -> Iterator[None]:
    """Raise `StartupError` where AWS's variables are not complete, or DynamoDB gives no proper answer."""
    from botocore.exceptions import BotoCoreError, ClientError

    from domain.ports import Unavailable

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            raise StartupError("The tables are not there: make them by `tables create`") from error
        raise StartupError(f"DynamoDB: {error}") from error
    except (BotoCoreError, Unavailable, ValueError) as error:
        raise StartupError(f"DynamoDB: {error} (AWS_DEFAULT_REGION names the region)") from error


def slack_client(config: Settings) -> WebClient:
    """Return Slack's client, which tries each call once: the notifier knows what may be repeated."""
    from slack_sdk import WebClient

    return WebClient(
        token=config.bot_token, base_url=config.slack_api_url, timeout=10, retry_handlers=[]
    )


def workspace_of(client: WebClient) -> str:
    """Return the workspace that the token is of: the one that this process serves. Raises `StartupError`."""
    with asking_slack(client.base_url, "SLACK_BOT_TOKEN"):
        return str(client.auth_test()["team_id"])


@contextmanager
def asking_slack(url: str, token: str) -> Iterator[None]:
    """Raise `StartupError` where Slack, asked with the token that is named, gives no proper answer."""
    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        yield
    except SlackApiError as error:
        reason = error.response.get("error") or "no proper answer"
        raise StartupError(f"Slack refuses {token}: {reason}") from error
    except (SlackClientError, OSError) as error:
        raise StartupError(f"Slack can't be reached at {url}: {error}") from error


def real_bot(store: Storage, client: WebClient, *, workspace_id: str, signing_secret: str) -> Bot:
    """Return a bot with the real clock, identifiers and dice."""
    from bot.entrypoints.bootstrap import assemble

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


def api_of(bot: Bot, tokens: Sequence[str]) -> ASGIApp | None:
    """Return the bot's HTTP API for whoever has one of the tokens; None without any (R10.3)."""
    if not tokens:
        return None
    from bot.api.app import build_api

    return build_api(bot.service, tokens=tokens, clock=SystemClock(), new_id=new_id)


@contextmanager
def _running(config: Settings) -> Iterator[Bot]:
    """Run the bot's own threads meanwhile; finish what is in hand afterwards."""
    client = slack_client(config)
    workspace_id = workspace_of(client)
    # Socket Mode signs nothing: the connection itself is the app's.
    secret = config.signing_secret or new_id()
    with opened(config, workspace_id) as store:
        bot = real_bot(store, client, workspace_id=workspace_id, signing_secret=secret)
        bot.notification_worker.start()
        try:
            yield bot
        finally:
            bot.stop()
            logging.getLogger(__name__).info("Rollcall has stopped")


def _socket(asked: argparse.Namespace, env: Mapping[str, str]) -> int:  # noqa: ARG001  # as all
    config = Settings.from_env(env, needs=SLACK | {"SLACK_APP_TOKEN"})
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    from bot.entrypoints.bootstrap import THREADS

    with _running(config) as bot:
        handler = SocketModeHandler(bot.app, config.app_token, concurrency=THREADS)
        with asking_slack(config.slack_api_url, "SLACK_APP_TOKEN"):
            handler.connect()  # type: ignore[no-untyped-call]  # Bolt's
        print("Rollcall is connected (Ctrl-C stops it)", flush=True)
        _until_stopped()
        handler.close()  # type: ignore[no-untyped-call]  # Bolt's
    return 0


def _until_stopped() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


def _http(asked: argparse.Namespace, env: Mapping[str, str]) -> int:
    config = Settings.from_env(env, needs=SLACK | {"SLACK_SIGNING_SECRET"})
    import uvicorn

    from bot.entrypoints.http_server import build_http

    with _running(config) as bot:
        tokens = config.api_tokens_of(bot.workspace_id)
        others = len(config.api_tokens) - len(tokens)
        logging.getLogger(__name__).info(
            "HTTP API: %s (tokens of %s: %d; of other workspaces: %d)",
            "on" if tokens else "off",
            bot.workspace_id,
            len(tokens),
            others,
        )
        api = api_of(bot, tokens)
        # uvicorn stops on SIGINT and SIGTERM once the requests in hand are answered, and passes
        # the signal on: SIGTERM must not end us before the notifier has stopped.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
        uvicorn.run(
            build_http(bot.app, bot.executor, config.signing_secret, api),
            host=asked.host,
            port=asked.port,
            server_header=False,
            timeout_graceful_shutdown=15,  # a program's answer may be held back for ten
        )
    return 0


def _manifest(asked: argparse.Namespace, env: Mapping[str, str]) -> int:  # noqa: ARG001  # as all
    from bot.entrypoints import manifest

    text = manifest.for_http(asked.url) if asked.url else manifest.for_socket_mode()
    print(text, end="")
    return 0


def _tables(asked: argparse.Namespace, env: Mapping[str, str]) -> int:  # noqa: ARG001  # as all
    config = Settings.from_env(env)
    if config.sqlite_path is not None:
        with opened(config, "none"):
            print(f"{config.sqlite_path} is ready")
        return 0
    from storage.dynamodb.schema import create_tables
    from storage.dynamodb.store import make_client

    with asking_dynamodb():
        made = create_tables(make_client(), config.table_prefix)
    print("\n".join(f"made {name}" for name in made) or "all tables are there already")
    return 0


def _check(asked: argparse.Namespace, env: Mapping[str, str]) -> int:
    config = Settings.from_env(env, needs=frozenset() if asked.workspace else SLACK)
    workspace_id = asked.workspace or workspace_of(slack_client(config))
    from bot.entrypoints.check_report import Screen, check
    from domain.ports import Unavailable

    screen = Screen(sys.stdout, sys.stderr if sys.stderr.isatty() else None)
    with opened(config, workspace_id) as store:
        try:
            is_sound = check(
                service_without_slack(store, SystemClock()), screen, repair=asked.repair
            )
        except Unavailable as error:
            raise StartupError(
                f"\nThe store does not answer, and the check is not done: {error}"
            ) from error
        except KeyboardInterrupt:
            print("\nstopped: the check is not done", file=sys.stderr)
            return INTERRUPTED
    return 0 if is_sound else 1


def service_without_slack(store: Storage, clock: Clock) -> Service:
    """Return the service alone; what its commits owe, the bot's sweep delivers."""
    from domain.service import Service

    return Service(
        store,
        clock,
        new_id=new_id,
        jitter=random.random,
        spawn=spawn,
        on_commit=lambda _: None,
    )


_COMMANDS: dict[str, Callable[[argparse.Namespace, Mapping[str, str]], int]] = {
    "socket": _socket,
    "http": _http,
    "manifest": _manifest,
    "tables": _tables,
    "check": _check,
}


def main(argv: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run a command; return its exit status."""
    # Lambda's functions, which use this module too, have no command line.
    from bot.entrypoints.arguments import parser

    asked = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # By its name: help need not wait for the domain.
    logging.getLogger("bot.telemetry").setLevel(logging.WARNING)
    try:
        with suppress(KeyboardInterrupt):
            return _COMMANDS[asked.command](asked, os.environ if env is None else env)
    except SettingsError as error:
        print(f"The environment is not complete:\n{error}", file=sys.stderr)
        return CANNOT
    except StartupError as error:
        print(error, file=sys.stderr)
        return CANNOT
    return 0


if __name__ == "__main__":
    sys.exit(main())
