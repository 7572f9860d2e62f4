"""The routes of the HTTP API (R11) at the endpoint. Paths that are not here cost no function.

A test compares them with the bot's own, which `infra` must not import.
"""

from __future__ import annotations

API_ROUTES = (
    "POST /users",
    "GET /users",
    "GET /users/{userId}",
    "PUT /users/{userId}",
    "DELETE /users/{userId}",
    "GET /users/{userId}/registrations",
    "POST /events",
    "GET /events",
    "GET /events/{eventId}",
    "PUT /events/{eventId}",
    "DELETE /events/{eventId}",
    "POST /events/{eventId}/register",
    "PUT /events/{eventId}/register/{userId}",
    "DELETE /events/{eventId}/register/{userId}",
    "POST /events/{eventId}/registrations",
    "GET /events/{eventId}/registrations",
    "POST /series",
    "GET /series",
    "GET /series/{seriesId}",
    "PATCH /series/{seriesId}",
    "DELETE /series/{seriesId}",
    "POST /series/{seriesId}/end",
    "GET /series/{seriesId}/occurrences",
    "POST /series/{seriesId}/register",
    "PUT /series/{seriesId}/register/{userId}",
    "DELETE /series/{seriesId}/register/{userId}",
    "GET /series/{seriesId}/registrations",
    # The description, which needs no token.
    "GET /docs",
    "GET /docs/assets/{proxy+}",
    "GET /openapi.json",
)
"""Route keys as API Gateway writes them."""
