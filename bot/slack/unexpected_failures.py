"""Unexpected failures: each is logged under a reference, which the person reads (R8.12)."""

from __future__ import annotations

import logging

from bot.blocks.builders import Message
from bot.slack import error_messages
from domain.ports import NewId

_logger = logging.getLogger(__name__)


def log_unexpected(error: Exception, new_id: NewId) -> Message:
    """Log an error under a new reference. Return the message that names it."""
    reference = new_id()[:8]
    _logger.error(
        "unexpected failure, reference %s",
        reference,
        exc_info=error,
        extra={"reference": reference},
    )
    return error_messages.unexpected(reference)
