"""Requests made up from openapi.json, right ones and wrong ones: each is answered as the description says."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from bot.api.app import build_api
from domain.inputs import MAX_OPTIONS_LENGTH, utf16_length
from tests.support.api.api_client import BEARER, TOKEN
from tests.support.api.openapi import COMMITTED
from tests.support.counting import Count
from tests.support.environment import ManualClock, ids, new_event, new_users, service_on
from tests.support.scale import scaled
from tests.support.series import new_series
from tests.support.stores import Kind, empty_store

YEARS = {"registrationDeadline": "2090", "date": "2100", "endDate": "2110"}
"""Years for each of an event's times, to keep them in order, which no schema can say."""

STARTS_AT = datetime(2100, 1, 1, tzinfo=UTC)
"""The start of the existing event, in the year of every date, so each of its times can be changed alone."""

OPERATIONS = [
    (method.upper(), path)
    for path, operations in json.loads(COMMITTED.read_text())["paths"].items()
    for method in operations
]

QUESTIONS = (
    {"question_id": "notes", "text": "Anything else?", "kind": "text"},
    {"question_id": "days", "text": "Days?", "kind": "several", "options": ["Monday", "Friday"]},
)
"""What the existing events ask. No answer is required."""

KNOWN = ("known1", "known2")
"""Users and events that are there, or were: half of the made-up requests are about them."""

KNOWN_SERIES = ("series1", "series2")
"""Likewise. They begin when the existing events do, so they have no occurrences."""

schemathesis.openapi.format("time-zone", st.sampled_from(sorted(available_timezones())))
schemathesis.openapi.format(
    "iso-8601",
    st.builds(
        "2100-{:02}-{:02}T{:02}:{:02}{}".format,
        *(st.integers(1, 12), st.integers(2, 28), st.integers(0, 23), st.integers(0, 59)),
        st.sampled_from(["Z", "+00:00", "+05:45", "-1130", "+14:00"]),
    ),
)


def consistent(case: Case[Any]) -> Case[Any]:
    """Make a right request right as a whole: zones that there are, times in an order, the path's own id."""
    if isinstance(case.body, dict):
        if case.method == "PUT":
            for name in ("userId", "eventId", "status"):
                case.body.pop(name, None)
        zone = case.body.get("timeZone")
        if isinstance(zone, str) and zone not in available_timezones():
            case.body["timeZone"] = "Asia/Kathmandu"
        for name, year in YEARS.items():
            moment = case.body.get(name)
            if isinstance(moment, str):
                rest = moment[4:] if moment.startswith("2100-") else "-05-24T18:00Z"
                case.body[name] = year + rest
        if case.path.startswith("/series"):
            fit_series(case.body)
        fit_together(case.body.get("questions"))
        made_up = case.body.get("answers")
        if isinstance(made_up, dict):
            case.body["answers"] = fitting(made_up)
    if case.query:
        case.query.pop("cursor", None)
    return case


def fit_series(body: dict[str, Any]) -> None:
    """Give a series a rule that has a date, and a deadline and a waitlist that suit it."""
    recurrence = body.get("recurrence")
    if isinstance(recurrence, dict):
        if recurrence.pop("until", None) is not None:
            recurrence["times"] = 3
        recurrence.pop("leftOut", None)
    body.pop("registrationDeadline", None)
    if body.get("missedFirst"):
        body["hasWaitlist"] = True
    if body.get("fromOccurrence") is not None:
        del body["fromOccurrence"]


def fit_together(questions: Any) -> None:
    """Give each question that has an id one of its own, and few enough options if all are too long."""
    options = [option for question in questions or [] for option in question.get("options", [])]
    for number, question in enumerate(questions or []):
        if question.get("questionId") is not None:
            question["questionId"] = f"q{number}"
        if sum(map(utf16_length, options)) > MAX_OPTIONS_LENGTH:
            question["options"] = question.get("options", [])[:1]


def fitting(made_up: Mapping[str, Any]) -> Any:
    """Return as many answers as were made up, at most one to each of the questions."""
    texts = [answer for answer in made_up.values() if isinstance(answer, str)]
    lists = [answer for answer in made_up.values() if isinstance(answer, list)]
    notes = {"notes": texts[0]} if texts else {}
    return notes | ({"days": ["Monday", "Friday"][: len(lists[0])]} if lists else {})


def texts_in(part: object) -> Iterator[str]:
    """Yield every text in a body, however deep, but for names."""
    match part:
        case str():
            yield part
        case dict():
            yield from texts_in([*part.values()])
        case list():
            for one in part:
                yield from texts_in(one)


def is_wrong(case: Case[Any]) -> bool:
    """Return whether a wrong request is wrong to the server, too.

    An empty list in a query is not sent. Space around a text is not counted, nor are control characters.
    """
    return [] not in (case.query or {}).values() and all(
        text == text.strip() and "Cc" not in map(unicodedata.category, text)
        for text in texts_in(case.body)
    )


def about_known(case: Case[Any]) -> Case[Any]:
    """Let half of the requests be about who and what is there."""
    for part in (case.body, case.path_parameters):
        if isinstance(part, dict):
            for name in ("userId", "eventId", "seriesId"):
                if name in part:
                    known = KNOWN_SERIES if name == "seriesId" else KNOWN
                    part[name] = _known(part[name], known)
            user_ids = part.get("userIds")
            if isinstance(user_ids, list):
                part["userIds"] = [_known(one, KNOWN) for one in user_ids]
    return case


def _known(value: Any, known: Sequence[str]) -> Any:
    if isinstance(value, str) and re.fullmatch("[A-Za-m][A-Za-z0-9._:-]{0,63}", value):
        return known[len(value) % 2]
    return value


@contextmanager
def described(kind: Kind) -> Iterator[Any]:
    """Give the API on an empty store but for what is known, as its own description has it."""
    with empty_store(kind) as store:
        service = service_on(store)
        new_users(service, *KNOWN)
        for event_id in KNOWN:
            new_event(service, event_id, capacity=1, starts_at=STARTS_AT, questions=QUESTIONS)
            service.register(event_id, KNOWN[0], {"days": ("Friday",)})
        for series_id in KNOWN_SERIES:
            new_series(service, series_id, starts_at=STARTS_AT, questions=QUESTIONS)
            service.register(series_id, KNOWN[0], {"days": ("Friday",)})
        api = build_api(service, tokens=[TOKEN], clock=ManualClock(), new_id=ids("reference"))
        yield schemathesis.openapi.from_asgi("/openapi.json", api)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    ("kind", "examples"),
    [
        pytest.param("sqlite", 3, id="few", marks=pytest.mark.short),
        pytest.param("sqlite", 50, id="sqlite", marks=pytest.mark.soak),
        pytest.param("local", 50, id="local", marks=pytest.mark.soak),
    ],
)
def test_responses_match_the_openapi_description(
    kind: Kind, method: str, path: str, examples: int, count: Count
) -> None:
    answered = 0
    with described(kind) as api:
        operation = api[path][method]
        right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

        @seed(0)
        @settings(max_examples=scaled(examples), suppress_health_check=list(HealthCheck))
        @given(case=(right.map(consistent) | wrong.filter(is_wrong)).map(about_known))
        def answers(case: Case[Any]) -> None:
            nonlocal answered
            answered += 1
            case.call_and_validate(headers=BEARER)

        answers()
    count("requests over HTTP that were made up", answered)
