"""Data as earlier versions wrote it: the files in `earlier_data/`, opened in a store of today.

Each was written by the code of its version: a worktree of the commit, its `Service`, and a dump. They all
hold the same workspace, T1. In e1, with 2 seats, ada and ben took tickets 1 and 2, cleo 499, dora 500, eve
999, finn 1000 and gus 1001; org wrote to the waitlist; then ben left, and cleo got the seat. e2 was canceled
with ada in it. The deletion of the user `gone` was interrupted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.dynamodb.items import to_wire
from storage.sqlite.store import SQLiteStore
from tests.support.stores import AnyStore, empty_moto

FOLDER = Path(__file__).parent / "earlier_data"

SQLITE = sorted(file.stem for file in FOLDER.glob("sqlite-*.sql"))
DYNAMODB = sorted(file.stem for file in FOLDER.glob("dynamodb-*.jsonl"))


def write_sqlite_file(name: str, path: Path, ends_at: datetime | None = None) -> None:
    """Write an earlier version's SQLite file. With `ends_at`, its events have this end."""
    script = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    if ends_at is not None:
        end = ends_at.isoformat().replace("+00:00", "Z")
        assert script.count('"ends_at":null') >= 2
        script = script.replace('"ends_at":null', f'"ends_at":"{end}"')
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@contextmanager
def earlier_data(name: str, ends_at: datetime | None = None) -> Iterator[AnyStore]:
    """Yield a store of today on the data of an earlier version. With `ends_at`, its events have this end."""
    if name in SQLITE:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "rollcall.sqlite"
            write_sqlite_file(name, path, ends_at)
            with closing(SQLiteStore(path, "T1")) as store:
                yield store
        return
    with empty_moto() as store:
        for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["table"] == "events" and ends_at is not None:
                row["item"] |= to_wire({"ends_at": ends_at})
            store._client.put_item(TableName=f"{store._prefix}{row['table']}", Item=row["item"])
        yield store
