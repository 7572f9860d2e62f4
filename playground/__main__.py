"""Run the Rollcall demo: a simulated Slack workspace in the browser, with the real bot behind it."""

import argparse
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType

from slack_sdk import WebClient

from bot.entrypoints.bootstrap import Bot, build_bot
from bot.entrypoints.http_server import build_http
from bot.entrypoints.settings import Settings
from bot.entrypoints.system import SystemClock
from domain.models import JournalEntry
from domain.planning.plan import Plan, PutBatchResults
from playground.client.member_client import MemberClient
from playground.client.transport import BotResponse, Deliver, over_http
from playground.demo.backstage import Backstage
from playground.demo.clock import DemoClock
from playground.demo.functions import Functions
from playground.demo.http_server import HOST, PortUnavailableError, bind, build_server, serve
from playground.demo.request_queue import StreamedRequests
from playground.demo.seed import demo_workspace, seed_events
from playground.web_api.server import SlackApi
from playground.workspace.manifest import read_manifest
from playground.workspace.state import Workspace
from storage.sqlite.store import SQLiteStore

WORKSPACE_FILE = "playground.sqlite"
CLOCK_FILE = "playground.clock"

MANIFEST = Path(__file__).parent.parent / "manifest.yml"
SIGNING_SECRET = "playground-signing-secret"
"""Not a real secret: both sides of the demo run on the loopback address."""

REPLY_SECONDS = 2.0
"""How long a stop waits for Slack to take pending replies. Someone watches, and Slack may be set to down."""


BUSY_SECONDS = 10.0
"""How long a write waits for others."""

DELIVERY_SECONDS = 30.0
"""How long moving the clock waits in all for messages to go out. Slack may be set to down."""

POLL_SECONDS = 0.02


class UnusableDataError(Exception):
    """The demo's data was written by another version, or is not the demo's."""


class DemoStore(SQLiteStore, StreamedRequests):
    """A store with a request queue, which records how many commands each commit contained."""

    def __init__(self, path: Path, workspace_id: str, commits: list[int]) -> None:
        StreamedRequests.__init__(self)
        # In a rush, dozens of threads write at the same time.
        SQLiteStore.__init__(self, path, workspace_id, busy_timeout=BUSY_SECONDS)
        self._commits = commits
        self.on_commit: Callable[[str], object] = lambda _: None
        """Takes the id of the event or job whose journal has a new entry."""

    def commit(self, plan: Plan) -> None:
        """Commit the plan, with its results in memory, and record its number of commands."""
        results = [one for one in plan.actions if isinstance(one, PutBatchResults)]
        rows = tuple(one for one in plan.actions if not isinstance(one, PutBatchResults))
        with self.turn:
            super().commit(replace(plan, actions=rows))
            self.batches |= {(one.batch.event_id, one.batch.slot): one.batch for one in results}
        if plan.outcomes:  # not a long operation's step, for example
            self._commits.append(len(plan.outcomes))
        self.on_commit(plan.event_id)

    def add_job(self, entry: JournalEntry) -> None:
        """Add the job."""
        super().add_job(entry)
        self.on_commit(entry.event_id)


class DemoBot:
    """The real bot on a free loopback port. It can be stopped and restarted.

    It calls the Web API at `workspace.url` and keeps its data in a SQLite file in `data`.
    """

    def __init__(self, workspace: Workspace, data: Path, clock: DemoClock) -> None:
        self.workspace = workspace
        self._clock = clock
        self._bot: Bot | None = None
        self._path = data / "rollcall.sqlite"
        self._running: ExitStack | None = None
        self._deliver: Deliver | None = None
        self._functions: Functions | None = None
        self.commits: list[int] = []
        """The number of commands in each commit since the demo started."""
        self.functions_started = 0
        """How many Lambda functions have started since then, for Slack's requests."""

    @property
    def is_running(self) -> bool:
        """Whether the bot accepts requests."""
        return self._deliver is not None

    def start(self, prepare: Callable[[Bot], None] | None = None) -> None:
        """Start the bot and its notification worker; run `prepare` before the first request."""
        if self.is_running:
            return
        workspace = self.workspace
        client = WebClient(
            token=workspace.app.bot_token,
            base_url=f"{workspace.url}/api/",
            timeout=10,
            retry_handlers=[],
        )
        with ExitStack() as stack:
            try:
                store = DemoStore(self._path, workspace.team_id, self.commits)
            except ValueError as error:
                raise UnusableDataError(str(error)) from error
            stack.callback(store.close)
            bot = build_bot(
                store,
                client,
                workspace_id=workspace.team_id,
                signing_secret=SIGNING_SECRET,
                clock=self._clock,
            )
            stack.callback(bot.stop, REPLY_SECONDS)
            if prepare is not None:
                prepare(bot)
            # Members sign by the machine's clock, because Bolt checks signatures by it.
            url = stack.enter_context(
                serve(build_http(bot.app, bot.executor, SIGNING_SECRET, SystemClock()))
            )
            bot.notification_worker.start()
            functions = Functions(store, self._settings(), self._count_start)
            stack.callback(functions.stop)
            store.on_commit = bot.notification_worker.schedule
            self._functions, self._bot = functions, bot
            self._deliver = over_http(f"{url}/slack/events")
            self._running = stack.pop_all()

    def _count_start(self) -> None:
        self.functions_started += 1

    def _settings(self) -> Settings:
        """Return the settings of the functions: those of an account with the usual quota."""
        return Settings(
            store="dynamodb",
            slack_api_url=f"{self.workspace.url}/api/",
            bot_token=self.workspace.app.bot_token,
            signing_secret=SIGNING_SECRET,
            workspace_id=self.workspace.team_id,
            concurrency=1000,
        )

    def stop(self) -> None:
        """Stop the bot after it has finished its current requests."""
        self._deliver = self._functions = self._bot = None
        if self._running is not None:
            self._running.close()
            self._running = None

    @property
    def ahead(self) -> timedelta:
        """How far the bot's clock is ahead of the machine's."""
        return self._clock.ahead

    def move_clock(self, hours: int) -> None:
        """Move the clock forward. On the way, the bot does what is due in each hour, unless it is stopped."""
        gives_up = time.monotonic() + DELIVERY_SECONDS
        for _ in range(hours):
            self._clock.move(1)
            bot = self._bot
            if bot is None:
                continue
            bot.service.sweep()
            # Each message carries the time at which it is sent.
            while bot.notification_worker.undelivered_since() and time.monotonic() < gives_up:
                time.sleep(POLL_SECONDS)  # the worker's thread delivers, and gives no sign

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
        """Deliver a request to the bot. Raises `ConnectionRefusedError` while it is stopped."""
        deliver = self._deliver
        if deliver is None:
            raise ConnectionRefusedError("the bot is stopped")
        return deliver(body, headers)

    def deliver_to_functions(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
        """Deliver a request to a Lambda function. Raises `ConnectionRefusedError` while the bot is stopped."""
        functions = self._functions
        if functions is None:
            raise ConnectionRefusedError("the bot is stopped")
        return functions.deliver(body, headers)


@contextmanager
def demo(port: int, data: Path, *, empty: bool, reset: bool) -> Iterator[str]:
    """Run the demo and yield its URL. New data gets two events unless it is `empty`.

    Raises `PortUnavailableError` and `UnusableDataError`.
    """
    # The workspace closes last, after everything that uses it has stopped.
    with ExitStack() as open_files, ExitStack() as running:
        app = build_server()
        # Bind the port first: if a demo is already running, keep its data.
        url = running.enter_context(serve(app, port))
        if reset:
            delete_data(data)
        is_new = not (data / WORKSPACE_FILE).exists()
        installed = read_manifest(MANIFEST)
        clock = DemoClock(data / CLOCK_FILE)
        workspace = demo_workspace(
            installed, now=lambda: clock.now().timestamp(), path=data / WORKSPACE_FILE
        )
        open_files.callback(workspace.close)
        workspace.url = url
        app.state.slack_api = api = SlackApi(workspace)
        bot = DemoBot(workspace, data, clock)
        running.callback(bot.stop)
        seed = partial(seed_events, workspace=workspace, now=clock.now())
        bot.start(seed if is_new and not empty else None)
        member_client = MemberClient(workspace, bot.deliver, SIGNING_SECRET)
        to_functions = MemberClient(workspace, bot.deliver_to_functions, SIGNING_SECRET)
        app.state.backstage = backstage = Backstage(member_client, to_functions, api, bot)
        running.callback(backstage.end_rush)
        app.state.member_client = member_client
        yield url


def delete_data(data: Path) -> None:
    """Delete the demo's files in `data`, and no others."""
    for name in (WORKSPACE_FILE, CLOCK_FILE, "rollcall.sqlite"):
        for file in data.glob(f"{name}*"):
            file.unlink()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    parser.add_argument("--port", type=int, default=8765, help="port of the page (default: 8765)")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".rollcall"),
        help="folder for the demo's data (default: .rollcall)",
    )
    parser.add_argument("--empty", action="store_true", help="give new data no demo events")
    parser.add_argument("--reset", action="store_true", help="delete the demo's data, then start")
    return parser.parse_args(argv)


def _elsewhere(arguments: argparse.Namespace) -> str:
    """Return arguments for a port that is free now. The data is another's, in case a demo has that port."""
    with closing(bind(0)) as free:
        port = free.getsockname()[1]
    data = arguments.data / str(port)
    return shlex.join(
        ["--port", str(port), "--data", str(data), *(["--empty"] if arguments.empty else [])]
    )


def main(argv: list[str] | None = None) -> int:
    """Run the demo until Ctrl-C or SIGTERM. Return the exit status."""
    arguments = _arguments(argv)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        with demo(
            arguments.port, arguments.data, empty=arguments.empty, reset=arguments.reset
        ) as url:
            print(f"Rollcall playground: {url}  (press Ctrl-C to stop)", flush=True)
            stop.wait()
    except PortUnavailableError as error:
        print(f"Can't use port {arguments.port} on {HOST}: {error.strerror}.", file=sys.stderr)
        print(f'Choose another port:  make demo ARGS="{_elsewhere(arguments)}"', file=sys.stderr)
        return 1
    except UnusableDataError as error:
        print(error, file=sys.stderr)
        reset = f"--data {arguments.data} --reset"
        print(f'To delete the data and start afresh:  make demo ARGS="{reset}"', file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
