"""The composition root: builds the bot from the real clock, store and Slack client.

Functions import what they build themselves, because a process should import only what it needs:
Lambda's functions start faster, and `rollcall --help` answers immediately.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.entrypoints.slack_startup import fetch_workspace_id, slack_client
from bot.entrypoints.startup_errors import StartupError
from bot.entrypoints.stores import open_store
from bot.entrypoints.system import SystemClock, new_id, spawn

if TYPE_CHECKING:
    from slack_bolt import App
    from slack_sdk import WebClient

    from bot.entrypoints.settings import Settings
    from bot.notifications.ports import StoreWithOutbox
    from bot.notifications.worker import NotificationWorker
    from bot.slack.job_queue import Job, JobQueue
    from bot.slack.reply_sender import ReplySender
    from domain.execution.queue_consumer import QueueConsumer
    from domain.execution.queueing_executor import Queueing
    from domain.ports import Clock, NewId, RequestQueue, Spawn, Store
    from domain.service import Service

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
        try:
            self.executor.shutdown()
            if self.background is not None:
                self.reply_sender.keep_pending(self.background.stop(reply_seconds))
        finally:
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
    queueing: Queueing | None = None,
) -> Bot:
    """Return a bot made of these parts. Start its notification worker to have it deliver.

    With `background`, replies and what else no acknowledgement has to wait for are left to its queues.
    `queueing` says how commands wait together if this process handles one request at a time (R14).
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
        queueing=queueing,
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
        workspace_id=workspace_id,
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
        clock=clock,
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
    clock: Clock,
) -> Bot:
    """Return a bot with real ids and randomness, and threads for its background work."""
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


def build_service(
    store: StoreWithOutbox, clock: Clock, queueing: Queueing | None = None
) -> Service:
    """Return the service alone, without Slack. The bot's sweep delivers what its commits caused."""
    from domain.service import Service

    return Service(
        store,
        clock,
        new_id=new_id,
        jitter=random.random,
        spawn=spawn,
        on_commit=lambda _: None,
        queueing=queueing,
    )


def build_queue_consumer(
    store: Store, queue: RequestQueue, clock: Clock, log_failure: Callable[[Exception], str]
) -> QueueConsumer:
    """Return what carries out queued requests. The journal's stream delivers what its commits caused."""
    from domain.execution.committer import Committer
    from domain.execution.queue_consumer import QueueConsumer
    from domain.execution.retry import RetryPolicy
    from domain.execution.unconfirmed import UnconfirmedResolver

    retry = RetryPolicy(clock, random.random)
    resolver = UnconfirmedResolver(retry, clock, spawn)
    committer = Committer(store, retry, clock, new_id, resolver)
    return QueueConsumer(
        store,
        queue,
        retry,
        clock,
        committer,
        new_id=new_id,
        spawn=spawn,
        log_failure=log_failure,
    )


def build_reply_sender(
    store: StoreWithOutbox, client: WebClient, clock: Clock, left: Callable[[], float]
) -> ReplySender:
    """Return a sender that sends each reply at once, or keeps it in the journal.

    `left` returns the seconds that a call to Slack may take if it is made now.
    """
    from bot.slack.kept_replies import KeptReplies
    from bot.slack.reply_sender import ReplySender

    return ReplySender(
        client, clock, random.random, KeptReplies(store, clock, new_id, lambda _: None), left=left
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
        bot = build_bot(
            store, client, workspace_id=workspace_id, signing_secret=secret, clock=SystemClock()
        )
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
