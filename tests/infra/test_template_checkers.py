"""The AWS template under cfn-lint and checkov: every finding is accepted with a reason, or fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.accepted_findings import CDK_NAG, CFN_LINT, CHECKOV, Accepted
from tests.support.infra.template_checkers import Finding, cfn_lint, checkers, checkov, unaccepted
from tests.support.npm import Unobtainable, give_up

pytestmark = pytest.mark.soak

CHECKERS = [
    pytest.param(cfn_lint, CFN_LINT, id="cfn-lint"),
    pytest.param(checkov, CHECKOV, id="checkov"),
]

Checker = Callable[[Path], list[Finding]]


@pytest.fixture(scope="session", autouse=True)
def fetched() -> None:
    """Skip if the checkers can't be fetched. Fail instead if CI is set."""
    try:
        checkers()
    except Unobtainable as error:
        give_up(str(error))


@pytest.mark.parametrize("options", ["assembly", "warm_assembly"])
@pytest.mark.parametrize(("check", "accepted"), CHECKERS)
def test_all_findings_are_accepted_and_all_accepted_are_found(
    request: pytest.FixtureRequest, options: str, check: Checker, accepted: tuple[Accepted, ...]
) -> None:
    folder: Path = request.getfixturevalue(options)
    found = check(folder / "rollcall-prod.template.json")
    assert unaccepted(found, accepted) == []
    assert {(one.rule, one.type) for one in found} == {(one.rule, one.where) for one in accepted}


def test_every_accepted_finding_has_a_reason() -> None:
    assert all(one.reason.endswith(".") for one in (*CDK_NAG, *CFN_LINT, *CHECKOV))


def changed(assembly: Path, folder: Path, type_: str, **properties: Any) -> Path:
    """Return the template with other properties of the resources of a type. None removes one."""
    template = json.loads((assembly / "rollcall-prod.template.json").read_text())
    for one in template["Resources"].values():
        if one["Type"] == type_:
            values = one["Properties"] | properties
            one["Properties"] = {name: values[name] for name in values if values[name] is not None}
    path = folder / "changed.template.json"
    path.write_text(json.dumps(template))
    return path


def test_cfn_lint_finds_a_wrong_value(assembly: Path, tmp_path: Path) -> None:
    """Negative control."""
    wrong = changed(assembly, tmp_path, "AWS::Lambda::Function", Runtime="python3.1")
    assert {one.rule for one in unaccepted(cfn_lint(wrong), CFN_LINT)} >= {"E3030"}


def test_checkov_finds_an_address_without_a_log(assembly: Path, tmp_path: Path) -> None:
    """Negative control."""
    wrong = changed(assembly, tmp_path, "AWS::ApiGatewayV2::Stage", AccessLogSettings=None)
    found = unaccepted(checkov(wrong), CHECKOV)
    assert [(one.rule, one.type) for one in found] == [("CKV_AWS_95", "AWS::ApiGatewayV2::Stage")]


def test_tables_are_imported_by_the_property_that_is_fixed() -> None:
    """`docs/operations.md`, *Deploy on tables that exist*. CloudFormation's own schemas are part of cfn-lint."""
    schemas = checkers() / "cfnlint/data/schemas"
    index = json.loads((schemas / "providers/us-east-1.json").read_text())
    name = index["AWS::DynamoDB::GlobalTable"]
    schema = json.loads((schemas / f"resources/{name}.json").read_text())
    assert schema["primaryIdentifier"] == ["/properties/TableName"]
