"""`rollcall check` of a store that isn't there, or is damaged: a sentence, never "no violations" (R7.6)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.entrypoints.cli import main
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.builders import a_user
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.earlier_data import write_sqlite_file
from tests.support.environment import new_event, new_users, service_on
from tests.support.slack.http_process import env

CHECK = ["check", "--workspace", "T1"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with an event of 300 attendees, a few hundred pages."""
    path = tmp_path / "rollcall.sqlite"
    with closing(SQLiteStore(path, "T1")) as store:
        service = service_on(store)
        new_event(service, capacity=200, description="Long. " * 100)
        users = [f"u{number}" for number in range(300)]
        new_users(service, *users)
        for user_id in users:
            service.register("e1", user_id)
    return path


def refusal(
    capsys: pytest.CaptureFixture[str], environment: dict[str, str], *arguments: str
) -> str:
    """Run a check that must fail; return its sentence."""
    assert main([*(arguments or CHECK)], environment) == 2
    printed = capsys.readouterr()
    assert "violations: 0" not in printed.out
    assert "Traceback" not in printed.err
    return printed.err


@pytest.mark.parametrize("arguments", [CHECK, [*CHECK, "--repair"]])
def test_mistyped_path_is_an_error_and_creates_nothing(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    mistyped = path.with_name("rolcall.sqlite")
    said = refusal(capsys, {"ROLLCALL_STORE": f"sqlite:{mistyped}"}, *arguments)
    assert f"{mistyped} doesn't exist" in said
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_mistyped_folder_is_an_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mistyped = path.parent / "dada" / path.name
    said = refusal(capsys, {"ROLLCALL_STORE": f"sqlite:{mistyped}"})
    assert f"the folder of {mistyped} doesn't exist. Check the path, or" in said


def test_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, {"ROLLCALL_STORE": f"sqlite:{tmp_path}"})
    assert f"{tmp_path} is not a file" in said


def test_empty_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rollcall.sqlite").touch()
    assert "is empty" in refusal(capsys, env(tmp_path))


def test_unknown_workspace_is_an_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It sees nothing of another workspace (R10.2)."""
    said = refusal(capsys, env(path.parent), "check", "--workspace", "T2")
    assert f"Nothing is stored for the workspace T2 in {path}." in said


def test_workspace_with_a_user_and_no_event_is_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(SQLiteStore(tmp_path / "rollcall.sqlite", "T1")) as store:
        store.put_user(a_user(), replaces=None)
    assert main(CHECK, env(tmp_path)) == 0
    assert "events: 0" in capsys.readouterr().out


def test_workspace_whose_members_are_all_gone_is_checked(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a deletion of each: their events stay."""
    with closing(sqlite3.connect(path)) as connection:
        for table in ("registrations", "waitlist", "users"):
            connection.execute(f"DELETE FROM {table}")
        connection.commit()
    assert main(CHECK, env(path.parent)) == 1
    assert "violation: registered_count" in capsys.readouterr().out


def test_database_of_another_program_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "rollcall.sqlite")) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    assert "a database of another program" in refusal(capsys, env(tmp_path))


def test_file_of_an_earlier_version_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sqlite_file("sqlite-4", tmp_path / "rollcall.sqlite")
    said = refusal(capsys, env(tmp_path))
    assert "has schema version 4" in said
    assert "`rollcall tables create`" in said
    assert main(["tables", "create"], env(tmp_path)) == 0
    assert main(CHECK, env(tmp_path)) == 0


@pytest.mark.parametrize("lost", ["TABLE cards", "TABLE deliveries", "TABLE waitlist", "INDEX due"])
@pytest.mark.parametrize("arguments", [CHECK, [*CHECK, "--repair"], ["tables", "create"]])
def test_file_that_lacks_a_table_or_index_is_an_error(
    path: Path, capsys: pytest.CaptureFixture[str], lost: str, arguments: list[str]
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"DROP {lost}")
    said = refusal(capsys, env(path.parent), *arguments)
    assert f"{path} is damaged: it lacks the tables or indexes {lost.split()[1]}. " in said
    assert "restore a backup" in said


def test_file_of_an_earlier_version_that_lacks_a_table_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sqlite_file("sqlite-4", tmp_path / "rollcall.sqlite")
    with closing(sqlite3.connect(tmp_path / "rollcall.sqlite")) as connection:
        connection.execute("DROP TABLE cards")
    for arguments in (CHECK, ["tables", "create"]):
        assert "it lacks the tables or indexes cards" in refusal(capsys, env(tmp_path), *arguments)


def test_file_that_may_not_be_read_is_an_error(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        os, "access", lambda *_: False
    )  # tests may run as root, who may do anything
    assert f"you can't read and write {path}: check its permissions" in refusal(
        capsys, env(path.parent)
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_file_is_an_error(
    path: Path, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    os.truncate(path, int(path.stat().st_size * share))
    assert str(path) in refusal(capsys, env(path.parent))


def pages_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    return path.stat().st_size // int(size)


def damage_page(path: Path, page: int) -> None:
    """Overwrite a page, as a disk does that fails."""
    size = path.stat().st_size // pages_of(path)
    with path.open("r+b") as file:
        file.seek(page * size)
        file.write(b"\x5a" * size)


@pytest.mark.parametrize("share", [0, 0.2, 0.4, 0.6, 0.8, 0.99])
@pytest.mark.parametrize("arguments", [CHECK, [*CHECK, "--repair"]])
def test_damaged_page_is_an_error(
    path: Path, capsys: pytest.CaptureFixture[str], share: float, arguments: list[str]
) -> None:
    damage_page(path, int(pages_of(path) * share))
    assert str(path) in refusal(capsys, env(path.parent), *arguments)


class Spoiled(SQLiteStore):
    """A store whose file gets damaged after it was opened."""

    def find_damage(self) -> str | None:
        found = super().find_damage()
        while self._file._idle:
            self._file._idle.pop().close()  # with the pages that it has read
        path = Path(self._file._path)
        for page in range(1, pages_of(path)):
            damage_page(path, page)
        return found


def test_page_that_is_damaged_in_the_middle_of_the_check_is_an_error(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sqlite.store.SQLiteStore", Spoiled)
    said = refusal(capsys, env(path.parent))
    assert f"{path} is damaged" in said
    assert "restore a backup" in said


@pytest.fixture
def on_dynamodb() -> Iterator[dict[str, str]]:
    client = dynamodb_client()
    environment = {"ROLLCALL_STORE": "dynamodb", "ROLLCALL_TABLE_PREFIX": "nothing-"}
    assert main(["tables", "create"], environment) == 0
    DynamoDBStore(client, "nothing-", "T1").put_user(a_user(), replaces=None)
    yield environment
    for name in client.list_tables()["TableNames"]:
        if name.startswith("nothing-"):
            client.delete_table(TableName=name)


def test_unknown_workspace_in_dynamodb_is_an_error(
    on_dynamodb: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(CHECK, on_dynamodb) == 0
    capsys.readouterr()
    said = refusal(capsys, on_dynamodb, "check", "--workspace", "T2")
    assert "Nothing is stored for the workspace T2 in the tables nothing-…." in said


@pytest.mark.parametrize("table", ["events", "registrations", "journal", "cards"])
def test_missing_table_is_an_error(
    on_dynamodb: dict[str, str], capsys: pytest.CaptureFixture[str], table: str
) -> None:
    dynamodb_client().delete_table(TableName=f"nothing-{table}")
    said = refusal(capsys, on_dynamodb)
    assert f"Tables are missing in this region and account: nothing-{table}." in said


def test_missing_index_is_an_error(
    on_dynamodb: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb_client().update_table(
        TableName="nothing-events", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "due"}}]
    )
    assert "Indexes are missing: nothing-events/due." in refusal(capsys, on_dynamodb)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_DEFAULT_REGION", "us-west-2", "Check AWS_DEFAULT_REGION and ROLLCALL_TABLE_PREFIX"),
        ("AWS_DEFAULT_REGION", "nowhere nice", "AWS's variables or configuration files are wrong"),
        (
            "AWS_ENDPOINT_URL_DYNAMODB",
            "no address",
            "AWS's variables or configuration files are wrong",
        ),
        ("AWS_PROFILE", "nobody", "AWS's variables or configuration files are wrong"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9", "DynamoDB can't be reached"),
    ],
)
def test_wrong_region_or_address_is_an_error(
    on_dynamodb: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, value)
    assert said in refusal(capsys, on_dynamodb)
