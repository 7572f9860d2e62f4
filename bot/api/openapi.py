"""The OpenAPI description of the API, with the problems that each route may return."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from bot.api.problems import MEDIA_TYPE, UNEXPECTED, NotAuthorized, Problem, problem
from domain.errors import Busy, OperatorNeeded, RollcallError

TOO_LARGE = Problem(type="about:blank", title="Content Too Large", status=413)


def problems(*kinds: type[RollcallError]) -> dict[int | str, dict[str, Any]]:
    """Return a route's error responses: its own kinds, and those of every route."""
    return _responses(*map(problem, (*kinds, NotAuthorized, Busy, OperatorNeeded)), UNEXPECTED)


def _responses(*documents: Problem) -> dict[int | str, dict[str, Any]]:
    of_status: dict[int | str, list[Problem]] = {}
    for document in sorted(documents, key=lambda document: document.status):
        of_status.setdefault(document.status, []).append(document)
    return {
        status: {
            "description": "; or ".join(document.title for document in documents),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {
                        document.type: {"value": document.model_dump()} for document in documents
                    },
                }
            },
        }
        for status, documents in of_status.items()
    }


class DocumentedApi(FastAPI):
    """FastAPI with problem documents in place of its own validation errors."""

    def openapi(self) -> dict[str, Any]:
        """Return the description. It is built once."""
        if self.openapi_schema is None:
            schema = super().openapi()
            for path in schema["paths"].values():
                for operation in path.values():
                    operation["responses"] = _responses_of(operation)
            models = schema["components"]["schemas"]
            models["Problem"] = Problem.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                models.pop(unused, None)
            _remove_titles([models, schema["paths"]])
        return self.openapi_schema or {}


def _responses_of(operation: dict[str, Any]) -> dict[str, Any]:
    """Return a route's responses, without FastAPI's own 422, and with 413 if it has a body."""
    responses = operation["responses"] | (
        _responses(TOO_LARGE) if "requestBody" in operation else {}
    )
    return {
        str(status): responses[status]
        for status in sorted(responses, key=str)
        if str(status) != "422" or MEDIA_TYPE in responses[status]["content"]
    }


def _remove_titles(part: object) -> None:
    """Remove titles, which only repeat the names of fields."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        for name, one in part.items():
            if name != "examples":
                _remove_titles(one)
    elif isinstance(part, list):
        for one in part:
            _remove_titles(one)
