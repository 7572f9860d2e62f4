"""The tables of the SQLite file.

Every key starts with the workspace. `body` is a model as JSON; a column of its own holds only what a
query, a condition or an index needs. A new field on a model therefore needs no new schema version. A new
column or index needs one: `migration` then rewrites the rows of older files. Every list that the store
returns is a range of an index. In `journal` and `deliveries`, `event_id` may be a job's id. Times are
microseconds since 1970, UTC.
"""

from __future__ import annotations

import re
from collections.abc import Set

SCHEMA_VERSION = 7
"""The version of a file written by this module. Raise it with every change of what is stored (R7.7).

1: the first. 2: `next_due_at`. 3: registrations, waitlist entries and cards have bodies. 4: `deletion_id`.
5: blocks of the waitlist are of 500 tickets, before of 1,000 or 500; `ends_at`, no `leased_until`; the journal
has entries of jobs, so it no longer refers to events. 6: `kept_until`.
7: `list`, for series."""

OWN_TABLES = frozenset({"events", "users", "registrations"})
"""Tables of every version. A file without them is not Rollcall's, whatever its version says."""

SCHEMA = """
CREATE TABLE events (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER,
    list TEXT,
    is_unfinished INTEGER NOT NULL,
    next_due_at INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;
CREATE INDEX upcoming ON events (workspace, list, starts_at, event_id) WHERE list IS NOT NULL;
CREATE INDEX ending ON events (workspace, ends_at, event_id)
    WHERE list = 'events' AND ends_at IS NOT NULL;
CREATE INDEX due ON events (workspace, next_due_at, event_id) WHERE next_due_at IS NOT NULL;
CREATE INDEX unfinished_events ON events (workspace, event_id) WHERE is_unfinished = 1;

CREATE TABLE users (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    deletion_id TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, user_id)
) STRICT;
CREATE INDEX members ON users (workspace, name, user_id);
CREATE INDEX unfinished_users ON users (workspace, user_id) WHERE deletion_id IS NOT NULL;

CREATE TABLE registrations (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    status TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, user_id, event_id),
    FOREIGN KEY (workspace, user_id) REFERENCES users,
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;
CREATE INDEX roster ON registrations (workspace, event_id, ticket) WHERE status = 'registered';

CREATE TABLE waitlist (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, ticket),
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    plan_id TEXT NOT NULL,
    is_undelivered INTEGER NOT NULL,
    kept_until INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, version)
) STRICT;
CREATE INDEX undelivered ON journal (workspace, event_id) WHERE is_undelivered = 1;
CREATE INDEX old_entries ON journal (workspace, kept_until) WHERE is_undelivered = 0;

CREATE TABLE deliveries (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;

CREATE TABLE cards (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    rendered_version INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, channel_id, message_ts)
) STRICT, WITHOUT ROWID;
"""

_TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", SCHEMA))
_INDEXES = frozenset(re.findall(r"CREATE INDEX (\w+)", SCHEMA))


def missing_from(names: Set[str], version: int) -> list[str]:
    """Return the tables and indexes that a file of this or an earlier version lacks. `names` are those it has."""
    # Every version has had the same tables. The indexes of earlier ones were others.
    return sorted((_TABLES | _INDEXES if version == SCHEMA_VERSION else _TABLES) - names)
