"""`python -m playground`: the demo. A workspace in the browser with the real bot behind it, on this machine."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from playground.delivery import over_http
from playground.dispatch import Dispatcher
from playground.manifest import read_manifest
from playground.seed import demo_workspace
from playground.server import HOST, PortTakenError, build_server, serve
from playground.slack_api import SlackApi
from playground.workspace import Workspace

MANIFEST = Path(__file__).parent.parent / "manifest.yml"
SIGNING_SECRET = "playground-signing-secret"
"""Shared by the two halves of the demo, both on the loopback address: no secret of anybody's."""


def start_bot(workspace: Workspace, data: Path, *, empty: bool) -> AbstractContextManager[str]:
    """Runs the real bot on a free loopback port while entered, and gives its request URL.

    The bot talks to `workspace.url`, keeps its data in an SQLite file in `data`, and begins with two
    events unless `empty`.
    """
    raise NotImplementedError("start_bot is to be completed once bot.app.build_app exists")


@contextmanager
def demo(port: int, data: Path, *, empty: bool, reset: bool) -> Iterator[str]:
    """Runs the whole demo and yields its address. Raises PortTakenError."""
    # The workspace closes last, when nobody can call it any more.
    with ExitStack() as kept, ExitStack() as running:
        app = build_server()
        url = running.enter_context(
            serve(app, port)
        )  # first, so that a running demo keeps its data
        if reset:
            forget(data)
        installed = read_manifest(MANIFEST)
        workspace = demo_workspace(installed, now=time.time, path=data / "playground.sqlite")
        kept.callback(workspace.close)
        workspace.url = url
        app.state.slack_api = SlackApi(workspace)
        request_url = running.enter_context(start_bot(workspace, data, empty=empty))
        app.state.dispatcher = Dispatcher(workspace, over_http(request_url), SIGNING_SECRET)
        yield url


def forget(data: Path) -> None:
    """Removes what the demo keeps in `data`, and nothing else that may be there."""
    for kept in data.glob("*.sqlite*"):
        kept.unlink()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    parser.add_argument("--port", type=int, default=8765, help="the page's port (default: 8765)")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".rollcall"),
        help="where channels, messages and registrations are kept (default: .rollcall)",
    )
    parser.add_argument("--empty", action="store_true", help="start without the two demo events")
    parser.add_argument("--reset", action="store_true", help="forget everything kept, then start")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs the demo until Ctrl-C or SIGTERM. Returns the exit status."""
    asked = _arguments(argv)
    stop = threading.Event()

    def stopping(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, stopping)
    signal.signal(signal.SIGINT, stopping)
    try:
        with demo(asked.port, asked.data, empty=asked.empty, reset=asked.reset) as url:
            print(f"Rollcall's playground is at {url}  (Ctrl-C stops it)", flush=True)
            stop.wait()
    except PortTakenError as error:
        print(f"Port {asked.port} of {HOST} can't be used: {error.strerror}.", file=sys.stderr)
        print("Choose another one:  python -m playground --port 8766", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
