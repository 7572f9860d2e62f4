"""`python -m playground`: the demo. A workspace in the browser with the real bot behind it, on this machine."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType

from slack_sdk import WebClient

from bot.entrypoints.bootstrap import Bot, build_bot
from bot.entrypoints.http_server import build_http
from domain.errors import DuplicateEvent
from domain.inputs import EventDraft, UserDraft
from domain.planning.plan import Plan
from playground.client.member_client import MemberClient
from playground.client.transport import Deliver, Response, over_http
from playground.demo.backstage import Backstage
from playground.demo.http_server import HOST, PortTakenError, build_server, serve
from playground.demo.seed import demo_workspace
from playground.web_api.server import SlackApi
from playground.workspace.manifest import read_manifest
from playground.workspace.state import Workspace
from storage.sqlite.store import SQLiteStore

MANIFEST = Path(__file__).parent.parent / "manifest.yml"
SIGNING_SECRET = "playground-signing-secret"
"""Shared by the two halves of the demo, both on the loopback address: no secret of anybody's."""


class CountedStore(SQLiteStore):
    """The store, which notes of each commit how many people's commands it carried."""

    def __init__(self, path: Path, workspace_id: str, commits: list[int]) -> None:
        super().__init__(path, workspace_id)
        self._commits = commits

    def commit(self, plan: Plan) -> None:
        """See `Store.commit`."""
        super().commit(plan)
        self._commits.append(len(plan.outcomes))


class DemoBot:
    """The real bot on a free loopback port, which can be stopped, and started again.

    It talks to `workspace.url`, and keeps its data in an SQLite file in `data`.
    """

    def __init__(self, workspace: Workspace, data: Path) -> None:
        self._workspace = workspace
        self._path = data / "rollcall.sqlite"
        self._running: ExitStack | None = None
        self._deliver: Deliver | None = None
        self.commits: list[int] = []
        """Every commit that it made, over all its starts: how many commands each carried."""

    @property
    def is_running(self) -> bool:
        """Whether it takes requests."""
        return self._deliver is not None

    def start(self, first: Callable[[Bot], None] | None = None) -> None:
        """Starts it, with its notifier; `first` is done before anybody is answered."""
        if self.is_running:
            return
        workspace = self._workspace
        client = WebClient(
            token=workspace.app.bot_token,
            base_url=f"{workspace.url}/api/",
            timeout=10,
            retry_handlers=[],
        )
        with ExitStack() as stack:
            store = CountedStore(self._path, workspace.team_id, self.commits)
            stack.callback(store.close)
            bot = build_bot(
                store, client, workspace_id=workspace.team_id, signing_secret=SIGNING_SECRET
            )
            stack.callback(bot.stop)
            if first is not None:
                first(bot)
            url = stack.enter_context(serve(build_http(bot.app, bot.executor, SIGNING_SECRET)))
            bot.notification_worker.start()
            self._deliver = over_http(f"{url}/slack/events")
            self._running = stack.pop_all()

    def stop(self) -> None:
        """Stops it, once it has finished what it has in hand."""
        self._deliver = None
        if self._running is not None:
            self._running.close()
            self._running = None

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> Response:
        """Takes a request to it. Raises ConnectionRefusedError while it is stopped."""
        deliver = self._deliver
        if deliver is None:
            raise ConnectionRefusedError("the bot is stopped")
        return deliver(body, headers)


def begin(bot: Bot, workspace: Workspace, *, now: datetime) -> None:
    """Two events to begin with, one nearly full, with their cards; once, and not again after a restart."""
    members = workspace.members()
    people = [member for member in members if not member.is_bot]
    tomorrow = (now + timedelta(days=1)).replace(hour=16, minute=0, second=0, microsecond=0)
    events = (
        ("demo-yoga", "Yoga in the park", "Bring a mat. If it rains, we meet indoors.", 4, 3),
        ("demo-tools", "Tool talk: better code reviews", "Short talks, long discussion.", 20, 2),
    )
    for number, (event_id, title, description, capacity, taken) in enumerate(events):
        organizer = people[number]
        start = tomorrow + timedelta(days=3 * number)
        draft = EventDraft.of(
            event_id=event_id,
            title=title,
            description=description,
            location=("Riverside lawn", "Room 5")[number],
            starts_at=start,
            ends_at=start + timedelta(hours=1),
            time_zone=organizer.tz,
            organizer_id=organizer.id,
            capacity=capacity,
            has_waitlist=True,
        )
        try:
            bot.service.create_event(draft)
        except DuplicateEvent:
            continue
        for member in people[-taken:]:
            bot.service.ensure_user(UserDraft.of(user_id=member.id, name=member.name))
            bot.service.register(event_id, member.id)
        bot.notification_worker.post_card(
            bot.service.get_event(event_id), workspace.channel_named("events").id
        )


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
        app.state.slack_api = api = SlackApi(workspace)
        bot = DemoBot(workspace, data)
        running.callback(bot.stop)
        bot.start(None if empty else partial(begin, workspace=workspace, now=datetime.now(UTC)))
        member_client = MemberClient(workspace, bot.deliver, SIGNING_SECRET)
        app.state.backstage = Backstage(member_client, api, bot)
        app.state.member_client = member_client
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
