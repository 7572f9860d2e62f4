"""The demo's command line."""

from pathlib import Path

import pytest

from playground.__main__ import forget, main
from playground.server import build_server, serve


def test_taken_port_is_a_sentence_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(build_server()) as url:
        port = url.rpartition(":")[2]
        assert main(["--port", port, "--data", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert f"Port {port} of 127.0.0.1 can't be used" in told
    assert "--port" in told


def test_reset_forgets_the_demo_and_nothing_else(tmp_path: Path) -> None:
    for name in ("playground.sqlite", "playground.sqlite-wal", "letters.txt"):
        (tmp_path / name).touch()
    forget(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["letters.txt"]
