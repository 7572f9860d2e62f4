"""Type of the `count` fixture, with which tests report how many histories, calls or cases they checked."""

from __future__ import annotations

from collections.abc import Callable

Count = Callable[[str, int], None]
"""Takes the name of what was checked, and the number to add."""
