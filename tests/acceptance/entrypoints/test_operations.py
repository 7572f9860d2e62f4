"""The files and commands in docs/operations.md for one machine work as printed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path

import pytest

from bot.entrypoints.cli import parser
from bot.entrypoints.settings import Settings
from storage.sqlite.store import SQLiteStore
from tests.support.builders import a_user
from tests.support.earlier_data import write_sqlite_file
from tests.support.slack.harness import SlackHarness

DOC = Path("docs/operations.md")
ROOTS = ("/var/lib/rollcall", "/var/backups/rollcall", "/etc/rollcall.env", "/opt/rollcall")


def section() -> str:
    return DOC.read_text(encoding="utf-8").split("## On one machine")[1]


def blocks(after: str) -> Iterator[str]:
    """Yield the indented blocks after some words of the page, in order."""
    text = section().split(after, 1)[1]
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE):
        yield re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") + "\n"


def unit() -> ConfigParser:
    read = ConfigParser(interpolation=None)
    read.optionxform = str  # type: ignore[method-assign,assignment]
    read.read_string(next(blocks("`/etc/systemd/system/rollcall.service`:")))
    return read


def test_unit_waits_for_the_clock_and_gives_a_stop_its_time() -> None:
    read = unit()
    for order in ("Wants", "After"):
        assert {*read["Unit"][order].split()} == {"network-online.target", "time-sync.target"}
    service = read["Service"]
    assert int(service["TimeoutStopSec"]) >= 120
    assert (service["Restart"], service["UMask"]) == ("always", "0077")


def test_units_command_is_one_of_rollcall() -> None:
    command = shlex.split(unit()["Service"]["ExecStart"])
    assert command[0] == "/opt/rollcall/.venv/bin/rollcall"
    assert parser().parse_args(command[1:]).command == "socket"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd's tools")
def test_unit_is_valid(tmp_path: Path) -> None:
    text = next(blocks("`/etc/systemd/system/rollcall.service`:"))
    command = tmp_path / "rollcall"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    path = tmp_path / "rollcall.service"
    path.write_text(text.replace("/opt/rollcall/.venv/bin/rollcall", str(command)))
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True
    )
    ours = [line for line in ended.stderr.splitlines() if "rollcall" in line]
    assert ours == []


def test_environment_has_the_variables_that_the_unit_needs() -> None:
    lines = next(blocks("`/etc/rollcall.env`, with your tokens")).splitlines()
    given = dict(line.split("=", 1) for line in lines)
    real = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    settings = Settings.from_env(given | real, needs=frozenset(real))
    assert given.keys() == real.keys() | {"ROLLCALL_STORE"}
    folder = unit()["Service"]["ReadWritePaths"]
    assert settings.sqlite_path == f"{folder}/rollcall.sqlite"


def crontab() -> list[str]:
    text = next(block for block in blocks("`/etc/cron.d/rollcall`") if block.startswith("MAILTO"))
    return [line for line in text.splitlines() if not line.startswith("MAILTO")]


def test_crontab_has_a_time_a_user_and_no_percent_sign() -> None:
    """An unescaped % is a newline there."""
    for line in crontab():
        assert re.match(r"\d+ \d+ \* \* [*0] rollcall \S", line), line
        assert "%" not in line


@pytest.fixture
def machine(harness: SlackHarness, tmp_path: Path) -> Path:
    """Give a folder instead of the machine's, with commands that need root or systemd made harmless."""
    shims = tmp_path / "bin"
    shims.mkdir()
    for name, script in {
        "systemctl": 'echo "$@"',
        "runuser": 'test "$1 $2 $3" = "-u rollcall --" && shift 3 && exec "$@"',
        # The test's user can't give files to others.
        "install": """exec /usr/bin/install $(echo "$@" | sed 's/-[og] rollcall//g')""",
    }.items():
        (shims / name).write_text(f"#!/bin/sh\n{script}\n")
        (shims / name).chmod(0o755)
    program = tmp_path / "opt/rollcall/.venv/bin/rollcall"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bot "$@"\n')
    program.chmod(0o755)
    for folder in ("var", "etc"):
        (tmp_path / folder).mkdir()
    run(
        tmp_path, next(blocks("that only this user can enter:")).partition("\n")[2]
    )  # after useradd
    (tmp_path / "etc/rollcall.env").write_text(
        f"SLACK_BOT_TOKEN={harness.workspace.app.bot_token}\n"
        f"SLACK_API_URL={harness.workspace.url}/api/\n"
        f"ROLLCALL_STORE=sqlite:{tmp_path}/var/lib/rollcall/rollcall.sqlite\n"
    )
    with closing(SQLiteStore(database(tmp_path), harness.workspace.team_id)) as store:
        store.put_user(a_user(), replaces=None)
    return tmp_path


def database(machine: Path) -> Path:
    return machine / "var/lib/rollcall/rollcall.sqlite"


def run(machine: Path, script: str) -> str:
    """Run commands of the page on the machine; return what they print."""
    for root in ROOTS:
        script = re.sub(rf"(?<!\w){root}", f"{machine}{root}", script)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLACK")}
    ended = subprocess.run(
        ["sh", "-euc", f"umask 022\n{script}"],
        env={**kept, "PATH": f"{machine / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def backup_script() -> str:
    return next(block for block in blocks("**Backup**") if block.startswith("#!"))


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def test_folders_and_environment_are_closed_to_others(machine: Path) -> None:
    assert modes(machine / "var/lib") == modes(machine / "var/backups") == {0o700}
    assert modes(machine / "etc") == {0o640}


def test_backup_can_be_restored_as_printed(machine: Path, harness: SlackHarness) -> None:
    """While the bot runs: what was written before the backup is there again, what came later is not."""
    team = harness.workspace.team_id
    with closing(SQLiteStore(database(machine), team)) as bot:
        bot.put_user(a_user("before"), replaces=None)
        run(machine, backup_script())
        bot.put_user(a_user("after"), replaces=None)
    (copy,) = (machine / "var/backups/rollcall").iterdir()
    assert re.fullmatch(r"rollcall-\d{4}-\d\d-\d\d\.sqlite", copy.name)
    assert modes(machine / "var/backups/rollcall") == {0o600}
    restore = next(blocks("**Restore**"))
    printed = run(machine, restore.replace("rollcall-2026-11-24.sqlite", copy.name))
    assert printed.splitlines()[0] == "stop rollcall"
    assert printed.splitlines()[-1] == "start rollcall"
    assert "violations: 0" in printed
    assert modes(database(machine).parent) == {0o600}
    with closing(SQLiteStore(database(machine), team)) as bot:
        assert [user.user_id for user in bot.list_users(limit=9).items] == ["ada", "before"]


def test_backup_of_an_earlier_version_is_migrated(machine: Path, harness: SlackHarness) -> None:
    copy = machine / "var/backups/rollcall/rollcall-2026-11-24.sqlite"
    write_sqlite_file("sqlite-4", copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in (
            "events",
            "users",
            "registrations",
            "waitlist",
            "journal",
            "deliveries",
            "cards",
        ):
            connection.execute(f"UPDATE {table} SET workspace = ?", (harness.workspace.team_id,))
        connection.commit()
    assert "violations: 0" in run(machine, next(blocks("**Restore**")))


def test_backup_of_a_damaged_file_fails_and_keeps_the_last_one(machine: Path) -> None:
    run(machine, backup_script())
    (kept,) = (machine / "var/backups/rollcall").iterdir()
    before = kept.read_bytes()
    with database(machine).open("r+b") as file:
        file.seek(4096)
        file.write(b"\x5a" * 8192)
    with pytest.raises(AssertionError):
        run(machine, backup_script())
    assert kept.read_bytes() == before


def test_backup_of_a_damaged_index_says_so(machine: Path) -> None:
    """Cron mails only what a command prints, and SQLite examines such a copy without an error."""
    with closing(sqlite3.connect(database(machine))) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = sql || ' WHERE name IS NULL' WHERE name = 'members'"
        )
        connection.commit()
    with pytest.raises(AssertionError, match=r"\.sqlite\.part is damaged: .*members"):
        run(machine, backup_script())


def test_crontabs_check_and_doctor_get_the_bots_environment(machine: Path) -> None:
    (check,) = (line.split(maxsplit=6)[6] for line in crontab() if "check" in line)
    assert "violations: 0" in run(machine, check)
    (doctor, *_) = (block for block in blocks("First check the setup") if "doctor" in block)
    assert "ok       SLACK_BOT_TOKEN" in run(machine, doctor.rstrip() + " || true")
