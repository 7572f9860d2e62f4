"""The picture of how full the occurrences of a series were (R13)."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

from bot.features.export.fullness_picture import MAX_ROWS, fullness_picture
from bot.features.export.series_spreadsheet import attendance_file
from bot.slack.files import MAX_ALT_TEXT
from domain.enums import EventStatus
from domain.models import Event
from tests.support.builders import an_event
from tests.support.environment import START


def picture(*events: Event) -> Image.Image:
    return Image.open(BytesIO(fullness_picture(events)))


def occurrence(number: int = 0, **values: Any) -> Event:
    given: dict[str, Any] = {"capacity": 20, "starts_at": START + number * timedelta(weeks=1)}
    return an_event(**given | values)


@pytest.mark.parametrize(
    "values",
    [
        {"registered_count": 1},
        {"registered_count": 20},
        {"registered_count": 20, "waitlist_count": 1},
        {"registered_count": 20, "waitlist_count": 5_000},
        {"registered_count": 100_000, "capacity": 100_000},
        {"status": EventStatus.CANCELED},
    ],
)
def test_occurrences_that_differ_look_different(values: dict[str, Any]) -> None:
    assert picture(occurrence(**values)).tobytes() != picture(occurrence()).tobytes()


def test_waitlist_is_hatched() -> None:
    """Without colors, a line through its bar changes between light and dark again and again."""

    def changes(**values: Any) -> int:
        gray = picture(occurrence(registered_count=20, **values)).convert("L")
        middle = gray.height - 80
        line = gray.crop((300, middle, 1_000, middle + 1)).tobytes()
        return sum((left < 160) != (right < 160) for left, right in pairwise(line))

    assert changes(waitlist_count=20) > changes() + 20


def test_only_the_last_ones_are_shown() -> None:
    many = [occurrence(number) for number in range(MAX_ROWS + 8)]
    assert picture(*many).tobytes() == picture(*many[-MAX_ROWS:]).tobytes()


def test_alt_text_fits_and_has_the_last_dates() -> None:
    many = [occurrence(number, registered_count=12, waitlist_count=7) for number in range(60)]
    (file,) = attendance_file(an_event(), many, BytesIO()).beside
    assert len(file.alt_text) <= MAX_ALT_TEXT
    assert file.alt_text.endswith("12 of 20 seats, 7 on the waitlist")
