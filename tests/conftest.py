"""What a whole test session shares."""

from __future__ import annotations

import pytest

from tests.storage.dynamodb_local import offer_engine


def pytest_configure(config: pytest.Config) -> None:
    """Offer one DynamoDB Local to all of the session's workers; it starts when the first asks."""
    if not hasattr(config, "workerinput"):
        config.add_cleanup(offer_engine())
