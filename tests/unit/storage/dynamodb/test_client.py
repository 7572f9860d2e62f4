"""The client of DynamoDB, as the environment configures it."""

from __future__ import annotations

import pytest

from storage.dynamodb.store import make_client


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
    ],
)
def test_region_is_that_of_either_variable(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], region: str
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert make_client().meta.region_name == region
