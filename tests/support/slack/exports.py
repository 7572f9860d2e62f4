"""The CSV files that exports send."""

from __future__ import annotations

import csv
import io

from playground.workspace.state import StoredFile
from tests.support.slack.harness import SlackHarness, files


def rows(file: StoredFile) -> list[list[str]]:
    """Return a CSV file's rows, the header first."""
    assert file.content is not None
    return list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))


def exported(harness: SlackHarness, user_id: str) -> list[list[str]]:
    """Return the rows of the one file that a member got, without the header."""
    (file,) = files(harness, user_id)
    return rows(file)[1:]
