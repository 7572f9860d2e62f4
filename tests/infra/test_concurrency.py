"""How many functions the account may run at once: an option of the stack, which decides who waits in the queue."""

from __future__ import annotations

import re
import subprocess

from domain.execution.queueing_executor import POLL_SECONDS, POLL_SPREAD, REPLY_LATER_AFTER
from tests.support.infra.service_calls import ROOT
from tests.support.infra.synthesis import Resources


def test_concurrency_is_a_number_that_later_deployments_keep(prod: Resources) -> None:
    """Functions that waited in the queue would take all of a new account's 10 from the one that empties it."""
    parameter = prod.parameters["Concurrency"]
    assert parameter["Default"] == "1000"
    assert "a number such as 10 or 1000" in parameter["ConstraintDescription"]
    for given, is_accepted in {
        "10": True,
        "1000": True,
        "0": False,
        "-1": False,
        "1.5": False,
        "1,000": False,
        "many": False,
        "": False,
    }.items():
        assert (re.fullmatch(parameter["AllowedPattern"], given) is not None) is is_accepted, given


def test_make_hands_the_concurrency_over() -> None:
    printed = subprocess.run(
        ["make", "--dry-run", "deploy", "STAGE=prod", "CONCURRENCY=10"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "--parameters Concurrency=10" in printed


def test_presses_that_wait_leave_functions_to_the_one_they_wait_for(prod: Resources) -> None:
    """With the default quota, at the highest rate that the address lets through for longer than a burst."""
    stage = prod.one("AWS::ApiGatewayV2::Stage")
    rate = stage["RouteSettings"]["POST /slack/events"]["ThrottlingRateLimit"]
    waits = REPLY_LATER_AFTER + POLL_SECONDS * (1 + POLL_SPREAD)
    assert rate * waits < 0.9 * int(prod.parameters["Concurrency"]["Default"])


def test_no_function_has_reserved_concurrency(prod: Resources) -> None:
    """An account with a quota of 10 can't reserve any: the first deployment into a new one would fail."""
    for one in prod.of("AWS::Lambda::Function"):
        assert "ReservedConcurrentExecutions" not in one
