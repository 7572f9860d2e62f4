"""The composition root: builds the bot from the real clock, store and Slack client.

Functions import what they build themselves, because a process should import only what it needs:
Lambda's functions start faster, and `rollcall --help` answers immediately.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_bolt import App
    from slack_sdk import WebClient

    from bot.entrypoints.settings import Settings
    from bot.notifications.ports import StoreWithOutbox
    from bot.notifications.worker import NotificationWorker
    from domain.ports import Clock, NewId, Spawn
    from domain.service import Service

_logger = logging.getLogger(__name__)

THREADS = 64
"""Slack requests handled at the same time. Requests that wait together for one event share a commit."""

STARTUP_ATTEMPTS = 5
"""Attempts to reach the store at startup, one second apart. A wrong address should show soon."""


class StartupError(Exception):
    """The command can't run. The message is for the person who started it."""


class SystemClock:
    """The system's clock. Implements `domain.ports.Clock`."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds."""
        time.sleep(seconds)  # the only real sleep that code with a `Clock` gets

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Wait for the signal, at most so many seconds. Return whether it came."""
        return signal.wait(seconds)


def new_id() -> str:
    """Return a new unique id."""
    return uuid.uuid4().hex


class BackgroundThreads:
    """Starts threads for background work. Implements `domain.ports.Spawn`."""

    def __init__(self) -> None:
        self._is_out = False

    def __call__(self, work: Callable[[], None]) -> None:
        """Run the work in a thread, and log its failure. Raises `ThreadNotStarted`, which is logged once."""
        from domain.ports import ThreadNotStarted

        try:
            threading.Thread(target=_run_logged, args=(work,), daemon=True).start()
        except RuntimeError as error:
            if not self._is_out:
                _logger.critical(
                    "Rollcall can't start a thread (%s). What waits for one is tried again each minute."
                    " Raise the limits of memory and threads (TasksMax, ulimit -u), or restart Rollcall.",
                    error,
                )
            self._is_out = True
            raise ThreadNotStarted from error
        self._is_out = False


def _run_logged(work: Callable[[], None]) -> None:
    from domain.errors import Busy
    from domain.ports import Unavailable

    try:
        work()
    except (Busy, Unavailable) as error:
        _logger.warning("background work did not finish (%r), and is tried again later", error)
    except Exception:  # the end of the thread: no caller is left to handle it
        _logger.exception("background work failed")


spawn = BackgroundThreads()


# The store


@contextmanager
def open_store(settings: Settings, workspace_id: str) -> Iterator[StoreWithOutbox]:
    """Open the store that the settings name, and close it on exit. Raises `StartupError`."""
    from bot.store_alarm import watched

    if settings.sqlite_path is None:
        with _dynamodb_startup_errors():
            store = _open_dynamodb(settings, workspace_id)
        yield watched(store, SystemClock())
        return
    from domain.errors import OperatorNeeded
    from domain.ports import AnswerLost, Conflict, Unavailable
    from storage.sqlite.store import SQLiteStore

    if not Path(settings.sqlite_path).absolute().parent.is_dir():
        raise StartupError(f"ROLLCALL_STORE: create the folder of {settings.sqlite_path} first.")
    try:
        file = SQLiteStore(settings.sqlite_path, workspace_id)
    except (OperatorNeeded, ValueError) as error:
        raise StartupError(f"ROLLCALL_STORE: {getattr(error, 'fault', error)}") from error
    except AnswerLost as error:
        raise StartupError(
            f"ROLLCALL_STORE: the disk of {settings.sqlite_path} fails: {error}"
        ) from error
    except (Conflict, Unavailable) as error:
        raise StartupError(
            f"ROLLCALL_STORE: another process is using {settings.sqlite_path}: {error}"
        ) from error
    with closing(file):
        yield watched(file, SystemClock())


def _open_dynamodb(settings: Settings, workspace_id: str) -> StoreWithOutbox:
    """Return the DynamoDB store once it responds. Raises `Unavailable`, and botocore's errors."""
    from domain.ports import Unavailable
    from storage.dynamodb.store import DynamoDBStore, make_client

    store = DynamoDBStore(make_client(), settings.table_prefix, workspace_id)
    for attempts_left in reversed(range(STARTUP_ATTEMPTS)):
        try:
            store.list_unfinished_users(limit=1)
            break
        except Unavailable:
            if not attempts_left:
                raise
            time.sleep(1)  # at startup, before any request: nothing waits for it
    return store


def create_dynamodb_tables(settings: Settings) -> tuple[str, ...]:
    """Create the tables that don't exist yet, and return their names. Raises `StartupError`."""
    from storage.dynamodb.schema import create_tables
    from storage.dynamodb.store import make_client

    with _dynamodb_startup_errors():
        return create_tables(make_client(), settings.table_prefix)


def missing_dynamodb_tables(settings: Settings) -> tuple[str, ...]:
    """Return the names of tables, and of indexes (`table/index`), that don't exist. Raises `StartupError`."""
    from storage.dynamodb.schema import missing_tables
    from storage.dynamodb.store import make_client

    with _dynamodb_startup_errors():
        return missing_tables(make_client(), settings.table_prefix)


@contextmanager
def _dynamodb_startup_errors() -> Iterator[None]:
    """Turn errors of DynamoDB and of the AWS configuration into `StartupError`."""
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

    from domain.errors import OperatorNeeded
    from domain.ports import Unavailable

    try:
        yield
    except OperatorNeeded as error:
        raise StartupError(error.fault) from error
    except ClientError as error:
        raise StartupError(f"DynamoDB refused the request: {error}") from error
    except NoRegionError as error:
        raise StartupError("Set AWS_REGION to the region of the tables.") from error
    except (BotoCoreError, Unavailable, ValueError) as error:
        raise StartupError(f"DynamoDB can't be reached: {error}") from error


# Slack


def slack_client(settings: Settings) -> WebClient:
    """Return a Slack client that tries each call once. Callers decide what is safe to repeat."""
    from slack_sdk import WebClient

    return WebClient(
        token=settings.bot_token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[]
    )


def fetch_workspace_id(client: WebClient) -> str:
    """Ask Slack for the bot token's workspace, the one that this process serves. Raises `StartupError`."""
    with slack_startup_errors(client.base_url, "SLACK_BOT_TOKEN"):
        identity = client.auth_test()
    if identity.get("is_enterprise_install"):
        raise StartupError(
            "SLACK_BOT_TOKEN belongs to an installation in a whole organization. Rollcall serves one"
            " workspace: install the app there, and use that workspace's token."
        )
    return str(identity["team_id"])


def slack_failure(error: Exception, url: str, variable: str) -> str:
    """Return what went wrong in a call with a token, and what to do. `error` is one of `api_errors.FAILURES`."""
    from slack_sdk.errors import SlackApiError

    from bot.slack.api_errors import classify

    if not isinstance(error, SlackApiError):
        reason = getattr(error, "reason", None) or error
        return f"Slack can't be reached at {url} ({reason}). Check the network, the proxy and SLACK_API_URL."
    failure = classify(error)
    if not failure.passes:
        return f"Slack rejected {variable}: {failure.reason}. `rollcall doctor` says what to do."
    status = int(
        getattr(error.response, "status_code", None) or error.response.get("status") or 200
    )
    has_code = str(error.response.get("error") or "").isidentifier()  # not a page of HTML
    if status == 429 or status >= 500 or has_code:
        return f"Slack is busy or down ({failure.reason}). Try again in a minute."
    return (
        f"{url} doesn't respond as Slack's Web API does ({failure.reason}). Check SLACK_API_URL, which ends"
        " in /api/, and the proxy."
    )


@contextmanager
def slack_startup_errors(url: str, variable: str) -> Iterator[None]:
    """Turn Slack's errors into `StartupError`. `variable` names the token that was used."""
    from bot.slack.api_errors import FAILURES

    try:
        yield
    except FAILURES as error:
        raise StartupError(slack_failure(error, url, variable)) from error


# The bot


@dataclass(frozen=True)
class Bot:
    """The parts of a running bot. `executor` runs the threads that handle Slack's requests."""

    workspace_id: str
    service: Service
    notification_worker: NotificationWorker
    app: App
    executor: ThreadPoolExecutor

    def stop(self) -> None:
        """Finish the work in progress, then stop."""
        self.executor.shutdown()
        self.notification_worker.stop()


def assemble(
    store: StoreWithOutbox,
    client: WebClient,
    *,
    workspace_id: str,
    signing_secret: str,
    clock: Clock,
    new_id: NewId,
    jitter: Callable[[], float],
    spawn: Spawn,
    seconds: Callable[[], float] | None = None,
) -> Bot:
    """Return a bot made of these parts. Start its notification worker to have it deliver.

    `seconds` returns the time left for a request, by default `domain.execution.retry.REQUEST_SECONDS`.
    """
    from bot.app import build_app
    from bot.features.account.member_sync import MemberComparison, sync_met_members
    from bot.features.cards.listing import ChannelFollower
    from bot.notifications.worker import NotificationWorker
    from bot.slack.member_directory import MemberDirectory
    from bot.slack.web_client import LOOKUP_SECONDS, bounded_client
    from domain.execution.retry import REQUEST_SECONDS
    from domain.service import Service

    # Each needs the other: a commit schedules the worker, and the worker's sweep calls the service.
    service = Service(
        store,
        clock,
        new_id=new_id,
        jitter=jitter,
        spawn=spawn,
        on_commit=lambda event_id: notification_worker.schedule(event_id),
        seconds=seconds or (lambda: REQUEST_SECONDS),
    )
    holder = new_id()
    follower = ChannelFollower(service, client, clock)
    comparison = MemberComparison(service, store, client, clock, holder=holder)
    members = MemberDirectory(
        bounded_client(client, token=client.token, seconds=LOOKUP_SECONDS),
        clock,
        workspace_id,
        patient_client=client,
    )

    def sweep() -> None:
        try:
            service.sweep()
        finally:
            sync_met_members(service, members)
            follower.follow_pending()

    def reconcile() -> None:
        try:
            comparison.run()
        finally:
            follower.follow_all()

    notification_worker = NotificationWorker(
        store,
        client,
        clock,
        holder=holder,
        sweep=sweep,
        reconcile=reconcile,
        spawn=spawn,
    )
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="slack")
    app = build_app(
        service,
        cards=notification_worker,
        members=members,
        follow_channel_later=follower.follow_later,
        workspace_id=workspace_id,
        client=client,
        signing_secret=signing_secret,
        new_id=new_id,
        executor=executor,
    )
    return Bot(workspace_id, service, notification_worker, app, executor)


def build_bot(
    store: StoreWithOutbox,
    client: WebClient,
    *,
    workspace_id: str,
    signing_secret: str,
) -> Bot:
    """Return a bot with the real clock, ids and randomness."""
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


def build_service(store: StoreWithOutbox, clock: Clock) -> Service:
    """Return the service alone, without Slack. The bot's sweep delivers what its commits caused."""
    from domain.service import Service

    return Service(
        store,
        clock,
        new_id=new_id,
        jitter=random.random,
        spawn=spawn,
        on_commit=lambda _: None,
    )


def start_threads(executor: Executor) -> None:
    """Start all threads that handle Slack's requests, so none is missing when requests come."""
    all_run = threading.Barrier(THREADS)
    for future in [executor.submit(all_run.wait) for _ in range(THREADS)]:
        future.result()


@contextmanager
def _thread_startup_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise StartupError(
            f"Rollcall can't start its threads ({error}). Raise the limits of memory and threads"
            " (TasksMax, ulimit -u)."
        ) from error


@contextmanager
def running_bot(settings: Settings) -> Iterator[Bot]:
    """Run a bot with its notification worker, and stop it on exit. Raises `StartupError`."""
    client = slack_client(settings)
    workspace_id = fetch_workspace_id(client)
    # Socket Mode signs nothing: the connection itself is authenticated.
    secret = settings.signing_secret or new_id()
    with open_store(settings, workspace_id) as store:
        bot = build_bot(store, client, workspace_id=workspace_id, signing_secret=secret)
        with _thread_startup_errors():
            start_threads(bot.executor)
            bot.notification_worker.start()
        try:
            yield bot
        finally:
            bot.stop()
            _logger.info("Rollcall has stopped")
