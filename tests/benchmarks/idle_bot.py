"""A bot with one listener, which does nothing: `python -m tests.benchmarks.idle_bot SECRET`.

What Bolt itself takes, behind the same front door and in as many threads as Rollcall.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult

from bot.assembly import THREADS
from bot.http import build_http
from bot.ids import ActionId


def main() -> None:
    """Serve until it is ended."""
    (secret,) = sys.argv[1:]
    threads = ThreadPoolExecutor(THREADS)
    app = App(
        signing_secret=secret,
        process_before_response=True,
        listener_executor=threads,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1"),
    )

    @app.action(ActionId.REGISTER)
    def do_nothing(ack: Ack) -> None:
        ack()

    uvicorn.run(build_http(app, threads, secret), host="127.0.0.1", port=0)


if __name__ == "__main__":
    main()
