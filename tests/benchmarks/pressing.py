"""Presses buttons as fast as a bot responds, or at a rate: `python -m tests.benchmarks.pressing URL SECRET RATE`.

It is a separate process, to leave the bot's process alone. RATE is in presses a second, 0 for no limit.
Standard input has a request's body per line. Standard output gets one line of JSON: the seconds of each
request, and of all.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from playground.client.transport import signed

CONNECTIONS = 64
"""As many as the bot has threads."""


def press(bodies: Sequence[bytes], url: str, secret: str, rate: float) -> tuple[list[float], float]:
    """Return the seconds of each response, and of all together.

    At a rate, a press starts at its scheduled time, not when a connection is free.
    """
    unsent = deque(enumerate(bodies))
    took: list[float] = []
    here = threading.Barrier(CONNECTIONS + 1)
    begun = [0.0]

    def one_of_many() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.connect()
        here.wait()
        here.wait()
        while True:
            try:
                number, body = unsent.popleft()
            except IndexError:
                connection.close()
                return
            due = begun[0] + number / rate if rate else time.perf_counter()
            _wait_until(due)
            _send(connection, body, secret)
            took.append(time.perf_counter() - due)

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        done = [threads.submit(one_of_many) for _ in range(CONNECTIONS)]
        here.wait()
        begun[0] = time.perf_counter()
        here.wait()
        for one in done:
            one.result()
    return took, time.perf_counter() - begun[0]


def _wait_until(moment: float) -> None:
    left = moment - time.perf_counter()
    if left > 0:
        time.sleep(left)  # noqa: TID251  # a benchmark is in real time


def _send(connection: http.client.HTTPConnection, body: bytes, secret: str) -> None:
    now = int(time.time())  # noqa: TID251  # the bot checks it
    headers = signed(body, secret, now) | {"content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/slack/events", body, headers)
    response = connection.getresponse()
    content = response.read()
    assert response.status == 200, (response.status, content)


def main() -> None:
    """Send the requests of standard input."""
    url, secret, rate = sys.argv[1:]
    bodies = [line.rstrip(b"\n") for line in sys.stdin.buffer]
    sys.stdout.write(json.dumps(press(bodies, url, secret, float(rate))) + "\n")


if __name__ == "__main__":
    main()
