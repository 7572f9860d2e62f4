"""A page's cursor is good for its own list, as it was given out, and for nothing else (R11)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from bot.api.cursors import from_cursor, to_cursor
from domain.errors import Invalid
from tests.support.api.api_client import SUPPER, created, got, problem
from tests.support.cursors import signed_cursor

LISTS = [
    "/users",
    "/events",
    "/users/a/registrations",
    "/users/b/registrations",
    "/users/a/registrations?status=registered",
    "/events/supper/registrations",
    "/events/lunch/registrations",
    "/events/supper/registrations?status=registered",
]


@pytest.fixture
def cursors(web: TestClient, supper: dict[str, Any]) -> dict[str, str]:
    """Return a cursor of each list."""
    created(web.post("/events", json=SUPPER | {"eventId": "lunch"}))
    for event_id in ("supper", "lunch"):
        got(web.put(f"/events/{event_id}", json={"capacity": 3}))
        for user_id in "abc":
            created(web.post(f"/events/{event_id}/register", json={"userId": user_id}))
    return {path: got(web.get(asking(path, "limit=1")))["nextCursor"] for path in LISTS}


def asking(path: str, more: str) -> str:
    """Return a path with one more parameter."""
    return f"{path}{'&' if '?' in path else '?'}{more}"


@pytest.mark.parametrize("text", ["{", "5", "[]", "[" * 100_000, "\xff"])
def test_forged_cursor_with_a_correct_digest_is_refused(text: str) -> None:
    """A digest has no key."""
    with pytest.raises(Invalid):
        from_cursor(("users",), signed_cursor(("users",), text.encode("latin-1")))


@pytest.mark.parametrize("path", LISTS)
def test_cursor_of_another_list_is_refused(
    web: TestClient, cursors: dict[str, str], path: str
) -> None:
    assert None not in cursors.values()
    for other, cursor in cursors.items():
        response = web.get(asking(path, f"cursor={cursor}"))
        if other == path:
            got(response)
        else:
            assert problem(response, 422, "invalid")["field"] == "cursor"


def test_mangled_cursor_is_refused(web: TestClient, cursors: dict[str, str]) -> None:
    """Wherever one of its letters is another one, or gone."""
    cursor = cursors["/users"]
    for at in range(len(cursor) - 1):
        for letter in ("", "A" if cursor[at] != "A" else "B", "\u00e9", "="):
            mangled = cursor[:at] + letter + cursor[at + 1 :]
            response = web.get("/users", params={"cursor": mangled})
            assert problem(response, 422, "invalid")["field"] == "cursor"


NAMES = st.tuples(st.text(), st.none() | st.text())


@given(of_list=NAMES, end=st.text())
def test_cursor_says_where_its_page_ended(of_list: tuple[str, str | None], end: str) -> None:
    cursor = to_cursor(of_list, end)
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert from_cursor(of_list, cursor) == end


@given(given=st.text())
def test_any_other_cursor_is_refused(given: str) -> None:
    with pytest.raises(Invalid):
        from_cursor(("users",), given)
