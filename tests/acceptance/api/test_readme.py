"""The README's curl session works as printed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.slack.harness import SlackHarness
from tests.support.slack.http_process import env, running_http

TOKEN = "a-token-of-this-test"

README = Path(__file__).parents[3] / "README.md"


def test_curl_session_prints_the_readmes_responses(harness: SlackHarness, tmp_path: Path) -> None:
    (session,) = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    expected = [line[2:] for line in session.splitlines() if line.startswith("# {")]
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_SIGNING_SECRET": "0123456789",
        "ROLLCALL_API_TOKENS": f"{harness.workspace.team_id}={TOKEN}",
    }
    with running_http(env(tmp_path, **slack)) as url:
        ended = subprocess.run(
            ["sh", "-euc", session],
            env={**os.environ, "API": url, "TOKEN": TOKEN},
            capture_output=True,
            text=True,
            check=True,
        )
    harness.workspace.refusals.clear()  # Ann and Bo do not exist in Slack, so Bo's notification fails
    assert ended.stderr == ""
    answered = ended.stdout.splitlines()
    assert len(answered) == len(expected) == 10
    for answer, line in zip(answered, expected, strict=True):
        pattern = ".*".join(map(re.escape, line.split("…")))
        assert re.fullmatch(pattern, answer), f"{line}\n{answer}"
