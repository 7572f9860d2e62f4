"""The estimate of an idle month rests on what an idle minute reads."""

from __future__ import annotations

from tests.benchmarks.idle import QUERIES
from tests.support.dynamodb.requests import counted
from tests.support.slack.lambda_functions import Deployment


def test_minute_with_nothing_to_do_asks_what_the_costs_say(deployment: Deployment) -> None:
    deployment.sweep()
    with (
        counted(deployment.clients["sweep"]) as of_sweep,
        counted(deployment.clients["export"]) as of_export,
    ):
        deployment.sweep()
    assert of_sweep.sent == {"Query": QUERIES["sweep"]}
    assert of_export.sent == {"Query": QUERIES["export"]}
