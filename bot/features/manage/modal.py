"""What the flows of organizers share: who may (R8.9), and the Manage modal, which lies under their forms."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.features.manage import roster_views
from bot.features.manage import views as manage_views
from bot.slack.context import AppContext
from bot.slack.interactions import Payload, user_id_of
from bot.slack.replies import once_done, show_again
from domain.models import Event


class ManageModal:
    """For one listener file each: nothing is kept here."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._people = context.people
        self._new_id = context.new_id

    def event(self, body: Payload, event_id: str) -> Event:
        """Return the event of an organizer. Raises `UnknownEvent`, `NotOrganizer`."""
        return self._people.as_organizer(
            user_id_of(body), lambda actor: self._service.get_event(event_id, actor=actor)
        )

    def manage(
        self,
        user_id: str,
        event_id: str,
        turned: Sequence[str] = (),
        note: str | None = None,
    ) -> View:
        """Return the Manage modal as things are now. Raises `UnknownEvent`, `NotOrganizer`."""
        cursor = turned[-1] if turned else None
        listing = self._people.as_organizer(
            user_id,
            lambda actor: self._service.list_registrations_in(
                event_id, limit=roster_views.ROSTER_PAGE, cursor=cursor, actor=actor
            ),
        )
        shown = {row.user_id for row in listing.registered}
        shown |= {place.entry.user_id for place in listing.waitlist}
        users = self._service.get_users(shown)
        return manage_views.manage(
            listing, users, request_id=self._new_id(), turned=turned, note=note
        )

    def show(
        self,
        body: Payload,
        client: WebClient,
        event_id: str,
        turned: Sequence[str] = (),
        note: str | None = None,
    ) -> None:
        """Show the Manage modal that something was pressed in as things are now."""
        view = self.manage(user_id_of(body), event_id, turned, note)
        show_again(client, body["view"]["id"], view)

    def show_below(self, body: Payload, client: WebClient, event_id: str) -> None:
        """Show the Manage modal under a form that is done as things are now. Raises `RefreshFailed`."""
        view = body["view"]
        root = view.get("root_view_id")
        if root and root != view["id"]:
            with once_done():
                show_again(client, root, self.manage(user_id_of(body), event_id))
