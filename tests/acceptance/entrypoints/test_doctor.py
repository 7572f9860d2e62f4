"""`rollcall doctor`: one finding for each thing that a new workspace gets wrong, and what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.entrypoints import manifest
from bot.entrypoints.cli import main
from bot.entrypoints.doctor import WITHOUT, Level, examine
from bot.entrypoints.settings import Settings
from playground.demo.http_server import build_server, serve
from playground.web_api.fault_injection import Fault
from storage.dynamodb.schema import TABLES
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.earlier_data import write_sqlite_file
from tests.support.slack.harness import SlackHarness
from tests.support.slack.http_process import env

SECRETS = {"SLACK_SIGNING_SECRET": "a-secret-of-signing", "SLACK_BOT_TOKEN": "xoxb-playground"}


@pytest.fixture
def configured(harness: SlackHarness, tmp_path: Path) -> dict[str, str]:
    """Configure Rollcall for the workspace over HTTP."""
    return env(tmp_path, SLACK_API_URL=f"{harness.workspace.url}/api", **SECRETS)


def problems(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], *, status: int = 1
) -> list[str]:
    """Run the doctor; return the lines of problems."""
    assert main(["doctor"], environment) == status
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith(Level.PROBLEM.value)]


def test_working_setup_has_no_problem_and_no_secret_is_printed(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"], configured) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["note", "ok", "ok", "ok", "ok", "ok"]
    assert "T0PLAYGRND" in lines[1]
    for secret in SECRETS.values():
        assert secret not in "\n".join(lines)


def test_rejected_bot_token(
    harness: SlackHarness, configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (problem,) = problems(configured | {"SLACK_BOT_TOKEN": "xoxb-old"}, capsys)
    assert "SLACK_BOT_TOKEN: Slack rejects it (invalid_auth)" in problem
    harness.workspace.refusals.clear()


def test_unreachable_slack(configured: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with serve(build_server()) as url:
        pass
    (problem,) = problems(configured | {"SLACK_API_URL": url}, capsys)
    assert f"can't be reached at {url}/" in problem


def test_unreachable_slack_is_said_once_without_a_log(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with serve(build_server()) as url:
        pass
    given = configured | {"SLACK_API_URL": url, "SLACK_APP_TOKEN": "xapp-1"}
    (problem,) = problems(given, capsys)
    assert "Connection refused" in problem
    assert caplog.messages == []


def test_address_that_is_not_slacks_web_api(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = configured["SLACK_API_URL"].removesuffix("/api")
    (problem,) = problems(configured | {"SLACK_API_URL": wrong}, capsys)
    assert "Check SLACK_API_URL, which ends in /api/" in problem


def test_slack_that_is_down(
    harness: SlackHarness, configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    harness.api.fail_next("auth.test", Fault.server_error(503))
    (problem,) = problems(configured, capsys)
    assert "Try again in a minute" in problem


def test_token_of_a_whole_organization(
    harness: SlackHarness, configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    harness.workspace.is_org_wide = True
    (problem,) = problems(configured, capsys)
    assert "whole organization" in problem


@pytest.mark.parametrize("scope", sorted(manifest.scopes()[0]))
def test_missing_scope_is_a_problem(
    harness: SlackHarness,
    configured: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    scope: str,
) -> None:
    app = harness.workspace.app
    harness.workspace.app = replace(app, scopes=app.scopes - {scope})
    (problem,) = problems(configured, capsys)
    assert scope in problem
    assert "reinstall" in problem


def test_declined_scope_is_a_note_with_what_it_costs(
    harness: SlackHarness, configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    app = harness.workspace.app
    harness.workspace.app = replace(app, scopes=manifest.scopes()[0])
    assert main(["doctor"], configured) == 0
    printed = capsys.readouterr().out
    assert WITHOUT.keys() == manifest.scopes()[1]
    for scope, cost in WITHOUT.items():
        assert f"{scope} was not granted: {cost}" in printed


@pytest.mark.parametrize(("minutes", "direction"), [(-2, "behind"), (2, "ahead of")])
def test_clock_that_is_minutes_off(
    harness: SlackHarness, configured: dict[str, str], minutes: int, direction: str
) -> None:
    off = harness.clock.now() + timedelta(minutes=minutes)
    found = list(examine(Settings.from_env(configured), lambda: off))
    (problem,) = [finding.text for finding in found if finding.level is Level.PROBLEM]
    assert problem.startswith("Clock: ")
    assert f"seconds {direction} Slack's" in problem


def test_neither_app_token_nor_signing_secret(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (problem,) = problems(configured | {"SLACK_SIGNING_SECRET": ""}, capsys)
    assert "SLACK_APP_TOKEN" in problem
    assert "SLACK_SIGNING_SECRET" in problem


def test_rejected_app_token(
    harness: SlackHarness, configured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (problem,) = problems(configured | {"SLACK_APP_TOKEN": "xapp-old"}, capsys)
    assert "SLACK_APP_TOKEN: Slack rejects it" in problem
    assert "connections:write" in problem
    harness.workspace.refusals.clear()


def test_app_token_that_opens_a_connection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """This server also tells neither its scopes nor who the bot is."""
    answers = {
        "auth.test": {"ok": True, "team_id": "T1", "team": "Acme"},
        "apps.connections.open": {"ok": True, "url": "wss://127.0.0.1:9/"},
    }
    slack = Starlette(
        routes=[
            Route(f"/api/{method}", lambda _, body=body: JSONResponse(body), methods=["POST"])
            for method, body in answers.items()
        ]
    )
    with serve(slack) as url:
        given = env(tmp_path, SLACK_API_URL=f"{url}/api", SLACK_APP_TOKEN="xapp-1", **SECRETS)
        assert main(["doctor"], given) == 1
    printed = capsys.readouterr().out
    assert "ok       SLACK_APP_TOKEN" in printed
    assert "not a bot's token" in printed
    assert "doesn't say which scopes" in printed


def test_store_in_a_folder_that_does_not_exist(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And the doctor creates nothing."""
    given = configured | {"ROLLCALL_STORE": f"sqlite:{tmp_path}/none/rollcall.sqlite"}
    (problem,) = problems(given, capsys)
    assert "create the folder first" in problem
    assert not (tmp_path / "none").exists()


def test_store_in_a_folder_that_may_not_be_written_to(
    configured: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "os.access", lambda *_: False
    )  # tests may run as root, who may write everywhere
    (problem,) = problems(configured, capsys)
    assert "permission to write to the folder of" in problem


def test_empty_file_stays_empty(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "empty.sqlite"
    path.touch()
    given = configured | {"ROLLCALL_STORE": f"sqlite:{path}"}
    assert problems(given, capsys, status=0) == []
    assert path.read_bytes() == b""


def test_store_that_is_another_programs_file(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "letter"
    path.write_text("a letter to a friend, long enough for a header")
    (problem,) = problems(configured | {"ROLLCALL_STORE": f"sqlite:{path}"}, capsys)
    assert "ROLLCALL_STORE: " in problem


def test_missing_table(configured: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    client = dynamodb_client()  # from here on, moto responds
    given = configured | {"ROLLCALL_STORE": "dynamodb", "ROLLCALL_TABLE_PREFIX": "doctors-"}
    (problem,) = problems(given, capsys)
    assert "rollcall tables create" in problem
    main(["tables", "create"], given)
    capsys.readouterr()
    assert problems(given, capsys, status=0) == []
    client.delete_table(TableName=f"doctors-{TABLES[-1].name}")
    (problem,) = problems(given, capsys)
    assert f"doctors-{TABLES[-1].name} missing" in problem


@pytest.mark.parametrize("name", ["/dev/null", "/", "a" * 300, "a" * 300 + "/x"])
def test_store_that_can_be_no_file(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (problem,) = problems(configured | {"ROLLCALL_STORE": f"sqlite:{name}"}, capsys)
    assert "ROLLCALL_STORE: " in problem


def test_file_of_an_earlier_version_is_no_problem_and_stays_as_it_is(
    configured: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "earlier.sqlite"
    write_sqlite_file("sqlite-4", path)
    assert main(["doctor"], configured | {"ROLLCALL_STORE": f"sqlite:{path}"}) == 0
    assert "has schema version 4" in capsys.readouterr().out
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
