"""Names that an export needs and the store lacks: those of members whom Rollcall has just met (R1.6)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.blocks.mrkdwn import is_slack_id
from bot.features.export.attendee_list import attendee_pages
from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.slack_users import read_user
from domain.models import Event
from domain.ports import Store

MAX_NAMES = 100_000
"""Names kept: as many as an event has seats. When there are more, all are looked up again."""


class MissingNames:
    """Looks names up in Slack for one export after the other, each in as many steps as it takes."""

    def __init__(self, store: Store, client: WebClient) -> None:
        self._store = store
        self._client = client
        self._unfinished: dict[str, Iterator[str]] = {}
        """The ids that the last export, if it is unfinished, has yet to look up, by event."""
        self.names: dict[str, str] = {}
        """What was found, by user id. A member without a name has an empty one."""

    def look_up(self, event: Event) -> Iterator[None]:
        """Look up the names of an event's attendees, one at each step. A later call continues.

        Raises one of `bot.slack.api_errors.FAILURES`, and `Unavailable`.
        """
        user_ids = self._unfinished.pop(event.event_id, None) or self._missing(event)
        for user_id in user_ids:
            if len(self.names) >= MAX_NAMES:
                self.names.clear()
            try:
                name = self._name_of(user_id)
                if name is not None:
                    self.names[user_id] = name
            except FAILURES:
                self._unfinished = {event.event_id: chain([user_id], user_ids)}
                raise
            self._unfinished = {event.event_id: user_ids}
            yield
            self._unfinished.clear()

    def _missing(self, event: Event) -> Iterator[str]:
        for users in attendee_pages(self._store, event):
            for user in users:
                is_missing = not user.is_named and is_slack_id(user.user_id)
                if is_missing and user.user_id not in self.names:
                    yield user.user_id

    def _name_of(self, user_id: str) -> str | None:
        """Return a member's name in Slack, empty if there is none, and None if Slack refuses the app now."""
        try:
            response = self._client.users_info(user=user_id)
        except SlackApiError as error:
            failure = classify(error)
            if failure.passes:
                raise
            return None if failure.error_class is ErrorClass.APP else ""
        user = read_user(response["user"])
        return user.name if user is not None else ""
