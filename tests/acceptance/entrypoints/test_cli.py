"""The command line: its environment, output and exit statuses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from bot.entrypoints import socket_mode
from bot.entrypoints.cli import main
from bot.entrypoints.settings import Settings
from bot.entrypoints.startup_errors import StartupError
from bot.slack.socket_connection import Timeouts
from playground.demo.http_server import build_server, serve
from storage.sqlite.store import SQLiteStore
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.environment import new_event, new_users, service_on
from tests.support.slack.harness import REGISTER_COMMAND, SlackHarness
from tests.support.slack.http_process import env, running_http
from tests.support.slack.socket_mode_server import WAIT, SocketModeServer, error, status

ROOT = Path(__file__).parents[3]

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0123456789"}


def test_help_names_every_command_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for word in (
        "socket",
        "http",
        "manifest",
        "tables",
        "doctor",
        "validate",
        "check",
        "ROLLCALL_STORE",
        "SLACK_API_URL",
    ):
        assert word in text


@pytest.mark.parametrize(
    ("command", "needs"),
    [
        ("socket", ["ROLLCALL_STORE", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]),
        ("http", ["ROLLCALL_STORE", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]),
        ("manifest", ["no variables"]),
        ("tables", ["ROLLCALL_STORE"]),
        ("doctor", ["ROLLCALL_STORE", "SLACK_BOT_TOKEN"]),
        ("validate", ["SLACK_BOT_TOKEN"]),
        ("check", ["ROLLCALL_STORE", "SLACK_BOT_TOKEN", "--workspace"]),
    ],
)
def test_help_of_a_command_says_what_it_needs(
    capsys: pytest.CaptureFixture[str], command: str, needs: list[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    sentence = said.partition(" It needs ")[2]
    assert [word for word in needs if word not in sentence] == []


def test_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"rollcall {project['version']}\n"


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("socket", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ROLLCALL_STORE"]),
        ("http", ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ROLLCALL_STORE"]),
        ("check", ["SLACK_BOT_TOKEN", "ROLLCALL_STORE"]),
        ("doctor", ["SLACK_BOT_TOKEN", "ROLLCALL_STORE"]),
    ],
)
def test_every_missing_variable_is_named(
    capsys: pytest.CaptureFixture[str], command: str, named: list[str]
) -> None:
    assert main([command], {}) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines[1:]] == named


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-…"),
        ("SLACK_APP_TOKEN", "xapp-…"),
        ("SLACK_SIGNING_SECRET", "………………"),
    ],
)
def test_placeholder_of_a_token_is_malformed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    """An HTTP header can't carry it."""
    assert main(["doctor"], env(tmp_path, **SLACK | {variable: value})) == 2
    assert f"{variable} is malformed" in capsys.readouterr().err


def test_password_in_slacks_address_is_refused_and_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = env(tmp_path, SLACK_API_URL="https://ada:pass-word@slack.example/api/", **SLACK)
    assert main(["doctor"], given) == 2
    printed = capsys.readouterr()
    assert "SLACK_API_URL is malformed" in printed.err
    assert "pass-word" not in printed.out + printed.err


@pytest.mark.parametrize("command", ["doctor", "check", "socket", "http"])
def test_command_that_ctrl_c_stopped_before_its_end_exits_with_130(
    tmp_path: Path, command: str
) -> None:
    """It waits for a Slack that never answers. Ctrl-C counts also where the tests run in the background."""
    arguments = [command, *(["--port", "0"] if command == "http" else [])]
    script = (
        "import signal, sys\nfrom bot.entrypoints.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        f"sys.exit(main({arguments!r}))"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(WAIT)
        slack = {"SLACK_API_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/api/"}
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, **env(tmp_path, SLACK_APP_TOKEN="xapp-1", **SLACK | slack)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            with silent.accept()[0]:
                process.send_signal(signal.SIGINT)
                _, printed = process.communicate(timeout=WAIT)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 130
    assert f"`rollcall {command}` did not finish" in printed


def test_port_in_use_is_reported_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert main(["http", "--port", port], env(tmp_path, **SLACK)) == 2
    assert f"can't listen on 127.0.0.1:{port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["65536", "-1", "http", "", "1.5", "9" * 5000])
def test_port_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], port: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["http", f"--port={port}"], {})
    assert "must be a number from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    "host", ["no.such.host.invalid", "256.1.1.1", "a" * 300, "a..b", "[::1]", "192.0.2.1"]
)
def test_host_that_is_none_of_this_machine_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert main(["http", "--host", host, "--port", "0"], env(tmp_path, **SLACK)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"can't listen on {host}:0: " in line
    assert "another address of this machine with --host" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http", "--host", ""], "must be an address of this machine"),  # it would be every one
        (["manifest", "--url", "https://[x"], "must be an address that starts with https://"),
        (["check", "--workspace", ""], "must be a workspace's id, which starts with T"),
        (["check", "--workspace", "T1 "], "must be a workspace's id, which starts with T"),
        (["tables", "drop"], "invalid choice"),
    ],
)
def test_wrong_argument_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments, {})
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "store", ["sqlite:", "sqlite: ", "sqlite:r.sqlite ", "DynamoDB", "dynamodb ", "sqlite:a\nb"]
)
@pytest.mark.parametrize("command", ["doctor", "http", "check", "tables create"])
def test_malformed_store_is_reported_and_creates_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    store: str,
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command.split(), {**SLACK, "ROLLCALL_STORE": store}) == 2
    assert "ROLLCALL_STORE is malformed" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["/dev/null", "/", "a" * 300, "a" * 300 + "/x", "/proc/x.sqlite"])
@pytest.mark.parametrize("command", ["tables create", "check --workspace T1"])
def test_store_that_can_be_no_file_is_reported(
    capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    assert main(command.split(), {"ROLLCALL_STORE": f"sqlite:{name}"}) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ROLLCALL_STORE: ")


def test_unreachable_slack_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve(build_server()) as url:
        pass
    assert main(["http"], env(tmp_path, SLACK_API_URL=f"{url}/api", **SLACK)) == 2
    assert f"Slack can't be reached at {url}/api/" in capsys.readouterr().err


def test_invalid_bot_token_is_reported(
    harness: SlackHarness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = f"{harness.workspace.url}/api"
    assert main(["http"], env(tmp_path, SLACK_API_URL=api, **SLACK)) == 2
    assert "SLACK_BOT_TOKEN: invalid_auth" in capsys.readouterr().err
    harness.workspace.refusals.clear()


def test_token_of_a_whole_organization_is_refused(
    harness: SlackHarness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harness.workspace.is_org_wide = True
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
    }
    assert main(["http"], env(tmp_path, **SLACK | slack)) == 2
    assert "whole organization" in capsys.readouterr().err


def test_invalid_app_token_is_reported(
    harness: SlackHarness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_APP_TOKEN": "xapp-1",
    }
    assert main(["socket"], env(tmp_path, **slack)) == 2
    assert "SLACK_APP_TOKEN: " in capsys.readouterr().err
    harness.workspace.refusals.clear()


def test_missing_tables_are_reported_and_can_be_created(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dynamodb_client()  # from here on, moto responds
    on_dynamodb = {"ROLLCALL_STORE": "dynamodb", "ROLLCALL_TABLE_PREFIX": "command-line-"}
    assert main(["check", "--workspace", "T1"], on_dynamodb) == 2
    assert "tables create" in capsys.readouterr().err
    assert main(["tables", "create"], on_dynamodb) == 0
    assert "created command-line-events\n" in capsys.readouterr().out
    assert main(["tables", "create"], on_dynamodb) == 0
    assert "already exist" in capsys.readouterr().out


def test_file_that_is_not_a_database_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rollcall.sqlite").write_text("a letter to a friend, long enough for a header")
    assert main(["check", "--workspace", "T1"], env(tmp_path)) == 2
    assert capsys.readouterr().err.startswith("ROLLCALL_STORE: ")


def test_manifest_is_printed_for_socket_mode_or_http(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest"], {}) == 0
    socket = yaml.safe_load(capsys.readouterr().out)
    assert main(["manifest", "--url", "https://rollcall.example/"], {}) == 0
    http = yaml.safe_load(capsys.readouterr().out)
    assert socket["settings"]["socket_mode_enabled"] is True
    assert http["settings"]["socket_mode_enabled"] is False


def test_manifest_refuses_an_address_without_https(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["manifest", "--url", "http://rollcall.example"], {})
    assert "https://" in capsys.readouterr().err


def test_tables_create_makes_the_sqlite_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tables", "create"], env(tmp_path)) == 0
    assert "is ready" in capsys.readouterr().out
    assert (tmp_path / "rollcall.sqlite").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_http_serves_until_a_stop_signal(
    harness: SlackHarness, tmp_path: Path, number: signal.Signals
) -> None:
    """The process responds, finishes the requests in progress, and exits with 0."""
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_SIGNING_SECRET": "0123456789",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "http", "--port", "0"],
        env={**os.environ, **env(tmp_path, **slack)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        before = []
        for line in process.stderr:
            before.append(line)
            if "running on" in line:
                break
        url = line.split("running on ")[1].split()[0]
        with urlopen(f"{url}/healthz") as answer:
            assert answer.read() == b"ok"
        process.send_signal(number)
        _, rest = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "Rollcall has stopped" in rest
    assert "WARNING" not in "".join([*before, rest])


@pytest.mark.parametrize(
    ("tokens", "status"),
    [("{team}=secret-of-hr-system", 200), ("T0OTHER=secret-of-hr-system", 404)],
)
def test_http_api_is_on_only_with_a_token_of_the_workspace(
    harness: SlackHarness, tmp_path: Path, tokens: str, status: int
) -> None:
    """R10.3."""
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_SIGNING_SECRET": "0123456789",
        "ROLLCALL_API_TOKENS": tokens.format(team=harness.workspace.team_id),
    }
    with running_http(env(tmp_path, **slack)) as url:
        request = Request(f"{url}/users", headers={"Authorization": "Bearer secret-of-hr-system"})
        try:
            with urlopen(request) as answer:
                assert answer.status == status
        except HTTPError as error:
            assert error.code == status  # noqa: PT017  # urllib raises for a 404


def modules_after(command: str, environment: dict[str, str]) -> set[str]:
    """Return the modules that a process has imported after it ran a command."""
    script = (
        "import sys, contextlib, io\nfrom bot.entrypoints.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        f"    main({command.split()!r})\n"
        "print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return {*ended.stdout.split()}


HEAVY = {"pydantic", "slack_sdk", "slack_bolt", "boto3", "botocore", "uvicorn", "sqlite3"}


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("--help", HEAVY | {"yaml", "domain", "asyncio"}),
        ("manifest", HEAVY | {"domain", "asyncio"}),
        ("tables create", HEAVY - {"pydantic", "sqlite3"}),
        ("check --workspace T1", HEAVY - {"pydantic", "sqlite3"}),
    ],
)
def test_command_imports_only_what_it_uses(tmp_path: Path, command: str, unused: set[str]) -> None:
    assert not unused & modules_after(command, env(tmp_path))


def test_socket_mode_imports_no_web_server(harness: SlackHarness, tmp_path: Path) -> None:
    """The command runs up to the connection, which Slack refuses."""
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_APP_TOKEN": "xapp-1",
    }
    modules = modules_after("socket", env(tmp_path, **slack))
    assert "websockets.sync.client" in modules
    web = {"fastapi", "starlette", "uvicorn", "anyio", "bot.entrypoints.http_server", "bot.api"}
    assert not (web | {"boto3", "botocore", "icalendar"}) & modules
    harness.workspace.refusals.clear()


@pytest.fixture
def one_event(tmp_path: Path) -> Path:
    store = SQLiteStore(tmp_path / "rollcall.sqlite", "T1")
    service = service_on(store)
    new_event(service)
    new_users(service, "anna", "bert")
    service.register("e1", "anna")
    service.register("e1", "bert")
    store.close()
    return tmp_path


def miscount(path: Path) -> None:
    """Store an event with a wrong count of registrations."""
    store = SQLiteStore(path / "rollcall.sqlite", "T1")
    event = store.get_event("e1")
    assert event is not None
    wrong = event.model_copy(update={"registered_count": 1})
    with store._file.writing() as connection:
        connection.execute("UPDATE events SET body = ?", (wrong.model_dump_json(),))
    store.close()


def test_check_of_sound_data_finds_no_violation(
    one_event: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """R7.6."""
    assert main(["check", "--workspace", "T1"], env(one_event)) == 0
    assert capsys.readouterr().out == (
        "events: 1, registrations: 2, waitlist entries: 0, violations: 0\n"
    )


def test_check_names_each_violation_and_repair_fixes_it(
    one_event: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """R7.6: the report has the ids, each fix, and what is left."""
    miscount(one_event)
    assert main(["check", "--workspace", "T1"], env(one_event)) == 1
    found = capsys.readouterr().out
    assert "violation: registered_count, event e1: is 1, should be 2" in found
    assert main(["check", "--repair", "--workspace", "T1"], env(one_event)) == 0
    fixed = capsys.readouterr().out
    assert "fixed: registered_count, event e1: was 1, is now 2" in fixed
    assert "fixed: 1, violations: 0" in fixed


@pytest.fixture
def socket_slack(harness: SlackHarness, tmp_path: Path) -> Iterator[SocketSlack]:
    """Run Slack with Socket Mode in front of the harness's workspace."""
    with SocketModeServer(f"{harness.workspace.url}/api/").running() as server:
        slack = {
            "SLACK_API_URL": server.url,
            "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
            "SLACK_APP_TOKEN": "xapp-1",
        }
        yield SocketSlack(server, env(tmp_path, **slack))


@dataclass
class SocketSlack:
    """The server, and the environment of a bot that connects to it."""

    server: SocketModeServer
    env: dict[str, str]

    @contextmanager
    def running_bot(self) -> Iterator[subprocess.Popen[str]]:
        """Run `rollcall socket` in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "socket"],
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def test_socket_answers_until_sigterm(socket_slack: SocketSlack) -> None:
    """The process says that it is connected, answers a command, closes the connection and exits with 0.

    It logs nothing that could worry whoever starts it.
    """
    with socket_slack.running_bot() as process:
        assert process.stdout is not None
        assert "Rollcall is connected" in process.stdout.readline()
        delivery = socket_slack.server.send(REGISTER_COMMAND)
        assert delivery.wait()["response_type"] == "ephemeral"
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=20)
        assert process.returncode == 0, logged
        assert "Rollcall has stopped" in logged
        assert "Traceback" not in logged
        assert "WARNING" not in logged
    assert socket_slack.server.close_codes == [1000]


def test_socket_acknowledges_what_is_in_hand_on_sigterm(
    harness: SlackHarness, socket_slack: SocketSlack
) -> None:
    """The signal comes while the request waits for Slack to open its form."""
    begun, go_on = Event(), Event()

    def hold(method: str) -> None:
        if method == "views.open":
            begun.set()
            assert go_on.wait(WAIT)

    socket_slack.server.before_call = hold
    with socket_slack.running_bot() as process:
        socket_slack.server.wait_for_greetings(1)
        delivery = socket_slack.server.send(
            {**REGISTER_COMMAND, "command": "/event", "text": "create"}
        )
        assert begun.wait(WAIT)
        process.send_signal(signal.SIGTERM)
        go_on.set()
        _, logged = process.communicate(timeout=20)
    assert process.returncode == 0, logged
    assert delivery.is_acknowledged.is_set()
    assert len(delivery.sent_at) == 1
    # The command's trigger id is made up.
    harness.workspace.refusals.clear()


def test_socket_is_not_connected_before_slack_says_hello(socket_slack: SocketSlack) -> None:
    """Nothing is printed while a connection is open without a hello."""
    socket_slack.server.greets = False
    with socket_slack.running_bot() as process:
        # The second call shows that the first connection was given up.
        socket_slack.server.wait_until(lambda: len(socket_slack.server.opened_at) >= 2)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
    assert printed == ""


def test_socket_ends_if_socket_mode_is_switched_off(socket_slack: SocketSlack) -> None:
    with socket_slack.running_bot() as process:
        socket_slack.server.wait_for_greetings(1)
        socket_slack.server.disconnect("link_disabled")
        _, logged = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "Socket Mode is off for this app" in logged
    assert "Traceback" not in logged


def test_socket_ends_if_slack_rejects_the_app_token(socket_slack: SocketSlack) -> None:
    socket_slack.server.openings.append(error("invalid_auth"))
    with socket_slack.running_bot() as process:
        printed, logged = process.communicate(timeout=20)
    assert (process.returncode, printed) == (2, "")
    assert "Slack rejected SLACK_APP_TOKEN: invalid_auth" in logged
    assert "Traceback" not in logged


def test_socket_ends_with_an_error_without_a_connection(
    harness: SlackHarness, tmp_path: Path
) -> None:
    """Systemd starts it again. The minute is a second here."""
    with SocketModeServer(f"{harness.workspace.url}/api/").running() as server:
        server.openings.extend([status(503)] * 1_000)
        slack = {"SLACK_BOT_TOKEN": harness.workspace.app.bot_token, "SLACK_APP_TOKEN": "xapp-1"}
        settings = Settings.from_env(env(tmp_path, SLACK_API_URL=server.url, **slack))
        client = socket_mode.build_client(
            harness.bot, settings, lambda: None, Timeouts(longest_pause=0.05, give_up=0.3)
        )
        with pytest.raises(StartupError, match="could not connect to Slack"):
            socket_mode.serve(client, settings)
