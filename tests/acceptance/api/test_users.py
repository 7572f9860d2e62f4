"""Users over HTTP (R1, R11)."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.api.api_client import created, got, problem
from tests.support.slack.harness import SlackHarness


def test_user_is_created_with_the_given_id(web: TestClient, harness: SlackHarness) -> None:
    response = web.post(
        "/users", json={"userId": "hr-7", "name": " Ann ", "timeZone": "Europe/Oslo"}
    )
    now = harness.clock.now().isoformat().replace("+00:00", "Z")
    assert created(response) == {
        "userId": "hr-7",
        "name": "Ann",
        "timeZone": "Europe/Oslo",
        "createdAt": now,
        "updatedAt": now,
    }
    assert response.headers["location"] == "/users/hr-7"
    assert got(web.get("/users/hr-7")) == response.json()


def test_user_without_an_id_gets_one(web: TestClient) -> None:
    first, second = (created(web.post("/users", json={"name": "Ann"})) for _ in range(2))
    assert first["userId"] != second["userId"]


def test_duplicate_user_id_is_refused(web: TestClient) -> None:
    created(web.post("/users", json={"userId": "a", "name": "Ann"}))
    response = web.post("/users", json={"userId": "a", "name": "Bob"})
    assert problem(response, 409, "duplicate-user") == {"userId": "a"}
    assert got(web.get("/users/a"))["name"] == "Ann"


def test_users_are_listed_page_by_page(web: TestClient) -> None:
    for name in ("Cara", "Ann", "Bob"):
        created(web.post("/users", json={"name": name}))
    names, cursor = [], None
    while True:
        page = got(web.get("/users", params={"limit": 2, **({"cursor": cursor} if cursor else {})}))
        names.append([user["name"] for user in page["items"]])
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert names == [["Ann", "Bob"], ["Cara"]]


def test_response_of_get_can_be_put_back(web: TestClient) -> None:
    before = created(web.post("/users", json={"userId": "a", "name": "Ann", "timeZone": "UTC"}))
    after = got(web.put("/users/a", json=before | {"name": "Anna"}))
    assert after == before | {"name": "Anna", "updatedAt": after["updatedAt"]}
    refusal = problem(web.put("/users/a", json=after | {"userId": "b"}), 422, "invalid")
    assert refusal["field"] == "userId"


def test_update_changes_only_the_given_fields(web: TestClient, harness: SlackHarness) -> None:
    before = created(
        web.post("/users", json={"userId": "a", "name": "Ann", "timeZone": "Asia/Tokyo"})
    )
    harness.deliver_due()
    after = got(web.put("/users/a", json={"name": "Anna"}))
    assert after["updatedAt"] > before["updatedAt"]
    assert after == before | {"name": "Anna", "updatedAt": after["updatedAt"]}
    assert got(web.put("/users/a", json={"timeZone": None}))["timeZone"] is None


def test_deleting_a_user_promotes_the_next(
    web: TestClient, supper: dict[str, Any], harness: SlackHarness
) -> None:
    for user_id in "ab":
        created(web.post("/events/supper/register", json={"userId": user_id}))
    response = web.delete("/users/a")
    assert (response.status_code, response.content) == (204, b"")
    assert harness.assert_invariants().seated("supper") == ["b"]
    assert problem(web.get("/users/a"), 404, "unknown-user") == {"userId": "a"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("user_id", ["nobody", "no id, surely", "x" * 2000])
def test_unknown_user_is_404(web: TestClient, method: str, user_id: str) -> None:
    response = web.request(method, f"/users/{user_id}", json={"name": "Ann"})
    assert problem(response, 404, "unknown-user") == {"userId": user_id}


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({}, "name", "must be given"),
        ({"name": ""}, "name", "must not be empty"),
        ({"name": " "}, "name", "must not be empty"),
        ({"name": "x" * 201}, "name", "must have at most 200 characters"),
        ({"name": 5}, "name", "must be text"),
        ({"name": "\u200b\u2800"}, "name", "must not be empty"),
        ({"name": "A", "timeZone": "Mars"}, "timeZone", "must be the name of a time zone"),
        ({"name": "A", "userId": "@"}, "userId", "must consist of 1 to 64 letters"),
        ({"name": "A", "user_id": "a"}, "user_id", "is not a field here"),
        ([], "body", "must be an object, sent as application/json"),
    ],
)
def test_invalid_user_is_refused_with_field_and_reason(
    web: TestClient, body: object, field: str, reason: str
) -> None:
    """R1.4."""
    refusal = problem(web.post("/users", json=body), 422, "invalid")
    assert refusal["field"] == field
    assert reason in refusal["reason"]
    assert got(web.get("/users"))["items"] == []


@pytest.mark.parametrize("name", [None, "", 7])
def test_invalid_update_of_a_user_is_refused(web: TestClient, name: object) -> None:
    created(web.post("/users", json={"userId": "a", "name": "Ann"}))
    assert problem(web.put("/users/a", json={"name": name}), 422, "invalid")["field"] == "name"
    assert got(web.get("/users/a"))["name"] == "Ann"
