"""Replies that can't be sent now: kept in the journal, and sent by the worker as direct messages (R8.12)."""

from __future__ import annotations

import json
from collections.abc import Callable

from bot.blocks.builders import Message
from domain.models import JournalEntry, ReplyJob
from domain.ports import Clock, NewId, Outbox


class KeptReplies:
    """Keeps replies as jobs. `schedule` gets the id of each job once it is stored."""

    def __init__(
        self, outbox: Outbox, clock: Clock, new_id: NewId, schedule: Callable[[str], None]
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._new_id = new_id
        self._schedule = schedule

    def keep(self, user_id: str, message: Message) -> None:
        """Store a reply to a member. Raises what the store does: then it may not be stored."""
        now, id_ = self._clock.now(), self._new_id()
        job_id = ReplyJob(user_id, f"{now:%Y%m%d%H%M%S%f}-{id_}").job_id
        reply = json.dumps(message.to_dict(), ensure_ascii=False)
        self._outbox.add_job(
            JournalEntry(event_id=job_id, version=1, plan_id=id_, at=now, reply=reply)
        )
        self._schedule(job_id)
