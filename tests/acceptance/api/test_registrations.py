"""Registrations over HTTP (R3 to R6, R11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.features.cards.views import event_card
from domain.enums import EventStatus
from tests.support.api.api_client import SUPPER, created, got, problem
from tests.support.notifications.message_kinds import kind_of
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, text_of


def register(web: TestClient, *user_ids: str, event_id: str = "supper") -> list[dict[str, Any]]:
    return [
        created(web.post(f"/events/{event_id}/register", json={"userId": user_id}))
        for user_id in user_ids
    ]


def test_registration_gets_a_seat_or_a_waitlist_position(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness
) -> None:
    a, b, c = register(web, "a", "b", "c")
    now = harness.clock.now().isoformat().replace("+00:00", "Z")
    assert a == {
        "registrationId": "supper:1",
        "eventId": "supper",
        "userId": "a",
        "status": "registered",
        "position": None,
        "registeredAt": now,
        "answers": {},
    }
    assert [(one["status"], one["position"]) for one in (b, c)] == [
        ("waitlisted", 1),
        ("waitlisted", 2),
    ]


def test_users_are_added_in_their_order(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness
) -> None:
    """R12.4: seats first, then positions. Each is notified."""
    answer = created(web.post("/events/supper/registrations", json={"userIds": ["b", "a", "c"]}))
    assert [(one["userId"], one["status"], one["position"]) for one in answer["items"]] == [
        ("b", "registered", None),
        ("a", "waitlisted", 1),
        ("c", "waitlisted", 2),
    ]
    listed = got(web.get("/events/supper/registrations"))
    assert [one["userId"] for one in listed["waitlist"]] == ["a", "c"]


@pytest.mark.parametrize(
    ("user_ids", "status", "kind"),
    [
        (["b", "nobody"], 404, "unknown-user"),
        (["b", "a"], 409, "already-registered"),
        ([], 422, "invalid"),
        ([f"u{number}" for number in range(50)], 422, "invalid"),
        (["b", ""], 422, "invalid"),
    ],
)
def test_users_are_added_all_or_none(
    web: TestClient, supper: dict[str, Any], user_ids: list[str], status: int, kind: str
) -> None:
    register(web, "a")
    answer = web.post("/events/supper/registrations", json={"userIds": user_ids})
    assert problem(answer, status, kind)
    listed = got(web.get("/events/supper/registrations"))
    assert (listed["registeredCount"], listed["waitlistCount"]) == (1, 0)


def test_too_few_seats_refuse_with_the_numbers(web: TestClient, supper: dict[str, Any]) -> None:
    got(web.put("/events/supper", json={"hasWaitlist": False}))
    answer = web.post("/events/supper/registrations", json={"userIds": ["a", "b"]})
    found = problem(answer, 409, "too-few-seats")
    assert (found["requested"], found["free"]) == (2, 1)


def test_registering_again_gives_a_new_registration_id(
    web: TestClient, supper: dict[str, Any]
) -> None:
    (before,) = register(web, "a")
    got(web.delete("/events/supper/register/a"))
    (after,) = register(web, "a")
    assert before["registrationId"] != after["registrationId"]


@pytest.mark.parametrize(
    ("user_id", "status", "position"), [("a", "registered", None), ("b", "waitlisted", 1)]
)
def test_registered_user_is_refused_with_status_and_position(
    web: TestClient, supper: dict[str, Any], user_id: str, status: str, position: int | None
) -> None:
    """R3.4."""
    register(web, "a", "b")
    response = web.post("/events/supper/register", json={"userId": user_id})
    assert problem(response, 409, "already-registered") == {
        "eventId": "supper",
        "eventTitle": "Supper",
        "userId": user_id,
        "registrationStatus": status,
        "position": position,
    }


def test_full_event_without_a_waitlist_refuses_with_the_numbers(
    web: TestClient, supper: dict[str, Any]
) -> None:
    """R3.2."""
    got(web.put("/events/supper", json={"hasWaitlist": False}))
    register(web, "a")
    response = web.post("/events/supper/register", json={"userId": "b"})
    assert problem(response, 409, "event-full") == {
        "eventId": "supper",
        "eventTitle": "Supper",
        "capacity": 1,
        "registered": 1,
    }


@pytest.mark.parametrize("status", [EventStatus.CLOSED, EventStatus.CANCELED])
def test_closed_event_refuses_with_the_reason(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness, status: EventStatus
) -> None:
    """R3.5."""
    service = harness.bot.service
    change = service.close_event if status is EventStatus.CLOSED else service.cancel_event
    change("supper")
    response = web.post("/events/supper/register", json={"userId": "a"})
    assert problem(response, 409, "registration-closed") == {
        "eventId": "supper",
        "eventTitle": "Supper",
        "reason": status.value,
        "since": None,
    }


@pytest.mark.parametrize(("because", "days"), [("deadline", 1), ("started", 2)])
def test_event_after_its_deadline_or_start_refuses_with_the_time(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness, because: str, days: int
) -> None:
    """R2.6, R3.5: without a deadline, the start counts."""
    end = harness.clock.now() + timedelta(days=days)
    start = harness.clock.now() + timedelta(days=2)
    deadline = end.isoformat() if because == "deadline" else None
    times = {"date": start.isoformat(), "registrationDeadline": deadline}
    created(web.post("/events", json={**SUPPER, "eventId": "soon", **times}))
    register(web, "a", event_id="soon")
    harness.clock.advance(timedelta(days=days))
    response = web.post("/events/soon/register", json={"userId": "b"})
    assert problem(response, 409, "registration-closed") == {
        "eventId": "soon",
        "eventTitle": "Supper",
        "reason": because,
        "since": end.isoformat().replace("+00:00", "Z"),
    }


def test_unknown_user_cannot_register(web: TestClient, supper: dict[str, Any]) -> None:
    response = web.post("/events/supper/register", json={"userId": "nobody"})
    assert problem(response, 404, "unknown-user") == {"userId": "nobody"}


@pytest.mark.parametrize("event_id", ["nothing", "no id, surely"])
def test_registration_for_an_unknown_event_is_404(
    web: TestClient, supper: dict[str, Any], event_id: str
) -> None:
    response = web.post(f"/events/{event_id}/register", json={"userId": "a"})
    assert problem(response, 404, "unknown-event") == {"eventId": event_id}


@pytest.mark.parametrize(("body", "field"), [({}, "userId"), ({"userId": 7}, "userId")])
def test_malformed_registration_is_refused(
    web: TestClient, supper: dict[str, Any], body: object, field: str
) -> None:
    response = web.post("/events/supper/register", json=body)
    assert problem(response, 422, "invalid")["field"] == field


def test_unregistering_promotes_the_next(web: TestClient, supper: dict[str, Any]) -> None:
    """R4.2, and R4.3 for leaving the waitlist."""
    register(web, "a", "b", "c")
    assert got(web.delete("/events/supper/register/a")) == {"promoted": ["b"]}
    assert got(web.delete("/events/supper/register/c")) == {"promoted": []}


@pytest.mark.parametrize("user_id", ["b", "nobody"])
def test_unregistered_user_cannot_leave(
    web: TestClient, supper: dict[str, Any], user_id: str
) -> None:
    response = web.delete(f"/events/supper/register/{user_id}")
    assert problem(response, 404, "not-registered") == {
        "eventId": "supper",
        "eventTitle": "Supper",
        "userId": user_id,
    }


def test_leaving_an_unknown_event_is_404(web: TestClient) -> None:
    response = web.delete("/events/nothing/register/a")
    assert problem(response, 404, "unknown-event") == {"eventId": "nothing"}


def test_registrations_of_a_user_have_their_events_by_start(
    web: TestClient, supper: dict[str, Any]
) -> None:
    """R5."""
    lunch = created(
        web.post("/events", json=SUPPER | {"eventId": "lunch", "date": "2130-05-24T12:00Z"})
    )
    register(web, "a", "b")
    register(web, "b", event_id="lunch")
    page = got(web.get("/users/b/registrations"))
    assert page["nextCursor"] is None
    first, second = page["items"]
    assert (first["status"], first["position"]) == ("registered", None)
    assert first["event"] == lunch | {"registeredCount": 1}
    assert (second["status"], second["position"]) == ("waitlisted", 1)
    assert second["event"] == supper | {"registeredCount": 1, "waitlistCount": 1}


@pytest.mark.parametrize(
    ("status", "events"), [("registered", ["lunch"]), ("waitlisted", ["supper"])]
)
def test_registrations_of_a_user_are_filtered_by_status(
    web: TestClient, supper: dict[str, Any], status: str, events: list[str]
) -> None:
    """R5.5."""
    created(web.post("/events", json=SUPPER | {"eventId": "lunch"}))
    register(web, "a", "b")
    register(web, "b", event_id="lunch")
    page = got(web.get("/users/b/registrations", params={"status": status}))
    assert [one["eventId"] for one in page["items"]] == events


def test_registrations_of_a_user_are_listed_page_by_page(
    web: TestClient, supper: dict[str, Any]
) -> None:
    """Pages also split events with the same start."""
    for number in range(5):
        created(web.post("/events", json=SUPPER | {"eventId": f"e{number}"}))
        register(web, "a", event_id=f"e{number}")
    pages, cursor = [], None
    for _ in range(3):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = got(web.get("/users/a/registrations", params=params))
        pages.append([one["eventId"] for one in page["items"]])
        cursor = page["nextCursor"]
    assert pages == [["e0", "e1"], ["e2", "e3"], ["e4"]]
    assert cursor is None


def test_user_without_registrations_has_an_empty_list(
    web: TestClient, supper: dict[str, Any]
) -> None:
    """R5.3."""
    assert got(web.get("/users/a/registrations")) == {"items": [], "nextCursor": None}


def test_registrations_of_an_unknown_user_are_404(web: TestClient) -> None:
    response = web.get("/users/nobody/registrations")
    assert problem(response, 404, "unknown-user") == {"userId": "nobody"}


def test_registrations_of_an_event_are_registered_and_waitlisted(
    web: TestClient, supper: dict[str, Any]
) -> None:
    """R6."""
    a, b, c = register(web, "a", "b", "c")
    assert got(web.get("/events/supper/registrations")) == {
        "registered": [a],
        "waitlist": [b, c],
        "registeredCount": 1,
        "waitlistCount": 2,
        "nextCursor": None,
    }


@pytest.mark.parametrize(
    ("status", "registered", "waitlisted"),
    [("registered", ["a"], []), ("waitlisted", [], ["b", "c"])],
)
def test_registrations_of_an_event_are_filtered_by_status(
    web: TestClient,
    supper: dict[str, Any],
    status: str,
    registered: list[str],
    waitlisted: list[str],
) -> None:
    """R6.2. The counts are still the whole event's."""
    register(web, "a", "b", "c")
    page = got(web.get("/events/supper/registrations", params={"status": status}))
    assert [one["userId"] for one in page["registered"]] == registered
    assert [one["userId"] for one in page["waitlist"]] == waitlisted
    assert (page["registeredCount"], page["waitlistCount"]) == (1, 2)


def test_registrations_of_an_event_are_listed_page_by_page(
    web: TestClient, supper: dict[str, Any]
) -> None:
    got(web.put("/events/supper", json={"capacity": 2}))
    for user_id in "de":
        created(web.post("/users", json={"userId": user_id, "name": user_id}))
    register(web, *"abcde")
    found, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = got(web.get("/events/supper/registrations", params=params))
        assert len(page["registered"]) + len(page["waitlist"]) <= 2
        found += [(one["userId"], None) for one in page["registered"]]
        found += [(one["userId"], one["position"]) for one in page["waitlist"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert found == [("a", None), ("b", None), ("c", 1), ("d", 2), ("e", 3)]


def test_page_of_registrations_holds_up_to_a_thousand(
    harness: SlackHarness, web: TestClient, supper: dict[str, Any]
) -> None:
    """Without a limit, it holds 50."""
    got(web.put("/events/supper", json={"capacity": 120}))
    users = [f"u{number}" for number in range(120)]
    for first in range(0, 120, 40):
        harness.bot.service.add_attendees(
            "supper", users[first : first + 40], request_id=f"r{first}", creates_users=True
        )
    whole = got(web.get("/events/supper/registrations", params={"limit": 1_000}))
    assert [one["userId"] for one in whole["registered"]] == users
    assert whole["nextCursor"] is None
    page = got(web.get("/events/supper/registrations"))
    assert [one["userId"] for one in page["registered"]] == users[:50]


def test_event_without_registrations_has_two_empty_lists(
    web: TestClient, supper: dict[str, Any]
) -> None:
    """R6.5."""
    page = got(web.get("/events/supper/registrations"))
    assert (page["registered"], page["waitlist"], page["nextCursor"]) == ([], [], None)


def test_registrations_of_an_unknown_event_are_404(web: TestClient) -> None:
    response = web.get("/events/nothing/registrations")
    assert problem(response, 404, "unknown-event") == {"eventId": "nothing"}


@pytest.mark.parametrize("path", ["/users/a/registrations", "/events/supper/registrations"])
@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"status": "seated"}, "status", "must be 'registered' or 'waitlisted'"),
        ({"limit": "0"}, "limit", "must be a whole number from 1 to 1,000"),
        ({"limit": "1001"}, "limit", "must be a whole number from 1 to 1,000"),
        ({"limit": "many"}, "limit", "must be a whole number from 1 to 1,000"),
        ({"limt": "5"}, "limt", "is not a field here"),
    ],
)
def test_malformed_query_is_refused_with_field_and_reason(
    web: TestClient,
    supper: dict[str, Any],
    path: str,
    given: dict[str, str],
    field: str,
    reason: str,
) -> None:
    refusal = problem(web.get(path, params=given), 422, "invalid")
    assert refusal == {"field": field, "reason": reason}


def test_user_registered_over_http_is_promoted_notified_and_on_the_card(
    web: TestClient, harness: SlackHarness
) -> None:
    harness.card(harness.event(capacity=1))
    for user_id in (BJORN, CHLOE):
        created(web.post("/users", json={"userId": user_id, "name": user_id}))
    register(web, BJORN, CHLOE, event_id="yoga")
    assert "1 of 1 seat" in harness.current_card_text()
    assert harness.current_card_text() == shown_card(harness)
    got(web.delete(f"/events/yoga/register/{BJORN}"))
    assert harness.current_card_text() == shown_card(harness)
    (message,) = harness.direct_messages(CHLOE)
    assert kind_of(message) == "promoted"
    assert "*Yoga in the park*" in message


def shown_card(harness: SlackHarness) -> str:
    """Return the event's card as it should be."""
    return text_of(event_card(harness.bot.service.get_event("yoga")).to_dict()["blocks"])


def test_no_one_unregisters_from_an_event_that_is_over(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness
) -> None:
    """R4.7."""
    register(web, "a", "b")
    event = harness.bot.service.get_event("supper")
    harness.clock.advance(event.over_at - harness.clock.now())
    members = problem(web.delete("/events/supper/register/a"), 409, "event-over")
    assert members["eventId"] == "supper"
    assert harness.assert_invariants().seated("supper") == ["a"]
