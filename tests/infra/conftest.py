"""CloudFormation templates as CDK synthesizes them, which needs Node."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support.infra.synthesis import Resources, synthesize
from tests.support.once import once_per_session


@pytest.fixture(scope="session")
def node() -> None:
    """Skip if CDK can't run. Fail instead if CI is set."""
    if shutil.which("node") is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("CDK needs Node 20 or newer, which is not installed")


@pytest.fixture(scope="session")
def assembly(node: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder with the template of the stage `prod` and cdk-nag's report."""

    def make(folder: Path) -> None:
        synthesize(folder, "prod")

    return once_per_session(tmp_path_factory, "assembly", make) / "cdk.out"


@pytest.fixture(scope="session")
def prod(assembly: Path) -> Resources:
    """Give the resources of the stage `prod`."""
    return Resources(json.loads((assembly / "rollcall-prod.template.json").read_text()))


@pytest.fixture(scope="session")
def warm_assembly(node: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder with the template of the stage `prod` that keeps five Slack functions started."""

    def make(folder: Path) -> None:
        synthesize(folder, "prod", warm=5)

    return once_per_session(tmp_path_factory, "warm_assembly", make) / "cdk.out"


@pytest.fixture(scope="session")
def warm(warm_assembly: Path) -> Resources:
    """Give the resources of that stage."""
    return Resources(json.loads((warm_assembly / "rollcall-prod.template.json").read_text()))
