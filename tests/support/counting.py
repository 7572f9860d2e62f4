"""How much of something a test checked: histories, calls, cases, payloads."""

from __future__ import annotations

from collections.abc import Callable

Count = Callable[[str, int], None]
"""Called with what was checked, and how much of it; see the fixture `count`."""
