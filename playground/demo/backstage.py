"""Backstage, the demo's control panel: Slack's condition, the bot's on/off switch, the clock, and the rush."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from playground.client.member_client import MemberClient
from playground.demo.rush import MAX_MEMBERS, Counts, Rush, primary_buttons
from playground.web_api.fault_injection import DefaultFault, Fault, for_method
from playground.web_api.server import METHODS, Call, SlackApi
from playground.workspace.model import Json

MOST_HOURS = 4 * 7 * 24
"""How far one press may move the clock."""

SLOW_SECONDS = 1.5
RATE_LIMIT_SECONDS = 1
_CALLS_SHOWN = 100

RESPONSE_URLS = "response_url"
"""The name under which calls of response URLs are recorded."""

OFFERED_METHODS = (*sorted(METHODS), RESPONSE_URLS)
"""The methods that Slack's condition can be limited to."""


class BotProcess(Protocol):
    """A bot that can be started and stopped.

    `commits` has the number of commands in each commit, `functions_started` that of Lambda functions.
    """

    commits: list[int]
    functions_started: int

    @property
    def is_running(self) -> bool:
        """Whether the bot accepts requests."""
        ...

    def start(self) -> None:
        """Start the bot unless it is running."""
        ...

    def stop(self) -> None:
        """Stop the bot after it has finished its current requests, unless it is stopped."""
        ...

    @property
    def ahead(self) -> timedelta:
        """How far the bot's clock is ahead of the machine's."""
        ...

    def move_clock(self, hours: int) -> None:
        """Move the clock forward; unless it is stopped, the bot does what is due on the way."""
        ...


def fault_for(condition: str) -> DefaultFault:
    """Return the fault for `normal`, `slow`, `rate_limited` or `down`. Raises `LookupError`."""
    match condition:
        case "normal":
            return None
        case "slow":
            return Fault.slow(SLOW_SECONDS)
        case "rate_limited":
            return one_call_per_second()
        case "down":
            return Fault.server_error(503)
    raise LookupError(f"Unknown condition {condition!r}.")


def one_call_per_second(
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[str], Fault | None]:
    """Return a rate limiter like Slack's: one call per method per second, then 429 with `Retry-After`.

    Response URLs have no limit.
    """
    last_calls: dict[str, float] = {}

    def decide(method: str) -> Fault | None:
        now = clock()
        if (
            method != RESPONSE_URLS
            and now - last_calls.get(method, now - RATE_LIMIT_SECONDS) < RATE_LIMIT_SECONDS
        ):
            return Fault.rate_limited(RATE_LIMIT_SECONDS)
        last_calls[method] = now
        return None

    return decide


class Backstage:
    """The controls of one demo. Thread-safe."""

    def __init__(
        self,
        member_client: MemberClient,
        to_functions: MemberClient,
        api: SlackApi,
        bot: BotProcess,
    ) -> None:
        """Create the controls. Members whose requests go to Lambda functions use `to_functions`."""
        self._member_client = member_client
        self._to_functions = to_functions
        self._api = api
        self._bot = bot
        self._lock = threading.Lock()
        self._condition = "normal"
        self._method = ""
        self._rush: Rush | None = None

    def set_slack(self, condition: str, method: str = "") -> None:
        """Set Slack's condition, see `fault_for`, for one method or for all. Raises `LookupError`."""
        if method and method not in OFFERED_METHODS:
            raise LookupError(f"Unknown method {method!r}.")
        fault = fault_for(condition)
        self._api.faults.set_default(for_method(method, fault) if method else fault)
        self._condition, self._method = condition, method
        self._announce()

    def set_bot(self, *, running: bool) -> None:
        """Start or stop the bot, and wait until it has."""
        with self._lock:
            if running:
                self._bot.start()
            else:
                self._bot.stop()
        self._announce()

    def move_clock(self, hours: int) -> None:
        """Move the demo's clock forward. Raises `LookupError` for more hours than four weeks have, or none."""
        if not 1 <= hours <= MOST_HOURS:
            raise LookupError(f"Choose 1 to {MOST_HOURS} hours.")
        with self._lock:
            self._bot.move_clock(hours)
        self._announce()

    def start_rush(
        self, member_id: str, channel_id: str, ts: str, size: int, *, on_lambda: bool = False
    ) -> None:
        """Start a rush on a message's primary button, which the bot's process handles, or Lambda functions.

        Raises `LookupError` if there is no such button, or another rush is running.
        """
        offered = primary_buttons(self._member_client, member_id)
        button = next((b for b in offered if (b.channel_id, b.ts) == (channel_id, ts)), None)
        if button is None:
            raise LookupError("This button no longer exists.")
        if not 1 <= size <= MAX_MEMBERS:
            raise LookupError(f"Choose 1 to {MAX_MEMBERS:,} members.")
        if on_lambda and self._bot.ahead:
            raise LookupError(
                "The Lambda functions’ clock can’t be moved. To use them, start the demo with --reset."
            )
        with self._lock:
            if self._rush is not None and not self._rush.is_over:
                raise LookupError("Another rush is still running.")
            number = self._rush.number + 1 if self._rush else 1
            self._rush = Rush(
                self._to_functions if on_lambda else self._member_client,
                button,
                size,
                Counts(self._bot.commits, lambda: self._bot.functions_started),
                number,
                is_on_lambda=on_lambda,
            )
        threading.Thread(target=self._rush.run, name="rush", daemon=True).start()

    def end_rush(self) -> None:
        """Have no member of a rush press or wait any more."""
        if self._rush is not None:
            self._rush.end()

    def summary(self) -> Json:
        """Return the part that all members' pages show."""
        return {
            "slack": self._condition,
            "method": self._method,
            "bot": self._bot.is_running,
            "ahead": self._bot.ahead.total_seconds(),
        }

    def as_json(self, member_id: str, *, rush: int, after: int) -> Json:
        """Return everything; of the results of the rush with number `rush`, those after the first `after`."""
        latest = self._rush
        return self.summary() | {
            "buttons": [
                asdict(button) for button in primary_buttons(self._member_client, member_id)
            ],
            "methods": OFFERED_METHODS,
            "calls": [_call_json(call) for call in self._api.latest(_CALLS_SHOWN)],
            "rush": latest and latest.as_json(after if latest.number == rush else 0),
        }

    def _announce(self) -> None:
        ledger = self._member_client.workspace.ledger
        with ledger.lock:
            ledger.announce("backstage")


def _call_json(call: Call) -> Json:
    fault = call.fault
    if call.ok:
        outcome = f"ok after {fault.delay:g} s" if fault else "ok"
    elif fault:
        outcome = f"{fault.status} {fault.error or ''}".strip()
    else:
        outcome = str(call.response.get("error"))
    return {"method": call.method, "ok": call.ok, "outcome": outcome}


def _backstage(request: Request) -> Backstage:
    backstage: Backstage | None = request.app.state.backstage
    if backstage is None:
        raise HTTPException(404, "This server has no Backstage.")
    return backstage


async def _read(request: Request) -> Response:
    query = request.query_params
    rush, after = int(query.get("rush", 0)), int(query.get("after", 0))
    return JSONResponse(_backstage(request).as_json(query["member"], rush=rush, after=after))


async def _switch(request: Request) -> Response:
    backstage, body = _backstage(request), await request.json()
    switches: dict[str, Callable[[], None]] = {
        "slack": lambda: backstage.set_slack(body["slack"], body.get("method", "")),
        "bot": lambda: backstage.set_bot(running=bool(body["running"])),
        "clock": lambda: backstage.move_clock(int(body["hours"])),
        "rush": lambda: backstage.start_rush(
            body["member"],
            body["channel"],
            body["ts"],
            int(body["size"]),
            on_lambda=bool(body.get("lambda")),
        ),
    }
    try:
        switch = switches[request.path_params["switch"]]
        await asyncio.get_running_loop().run_in_executor(request.app.state.executor, switch)
    except (LookupError, TypeError, ValueError) as error:
        return JSONResponse({"failure": str(error)})
    return JSONResponse({"failure": None})


def routes() -> list[Route]:
    """Return Backstage's routes.

    The application's state must have an `executor` and a `backstage`, which may be None.
    """
    return [
        Route("/backstage", _read),
        Route("/backstage/{switch}", _switch, methods=["POST"]),
    ]
