"""The composition root: builds the bot from the real clock, store and Slack client.

Functions import what they build themselves, because a process should import only what it needs:
Lambda's functions start faster, and `rollcall --help` answers immediately.
"""

from __future__ import annotations

import logging
import os
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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slack_bolt import App
    from slack_sdk import WebClient

    from bot.entrypoints.settings import Settings
    from bot.notifications.ports import StoreWithOutbox
    from bot.notifications.worker import NotificationWorker
    from bot.slack.job_queue import Job, JobQueue
    from bot.slack.reply_sender import ReplySender
    from domain.models import Page
    from domain.ports import Clock, NewId, Spawn
    from domain.service import Service
    from storage.sqlite.store import SQLiteStore

_logger = logging.getLogger(__name__)

THREADS = 64
"""Slack requests handled at the same time. Requests that wait together for one event share a commit."""

CHORE_THREADS = 4
MAX_CHORES = 1_000
"""Threads for what no reply depends on, such as refreshing App Home, and how much of it may wait."""

REPLIES_SECONDS = 90.0
"""How long a stop waits until Slack takes the pending replies: a minute without Slack, then a slow one."""

CHORES_SECONDS = 5.0
"""How long a stop waits for the other background work. What is left shows when it is opened again."""

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


class MigrationNeeded(StartupError):
    """The SQLite file has an earlier schema version, which the bot's start migrates."""


@contextmanager
def open_store(
    settings: Settings, workspace_id: str, *, must_exist: bool = False
) -> Iterator[StoreWithOutbox]:
    """Open the store that the settings name, and close it on exit. Raises `StartupError`.

    A SQLite file is created or migrated if need be, and its owner's alone. If it `must_exist`, it is left as
    it is.
    """
    from bot.store_alarm import watched

    path = settings.sqlite_path
    if path is None:
        with _dynamodb_startup_errors(settings):
            store = _open_dynamodb(settings, workspace_id)
        yield watched(store, SystemClock())
        return
    with closing(_open_sqlite(path, workspace_id, must_exist=must_exist)) as file:
        yield watched(file, SystemClock())


def _open_sqlite(path: str, workspace_id: str, *, must_exist: bool) -> SQLiteStore:
    from domain.errors import OperatorNeeded
    from domain.ports import AnswerLost, Conflict, Unavailable
    from storage.sqlite import database
    from storage.sqlite.store import SQLiteStore

    if not os.path.isdir(Path(path).absolute().parent):  # noqa: PTH112  # False also for an impossible name
        raise StartupError(
            f"ROLLCALL_STORE: the folder of {path} doesn't exist. Check the path, or create the folder first."
        )
    try:
        return SQLiteStore(path, workspace_id, must_exist=must_exist)
    except database.MigrationNeeded as error:
        raise MigrationNeeded(f"ROLLCALL_STORE: {error}.") from error
    except ValueError as error:
        raise StartupError(f"ROLLCALL_STORE: {error}.") from error
    except OperatorNeeded as error:
        raise StartupError(f"ROLLCALL_STORE: {error.fault}") from error
    except AnswerLost as error:
        raise StartupError(f"ROLLCALL_STORE: the disk of {path} fails: {error}.") from error
    except (Conflict, Unavailable) as error:
        raise StartupError(f"ROLLCALL_STORE: another process is using {path}: {error}.") from error


@contextmanager
def open_store_to_check(settings: Settings, workspace_id: str) -> Iterator[StoreWithOutbox]:
    """Open a store that exists, for `rollcall check`, and close it on exit.

    Raises `StartupError`, also for whatever is wrong with the store while it is checked: a file that is
    damaged, tables that are missing or refused.
    """
    path = settings.sqlite_path
    if path is None:
        _require_tables(settings)
        with (
            open_store(settings, workspace_id, must_exist=True) as store,
            _dynamodb_startup_errors(settings),
        ):
            yield store
        return
    import sqlite3

    from domain.errors import OperatorNeeded

    advice = "Restore a backup: docs/operations.md says how."
    with closing(_open_sqlite(path, workspace_id, must_exist=True)) as file:
        try:
            damage = file.find_damage()
            if damage is None:
                yield file
                return
        except (OperatorNeeded, sqlite3.DatabaseError) as error:
            reason = error.__cause__ if isinstance(error, OperatorNeeded) else error
            raise StartupError(
                f"ROLLCALL_STORE: {path} can't be read: {reason}. {advice}"
            ) from error
    raise StartupError(f"ROLLCALL_STORE: {path} is damaged: {damage}. {advice}")


def _require_tables(settings: Settings) -> None:
    missing = [name for name in missing_dynamodb_tables(settings) if "/" not in name]
    if missing:
        raise StartupError(_missing_tables(settings, ", ".join(missing)))


def _missing_tables(settings: Settings, names: str) -> str:
    return (
        f"Tables are missing in this region and account: {names}. Check AWS_REGION and"
        f" ROLLCALL_TABLE_PREFIX ({settings.table_prefix}), or create them with `rollcall tables create`."
    )


def require_data(store: StoreWithOutbox, settings: Settings, workspace_id: str) -> None:
    """Raise `StartupError` if nothing is stored for the workspace."""
    if not any(
        _has_rows(read)
        for read in (
            store.list_users,
            store.scan_events,
            store.scan_registrations,
            store.scan_waitlist,
        )
    ):
        where = settings.sqlite_path or f"the tables {settings.table_prefix}…"
        raise StartupError(
            f"Nothing is stored for the workspace {workspace_id} in {where}. Check the workspace's id and"
            " ROLLCALL_STORE."
        )


def _has_rows(read: Callable[..., Page[Any]]) -> bool:
    """Return whether a list is not empty. A page of DynamoDB may be, before the last one."""
    page = read(limit=1000)
    while not page.items and page.next_cursor is not None:
        page = read(limit=1000, cursor=page.next_cursor)
    return bool(page.items)


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

    with _dynamodb_startup_errors(settings):
        return create_tables(make_client(), settings.table_prefix)


def missing_dynamodb_tables(settings: Settings) -> tuple[str, ...]:
    """Return the names of tables, and of indexes (`table/index`), that don't exist. Raises `StartupError`."""
    from storage.dynamodb.schema import missing_tables
    from storage.dynamodb.store import make_client

    with _dynamodb_startup_errors(settings):
        return missing_tables(make_client(), settings.table_prefix)


@contextmanager
def _dynamodb_startup_errors(settings: Settings) -> Iterator[None]:
    """Turn errors of DynamoDB and of the AWS configuration into `StartupError`."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    from domain.errors import OperatorNeeded
    from domain.ports import Unavailable

    try:
        try:
            yield
        except OperatorNeeded as error:
            raise (error.__cause__ or error) from None
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            names = f"{settings.table_prefix}…"
            raise StartupError(_missing_tables(settings, names)) from error
        raise StartupError(f"DynamoDB refused the request: {error}") from error
    except NoRegionError as error:
        raise StartupError("Set AWS_REGION to the region of the tables.") from error
    except NoCredentialsError as error:
        raise StartupError(
            "AWS has no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
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
class Background:
    """The work that a long-running process does after acknowledgements: sending replies, and refreshing views."""

    replies: JobQueue
    chores: JobQueue

    def stop(self, reply_seconds: float) -> list[Job]:
        """Send the replies that are pending, for so many seconds at most. Return the jobs that are left of them."""
        if len(self.replies):
            _logger.warning(
                "waiting until Slack takes %d replies, for at most %d seconds (press Ctrl-C to lose them)",
                *(len(self.replies), reply_seconds),
            )
        self.replies.shorten_pauses()
        self.chores.drain(CHORES_SECONDS)
        return self.replies.drain(reply_seconds)


@dataclass(frozen=True)
class Bot:
    """The parts of a running bot. `executor` runs the threads that handle Slack's requests."""

    workspace_id: str
    service: Service
    notification_worker: NotificationWorker
    app: App
    executor: ThreadPoolExecutor
    reply_sender: ReplySender
    background: Background | None = None

    def stop(self, reply_seconds: float = REPLIES_SECONDS) -> None:
        """Finish the requests in progress, send the replies that are pending, then stop.

        `reply_seconds` says how long Slack gets to take the replies. The rest is kept for the next process.
        """
        self.executor.shutdown()
        if self.background is not None:
            self.reply_sender.keep_pending(self.background.stop(reply_seconds))
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
    background: Background | None = None,
) -> Bot:
    """Return a bot made of these parts. Start its notification worker to have it deliver.

    With `background`, replies and what else no acknowledgement has to wait for are left to its queues.
    """
    from bot.app import build_app
    from bot.features.account.member_sync import MemberComparison, sync_met_members
    from bot.features.cards.listing import ChannelFollower
    from bot.notifications.worker import NotificationWorker
    from bot.slack.kept_replies import KeptReplies
    from bot.slack.member_directory import MemberDirectory
    from bot.slack.reply_sender import ReplySender
    from bot.slack.request_budget import received_at
    from bot.slack.web_client import LOOKUP_SECONDS, bounded_client
    from domain.service import Service

    # Each needs the other: a commit schedules the worker, and the worker's sweep calls the service.
    service = Service(
        store,
        clock,
        new_id=new_id,
        jitter=jitter,
        spawn=spawn,
        on_commit=lambda event_id: notification_worker.schedule(event_id),
        received_at=received_at,
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
        # The last two take no more than about half a minute each.
        try:
            service.sweep(notification_worker.sweep_goes_on)
        finally:
            notification_worker.sweep_goes_on()
            sync_met_members(service, members)
            notification_worker.sweep_goes_on()
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

    def later(key: str, work: Callable[[], None]) -> None:
        if background is None:
            work()
        else:
            background.chores.submit(key, work, coalesce=True)

    reply_sender = ReplySender(
        client,
        clock,
        jitter,
        KeptReplies(store, clock, new_id, notification_worker.schedule),
        background.replies if background else None,
    )
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="slack")
    app = build_app(
        service,
        cards=notification_worker,
        members=members,
        follow_channel_later=follower.follow_later,
        sender=reply_sender,
        later=later,
        workspace_id=workspace_id,
        client=client,
        signing_secret=signing_secret,
        new_id=new_id,
        executor=executor,
    )
    return Bot(workspace_id, service, notification_worker, app, executor, reply_sender, background)


def threads_for_background(clock: Clock) -> Background:
    """Return queues with threads of their own. The threads start when they are needed."""
    from bot.slack import reply_sender
    from bot.slack.job_queue import JobQueue

    return Background(
        JobQueue("replies", clock, threads=reply_sender.THREADS, limit=reply_sender.MAX_PENDING),
        JobQueue("chores", clock, threads=CHORE_THREADS, limit=MAX_CHORES),
    )


def build_bot(
    store: StoreWithOutbox,
    client: WebClient,
    *,
    workspace_id: str,
    signing_secret: str,
) -> Bot:
    """Return a bot with the real clock, ids and randomness, and threads for its background work."""
    clock = SystemClock()
    return assemble(
        store,
        client,
        workspace_id=workspace_id,
        signing_secret=signing_secret,
        clock=clock,
        new_id=new_id,
        jitter=random.random,
        spawn=spawn,
        background=threads_for_background(clock),
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
    """Run a bot with its notification worker, and stop it on exit. Raises `StartupError`.

    A `KeyboardInterrupt` that gets here is the second one: it ends everything at once.
    """
    client = slack_client(settings)
    workspace_id = fetch_workspace_id(client)
    # Socket Mode signs nothing: the connection itself is authenticated.
    secret = settings.signing_secret or new_id()
    with open_store(settings, workspace_id) as store:
        bot = build_bot(store, client, workspace_id=workspace_id, signing_secret=secret)
        with _thread_startup_errors():
            start_threads(bot.executor)
            bot.notification_worker.start()
        is_urgent = False
        try:
            yield bot
        except KeyboardInterrupt:
            is_urgent = True
            raise
        finally:
            if not is_urgent:
                bot.stop()
                _logger.info("Rollcall has stopped")
