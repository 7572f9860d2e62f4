"""Functions that Lambda keeps started for a rush: an option of the stack, off by default."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.support.infra.service_calls import ROOT
from tests.support.infra.synthesis import Resources

ALIAS, VERSION = "AWS::Lambda::Alias", "AWS::Lambda::Version"
MAPPING = "AWS::Lambda::EventSourceMapping"


def test_nothing_is_kept_started_by_default(prod: Resources) -> None:
    assert prod.ids_of(ALIAS) + prod.ids_of(VERSION) == []


def alias_of(warm: Resources, function: str) -> str:
    """Return the logical id of a function's alias."""
    (found,) = (
        id_
        for id_ in warm.ids_of(ALIAS)
        if warm.named(warm.of_id(id_)["Properties"]["FunctionName"]) == function
    )
    return found


@pytest.mark.parametrize(("function", "number"), [("slack", 5), ("queue", 1)])
def test_functions_of_a_rush_are_kept_started_if_that_is_wanted(
    warm: Resources, function: str, number: int
) -> None:
    """The requests of one event come to one queue function at a time."""
    assert len(warm.ids_of(ALIAS)) == len(warm.ids_of(VERSION)) == 2
    alias = warm.of_id(alias_of(warm, function))["Properties"]
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": number}
    version, _ = alias["FunctionVersion"]["Fn::GetAtt"]
    assert warm.named(warm.of_id(version)["Properties"]["FunctionName"]) == function


def test_requests_of_slack_go_to_the_functions_that_are_started(warm: Resources) -> None:
    alias = alias_of(warm, "slack")
    (integration,) = warm.of("AWS::ApiGatewayV2::Integration")
    assert integration["IntegrationUri"] == {"Ref": alias}
    callers = [
        one["Principal"]
        for one in warm.of("AWS::Lambda::Permission")
        if one["FunctionName"] == {"Ref": alias}
    ]
    assert callers == ["apigateway.amazonaws.com"]


def test_requests_in_a_queue_go_to_the_function_that_is_started(
    prod: Resources, warm: Resources
) -> None:
    """The mapping stays the same one: a new one would begin with all requests of the last day."""
    mappings = prod.ids_of(MAPPING)
    assert warm.ids_of(MAPPING) == mappings
    (changed,) = (id_ for id_ in mappings if prod.of_id(id_) != warm.of_id(id_))
    before, after = prod.of_id(changed)["Properties"], warm.of_id(changed)["Properties"]
    assert prod.named(before["FunctionName"]) == "queue"
    assert after == before | {"FunctionName": {"Ref": alias_of(warm, "queue")}}


def test_all_else_is_as_without_them(prod: Resources, warm: Resources) -> None:
    """Other streams and schedules call their functions as before, and alarms count every version of one."""
    added = {*warm.ids()} ^ {*prod.ids()}
    assert {warm.of_id(id_)["Type"] for id_ in added} == {ALIAS, VERSION}
    changed = {id_ for id_ in prod.ids() if prod.of_id(id_) != warm.of_id(id_)}
    assert {warm.of_id(id_)["Type"] for id_ in changed} == {
        "AWS::ApiGatewayV2::Integration",
        "AWS::Lambda::Permission",
        MAPPING,
    }


def test_make_hands_the_number_over() -> None:
    printed = subprocess.run(
        ["make", "--dry-run", "template", "STAGE=prod", "WARM=5"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (context,) = re.findall(r"CDK_CONTEXT_JSON='(.*?)'", printed)
    assert json.loads(context) == {"stage": "prod", "warm": "5"}


@pytest.mark.parametrize("given", ["-1", "many", "1000", "1.5"])
def test_malformed_number_is_refused(node: None, given: str) -> None:
    import aws_cdk as cdk  # it starts Node

    from infra.app import warm_of

    with pytest.raises(SystemExit, match="warm is malformed"):
        warm_of(cdk.App(context={"warm": given}))


@pytest.mark.parametrize(("given", "number"), [("", 0), ("12", 12)])
def test_number_is_read_from_the_context(node: None, given: str, number: int) -> None:
    import aws_cdk as cdk  # it starts Node

    from infra.app import warm_of

    assert warm_of(cdk.App(context={"warm": given})) == number
