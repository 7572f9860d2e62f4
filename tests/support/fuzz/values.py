"""Values to damage payloads with: names, numbers, texts and shapes that may break something."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_NAMES = """
    type command text user user_id user_name id name username team team_id enterprise event container
     channel_id message_ts is_ephemeral view callback_id private_metadata root_view_id blocks block_id
     state values actions action_id value trigger_id response_url event_id cursor capacity after
     selected_option selected_options selected_users selected_conversation selected_date selected_time
     title options starts_at starts_at_time ends_at ends_at_time time_zone registration_deadline
     registration_deadline_time co_organizer_ids channel location description input
"""
READ = frozenset(_NAMES.split())
"""Names in payloads that the bot or Bolt reads; damage there is the most likely to break something."""

NUMBERS = (
    "²",
    "1e3",
    "٣",
    "-0",
    " 5 ",
    "9" * 400,
    "0",
    "-1",
    "1_0",
    "+7",
    "0x10",
    "5.0",
    "NaN",
    "١٢",
)
TEXTS = (
    "",
    " ",
    "<!channel>",
    "<@U0PING>",
    "<https://evil.example|here>",
    "*b* _i_ ~s~ `c` :tada:\n> quoted\n```",
    "&amp;lt;!here&amp;gt;",
    "\ud800",
    "a\udfffb",
    "\x00",
    "\x1b[31m\r\n\t\x7f",
    "\u202eevil\u2066",
    "\u200b\u200d\ufeff",
    "e\u0301" * 40,
    "👩‍👩‍👧‍👦" * 30,
    "x" * 3_001,
    "\u2060" * 200,
    "=cmd|' /C calc'!A0",
    "{",
    "[]",
    "{}",
    "null",
    '{"event_id": "choir"}',
    '{"event_id": null, "cursor": 3}',
    '{"event_id": "choir", "capacity": "many", "cursor": "nowhere", "after": 1}',
    "[" * 5_000,
    "../../etc/passwd",
    "T0PLAYGRND#U0AMARA",
)
IDS = (
    "U0AMARA",
    "U0BJORN",
    "U0PRIYA",
    "U0GHOST",
    "U0ROLLCALL",
    "T0OTHER",
    "T0PLAYGRND",
    "C0EVENTS",
    "C0LEADS",
    "C0GHOST",
    "D0GHOST",
    "V0GHOST",
    "yoga",
    "choir",
    "chess",
    "fair",
    "retreat",
    "no-such-event",
    "register",
    "unregister",
    "forget_me",
    "close",
    "create_event",
    "capacity_confirmed",
    "note",
    "block_actions",
    "view_submission",
    "view_closed",
    "home",
    "waitlist",
)
MOMENTS = (
    "2026-02-30",
    "0001-01-01",
    "9999-12-31",
    "2027-03-28",
    "02:30",
    "24:00",
    "23:59:60",
    "18:00+02:00",
    "20270101",
    "2027-W01-1",
    "1.1",
    "1700000000.000100",
    "9" * 30 + ".0",
    "Europe/Berlin",
    "Mars/Olympus",
    "registered:-5",
    "waitlisted:",
    ":" + "9" * 30,
    "::1",
)
SHAPES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1e400,
    2**70,
    1.5,
    [],
    {},
    [[]],
    [None],
    ["U0BJORN"],
    {"id": None},
    {"id": "T0OTHER"},
    {"id": "U0BJORN", "team_id": "T0OTHER"},
    {"value": None},
    {"values": []},
    {"text": 1},
)


def _nested(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


STRINGS = st.one_of(
    st.sampled_from(IDS), st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.sampled_from(MOMENTS)
) | st.text(max_size=40)
VALUES: st.SearchStrategy[Any] = st.one_of(
    STRINGS, st.sampled_from(SHAPES), st.just(_nested(60)), st.integers()
)
