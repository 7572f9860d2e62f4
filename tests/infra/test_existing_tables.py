"""Tables that outlive their stack can be imported by the next one, as far as that shows without an account."""

from __future__ import annotations

import re
import subprocess

from storage.dynamodb.schema import TABLES
from tests.support.infra.service_calls import ROOT
from tests.support.infra.synthesis import Resources

TABLE = "AWS::DynamoDB::GlobalTable"


def test_table_can_be_imported_by_its_name(prod: Resources) -> None:
    """An import requires a deletion policy, and the name itself: no reference, no generated name."""
    for id_ in prod.ids_of(TABLE):
        table = prod.of_id(id_)
        assert table["DeletionPolicy"] == "Retain"
        assert table["Properties"]["TableName"] in {f"rollcall-prod-{one.name}" for one in TABLES}
        assert "Condition" not in table


def test_tables_are_all_that_outlives_the_stack(prod: Resources) -> None:
    """Anything else that did would have to be imported, too."""
    kept = {
        prod.of_id(id_)["Type"]
        for id_ in prod.ids()
        if prod.of_id(id_).get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == {TABLE}


def test_deployment_passes_the_option_to_cdk() -> None:
    arguments = ["STAGE=prod", "WORKSPACE=T0123456789", "ARGS=--import-existing-resources"]
    printed = subprocess.run(
        ["make", "--dry-run", "deploy", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (command,) = re.findall(r"npx .* deploy (?:.*\\\n)*.*", printed)
    assert "--import-existing-resources" in command
    assert "Workspace=T0123456789" in command


def test_operations_page_names_every_table_that_outlives_the_stack() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    loops = re.findall(r"for table in ([\w ]+); do", page)
    assert loops
    for names in loops:
        assert names.split() == [table.name for table in TABLES]
