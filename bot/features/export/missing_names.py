"""Names that an export needs and the store lacks: those of members whom Rollcall has just met (R1.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.blocks.mrkdwn import is_slack_id
from bot.slack.api_errors import ErrorClass, classify
from bot.slack.slack_users import read_user

MAX_NAMES = 100_000
"""Names kept: as many as an event has seats. When there are more, all are looked up again."""


class MissingNames:
    """Looks names up in Slack for exports, each in as many steps as it takes."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._unfinished: dict[str, list[str]] = {}
        """The ids that each unfinished export has yet to look up."""
        self.names: dict[str, str] = {}
        """The names found, by user id. A member without a name has an empty one."""

    def among(self, names: Mapping[str, str]) -> list[str]:
        """Return the ids of members whose stored name is their id, unless their name was found here."""
        return [
            user_id
            for user_id, name in names.items()
            if name == user_id and is_slack_id(user_id) and user_id not in self.names
        ]

    def completed(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return stored names, with those found here in place of ids. A program's user may be named as its id."""
        return {
            user_id: self.names.get(user_id, "")
            if name == user_id and is_slack_id(user_id)
            else name
            for user_id, name in names.items()
        }

    def has_unfinished(self, export_id: str) -> bool:
        """Return whether an export has names to look up still."""
        return export_id in self._unfinished

    def forget(self, export_id: str) -> None:
        """Forget what an export has yet to look up: it is done, or another process does it."""
        self._unfinished.pop(export_id, None)

    def look_up(self, export_id: str, user_ids: list[str] | None = None) -> Iterator[None]:
        """Look up names for an export, and yield between two of them. Without ids, continue.

        Raises one of `bot.slack.api_errors.FAILURES`.
        """
        rest = user_ids if user_ids is not None else self._unfinished.get(export_id, [])
        self._unfinished[export_id] = rest
        while rest:
            if len(self.names) >= MAX_NAMES:
                self.names.clear()
            name = self._name_of(rest[-1])
            user_id = rest.pop()
            if name is not None:
                self.names[user_id] = name
            if rest:
                yield
        self.forget(export_id)

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
