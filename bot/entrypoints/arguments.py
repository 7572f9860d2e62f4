"""The commands and options of `rollcall`, and what `--help` says of them."""

from __future__ import annotations

import argparse
from urllib.parse import urlsplit

ENVIRONMENT = """\
environment:
  ROLLCALL_STORE         dynamodb, or sqlite:PATH (no default)
  ROLLCALL_TABLE_PREFIX  of DynamoDB's tables (default: rollcall-)
  SLACK_BOT_TOKEN        xoxb-..., for socket, http and check
  SLACK_SIGNING_SECRET   for http
  SLACK_APP_TOKEN        xapp-..., for socket
  ROLLCALL_API_TOKENS    WORKSPACE=TOKEN,...: who may use the HTTP API (off without one)
  SLACK_API_URL          any server that speaks Slack's Web API (default: Slack's)
  AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_DYNAMODB and AWS's other variables
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line; the command's name is parsed into `command`."""
    top = argparse.ArgumentParser(
        prog="rollcall",
        description="Event registration in Slack.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("socket", help="run the bot in Socket Mode")
    http = commands.add_parser("http", help="run the bot over HTTP")
    http.description = (
        "Serve POST /slack/events, GET /healthz and, with ROLLCALL_API_TOKENS, the HTTP API:"
        " its documentation is at /docs."
    )
    http.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    http.add_argument("--port", type=int, default=3000, help="default: 3000")
    manifest = commands.add_parser("manifest", help="print the app manifest")
    manifest.add_argument(
        "--url", type=_https, help="for HTTP instead of Socket Mode: where the bot answers"
    )
    tables = commands.add_parser("tables", help="make what the store needs")
    tables.add_argument("what", choices=["create"])
    check = commands.add_parser("check", help="report what contradicts itself in the data")
    check.description = (
        "Read everything, also while others write, and report what contradicts itself: each breach"
        " with its ids. With --repair, mend it first, and say of each thing what was and what is now;"
        " a repair that was cut off can be run again."
    )
    check.epilog = (
        "exit status: 0: nothing contradicts itself (any more); 1: something does, or still does;"
        " 2: it could not be found out: a wrong argument or environment, or a store that does not"
        " answer; 130: stopped by Ctrl-C, and not found out."
    )
    check.add_argument("--repair", action="store_true", help="mend it first")
    check.add_argument("--workspace", help="the workspace's id, instead of asking Slack")
    return top


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError("must be an address that begins with https://")
    return url
