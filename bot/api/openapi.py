"""The API as OpenAPI describes it, with the problems that each route may answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from bot.api.problems import MEDIA_TYPE, UNFORESEEN, NotAuthorized, Problem, problem
from domain.errors import Busy, RollcallError

TOO_LARGE = Problem(type="about:blank", title="Content Too Large", status=413)


def problems(*kinds: type[RollcallError]) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route: what it may refuse with, and what any route may answer."""
    return _responses(*map(problem, (*kinds, NotAuthorized, Busy)), UNFORESEEN)


def _responses(*documents: Problem) -> dict[int | str, dict[str, Any]]:
    of_status: dict[int | str, list[Problem]] = {}
    for document in sorted(documents, key=lambda document: document.status):
        of_status.setdefault(document.status, []).append(document)
    return {
        status: {
            "description": "; or: ".join(document.title for document in documents),
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
    """FastAPI, but for its own form of a refused request: ours are problem documents."""

    def openapi(self) -> dict[str, Any]:
        """Return the description, made once."""
        if self.openapi_schema is None:
            schema = super().openapi()
            for path in schema["paths"].values():
                for operation in path.values():
                    operation["responses"] = _answers(operation)
            models = schema["components"]["schemas"]
            models["Problem"] = Problem.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                models.pop(unused, None)
            _take_titles_off([models, schema["paths"]])
        return self.openapi_schema or {}


def _answers(operation: dict[str, Any]) -> dict[str, Any]:
    """Return what a route answers: not FastAPI's own refusals; and 413 where there is a body."""
    responses = operation["responses"] | (
        _responses(TOO_LARGE) if "requestBody" in operation else {}
    )
    return {
        str(status): responses[status]
        for status in sorted(responses, key=str)
        if str(status) != "422" or MEDIA_TYPE in responses[status]["content"]
    }


def _take_titles_off(part: object) -> None:
    """Take off what only says a member's name again."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        for name, one in part.items():
            if name != "examples":
                _take_titles_off(one)
    elif isinstance(part, list):
        for one in part:
            _take_titles_off(one)
