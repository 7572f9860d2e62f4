"""The demo's command line."""

import os
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from playground.__main__ import _arguments, delete_data, demo, main
from playground.demo.http_server import build_server, serve
from playground.demo.seed import EVENTS
from tests.support.slack.page_client import Browser


def test_port_in_use_is_an_error_with_a_suggestion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(build_server()) as url:
        port = url.rpartition(":")[2]
        assert main(["--port", port, "--data", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert f"Can't use port {port} on 127.0.0.1" in error
        (advice,) = re.findall(r'make demo ARGS="(.*)"', error)
        chosen = _arguments(shlex.split(advice))
        with demo(chosen.port, chosen.data, empty=True, reset=False) as other:
            assert other != url
        assert chosen.data != tmp_path


def test_port_that_is_none_is_an_error_with_a_suggestion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "70000", "--data", str(tmp_path)]) == 1
    assert "Can't use port 70000 on 127.0.0.1: a port is a number" in capsys.readouterr().err


def test_data_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """R10.6."""
    before = os.umask(0)
    try:
        with demo(0, tmp_path / "data", empty=True, reset=False):
            files = [*(tmp_path / "data").iterdir()]
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        os.umask(before)
    assert {file.name for file in files} >= {"playground.sqlite", "rollcall.sqlite"}


def test_data_of_another_version_is_an_error_with_a_suggestion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "rollcall.sqlite")) as file:
        file.execute("CREATE TABLE events (event_id TEXT)")
        file.commit()
    assert main(["--port", "0", "--data", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "rollcall.sqlite" in error
    assert f'make demo ARGS="--data {tmp_path} --reset"' in error


def test_reset_deletes_only_the_demos_data(tmp_path: Path) -> None:
    for name in ("playground.sqlite", "playground.sqlite-wal", "letters.txt", "other.sqlite"):
        (tmp_path / name).touch()
    delete_data(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {"letters.txt", "other.sqlite"}


def test_empty_demo_has_members_and_no_events(tmp_path: Path) -> None:
    with demo(0, tmp_path, empty=True, reset=False) as url:
        amara = Browser(url, "U0AMARA")
        assert amara.get("/page/messages", channel=EVENTS) == []
        assert len(amara.get("/page/state")["members"]) == 7


def test_demo_starts_with_two_events_and_one_is_nearly_full(tmp_path: Path) -> None:
    with demo(0, tmp_path, empty=False, reset=False) as url:
        cards = Browser(url, "U0AMARA").get("/page/messages", channel=EVENTS)
        assert [card["text"].rpartition(": ")[2] for card in cards] == [
            "3 of 4 seats taken",
            "2 of 20 seats taken",
        ]


def test_data_that_began_empty_gets_no_events_later(tmp_path: Path) -> None:
    with demo(0, tmp_path, empty=True, reset=False):
        pass
    with demo(0, tmp_path, empty=False, reset=False) as url:
        assert Browser(url, "U0AMARA").get("/page/messages", channel=EVENTS) == []


def test_channels_keep_their_order_after_a_restart(tmp_path: Path) -> None:
    def names(url: str) -> list[str]:
        return [each["name"] for each in Browser(url, "U0AMARA").get("/page/state")["channels"]]

    with demo(0, tmp_path, empty=True, reset=False) as url:
        before = names(url)
    with demo(0, tmp_path, empty=True, reset=False) as url:
        assert names(url) == before == ["general", "events", "random", "leads", "directmessage"]
