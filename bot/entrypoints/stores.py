"""The store that the settings name: opened, examined, or created.

Functions import what they need of a store themselves: a process should import only the one that it uses.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.entrypoints.startup_errors import MigrationNeeded, StartupError
from bot.entrypoints.system import SystemClock

if TYPE_CHECKING:
    from bot.entrypoints.settings import Settings
    from bot.notifications.ports import StoreWithOutbox
    from domain.models import Page
    from storage.sqlite.store import SQLiteStore

STARTUP_ATTEMPTS = 5
"""Attempts to reach the store at startup, one second apart. A wrong address should show soon."""


@contextmanager
def open_store(
    settings: Settings, workspace_id: str, *, must_exist: bool = False
) -> Iterator[StoreWithOutbox]:
    """Open the store that the settings name, and close it on exit. Raises `StartupError`.

    A SQLite file is created or migrated if need be, and its owner's alone. If it `must_exist`, it is left as
    it is.
    """
    from bot.store_alarm import watched

    path = settings.sqlite_path
    if path is None:
        with _dynamodb_startup_errors(settings):
            store = _open_dynamodb(settings, workspace_id)
        yield watched(store, SystemClock())
        return
    with closing(_open_sqlite(path, workspace_id, must_exist=must_exist)) as file:
        yield watched(file, SystemClock())


def _open_sqlite(path: str, workspace_id: str, *, must_exist: bool) -> SQLiteStore:
    from domain.errors import OperatorNeeded
    from domain.ports import AnswerLost, Conflict, Unavailable
    from storage.sqlite import database
    from storage.sqlite.store import SQLiteStore

    if not os.path.isdir(Path(path).absolute().parent):  # noqa: PTH112  # False also for an impossible name
        raise StartupError(
            f"ROLLCALL_STORE: the folder of {path} doesn't exist. Check the path, or create the folder first."
        )
    try:
        return SQLiteStore(path, workspace_id, must_exist=must_exist)
    except database.MigrationNeeded as error:
        raise MigrationNeeded(f"ROLLCALL_STORE: {error}.") from error
    except ValueError as error:
        raise StartupError(f"ROLLCALL_STORE: {error}.") from error
    except OperatorNeeded as error:
        raise StartupError(f"ROLLCALL_STORE: {error.fault}") from error
    except AnswerLost as error:
        raise StartupError(f"ROLLCALL_STORE: the disk of {path} fails: {error}.") from error
    except (Conflict, Unavailable) as error:
        raise StartupError(f"ROLLCALL_STORE: another process is using {path}: {error}.") from error


@contextmanager
def open_store_to_check(settings: Settings, workspace_id: str) -> Iterator[StoreWithOutbox]:
    """Open a store that exists, for `rollcall check`, and close it on exit.

    Raises `StartupError`, also for whatever is wrong with the store while it is checked: a file that is
    damaged, tables that are missing or refused.
    """
    path = settings.sqlite_path
    if path is None:
        _require_tables(settings)
        with (
            open_store(settings, workspace_id, must_exist=True) as store,
            _dynamodb_startup_errors(settings),
        ):
            yield store
        return
    import sqlite3

    from domain.errors import OperatorNeeded

    advice = "Restore a backup: docs/operations.md says how."
    with closing(_open_sqlite(path, workspace_id, must_exist=True)) as file:
        try:
            damage = file.find_damage()
            if damage is None:
                yield file
                return
        except (OperatorNeeded, sqlite3.DatabaseError) as error:
            reason = error.__cause__ if isinstance(error, OperatorNeeded) else error
            raise StartupError(
                f"ROLLCALL_STORE: {path} can't be read: {reason}. {advice}"
            ) from error
    raise StartupError(f"ROLLCALL_STORE: {path} is damaged: {damage}. {advice}")


def _require_tables(settings: Settings) -> None:
    missing = missing_dynamodb_tables(settings)
    tables = [name for name in missing if "/" not in name]
    if tables:
        raise StartupError(_missing_tables(settings, ", ".join(tables)))
    if missing:
        raise StartupError(
            f"Indexes are missing: {', '.join(missing)}. An index is added in AWS, by a deployment of this"
            " version or by hand."
        )


def _missing_tables(settings: Settings, names: str) -> str:
    return (
        f"Tables are missing in this region and account: {names}. Check AWS_DEFAULT_REGION and"
        f" ROLLCALL_TABLE_PREFIX ({settings.table_prefix}), or create them with `rollcall tables create`."
    )


def require_data(store: StoreWithOutbox, settings: Settings, workspace_id: str) -> None:
    """Raise `StartupError` if nothing is stored for the workspace."""
    if not any(
        _has_rows(read)
        for read in (
            store.list_users,
            store.scan_events,
            store.scan_registrations,
            store.scan_waitlist,
        )
    ):
        where = settings.sqlite_path or f"the tables {settings.table_prefix}…"
        raise StartupError(
            f"Nothing is stored for the workspace {workspace_id} in {where}. Check the workspace's id and"
            " ROLLCALL_STORE."
        )


def _has_rows(read: Callable[..., Page[Any]]) -> bool:
    """Return whether a list is not empty. A page of DynamoDB may be, before the last one."""
    page = read(limit=1000)
    while not page.items and page.next_cursor is not None:
        page = read(limit=1000, cursor=page.next_cursor)
    return bool(page.items)


def _open_dynamodb(settings: Settings, workspace_id: str) -> StoreWithOutbox:
    """Return the DynamoDB store once it responds. Raises `Unavailable`, and botocore's errors."""
    from domain.ports import Unavailable
    from storage.dynamodb.store import DynamoDBStore, make_client

    store = DynamoDBStore(make_client(), settings.table_prefix, workspace_id)
    for attempts_left in reversed(range(STARTUP_ATTEMPTS)):
        try:
            store.list_unfinished_users(limit=1)
            break
        except Unavailable:
            if not attempts_left:
                raise
            time.sleep(1)  # at startup, before any request: nothing waits for it
    return store


def create_dynamodb_tables(settings: Settings) -> tuple[str, ...]:
    """Create the tables that don't exist yet, and return their names. Raises `StartupError`."""
    from storage.dynamodb.schema import create_tables
    from storage.dynamodb.store import make_client

    with _dynamodb_startup_errors(settings):
        return create_tables(make_client(), settings.table_prefix)


def missing_dynamodb_tables(settings: Settings) -> tuple[str, ...]:
    """Return the names of tables, and of indexes (`table/index`), that don't exist. Raises `StartupError`."""
    from storage.dynamodb.schema import missing_tables
    from storage.dynamodb.store import make_client

    with _dynamodb_startup_errors(settings):
        return missing_tables(make_client(), settings.table_prefix)


@contextmanager
def _dynamodb_startup_errors(settings: Settings) -> Iterator[None]:
    """Turn errors of DynamoDB and of the AWS configuration into `StartupError`."""
    from botocore import exceptions
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    from domain.errors import OperatorNeeded
    from domain.ports import Unavailable

    try:
        try:
            yield
        except OperatorNeeded as error:
            raise (error.__cause__ or error) from None
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            names = f"{settings.table_prefix}…"
            raise StartupError(_missing_tables(settings, names)) from error
        raise StartupError(f"DynamoDB refused the request: {error}") from error
    except NoRegionError as error:
        raise StartupError("Set AWS_DEFAULT_REGION to the region of the tables.") from error
    except NoCredentialsError as error:
        raise StartupError(
            "AWS has no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
    except (exceptions.ConnectionError, exceptions.HTTPClientError, Unavailable) as error:
        raise StartupError(f"DynamoDB can't be reached: {error}") from error
    except (BotoCoreError, ValueError) as error:
        raise StartupError(f"AWS's variables or configuration files are wrong: {error}") from error
