"""A bot with one listener that does nothing or only replies: `python -m tests.benchmarks.bare_bot SECRET HOW`.

It shows Bolt's own cost, behind the same HTTP server and with as many threads as Rollcall. HOW is
`silent`, or `replying` with Bolt's `respond`.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from slack_bolt import Ack, App, Respond
from slack_bolt.authorization import AuthorizeResult

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import THREADS
from bot.entrypoints.http_server import build_http
from bot.entrypoints.system import SystemClock


def main() -> None:
    """Serve until the process is terminated."""
    secret, how = sys.argv[1:]
    threads = ThreadPoolExecutor(THREADS)
    app = App(
        signing_secret=secret,
        process_before_response=True,
        listener_executor=threads,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1"),
    )

    @app.action(ActionId.REGISTER)
    def pressed(ack: Ack, respond: Respond) -> None:
        if how == "replying":
            respond("Pressed", response_type="ephemeral", replace_original=False)
        ack()

    uvicorn.run(build_http(app, threads, secret, SystemClock()), host="127.0.0.1", port=0)


if __name__ == "__main__":
    main()
