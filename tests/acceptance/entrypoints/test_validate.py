"""`rollcall validate` with the surfaces of the tests, against the stand-in's `blocks.validate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.entrypoints.cli import main
from bot.entrypoints.validate import problems
from playground.web_api.fault_injection import Fault
from tests.support.slack.harness import SlackHarness
from tests.support.slack.rendered import lines

GOOD = {"text": "Hi", "blocks": [{"type": "divider", "block_id": "d"}]}
WRONG = {"text": "Hi", "blocks": [{"type": "section", "block_id": "s"}]}


@pytest.fixture
def configured(harness: SlackHarness) -> dict[str, str]:
    return {
        "SLACK_API_URL": f"{harness.workspace.url}/api",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
    }


def file_of(tmp_path: Path, **surfaces: Mapping[str, Any]) -> str:
    path = tmp_path / "surfaces.jsonl"
    path.write_text(
        "".join(f"{json.dumps({'name': n, 'surface': s})}\n" for n, s in surfaces.items())
    )
    return str(path)


def test_every_surface_of_the_tests_is_sent(
    harness: SlackHarness,
    configured: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rendered = lines()
    path = tmp_path / "surfaces.jsonl"
    path.write_text("\n".join(rendered))
    assert main(["validate", str(path)], configured) == 0
    assert f"accepted: {len(rendered)}, refused: 0" in capsys.readouterr().out
    calls = harness.api.calls("blocks.validate")
    assert {kind for call in calls for kind in call.args} == {"message", "view"}
    assert len(calls) == len(rendered) > 50


def test_refused_surface_is_named_with_slacks_reason(
    harness: SlackHarness,
    configured: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = file_of(tmp_path, good=GOOD, wrong=WRONG)
    assert main(["validate", path], configured) == 1
    printed = capsys.readouterr().out
    assert "refused: wrong: failed_constraint: " in printed
    assert "accepted: 1, refused: 1" in printed
    harness.workspace.refusals.clear()


def test_without_a_token_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", file_of(tmp_path, good=GOOD)], {}) == 2
    printed = capsys.readouterr().err
    assert "SLACK_BOT_TOKEN is missing" in printed
    assert "ROLLCALL_STORE" not in printed


def test_rejected_token_is_no_refusal_of_a_surface(
    harness: SlackHarness,
    configured: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = configured | {"SLACK_BOT_TOKEN": "xoxb-old"}
    assert main(["validate", file_of(tmp_path, good=GOOD)], given) == 2
    assert "SLACK_BOT_TOKEN: invalid_auth" in capsys.readouterr().err
    harness.workspace.refusals.clear()


@pytest.mark.parametrize("content", ["no JSON", '{"name": "x"}', '"x"'])
def test_malformed_line_is_named(
    configured: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "surfaces.jsonl"
    path.write_text(content)
    assert main(["validate", str(path)], configured) == 2
    assert "Line 1" in capsys.readouterr().err


def test_missing_file_is_named(
    configured: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(tmp_path / "none")], configured) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_rate_limit_is_waited_for(harness: SlackHarness) -> None:
    harness.api.fail_next("blocks.validate", Fault.rate_limited(30))
    waited: list[float] = []
    assert problems(harness.client, GOOD, waited.append) == []
    assert waited == [30]


def test_file_that_is_no_text_can_not_be_read(
    configured: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "surfaces.jsonl"
    path.write_bytes(b"\xff\xfe")
    assert main(["validate", str(path)], configured) == 2
    assert "The file can't be read" in capsys.readouterr().err


def test_answer_that_is_cut_off_is_no_refusal(
    harness: SlackHarness,
    configured: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    harness.api.fail_next("blocks.validate", Fault.cut_off())
    assert main(["validate", file_of(tmp_path, good=GOOD)], configured) == 2
    assert "Slack can't be reached" in capsys.readouterr().err
