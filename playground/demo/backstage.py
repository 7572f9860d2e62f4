"""Backstage: how Slack answers the bot, whether the bot runs, and the rush. What no member of a real Slack has."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from playground.client.member_client import MemberClient
from playground.demo.rush import MOST_MEMBERS, Rush, buttons
from playground.web_api.fault_injection import Fault, Standing
from playground.web_api.server import Call, SlackApi
from playground.workspace.model import Json

SLOW_SECONDS = 1.5
LIMIT_SECONDS = 1
_CALLS_SHOWN = 100


class RunningBot(Protocol):
    """The bot as a switch sees it; `commits` has how many commands each of its commits carried."""

    commits: list[int]

    @property
    def is_running(self) -> bool:
        """Whether it takes requests."""
        ...

    def start(self) -> None:
        """Starts it; it may run already."""
        ...

    def stop(self) -> None:
        """Stops it, once it has finished what it has in hand; it may be stopped already."""
        ...


def weather(name: str) -> Standing:
    """What every call of the bot meets: `fine`, `slow`, `limited` or `down`. Raises LookupError."""
    kinds: dict[str, Callable[[], Standing]] = {
        "fine": lambda: None,
        "slow": lambda: Fault.slow(SLOW_SECONDS),
        "limited": one_call_a_second,
        "down": lambda: Fault.server_error(503),
    }
    return kinds[name]()


def one_call_a_second(clock: Callable[[], float] = time.monotonic) -> Callable[[str], Fault | None]:
    """Rate-limits each method as Slack does: the next call is refused with the seconds to wait.

    Response URLs are not among the limited methods.
    """
    last: dict[str, float] = {}

    def decide(method: str) -> Fault | None:
        now = clock()
        if method != "response_url" and now - last.get(method, now - LIMIT_SECONDS) < LIMIT_SECONDS:
            return Fault.rate_limited(LIMIT_SECONDS)
        last[method] = now
        return None

    return decide


class Backstage:
    """The switches of one demo. Thread-safe."""

    def __init__(self, member_client: MemberClient, api: SlackApi, bot: RunningBot) -> None:
        self._member_client = member_client
        self._api = api
        self._bot = bot
        self._lock = threading.Lock()
        self._slack = "fine"
        self._rush: Rush | None = None

    def set_slack(self, name: str) -> None:
        """Changes how Slack answers from now on: see `weather`. Raises LookupError."""
        self._api.faults.stand(weather(name))
        self._slack = name
        self._tell()

    def set_bot(self, *, running: bool) -> None:
        """Starts or stops the bot, and returns once it is so."""
        with self._lock:
            if running:
                self._bot.start()
            else:
                self._bot.stop()
        self._tell()

    def start_rush(self, member_id: str, channel_id: str, ts: str, size: int) -> None:
        """Starts a rush on a message's primary button. Raises LookupError if there is none, or one is on."""
        offered = buttons(self._member_client, member_id)
        button = next((b for b in offered if (b.channel_id, b.ts) == (channel_id, ts)), None)
        if button is None:
            raise LookupError("There is no such button any more.")
        if not 1 <= size <= MOST_MEMBERS:
            raise LookupError(f"1 to {MOST_MEMBERS:,} members can press.")
        with self._lock:
            if self._rush is not None and not self._rush.is_over:
                raise LookupError("Another rush is still on.")
            number = self._rush.number + 1 if self._rush else 1
            self._rush = Rush(self._member_client, button, size, self._bot.commits, number)
        threading.Thread(target=self._rush.run, name="rush", daemon=True).start()

    def summary(self) -> Json:
        """What everybody's page shows of it."""
        return {"slack": self._slack, "bot": self._bot.is_running}

    def as_json(self, member_id: str, *, rush: int, after: int) -> Json:
        """All of it; of the answers of the rush with that number, what came after the first `after`."""
        latest = self._rush
        return self.summary() | {
            "buttons": [asdict(button) for button in buttons(self._member_client, member_id)],
            "calls": [_shown(call) for call in self._api.latest(_CALLS_SHOWN)],
            "rush": latest and latest.as_json(after if latest.number == rush else 0),
        }

    def _tell(self) -> None:
        ledger = self._member_client.workspace.ledger
        with ledger.lock:
            ledger.changed("backstage")


def _shown(call: Call) -> Json:
    met = call.fault
    if call.ok:
        outcome = f"ok, {met.late:g} s late" if met else "ok"
    elif met:
        outcome = f"{met.status} {met.error or ''}".strip()
    else:
        outcome = str(call.answer.get("error"))
    return {"method": call.method, "ok": call.ok, "outcome": outcome}


def _backstage(request: Request) -> Backstage:
    backstage: Backstage | None = request.app.state.backstage
    if backstage is None:
        raise HTTPException(404, "There is no backstage here.")
    return backstage


async def _look(request: Request) -> Response:
    asked = request.query_params
    rush, after = int(asked.get("rush", 0)), int(asked.get("after", 0))
    return JSONResponse(_backstage(request).as_json(asked["member"], rush=rush, after=after))


async def _switch(request: Request) -> Response:
    backstage, asked = _backstage(request), await request.json()
    acts: dict[str, Callable[[], None]] = {
        "slack": lambda: backstage.set_slack(asked["slack"]),
        "bot": lambda: backstage.set_bot(running=bool(asked["running"])),
        "rush": lambda: backstage.start_rush(
            asked["member"], asked["channel"], asked["ts"], int(asked["size"])
        ),
    }
    try:
        act = acts[request.path_params["switch"]]
        await asyncio.get_running_loop().run_in_executor(request.app.state.executor, act)
    except (LookupError, ValueError) as error:
        return JSONResponse({"failure": str(error)})
    return JSONResponse({"failure": None})


def routes() -> list[Route]:
    """Backstage's routes; the app's state must hold a `backstage`, perhaps None, and an `executor`."""
    return [
        Route("/backstage", _look),
        Route("/backstage/{switch}", _switch, methods=["POST"]),
    ]
