"""Unexpected failures: each is logged under a reference, which the person reads (R8.12)."""

from __future__ import annotations

import logging

from domain.ports import NewId

_logger = logging.getLogger(__name__)


def log_unexpected(error: Exception, new_id: NewId) -> str:
    """Log an error under a new reference, and return that."""
    reference = new_id()[:8]
    _logger.error(
        "unexpected failure, reference %s",
        reference,
        exc_info=error,
        extra={"reference": reference},
    )
    return reference
