"""A function under Lambda's own client, `awslambdaric`, and a Runtime API on the loopback address that calls it.

As Lambda does, it freezes the process after each answer, thaws it for the next event, and kills it when its time
is over. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.npm import runtime_client

ROOT = Path(__file__).parents[3]
LOOPBACK = "127.0.0.1"
VERSION = "/2018-06-01/runtime"


class Killed(Exception):
    """The function did not answer in its time, and its process was killed."""


class Failed(Exception):
    """The function, or its start, raised an error."""


@dataclass(frozen=True)
class Invocation:
    """An event on its way to the function."""

    request_id: str
    event: bytes
    deadline_ms: int


class RuntimeApi(ThreadingHTTPServer):
    """The Runtime API of one process."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.next: queue.Queue[Invocation] = queue.Queue()
        self.answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.path == f"{VERSION}/invocation/next", self.path
        invocation = self.server.next.get()
        self._answer(
            200,
            invocation.event,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:f",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(202, b"{}", {})
        self.server.answers.put((self.path.rpartition("/")[2], body))

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        sent = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class LambdaFunction:
    """One copy of a function, started by its first event. Raises `Unobtainable` without `awslambdaric`."""

    def __init__(self, name: str, env: Mapping[str, str], *, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._env = {
            **os.environ,
            **env,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(runtime_client()))),
            "AWS_LAMBDA_FUNCTION_NAME": f"rollcall-test-{name}",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "LAMBDA_TASK_ROOT": str(ROOT),
        }

    def _start(self) -> None:
        self._api = RuntimeApi()
        host, port = self._api.server_address[:2]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "awslambdaric"),
                f"bot.entrypoints.lambda_functions.{self._name}_function",
            ],
            env={**self._env, "AWS_LAMBDA_RUNTIME_API": f"{host!s}:{port}"},
            cwd=ROOT,
        )

    @property
    def process_id(self) -> int | None:
        """The id of the process, None before the first event and after a kill."""
        return None if self._process is None else self._process.pid

    def invoke(self, event: object, *, killed_after: float | None = None) -> Any:
        """Return the function's answer to an event. Raise `Failed` or `Killed`.

        `killed_after` kills the process earlier than the function is told, as the loss of its machine would.
        """
        body = json.dumps(event).encode()
        if self._process is None:
            self._start()
        else:
            self._process.send_signal(signal.SIGCONT)
        assert self._process is not None
        self._number += 1
        deadline = time.time() + self._seconds  # noqa: TID251  # another process compares it with its clock
        self._api.next.put(Invocation(f"request-{self._number}", body, int(deadline * 1000)))
        try:
            kind, body = self._api.answers.get(timeout=killed_after or self._seconds)
        except queue.Empty:
            self.kill()
            raise Killed from None
        self._process.send_signal(signal.SIGSTOP)
        if kind != "response":
            self.kill()
            raise Failed(body.decode())
        return json.loads(body)

    def kill(self) -> None:
        """Kill the process, if there is one. The next event starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._api.shutdown()
            self._api.server_close()
