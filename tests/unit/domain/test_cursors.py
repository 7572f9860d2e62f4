"""A cursor leads to its position in its own list, and to nowhere else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cursors import DIGEST_SIZE, LARGEST, decode, encode
from domain.errors import Invalid
from tests.support.cursors import forged_cursor, signed_cursor

USERS = ("T1", "users")
LIST_IDS = st.lists(st.none() | st.text(), max_size=4)
POSITIONS = st.lists(st.text() | st.integers(-LARGEST, LARGEST), max_size=4)


@given(list_id=LIST_IDS, position=POSITIONS)
def test_cursor_leads_to_its_position(list_id: list[str | None], position: list[str | int]) -> None:
    cursor = encode(list_id, position)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode(list_id, cursor, [type(value) for value in position]) == position


@given(one=LIST_IDS, other=LIST_IDS, position=POSITIONS)
def test_cursor_of_another_list_is_refused(
    one: list[str | None], other: list[str | None], position: list[str | int]
) -> None:
    cursor, shape = encode(one, position), [type(value) for value in position]
    if one != other:
        with pytest.raises(Invalid):
            decode(other, cursor, shape)


@given(text=st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        decode(USERS, text, (str,))
    assert refusal.value.field == "cursor"


def test_cursor_with_one_character_changed_is_refused() -> None:
    cursor = encode(USERS, ("Zoë", 12_345))
    for at in range(len(cursor) - 1):
        for letter in ("", "A" if cursor[at] != "A" else "B", "é", "="):
            with pytest.raises(Invalid):
                decode(USERS, cursor[:at] + letter + cursor[at + 1 :], (str, int))


@pytest.mark.parametrize(
    "position",
    [
        [],
        ["a"],
        ["a", 1, 1],
        [1, "a"],
        ["a", True],
        ["a", 1.0],
        ["a", None],
        {"a": 1},
        "a",
        1,
        None,
    ],
)
def test_position_of_another_shape_is_refused(position: object) -> None:
    with pytest.raises(Invalid):
        decode(USERS, forged_cursor(USERS, position), (str, int))


@pytest.mark.parametrize("number", [LARGEST + 1, -LARGEST - 1])
def test_number_that_no_store_accepts_is_refused(number: int) -> None:
    assert decode(USERS, forged_cursor(USERS, [LARGEST]), (int,)) == [LARGEST]
    with pytest.raises(Invalid):
        decode(USERS, forged_cursor(USERS, [number]), (int,))


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_text_that_is_not_encodable_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        decode(USERS, forged_cursor(USERS, [text]), (str,))


def test_deeply_nested_position_is_refused() -> None:
    with pytest.raises(Invalid):
        decode(USERS, signed_cursor(USERS, b"[" * 100_000), (str,))


def test_cursor_does_not_repeat_the_identity_of_its_list() -> None:
    """Nested cursors stay short: a Slack button's value holds 2,000 characters."""
    cursor = encode(("T1", "roster", "e" * 64), (1,))
    whole = base64.urlsafe_b64encode(b"x" * DIGEST_SIZE + b"[1]").decode()
    assert len(cursor) == len(whole.rstrip("="))
