"""Keeps stored users up to date with Slack's members (R1.6, R8.14)."""

from __future__ import annotations

import logging
import math
from contextlib import suppress

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack.api_errors import ErrorClass, classify
from bot.slack.member_directory import MemberDirectory
from bot.slack.slack_users import SlackUser, read_user
from domain.errors import Invalid, RollcallError, UnknownUser
from domain.execution.leases import Lease, Leases
from domain.inputs import UserChanges
from domain.models import User
from domain.ports import Clock, Conflict, Outbox, Unavailable
from domain.service import Service

_logger = logging.getLogger(__name__)

PAGE_SIZE = 1_000
"""Members per request, the most that Slack allows: `users.list` may be called 20 times a minute."""

BATCH_SIZE = 100
"""Users read from the store at a time."""

LEASE = 300.0
"""Seconds for which others wait for a process that died. The longest wait for Slack fits in."""

LONGEST_WAIT = LEASE / 2

JOB_ID = "#members"
"""The key of the comparison's row in the outbox. No event can have this id."""


def sync_member(service: Service, member: SlackUser) -> bool:
    """Bring what is stored about a member up to date; return whether anything changed.

    Only a new name and a deactivated account count: Slack also reports every change of status.
    """
    try:
        stored = service.get_user(member.id)
    except UnknownUser:
        return False  # never registered, or already being deleted
    return _sync(service, member, stored)


def _sync(service: Service, member: SlackUser, stored: User) -> bool:
    try:
        if member.is_deactivated:
            service.deactivate_user(member.id)
            return True
        if member.name and member.name != stored.name:
            service.update_user(member.id, UserChanges.of(name=member.name))
            return True
    except UnknownUser:
        pass  # deleted meanwhile
    except Invalid:
        _logger.warning("the new name of %s can't be stored", member.id)
    return False


def sync_met_members(service: Service, directory: MemberDirectory) -> None:
    """Store the names of the members whom this process has met since the last call."""
    for member in directory.look_up_met():
        try:
            sync_member(service, member)
        except RollcallError:
            _logger.warning("%s was not updated; the daily comparison does it", member.id)


class MemberComparison:
    """The daily comparison of the stored users with Slack's members: finds what no event reported.

    It works page by page, and keeps its place in the outbox: after an interruption, the next run
    continues there. `holder` names this process; one process compares at a time.
    """

    def __init__(
        self, service: Service, outbox: Outbox, client: WebClient, clock: Clock, *, holder: str
    ) -> None:
        self._service = service
        self._outbox = outbox
        self._client = client
        self._clock = clock
        self._leases = Leases(outbox, clock, holder=holder, seconds=LEASE)

    def run(self, deadline: float = math.inf) -> int:
        """Compare, until a time on the monotonic clock at most; return how many users changed.

        It waits when Slack asks for it. Raises one of `bot.slack.api_errors.FAILURES`, and `Busy`.
        """
        lease = self._take_lease(deadline)
        if lease is None:
            return 0
        changed = 0
        try:
            while (page := self._next_page(lease.state.recipient, deadline)) is not None:
                members, cursor = page
                changed += self._compare(members, lease)
                lease.save(recipient=cursor)
                if cursor is None:
                    break
        except Conflict:
            _logger.info("another process continues the comparison with Slack's members")
        finally:
            with suppress(Unavailable):
                lease.release()
        return changed

    def _take_lease(self, deadline: float) -> Lease | None:
        """Take the lease, or return None if another process is at it.

        If its holder may have died, this waits to find out: the next run may be in another process,
        a day later.
        """
        lease = self._leases.take(JOB_ID)
        if lease is not None or self._clock.monotonic() + LEASE >= deadline:
            return lease
        seen = self._outbox.get_delivery(JOB_ID).revision
        self._clock.sleep(LEASE)
        if self._outbox.get_delivery(JOB_ID).revision != seen:
            return None
        return self._leases.take(JOB_ID)

    def _next_page(
        self, cursor: str | None, deadline: float
    ) -> tuple[list[SlackUser], str | None] | None:
        """Return a page and the cursor of the next one, or None if there is no time left for it."""
        while self._clock.monotonic() < deadline:
            try:
                page = self._client.users_list(limit=PAGE_SIZE, cursor=cursor or "")
            except SlackApiError as error:
                failure = classify(error)
                if failure.reason == "invalid_cursor" and cursor:
                    cursor = None  # too old: begin again
                    continue
                if failure.error_class is not ErrorClass.RATE_LIMITED:
                    raise
                wait = min(failure.retry_after, LONGEST_WAIT)
                if self._clock.monotonic() + wait >= deadline:
                    break
                self._clock.sleep(wait)
                continue
            following = (page.get("response_metadata") or {}).get("next_cursor") or None
            members = [read_user(user) for user in page["members"]]
            return [member for member in members if member is not None], following
        _logger.warning("no time left to compare with Slack's members; the next run continues")
        return None

    def _compare(self, members: list[SlackUser], lease: Lease) -> int:
        changed = 0
        for start in range(0, len(members), BATCH_SIZE):
            lease.renew()
            by_id = {member.id: member for member in members[start : start + BATCH_SIZE]}
            for user_id, user in self._service.get_users(by_id.keys()).items():
                try:
                    changed += _sync(self._service, by_id[user_id], user)
                except RollcallError:
                    _logger.warning(
                        "%s was not updated; tomorrow's run tries again", user_id, exc_info=True
                    )
        return changed
