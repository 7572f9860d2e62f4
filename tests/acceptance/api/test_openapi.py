"""docs/openapi.json is the description that the code serves, with every response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.api.api_client import ROUTES
from tests.support.api.openapi import COMMITTED, description

PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return description()


def test_committed_description_matches_the_code(described: dict[str, Any]) -> None:
    """`make openapi` updates it."""
    assert json.loads(COMMITTED.read_text()) == described


def test_routes_are_those_of_r11(described: dict[str, Any]) -> None:
    ids = {"userId": "a", "eventId": "supper", "seriesId": "yoga"}
    routes = {
        (method.upper(), path.format_map(ids))
        for path, operations in described["paths"].items()
        for method in operations
    }
    assert routes == {*ROUTES} - {("GET", "/nothing/of/the/kind")}


def test_every_refusal_is_a_problem_document(described: dict[str, Any]) -> None:
    for operations in described["paths"].values():
        for operation in operations.values():
            refusals = {
                int(status): said["content"]["application/problem+json"]
                for status, said in operation["responses"].items()
                if status >= "400"
            }
            assert {401, 500, 503} <= refusals.keys()
            for status, document in refusals.items():
                assert document["schema"] == PROBLEM
                shown = {example["value"]["status"] for example in document["examples"].values()}
                assert shown == {status}
            assert operation["security"] == [{"HTTPBearer": []}]
