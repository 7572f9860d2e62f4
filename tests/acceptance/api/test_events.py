"""Events over HTTP (R2, R11)."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.api.api_client import SUPPER, created, got, problem
from tests.support.slack.harness import AMARA, BJORN, SlackHarness


def test_event_is_created_with_every_field(web: TestClient, harness: SlackHarness) -> None:
    given = SUPPER | {
        "description": "Bring bread.",
        "location": "Kitchen",
        "endDate": "2130-05-24T21:00:00+02:00",
        "coOrganizers": [BJORN],
        "registrationDeadline": "2130-05-23T18:00:00+02:00",
        "listed": False,
        "joinLink": "https://example.org/meet?id=1&room=a",
        "attendeesVisibleTo": "attendees",
        "questions": [
            {
                "questionId": "lunch",
                "text": "Which lunch?",
                "kind": "one",
                "options": ["Meat", "Vegetarian"],
                "required": True,
            }
        ],
    }
    response = web.post("/events", json=given)
    now = harness.clock.now().isoformat().replace("+00:00", "Z")
    assert created(response) == given | {
        "status": "open",
        "registeredCount": 0,
        "waitlistCount": 0,
        "capacityTarget": None,
        "seriesId": None,
        "occurrence": None,
        "createdAt": now,
        "updatedAt": now,
    }
    assert response.headers["location"] == "/events/supper"
    assert got(web.get("/events/supper")) == response.json()


def test_event_without_an_id_gets_one(web: TestClient) -> None:
    without = {name: value for name, value in SUPPER.items() if name != "eventId"}
    assert created(web.post("/events", json=without))["eventId"]


def test_capacity_may_have_a_fraction_of_zero(web: TestClient) -> None:
    """Some programs write all JSON numbers with a fraction."""
    assert created(web.post("/events", json=SUPPER | {"capacity": 12.0}))["capacity"] == 12


def test_duplicate_event_id_is_refused(web: TestClient, supper: dict[str, Any]) -> None:
    response = web.post("/events", json=SUPPER | {"title": "Dinner"})
    assert problem(response, 409, "duplicate-event") == {"eventId": "supper"}
    assert got(web.get("/events/supper"))["title"] == "Supper"


@pytest.mark.parametrize(
    ("date", "time_zone", "answered"),
    [
        ("2130-05-24T18:00:00+02:00", "Europe/Berlin", "2130-05-24T18:00:00+02:00"),
        ("2130-05-24T16:00Z", "Europe/Berlin", "2130-05-24T18:00:00+02:00"),
        ("2130-05-24T18:00", "Europe/Berlin", "2130-05-24T18:00:00+02:00"),
        ("2130-05-24 18:00:00", "America/New_York", "2130-05-24T18:00:00-04:00"),
        ("20300524T180000+0200", None, "2030-05-24T16:00:00Z"),
        (
            "2030-10-27T02:30",
            "Europe/Berlin",
            "2030-10-27T02:30:00+02:00",
        ),  # the first of two such times
    ],
)
def test_date_has_an_offset_or_is_local_to_the_time_zone(
    web: TestClient, date: str, time_zone: str | None, answered: str
) -> None:
    event = created(web.post("/events", json=SUPPER | {"date": date, "timeZone": time_zone}))
    assert (event["date"], event["timeZone"]) == (answered, time_zone or "UTC")


def test_events_are_listed_by_start_page_by_page(web: TestClient) -> None:
    """The list includes events that are not listed in Slack."""
    for day in (3, 1, 2):
        given = {
            "eventId": f"e{day}",
            "date": f"2130-01-0{day}T10:00Z",
            "listed": day != 2,
        }
        created(web.post("/events", json=SUPPER | given))
    first = got(web.get("/events", params={"limit": 2}))
    second = got(web.get("/events", params={"limit": 2, "cursor": first["nextCursor"]}))
    ids = [[event["eventId"] for event in page["items"]] for page in (first, second)]
    assert ids == [["e1", "e2"], ["e3"]]
    assert second["nextCursor"] is None


def test_update_changes_only_the_given_fields(web: TestClient, supper: dict[str, Any]) -> None:
    after = got(
        web.put(
            "/events/supper",
            json={
                "title": "Brunch",
                "date": "2130-05-25T11:00",
                "timeZone": "Europe/Paris",
                "organizer": BJORN,
                "coOrganizers": [AMARA],
            },
        )
    )
    assert after == supper | {
        "title": "Brunch",
        "date": "2130-05-25T11:00:00+02:00",
        "timeZone": "Europe/Paris",
        "organizer": BJORN,
        "coOrganizers": [AMARA],
        "updatedAt": after["updatedAt"],
    }


def test_response_of_get_can_be_put_back(web: TestClient, supper: dict[str, Any]) -> None:
    """Fields that only the server sets are ignored."""
    got(web.put("/events/supper", json={"description": "Bring bread."}))
    before = got(web.get("/events/supper"))
    after = got(web.put("/events/supper", json=before | {"title": "Brunch", "waitlistCount": 7}))
    assert after == before | {"title": "Brunch", "updatedAt": after["updatedAt"]}


@pytest.mark.parametrize(
    ("given", "field"), [({"status": "canceled"}, "status"), ({"eventId": "lunch"}, "eventId")]
)
def test_change_of_a_fixed_field_is_refused(
    web: TestClient, supper: dict[str, Any], given: dict[str, str], field: str
) -> None:
    """A program must not believe that it canceled an event."""
    refusal = problem(web.put("/events/supper", json=given | {"title": "Brunch"}), 422, "invalid")
    assert refusal["field"] == field
    assert got(web.get("/events/supper")) == supper


@pytest.mark.parametrize("time_zone", ["Asia/Tokyo", "America/New_York", "UTC"])
@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("date", "9999-12-31T23:00:00Z"),
        ("endDate", "9999-12-31T23:00:00Z"),
        ("date", "9999-01-01T00:00"),
        ("date", "9999-12-31T23:00:00-05:00"),
    ],
)
def test_time_that_some_zone_cannot_represent_is_refused(
    web: TestClient, supper: dict[str, Any], name: str, date: str, time_zone: str
) -> None:
    """If stored, it would break every list that contains it."""
    given = SUPPER | {"eventId": "late", "timeZone": time_zone, name: date}
    year = "9998" if time_zone == "Asia/Tokyo" and date.endswith("00:00") else "9999"
    if year == "9999":
        refusal = problem(web.post("/events", json=given), 422, "invalid")
        assert refusal == {"field": name, "reason": "must be before the year 9999"}
    got(web.put("/events/supper", json={"timeZone": time_zone}))
    assert len(got(web.get("/events"))["items"]) == 1


def test_very_long_date_is_refused_quickly(web: TestClient) -> None:
    given = SUPPER | {"date": "T" * 60_000 + " "}
    assert problem(web.post("/events", json=given), 422, "invalid")["field"] == "date"


@pytest.mark.parametrize("name", ["localtime", "Factory"])
def test_zone_that_depends_on_the_machine_is_refused(web: TestClient, name: str) -> None:
    given = SUPPER | {"timeZone": name}
    assert problem(web.post("/events", json=given), 422, "invalid")["field"] == "timeZone"


def test_optional_field_can_be_removed(web: TestClient, supper: dict[str, Any]) -> None:
    end = "2130-05-24T21:00:00+02:00"
    assert got(web.put("/events/supper", json={"endDate": end}))["endDate"] == end
    assert got(web.put("/events/supper", json={"endDate": None}))["endDate"] is None
    link = "https://example.org/meet"
    assert got(web.put("/events/supper", json={"joinLink": link}))["joinLink"] == link
    assert got(web.put("/events/supper", json={"joinLink": ""}))["joinLink"] == ""


def test_capacity_increase_promotes_waitlisted_users(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness
) -> None:
    """R2.5."""
    for user_id in "abc":
        created(web.post("/events/supper/register", json={"userId": user_id}))
    event = got(web.put("/events/supper", json={"capacity": 2}))
    assert (event["capacity"], event["registeredCount"], event["waitlistCount"]) == (2, 2, 1)
    assert harness.assert_invariants().seated("supper") == ["a", "b"]


def test_capacity_below_the_registered_is_refused(web: TestClient, supper: dict[str, Any]) -> None:
    got(web.put("/events/supper", json={"capacity": 3}))
    for user_id in "ab":
        created(web.post("/events/supper/register", json={"userId": user_id}))
    response = web.put("/events/supper", json={"capacity": 1})
    assert problem(response, 409, "capacity-below-registered") == {
        "eventId": "supper",
        "requested": 1,
        "registered": 2,
    }


def test_canceled_event_cannot_be_changed(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness
) -> None:
    harness.bot.service.cancel_event("supper")
    response = web.put("/events/supper", json={"title": "Brunch"})
    assert problem(response, 409, "event-canceled") == {"eventId": "supper"}


def test_event_is_deleted_with_its_registrations(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness
) -> None:
    created(web.post("/events/supper/register", json={"userId": "a"}))
    assert web.delete("/events/supper").status_code == 204
    assert problem(web.get("/events/supper"), 404, "unknown-event") == {"eventId": "supper"}
    assert got(web.get("/users/a/registrations"))["items"] == []
    assert got(web.get("/events"))["items"] == []
    response = web.post("/events", json=SUPPER)
    assert problem(response, 409, "duplicate-event") == {"eventId": "supper"}  # R7.2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_event_is_404(web: TestClient, method: str) -> None:
    response = web.request(method, "/events/nothing", json={"title": "Brunch"})
    assert problem(response, 404, "unknown-event") == {"eventId": "nothing"}


GAP = "02:30 does not exist on this day in Europe/Berlin: the clocks go forward"


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"title": None}, "title", "must be text"),
        ({"capacity": 0}, "capacity", "must be at least 1"),
        ({"capacity": 1.5}, "capacity", "must be a whole number"),
        ({"capacity": "12"}, "capacity", "must be a whole number"),
        ({"capacity": True}, "capacity", "must be a whole number"),
        ({"capacity": 100_001}, "capacity", "must be at most 100,000"),
        ({"hasWaitlist": "yes"}, "hasWaitlist", "must be true or false"),
        ({"date": "2030-05-24"}, "date", "must be an ISO 8601 date and time"),
        ({"date": 1900000000}, "date", "must be an ISO 8601 date and time"),
        ({"date": "tomorrow at noon"}, "date", "must be an ISO 8601 date and time"),
        ({"date": "2130-02-30T10:00Z"}, "date", "must be an ISO 8601 date and time"),
        ({"date": "9999-12-31T23:00-12:00"}, "date", "must be before the year 9999"),
        ({"date": "9999-12-31T23:00", "timeZone": "America/Adak"}, "date", "that exist"),
        ({"date": "2030-03-31T02:30"}, "date", GAP),
        ({"date": "2020-05-24T18:00Z"}, "date", "must be in the future"),
        ({"date": "2130-05-24T18:00", "timeZone": None}, "date", "or timeZone must be given"),
        ({"endDate": "2130-05-24T10:00Z"}, "endDate", "must be after the start"),
        (
            {"registrationDeadline": "2130-05-25T10:00Z"},
            "registrationDeadline",
            "must not be after the start",
        ),
        ({"timeZone": "Berlin"}, "timeZone", "must be the name of a time zone"),
        ({"organizer": ""}, "organizer", "must consist of 1 to 64 letters"),
        ({"coOrganizers": ["b", "?"]}, "coOrganizers.1", "must consist of 1 to 64 letters"),
        ({"description": "x" * 2501}, "description", "must have at most 2500 characters"),
        ({"joinLink": "http://example.org"}, "joinLink", "begins with https://"),
        ({"joinLink": f"https://{'x' * 493}"}, "joinLink", "must have at most 500 characters"),
        ({"attendeesVisibleTo": "friends"}, "attendeesVisibleTo", "must be 'everyone', "),
        ({"color": "red"}, "color", "is not a field here"),
    ],
)
def test_invalid_event_is_refused_with_field_and_reason(
    web: TestClient, supper: dict[str, Any], given: dict[str, Any], field: str, reason: str
) -> None:
    """R2.3, and R1.4 for events, on create and on update."""
    response = web.post("/events", json=SUPPER | {"eventId": "other"} | given)
    refusal = problem(response, 422, "invalid")
    assert refusal["field"] == field
    assert reason in refusal["reason"]
    if given != {"date": "2130-05-24T18:00", "timeZone": None} and given != {
        "date": "2030-03-31T02:30"
    }:
        refusal = problem(web.put("/events/supper", json=given), 422, "invalid")
        assert refusal["field"] == field
        assert reason in refusal["reason"]
    assert got(web.get("/events"))["items"] == [supper]
