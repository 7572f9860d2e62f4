"""Presses buttons as fast as a bot answers, or so many times a second: `python -m tests.benchmarks.clicking`.

A process of its own, so that what it does costs the bot nothing but the machine. Arguments: the bot's
address, the signing secret, and clicks a second, 0 for as many as go. Standard input has a request's
body on each line; standard output gets one line, the seconds that each took and the seconds of the whole.
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

AT_ONCE = 64
"""Connections: as many as the bot has threads."""


def press(bodies: Sequence[bytes], url: str, secret: str, rate: float) -> tuple[list[float], float]:
    """Return how long each answer took, and all of them together.

    At a rate, a click's time counts from when it was to be pressed, not from when a connection was free.
    """
    waiting = deque(enumerate(bodies))
    took: list[float] = []
    here = threading.Barrier(AT_ONCE + 1)
    begun = [0.0]

    def one_of_many() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.connect()
        here.wait()
        here.wait()
        while True:
            try:
                number, body = waiting.popleft()
            except IndexError:
                connection.close()
                return
            due = begun[0] + number / rate if rate else time.perf_counter()
            _wait_until(due)
            _send(connection, body, secret)
            took.append(time.perf_counter() - due)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = [threads.submit(one_of_many) for _ in range(AT_ONCE)]
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
    now = int(time.time())  # noqa: TID251  # the bot compares it with its own
    headers = signed(body, secret, now) | {"content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/slack/events", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 200, (answer.status, said)


def main() -> None:
    """Press what standard input has."""
    url, secret, rate = sys.argv[1:]
    bodies = [line.rstrip(b"\n") for line in sys.stdin.buffer]
    sys.stdout.write(json.dumps(press(bodies, url, secret, float(rate))) + "\n")


if __name__ == "__main__":
    main()
