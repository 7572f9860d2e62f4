"""Series over HTTP (R11, R13)."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.api.app import build_api
from domain.commands import RegisterOutcome
from domain.enums import RegistrationStatus
from domain.errors import NotConfirmed
from domain.service import Service
from tests.support.api.api_client import BEARER, SUPPER, TOKEN, created, got, problem
from tests.support.environment import ManualClock, ids, new_users
from tests.support.memory_store import MemoryStore
from tests.support.series import new_series
from tests.support.slack.harness import AMARA, BJORN, SlackHarness

WEEKLY = {"frequency": "weekly", "times": 10}

YOGA = {
    "seriesId": "yoga",
    "title": "Yoga",
    "date": "2130-05-23T18:00:00+02:00",
    "timeZone": "Europe/Berlin",
    "organizer": AMARA,
    "capacity": 2,
    "hasWaitlist": True,
    "recurrence": WEEKLY,
}
"""On Tuesdays, far away."""

LUNCH = {
    "questionId": "lunch",
    "text": "Which lunch?",
    "kind": "one",
    "options": ["Meat", "Vegetarian"],
    "required": True,
}


def soon(harness: SlackHarness, **values: Any) -> dict[str, Any]:
    """Return a series with three occurrences that are created at once: in 3, 10 and 17 days."""
    start = harness.clock.now() + timedelta(days=3)
    return YOGA | {"date": start.isoformat(), "daysAhead": 21} | values


@pytest.fixture
def yoga(web: TestClient, harness: SlackHarness) -> dict[str, Any]:
    """Return the series with three occurrences, and have users `a`, `b` and `c`."""
    for user_id in "abc":
        created(web.post("/users", json={"userId": user_id, "name": user_id.upper()}))
    return created(web.post("/series", json=soon(harness)))


def event(web: TestClient, number: int) -> dict[str, Any]:
    return got(web.get(f"/events/yoga-{number}"))


def test_series_is_created_with_every_field(web: TestClient, harness: SlackHarness) -> None:
    given = YOGA | {
        "description": "Bring a mat.",
        "location": "Park",
        "endDate": "2130-05-23T19:00:00+02:00",
        "coOrganizers": [BJORN],
        "registrationDeadline": "2130-05-22T18:00:00+02:00",
        "listed": False,
        "joinLink": "https://example.org/meet",
        "attendeesVisibleTo": "attendees",
        "questions": [LUNCH],
        "recurrence": {
            "frequency": "weekly",
            "interval": 2,
            "times": 3,
            "leftOut": ["2130-06-06"],
        },
        "daysAhead": 14,
        "missedFirst": True,
    }
    response = web.post("/series", json=given)
    now = harness.clock.now().isoformat().replace("+00:00", "Z")
    rule = {"frequency": "weekly", "interval": 2, "until": "2130-06-20", "leftOut": ["2130-06-06"]}
    assert created(response) == given | {
        "recurrence": rule,
        "status": "open",
        "lastOccurrence": None,
        "nextDate": given["date"],
        "changing": [],
        "registrationCount": 0,
        "createdAt": now,
        "updatedAt": now,
    }
    assert response.headers["location"] == "/series/yoga"
    assert got(web.get("/series/yoga")) == response.json()


def test_series_without_an_id_gets_one(web: TestClient) -> None:
    without = {name: value for name, value in YOGA.items() if name != "seriesId"}
    assert created(web.post("/series", json=without))["seriesId"]


@pytest.mark.parametrize(("path", "id_name"), [("/series", "seriesId"), ("/events", "eventId")])
def test_id_of_a_series_is_not_used_again(
    web: TestClient, yoga: dict[str, Any], path: str, id_name: str
) -> None:
    given = (YOGA if path == "/series" else SUPPER) | {id_name: "yoga"}
    assert problem(web.post(path, json=given), 409, "duplicate-event") == {id_name: "yoga"}


def test_numbers_may_have_a_fraction_of_zero(web: TestClient) -> None:
    """Some programs write all JSON numbers with a fraction."""
    given = {"frequency": "weekly", "interval": 2.0, "times": 3.0}
    answer = created(web.post("/series", json=YOGA | {"recurrence": given, "daysAhead": 7.0}))
    assert (answer["recurrence"]["until"], answer["daysAhead"]) == ("2130-06-20", 7)


def test_occurrences_are_events_that_name_their_series(
    web: TestClient, yoga: dict[str, Any]
) -> None:
    first = got(web.get("/series/yoga/occurrences", params={"limit": 2}))
    cursor = {"cursor": first["nextCursor"]}
    second = got(web.get("/series/yoga/occurrences", params=cursor))
    assert second["nextCursor"] is None
    found = first["items"] + second["items"]
    assert [(one["eventId"], one["seriesId"], one["occurrence"]) for one in found] == [
        (f"yoga-{number}", "yoga", number) for number in (1, 2, 3)
    ]
    assert found[0] == event(web, 1)
    assert yoga["lastOccurrence"] == 3
    assert yoga["nextDate"] > found[2]["date"] > found[1]["date"] > yoga["date"]


def test_series_are_listed_by_start_page_by_page(web: TestClient) -> None:
    for day in (3, 1, 2):
        given = {"seriesId": f"s{day}", "date": f"2130-01-0{day}T10:00Z"}
        created(web.post("/series", json=YOGA | given))
    first = got(web.get("/series", params={"limit": 2}))
    second = got(web.get("/series", params={"cursor": first["nextCursor"]}))
    ids_of = [[one["seriesId"] for one in page["items"]] for page in (first, second)]
    assert ids_of == [["s1", "s2"], ["s3"]]
    assert second["nextCursor"] is None
    assert got(web.get("/events"))["items"] == []


def test_update_changes_the_occurrences_from_one_on(web: TestClient, yoga: dict[str, Any]) -> None:
    """R13.3. What was changed in one alone stays."""
    got(web.put("/events/yoga-3", json={"location": "Roof"}))
    given = {"fromOccurrence": 2, "title": "Pilates", "location": "Park", "capacity": 9}
    after = got(web.patch("/series/yoga", json=given))
    assert (after["title"], after["capacity"], after["changing"]) == ("Pilates", 9, [])
    values = [(one["title"], one["location"]) for one in (event(web, n) for n in (1, 2, 3))]
    assert values == [("Yoga", ""), ("Pilates", "Park"), ("Pilates", "Roof")]


def test_update_without_an_occurrence_changes_only_those_to_come(
    web: TestClient, yoga: dict[str, Any], harness: SlackHarness
) -> None:
    rule = {"frequency": "weekly", "times": 1}
    date = (harness.clock.now() + timedelta(days=40)).isoformat()
    after = got(web.patch("/series/yoga", json={"date": date, "title": "Last", "recurrence": rule}))
    assert after["nextDate"] == after["date"]
    assert [event(web, number)["title"] for number in (1, 2, 3)] == ["Yoga"] * 3
    harness.clock.advance(timedelta(days=39))
    harness.bot.service.sweep()
    assert event(web, 4)["title"] == "Last"
    assert got(web.get("/series/yoga"))["nextDate"] is None


def test_rule_of_a_series_can_be_put_back(web: TestClient, yoga: dict[str, Any]) -> None:
    given = {"fromOccurrence": 1, "recurrence": yoga["recurrence"]}
    assert got(web.patch("/series/yoga", json=given))["recurrence"] == yoga["recurrence"]


@pytest.mark.parametrize("number", [4, 99])
def test_update_from_an_occurrence_that_is_not_there_is_refused(
    web: TestClient, yoga: dict[str, Any], number: int
) -> None:
    refusal = web.patch("/series/yoga", json={"fromOccurrence": number, "title": "Pilates"})
    assert problem(refusal, 422, "invalid") == {
        "field": "fromOccurrence",
        "reason": "must be the number of an occurrence that has not started",
    }


def test_capacity_below_the_registered_names_the_occurrence(
    web: TestClient, yoga: dict[str, Any]
) -> None:
    for user_id in "ab":
        created(web.post("/events/yoga-2/register", json={"userId": user_id}))
    refusal = web.patch("/series/yoga", json={"fromOccurrence": 1, "capacity": 1})
    found = problem(refusal, 409, "capacity-below-registered")
    assert (found["eventId"], found["requested"], found["registered"]) == ("yoga-2", 1, 2)


def test_series_ends_and_keeps_what_was_created(
    web: TestClient, yoga: dict[str, Any], harness: SlackHarness
) -> None:
    after = got(web.post("/series/yoga/end", json={}))
    assert (after["status"], after["nextDate"]) == ("canceled", None)
    harness.clock.advance(timedelta(days=7))
    harness.bot.service.sweep()
    assert len(got(web.get("/series/yoga/occurrences"))["items"]) == 3
    assert event(web, 3)["status"] == "open"
    refusal = web.patch("/series/yoga", json={"title": "Pilates"})
    assert problem(refusal, 409, "event-canceled") == {"seriesId": "yoga"}


def test_series_ends_with_what_was_created(web: TestClient, yoga: dict[str, Any]) -> None:
    """Also if it was ended before. Ending it again changes nothing."""
    got(web.post("/series/yoga/end", json={}))
    given = {"cancelsOccurrences": True, "reason": "No room"}
    after = got(web.post("/series/yoga/end", json=given))
    assert [event(web, number)["status"] for number in (1, 2, 3)] == ["canceled"] * 3
    assert got(web.post("/series/yoga/end", json=given)) == after


def test_deleted_series_leaves_its_occurrences(web: TestClient, yoga: dict[str, Any]) -> None:
    assert web.delete("/series/yoga").status_code == 204
    assert problem(web.get("/series/yoga"), 404, "unknown-series") == {"seriesId": "yoga"}
    assert event(web, 1)["seriesId"] == "yoga"


def test_registration_for_all_registers_in_each_occurrence(
    web: TestClient, yoga: dict[str, Any], harness: SlackHarness
) -> None:
    """R13.4: at once in those that were created, and in each new one."""
    created(web.post("/events/yoga-2/register", json={"userId": "c"}))
    first, second = (
        created(web.post("/series/yoga/register", json={"userId": user_id})) for user_id in "ab"
    )
    now = harness.clock.now().isoformat().replace("+00:00", "Z")
    registrations = second.pop("registrations")
    assert second == {
        "registrationId": "yoga:2",
        "seriesId": "yoga",
        "userId": "b",
        "position": 2,
        "registeredAt": now,
        "answers": {},
        "isFinished": True,
    }
    assert [(one["eventId"], one["status"], one["position"]) for one in registrations] == [
        ("yoga-1", "registered", None),
        ("yoga-2", "waitlisted", 1),
        ("yoga-3", "registered", None),
    ]
    assert first["position"] == 1
    harness.clock.advance(timedelta(days=4))
    harness.bot.service.sweep()
    assert harness.assert_invariants().seated("yoga-4") == ["a", "b"]


def test_registering_for_all_again_is_refused(web: TestClient, yoga: dict[str, Any]) -> None:
    created(web.post("/series/yoga/register", json={"userId": "a"}))
    refusal = web.post("/series/yoga/register", json={"userId": "a"})
    assert problem(refusal, 409, "already-registered") == {
        "seriesId": "yoga",
        "eventTitle": "Yoga",
        "userId": "a",
        "position": 1,
    }


def test_ended_series_takes_no_registrations(web: TestClient, yoga: dict[str, Any]) -> None:
    got(web.post("/series/yoga/end", json={}))
    refusal = web.post("/series/yoga/register", json={"userId": "a"})
    found = problem(refusal, 409, "registration-closed")
    assert (found["seriesId"], found["reason"]) == ("yoga", "canceled")


def test_answers_go_with_each_registration(web: TestClient, harness: SlackHarness) -> None:
    """R12.3: the rules of an event's answers hold. Later answers are for occurrences to come."""
    created(web.post("/users", json={"userId": "a", "name": "A"}))
    created(web.post("/series", json=soon(harness, questions=[LUNCH])))
    refusal = problem(web.post("/series/yoga/register", json={"userId": "a"}), 422, "invalid")
    assert refusal["field"] == "answers.lunch"
    meat, greens = {"lunch": "Meat"}, {"lunch": "Vegetarian"}
    given = {"userId": "a", "answers": meat}
    answer = created(web.post("/series/yoga/register", json=given))
    assert [one["answers"] for one in (answer, *answer["registrations"])] == [meat] * 4
    after = got(web.put("/series/yoga/register/a", json={"answers": greens}))
    assert (after["seriesId"], after["position"], after["answers"]) == ("yoga", 1, greens)
    harness.clock.advance(timedelta(days=4))
    harness.bot.service.sweep()
    answers = [
        got(web.get(f"/events/yoga-{number}/registrations"))["registered"][0]["answers"]
        for number in (3, 4)
    ]
    assert answers == [meat, greens]


def test_stopping_keeps_the_registrations_for_occurrences(
    web: TestClient, yoga: dict[str, Any]
) -> None:
    created(web.post("/series/yoga/register", json={"userId": "a"}))
    assert web.delete("/series/yoga/register/a").status_code == 204
    assert got(web.get("/series/yoga"))["registrationCount"] == 0
    assert len(got(web.get("/users/a/registrations"))["items"]) == 3
    found = problem(web.delete("/series/yoga/register/a"), 404, "not-registered")
    assert found == {"seriesId": "yoga", "eventTitle": "Yoga", "userId": "a"}


def test_registrations_for_all_are_listed_in_order(web: TestClient, yoga: dict[str, Any]) -> None:
    for user_id in "bac":
        created(web.post("/series/yoga/register", json={"userId": user_id}))
    first = got(web.get("/series/yoga/registrations", params={"limit": 2}))
    cursor = {"cursor": first["nextCursor"]}
    second = got(web.get("/series/yoga/registrations", params=cursor))
    found = [(one["userId"], one["position"]) for one in first["items"] + second["items"]]
    assert found == [("b", 1), ("a", 2), ("c", 3)]
    assert (first["registrationCount"], second["nextCursor"]) == (3, None)


def test_registration_for_all_is_no_registration_for_an_event(
    web: TestClient, yoga: dict[str, Any]
) -> None:
    created(web.post("/series/yoga/register", json={"userId": "a"}))
    found = got(web.get("/users/a/registrations"))["items"]
    assert [one["eventId"] for one in found] == ["yoga-1", "yoga-2", "yoga-3"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"title": "Pilates"}),
        ("PUT", "", {"status": "canceled"}),
        ("DELETE", "", None),
        ("POST", "/register", {"userId": "a"}),
        ("PUT", "/register/b", {"answers": {}}),
        ("DELETE", "/register/b", None),
        ("POST", "/registrations", {"userIds": ["a"]}),
        ("GET", "/registrations", None),
    ],
)
def test_routes_of_events_leave_a_series_alone(
    web: TestClient, yoga: dict[str, Any], harness: SlackHarness, method: str, path: str, body: Any
) -> None:
    created(web.post("/series/yoga/register", json={"userId": "b"}))
    before = harness.everything()
    refusal = web.request(method, f"/events/yoga{path}", json=body)
    assert problem(refusal, 404, "is-series") == {"seriesId": "yoga"}
    assert harness.everything() == before


@pytest.mark.parametrize("series_id", ["supper", "nothing", "no id, surely"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"title": "Pilates"}),
        ("DELETE", "", None),
        ("POST", "/end", {}),
        ("GET", "/occurrences", None),
        ("POST", "/register", {"userId": "a"}),
        ("PUT", "/register/a", {"answers": {}}),
        ("DELETE", "/register/a", None),
        ("GET", "/registrations", None),
    ],
)
def test_routes_of_series_leave_an_event_alone(
    *,
    web: TestClient,
    supper: dict[str, Any],
    harness: SlackHarness,
    series_id: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    before = harness.everything()
    refusal = web.request(method, f"/series/{series_id}{path}", json=body)
    assert problem(refusal, 404, "unknown-series") == {"seriesId": series_id}
    assert harness.everything() == before


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"recurrence": None}, "recurrence", "must be an object"),
        ({"recurrence": {"times": 3}}, "recurrence.frequency", "must be given"),
        ({"recurrence": {"frequency": "daily", "times": 3}}, "recurrence.frequency", "'weekly'"),
        ({"recurrence": {"frequency": "weekly"}}, "recurrence", "either a last day or a number"),
        (
            {"recurrence": WEEKLY | {"until": "2130-06-20"}},
            *("recurrence", "either a last day or a number"),
        ),
        ({"recurrence": WEEKLY | {"times": 53}}, "recurrence.times", "must be at most 52"),
        ({"recurrence": WEEKLY | {"interval": 0}}, "recurrence.interval", "must be at least 1"),
        (
            {"recurrence": {"frequency": "monthly_by_date", "interval": 2, "times": 3}},
            *("recurrence.interval", "must be 1, unless"),
        ),
        (
            {"recurrence": {"frequency": "weekly", "until": "2130-05-22"}},
            *("recurrence.until", "must not be before"),
        ),
        (
            {"recurrence": {"frequency": "weekly", "until": 20300524}},
            *("recurrence.until", "must be an ISO 8601 date"),
        ),
        (
            {"recurrence": {"frequency": "weekly", "until": "2130-05-23T18:00"}},
            *("recurrence.until", "must be an ISO 8601 date"),
        ),
        (
            {"recurrence": WEEKLY | {"leftOut": ["2130-02-30"]}},
            *("recurrence.leftOut.0", "must be an ISO 8601 date"),
        ),
        (
            {"recurrence": WEEKLY | {"times": 1, "leftOut": ["2130-05-23"]}},
            *("recurrence.leftOut", "must leave at least one"),
        ),
        ({"daysAhead": 0}, "daysAhead", "must be at least 1"),
        ({"missedFirst": True, "hasWaitlist": False}, "missedFirst", "must be false without"),
        ({"registrationDeadline": "2130-01-01T10:00Z"}, "registrationDeadline", "must be after"),
        ({"date": "2020-05-24T18:00Z"}, "date", "must be in the future"),
        ({"eventId": "yoga"}, "eventId", "is not a field here"),
    ],
)
def test_invalid_series_is_refused_with_field_and_reason(
    web: TestClient, given: dict[str, Any], field: str, reason: str
) -> None:
    refusal = problem(web.post("/series", json=YOGA | given), 422, "invalid")
    assert refusal["field"] == field
    assert reason in refusal["reason"]
    assert got(web.get("/series"))["items"] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fromOccurrence": "1"}, "fromOccurrence"),
        ({"fromOccurrence": 0}, "fromOccurrence"),
        ({"recurrence": {"frequency": "weekly"}}, "recurrence"),
        ({"date": "2020-05-24T18:00Z"}, "date"),
        ({"daysAhead": 7}, "daysAhead"),
        ({"seriesId": "other"}, "seriesId"),
    ],
)
def test_invalid_update_of_a_series_is_refused_with_the_field(
    web: TestClient, yoga: dict[str, Any], given: dict[str, Any], field: str
) -> None:
    assert problem(web.patch("/series/yoga", json=given), 422, "invalid")["field"] == field
    assert got(web.get("/series/yoga")) == yoga


class LateService(Service):
    """Confirms a registration only after its request was answered."""

    def register(self, *args: Any, **kwargs: Any) -> RegisterOutcome:
        result: Future[object] = Future()
        result.set_result(super().register(*args, **kwargs))
        raise NotConfirmed(result)


def test_registration_that_is_confirmed_late_registers_in_each_occurrence() -> None:
    """R8.12."""
    service = LateService(
        MemoryStore(),
        ManualClock(),
        new_id=ids(),
        jitter=lambda: 0.5,
        spawn=lambda _: None,
        on_commit=lambda _: None,
    )
    new_series(service, days_ahead=28)
    new_users(service, "ada")
    api = build_api(service, tokens=[TOKEN], clock=ManualClock(), new_id=ids())
    with TestClient(api, headers=BEARER) as web:
        answer = created(web.post("/series/yoga/register", json={"userId": "ada"}))
    statuses = [one["status"] for one in answer["registrations"]]
    assert statuses == [RegistrationStatus.REGISTERED] * 3
