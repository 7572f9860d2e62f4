"""Exports: requests, workers of other processes, and the CSV files that they send."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.blocks.ids import ActionId
from bot.notifications.worker import NotificationWorker
from domain.models import ExportJob, Page, Registration
from playground.workspace.state import StoredFile
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.slack.harness import AMARA, SlackHarness, files
from tests.support.slack.modals import manage_modal, press


class ObservedStore(SQLiteStore):
    """A store that does something at each read of a roster, the longest part of an export."""

    def __init__(self, path: Path, workspace_id: str) -> None:
        super().__init__(path, workspace_id)
        self.at_roster: Callable[[], object] = lambda: None
        self.is_done = threading.Event()

    def delete_job(self, job_id: str) -> None:
        super().delete_job(job_id)
        self.is_done.set()

    def list_roster(self, event_id: str, **page: Any) -> Page[Registration]:
        self.at_roster()
        return super().list_roster(event_id, **page)


class SlowSlack(WebClient):
    """A client that does something at each call of an upload."""

    at_upload: Callable[[], object]

    def api_call(self, api_method: str, **rest: Any) -> SlackResponse:
        if api_method.startswith("files."):
            self.at_upload()
        return super().api_call(api_method, **rest)


def store_of(harness: SlackHarness) -> ObservedStore:
    assert isinstance(harness.store, ObservedStore)
    return harness.store


def export(harness: SlackHarness, user_id: str = AMARA, event_id: str = "yoga") -> str:
    """Press the button; return the id of the job."""
    manage_modal(harness, user_id, event_id)
    press(harness, ActionId.EXPORT, user_id)
    version = harness.bot.service.get_event(event_id).version
    return ExportJob(event_id, version, 0).job_id


def process(
    harness: SlackHarness, holder: str, at_upload: Callable[[], object] = lambda: None
) -> NotificationWorker:
    """Return the worker of another process."""
    slack = SlowSlack(
        token=harness.workspace.app.bot_token,
        base_url=f"{harness.workspace.url}/api/",
        retry_handlers=[],
    )
    slack.at_upload = at_upload
    return NotificationWorker(
        harness.store,
        slack,
        harness.clock,
        holder=holder,
        workspace_id=harness.workspace.team_id,
        sweep=lambda: 0,
        reconcile=lambda: None,
        spawn=run_now,
    )


def rows(file: StoredFile) -> list[list[str]]:
    """Return a CSV file's rows, the header first."""
    assert file.content is not None
    return list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))


def exported(harness: SlackHarness, user_id: str) -> list[list[str]]:
    """Return the rows of the one file that a member got, without the header."""
    (file,) = files(harness, user_id)
    return rows(file)[1:]
