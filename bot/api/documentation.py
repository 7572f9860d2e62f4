"""The API as OpenAPI describes it, with the problems that each route may answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from bot.api.problems import MEDIA_TYPE, Problem

_SAYS = {
    401: "No valid bearer token",
    404: "No such user, event or registration",
    409: "A conflict with what is so: duplicate, full, closed, below registered",
    413: "The body is too large",
    422: "A field is missing or malformed",
    500: "An unforeseen failure, with its reference",
    503: "Busy; nothing was changed",
    504: "Not confirmed: whether it was done is not known yet",
}

_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route: those with the statuses, and what any route may answer."""
    return {
        status: {"description": _SAYS[status], "content": _CONTENT}
        for status in sorted({*statuses, 401, 500, 503})
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
    responses = operation["responses"] | (problems(413) if "requestBody" in operation else {})
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
        for one in part.values():
            _take_titles_off(one)
    elif isinstance(part, list):
        for one in part:
            _take_titles_off(one)
