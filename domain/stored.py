"""The configuration of the models that are stored."""

from __future__ import annotations

from pydantic import ConfigDict

STORED = ConfigDict(
    frozen=True,
    # Fields that a newer version wrote survive a write by this one (R7.7).
    extra="allow",
    # An error may end in a log, so it names the field and never shows what people typed.
    hide_input_in_errors=True,
    # A cold start builds only the models that its request needs.
    defer_build=True,
)
