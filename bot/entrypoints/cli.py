"""The command line, `rollcall`: its commands, options and exit statuses."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.entrypoints import bootstrap, slack_startup, stores, system
from bot.entrypoints.settings import Settings, SettingsError
from bot.entrypoints.startup_errors import StartupError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FAILED = 2
"""The exit status of a command that can't run, the same as argparse's for a mistyped one."""

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C stopped before its end: its result is unknown."""

MAX_PORT = 65_535

SLACK = frozenset({"SLACK_BOT_TOKEN"})

ENVIRONMENT = """\
environment:
  ROLLCALL_STORE         where data goes: dynamodb or sqlite:PATH (no default: you choose)
  ROLLCALL_TABLE_PREFIX  prefix of the DynamoDB tables' names (default: rollcall-)
  SLACK_BOT_TOKEN        xoxb-..., for socket, http, doctor, validate and check
  SLACK_SIGNING_SECRET   for http
  SLACK_APP_TOKEN        xapp-..., for socket
  ROLLCALL_API_TOKENS    WORKSPACE=TOKEN,...: turns the HTTP API on for these tokens (default: off)
  SLACK_API_URL          address of Slack's Web API, or of a server that imitates it
  AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_DYNAMODB and the other AWS variables
"""


def main(argv: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run a command and return its exit status."""
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Named, not imported: `--help` need not wait for the domain.
    logging.getLogger("bot.telemetry").setLevel(logging.WARNING)
    try:
        return _COMMANDS[args.command](args, os.environ if env is None else env)
    except SettingsError as error:
        print(f"Rollcall can't start. Check these environment variables:\n{error}", file=sys.stderr)
        return FAILED
    except StartupError as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"\nStopped: `rollcall {args.command}` did not finish", file=sys.stderr)
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line. `command` holds the command's name."""
    top = argparse.ArgumentParser(
        prog="rollcall",
        description="Event registration in Slack.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"rollcall {_version()}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_running(commands)
    _add_setup(commands)
    _add_judging(commands)
    return top


def _version() -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("rollcall")
    return "(not installed)"


def _add_running(commands: Commands) -> None:
    socket = commands.add_parser("socket", help="run the bot in Socket Mode")
    socket.description = (
        "Run the bot over a connection that it opens to Slack, so it needs no public address. It says when it"
        " is connected, and runs until Ctrl-C or SIGTERM. It needs ROLLCALL_STORE, SLACK_BOT_TOKEN and SLACK_APP_TOKEN."
    )
    http = commands.add_parser("http", help="run the bot over HTTP")
    http.description = (
        "Serve POST /slack/events and GET /healthz. With ROLLCALL_API_TOKENS, also serve the HTTP"
        " API and its documentation at /docs. It runs until Ctrl-C or SIGTERM."
        " It needs ROLLCALL_STORE, SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET."
    )
    http.add_argument(
        "--host",
        type=_host,
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1)",
    )
    http.add_argument(
        "--port", type=_port, default=3000, help="port to listen on (default: 3000; 0: a free one)"
    )


def _add_setup(commands: Commands) -> None:
    manifest = commands.add_parser("manifest", help="print the app manifest")
    manifest.description = (
        "Print the manifest from which Slack creates the app, for Socket Mode unless --url is given."
        " It needs no variables."
    )
    manifest.add_argument(
        "--url", type=_https, help="public address of the bot, for HTTP instead of Socket Mode"
    )
    manifest.add_argument("--json", action="store_true", help="print JSON, as Slack's CLI reads it")
    tables = commands.add_parser(
        "tables", help="create the tables, or create or migrate the SQLite file"
    )
    tables.description = (
        "Create the DynamoDB tables that don't exist yet, or create or migrate the SQLite file. What is"
        " stored stays. It needs ROLLCALL_STORE."
    )
    tables.add_argument("what", choices=["create"], help="what to do with them")
    doctor = commands.add_parser("doctor", help="check this workspace's setup, and say what to do")
    doctor.description = (
        "Check the bot token, its scopes, the connection or the signing secret, the clock and the store."
        " Print a line for each, with what to do. Nothing is changed, and no secret is printed."
        " It needs ROLLCALL_STORE, SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET."
    )
    doctor.epilog = (
        "exit status: 0: Rollcall can run (notes are for your information); 1: problems found; 2: a"
        " variable is missing or malformed."
    )


def _add_judging(commands: Commands) -> None:
    validate = commands.add_parser("validate", help="have Slack validate what Rollcall shows")
    validate.description = (
        "Send messages and views to Slack's method blocks.validate, and print which ones it refuses, and"
        " why. Nothing is posted. It needs SLACK_BOT_TOKEN. `make validate` renders the file."
    )
    validate.epilog = (
        "exit status: 0: Slack accepts all; 1: Slack refuses some; 2: Slack can't be asked, for example"
        " without a token."
    )
    validate.add_argument("file", help='lines of JSON, {"name": ..., "surface": ...}')
    check = commands.add_parser("check", help="check the stored data for violations")
    check.description = (
        "Read all data and report each violation with its ids. The bot may keep running. With"
        " --repair, fix violations first and report each fix. It is safe to rerun an interrupted"
        " repair. It needs ROLLCALL_STORE, and SLACK_BOT_TOKEN or --workspace."
    )
    check.epilog = (
        "exit status: 0: no violations (left); 1: violations found (or left); 2: the check could"
        " not finish, because of a wrong argument, the environment, or a store that is not there, damaged,"
        " or does not respond; 130: Ctrl-C stopped the check."
    )
    check.add_argument("--repair", action="store_true", help="fix violations before the check")
    check.add_argument(
        "--workspace",
        metavar="ID",
        type=_workspace,
        help="id of the workspace (default: the bot token's)",
    )


def _https(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError("must be an address that starts with https://")
    return url


def _host(text: str) -> str:
    # An empty one would mean every address of the machine.
    if not text.strip():
        raise argparse.ArgumentTypeError("must be an address of this machine, such as 127.0.0.1")
    return text


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {MAX_PORT}")
    return int(text)


def _workspace(text: str) -> str:
    if not re.fullmatch(r"T[A-Z0-9]+", text):
        raise argparse.ArgumentTypeError("must be a workspace's id, which starts with T")
    return text


def _socket(_: argparse.Namespace, env: Mapping[str, str]) -> int:
    settings = Settings.from_env(env, needs=SLACK | {"SLACK_APP_TOKEN"})
    from bot.entrypoints import socket_mode

    with bootstrap.running_bot(settings) as bot:
        client = socket_mode.build_client(bot, settings, _report_connection)
        _stop_on_signals(client.stop)
        socket_mode.serve(client, settings)
    return 0


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """Have the first SIGINT or SIGTERM stop the process, and the second end it at once."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def handle(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
        stop()

    for number in numbers:
        signal.signal(number, handle)


def _report_connection() -> None:
    print("Rollcall is connected (press Ctrl-C to stop it)", flush=True)


def _http(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    settings = Settings.from_env(env, needs=SLACK | {"SLACK_SIGNING_SECRET"})
    from bot.entrypoints import http_server

    with (
        http_server.listen(args.host, args.port) as listener,
        bootstrap.running_bot(settings) as bot,
        suppress(KeyboardInterrupt),  # the server has finished its requests by then
    ):
        http_server.serve(bot, settings, listener)
    return 0


def _manifest(args: argparse.Namespace, _: Mapping[str, str]) -> int:
    from bot.entrypoints import manifest

    text = manifest.for_http(args.url) if args.url else manifest.for_socket_mode()
    print(manifest.as_json(text) if args.json else text, end="")
    return 0


def _tables(_: argparse.Namespace, env: Mapping[str, str]) -> int:
    settings = Settings.from_env(env)
    if settings.sqlite_path is not None:
        with stores.open_store(settings, "none"):
            print(f"{settings.sqlite_path} is ready")
        return 0
    created = stores.create_dynamodb_tables(settings)
    print("\n".join(f"created {name}" for name in created) or "all tables already exist")
    return 0


def _doctor(_: argparse.Namespace, env: Mapping[str, str]) -> int:
    settings = Settings.from_env(env, needs=SLACK)
    from bot.entrypoints.doctor import Level, examine

    has_problems = False
    with _without_sdk_log():
        for finding in examine(settings, system.SystemClock().now):
            print(finding, flush=True)
            has_problems |= finding.level is Level.PROBLEM
    return 1 if has_problems else 0


@contextmanager
def _without_sdk_log() -> Iterator[None]:
    """Keep slack_sdk from logging the failures that the report explains."""
    logger = logging.getLogger("slack_sdk")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _validate(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    settings = Settings.from_env(env, needs=SLACK, needs_store=False)
    from bot.entrypoints.validate import problems, read

    client, clock = slack_startup.slack_client(settings), system.SystemClock()
    accepted = refused = 0
    try:
        with Path(args.file).open(encoding="utf-8") as lines, _without_sdk_log():
            for name, surface in read(lines):
                found = problems(client, surface, clock.sleep)
                accepted, refused = accepted + (not found), refused + bool(found)
                for problem in found:
                    print(f"refused: {name}: {problem}", flush=True)
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"The file can't be read: {error}") from error
    print(f"accepted: {accepted}, refused: {refused}")
    return 1 if refused else 0


def _check(args: argparse.Namespace, env: Mapping[str, str]) -> int:
    settings = Settings.from_env(env, needs=frozenset() if args.workspace else SLACK)
    workspace_id = args.workspace or slack_startup.fetch_workspace_id(
        slack_startup.slack_client(settings)
    )
    from bot.entrypoints.check_report import Screen, check
    from domain.errors import OperatorNeeded
    from domain.ports import Conflict, Unavailable, UnreadableRow

    screen = Screen(sys.stdout, sys.stderr if sys.stderr.isatty() else None)
    with stores.open_store_to_check(settings, workspace_id) as store:
        service = bootstrap.build_service(store, system.SystemClock())
        try:
            stores.require_data(store, settings, workspace_id)
            is_sound = check(service, screen, repair=args.repair)
        except (Conflict, Unavailable) as error:
            raise StartupError(
                f"\nThe check did not finish: the store does not respond: {error}"
            ) from error
        except OperatorNeeded as error:
            raise StartupError(f"\nThe check did not finish. {error.fault}") from error
        except UnreadableRow as error:
            raise StartupError(
                f"\nThe check did not finish: {error}. Restore a backup, or correct this row."
            ) from error
    return 0 if is_sound else 1


_COMMANDS: dict[str, Callable[[argparse.Namespace, Mapping[str, str]], int]] = {
    "socket": _socket,
    "http": _http,
    "manifest": _manifest,
    "tables": _tables,
    "doctor": _doctor,
    "validate": _validate,
    "check": _check,
}
