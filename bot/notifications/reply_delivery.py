"""Sends the replies that were kept in the journal, as direct messages (R8.12)."""

from __future__ import annotations

import json
import logging
from typing import Any

from bot.blocks.builders import as_json
from bot.notifications.messages import late_note
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import MessageSender, Paused
from bot.slack.api_errors import ErrorClass
from bot.slack.reply_sender import GIVE_UP_SECONDS
from domain.execution.leases import Leases
from domain.models import JournalEntry, ReplyJob
from domain.ports import Clock

_logger = logging.getLogger(__name__)

LEASE = 90.0
"""Seconds for which others wait for a process that died. No call to Slack takes a third as long."""

RETRY = 30.0
"""Seconds before a reply that Slack did not take is tried again, and before asking again for another's lease."""


MAX_BLOCKS = 50
"""The most blocks of a message, as Slack's page on `chat.postMessage` says."""


class ReplyDelivery:
    """Delivers one kept reply at a time. `holder` names this process in leases."""

    def __init__(
        self, store: StoreWithOutbox, sender: MessageSender, clock: Clock, holder: str
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._leases = Leases(store, clock, holder=holder, seconds=LEASE)
        self._retried: set[ReplyJob] = set()
        """Jobs that are tried again."""

    def deliver(self, job: ReplyJob, *, until: float) -> float | None:
        """Send a reply, unless an earlier one to the same person waits. Nothing is sent from `until` on.

        Return when to continue, on the monotonic clock, or None if the job is done.
        """
        again = self._deliver(job, until)
        if again is None:
            self._retried.discard(job)
        else:
            self._retried.add(job)
        return again

    def _deliver(self, job: ReplyJob, until: float) -> float | None:
        now = self._clock.monotonic()
        if now >= until:
            return now
        if self._waits_for_an_earlier_one(job):
            return now + RETRY
        lease = self._leases.take(job.job_id)
        if lease is None:
            return now + RETRY
        again = self._send(job)
        if again is None:
            self._store.delete_job(job.job_id)
        else:
            lease.release()
        return again

    def _waits_for_an_earlier_one(self, job: ReplyJob) -> bool:
        """Return whether an earlier reply to the same person is still to be sent."""
        for one in sorted(self._retried, key=lambda one: one.reply_id):
            if one.user_id == job.user_id and one.reply_id < job.reply_id:
                if self._store.get_journal_entry(one.job_id, 1) is not None:
                    return True
                self._retried.discard(one)  # another process has sent it
        return False

    def _send(self, job: ReplyJob) -> float | None:
        entry = self._store.get_journal_entry(job.job_id, 1)
        if entry is None:  # another process has sent it
            return None
        age = (self._clock.now() - entry.at).total_seconds()
        if age >= GIVE_UP_SECONDS:
            _logger.error("a reply is lost: Slack did not take it for %d hours", age // 3600)
            return None
        try:
            failure = self._sender.send_content(job.user_id, entry, lambda: _content(entry))
        except Paused as pause:
            return pause.until
        if failure is not None and failure.error_class is ErrorClass.TEMPORARY:
            return self._clock.monotonic() + RETRY
        return None


def _content(entry: JournalEntry) -> dict[str, Any]:
    """Return the reply, with the time when it was true: a later one may have arrived before."""
    content: dict[str, Any] = json.loads(entry.reply or "")
    if len(content["blocks"]) < MAX_BLOCKS:
        content["blocks"].append(as_json(late_note(entry.at)))
    return content
