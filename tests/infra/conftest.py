"""The workspace of the bot's tests, for those of the whole deployment."""

from __future__ import annotations

from tests.bot.conftest import server, town

__all__ = ["server", "town"]
