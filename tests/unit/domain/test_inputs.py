"""Validation of input."""

from __future__ import annotations

import pytest

from domain.errors import Invalid
from domain.inputs import EventChanges


def test_edit_can_remove_the_end_but_not_the_start() -> None:
    """R2.6: an event has a start, and its end is optional."""
    assert EventChanges.of(ends_at=None).given() == {"ends_at": None}
    with pytest.raises(Invalid) as refusal:
        EventChanges.of(starts_at=None)
    assert (refusal.value.field, refusal.value.reason) == ("starts_at", "must be given")
