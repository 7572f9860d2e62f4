"""The bot put together from its parts, whatever store and clock it gets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from slack_bolt import App
from slack_sdk import WebClient

from bot.app import build_app
from bot.features.account.member_sync import reconcile
from bot.notifications.delivery import Storage
from bot.notifications.worker import NotificationWorker
from domain.execution.retry import REQUEST_SECONDS
from domain.ports import Clock, NewId, Spawn
from domain.service import Service

THREADS = 64
"""People who press at the same time: what waits together goes through together, in as few commits."""


@dataclass(frozen=True)
class Bot:
    """The parts of a running bot. `executor` has the threads for Slack's requests."""

    workspace_id: str
    service: Service
    notification_worker: NotificationWorker
    app: App
    executor: ThreadPoolExecutor

    def stop(self) -> None:
        """Finish what is in hand."""
        self.executor.shutdown()
        self.notification_worker.stop()


def assemble(
    store: Storage,
    client: WebClient,
    *,
    workspace_id: str,
    signing_secret: str,
    clock: Clock,
    new_id: NewId,
    jitter: Callable[[], float],
    spawn: Spawn,
    seconds: Callable[[], float] = lambda: REQUEST_SECONDS,
) -> Bot:
    """Return a bot; its notifier works once it is started. `seconds`: see `Service`."""
    # The two need each other: a commit wakes the notifier, which has the service finish things.
    service = Service(
        store,
        clock,
        new_id=new_id,
        jitter=jitter,
        spawn=spawn,
        on_commit=lambda event_id: notification_worker.wake(event_id),
        seconds=seconds,
    )
    notification_worker = NotificationWorker(
        store,
        client,
        clock,
        holder=new_id(),
        sweep=service.sweep,
        reconcile=lambda: reconcile(service, client),
        spawn=spawn,
    )
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="slack")
    app = build_app(
        service,
        cards=notification_worker,
        workspace_id=workspace_id,
        client=client,
        signing_secret=signing_secret,
        clock=clock,
        new_id=new_id,
        executor=executor,
    )
    return Bot(workspace_id, service, notification_worker, app, executor)
