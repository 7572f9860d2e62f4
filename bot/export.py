"""The list of an event's people, read whole for an organiser's spreadsheet (R8.8)."""

from __future__ import annotations

from bot.files import File
from bot.views.spreadsheet import people_file
from domain.models import Event, Place, Registration, User
from domain.ports import Store

PEOPLE = 100
"""People read at once."""


def export_file(store: Store, event: Event) -> File:
    """Return the file with everyone in the event, as read now. Raises `Unavailable`."""
    registered: list[Registration] = []
    cursor: str | None = None
    while True:
        page = store.list_roster(event.event_id, limit=PEOPLE, cursor=cursor)
        registered += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    waiting: list[Place] = []
    last = 0
    while line := store.get_line(event.event_id, after=last, limit=PEOPLE):
        waiting += (Place(len(waiting) + n, one) for n, one in enumerate(line, start=1))
        last = line[-1].ticket
    user_ids = [row.user_id for row in registered]
    user_ids += [place.waiting.user_id for place in waiting]
    users: dict[str, User] = {}
    for first in range(0, len(user_ids), PEOPLE):
        some = user_ids[first : first + PEOPLE]
        users |= store.get_rows(event.event_id, registrations_of=(), users=some).users
    return people_file(event, registered, waiting, users)
