"""Web addresses that add an event to Google Calendar and to Outlook (R8.16)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from bot.blocks.mrkdwn import shortened
from domain.inputs import utf16_length
from domain.models import Event

MAX_LOCATION = 900
"""Characters of a location in an address, where one that was typed takes up to twelve.

With the longest title, that of 1,080, and `MAX_JOIN_LINK`, an address fits into a text of Slack's 3,000 characters."""

MAX_JOIN_LINK = 800
"""Characters of a join link in an address. A longer one is left out: a part of it would lead nowhere."""


def google_link(event: Event, join_link: str = "") -> str:
    """Return the address of Google Calendar's form, filled in."""
    times = (event.starts_at, event.over_at)
    parameters = [
        ("action", "TEMPLATE"),
        ("text", event.title),
        ("dates", "/".join(f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" for moment in times)),
        ("location", _cut(event.location)),
        ("details", _if_it_fits(join_link)),
    ]
    return _address("https://calendar.google.com/calendar/render", parameters)


def outlook_link(event: Event, join_link: str = "") -> str:
    """Return the address of Outlook's form on the web, filled in. Its body is HTML."""
    parameters = [
        ("path", "/calendar/action/compose"),
        ("rru", "addevent"),
        ("subject", event.title),
        ("startdt", _iso(event.starts_at)),
        ("enddt", _iso(event.over_at)),
        ("location", _cut(event.location)),
        ("body", _if_it_fits(html.escape(join_link))),
    ]
    return _address("https://outlook.office.com/calendar/deeplink/compose", parameters)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _address(base: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Return an address with the parameters that have a value. Spaces are `%20`: Outlook shows a plus as one."""
    given = [(name, value) for name, value in parameters if value]
    return f"{base}?{urlencode(given, quote_via=quote)}"


def _cut(location: str) -> str:
    """Return a location, cut so that it has at most `MAX_LOCATION` characters in an address."""
    length = utf16_length(location)
    while len(quote(location, safe="")) > MAX_LOCATION:
        length -= 1
        location = shortened(location, length)
    return location


def _if_it_fits(join_link: str) -> str:
    return join_link if len(quote(join_link, safe="")) <= MAX_JOIN_LINK else ""
