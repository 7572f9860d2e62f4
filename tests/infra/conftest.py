"""CloudFormation templates as CDK synthesizes them, which needs Node."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.infra.synthesis import Resources, synthesize


@pytest.fixture(scope="session")
def node() -> None:
    """Skip if CDK can't run. Fail instead if CI is set."""
    if shutil.which("node") is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("CDK needs Node 20 or newer, which is not installed")


@pytest.fixture(scope="session")
def prod(node: None, tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """Give the resources of the stage `prod`. Skip validation, which is slow: one test of its own does it."""
    os.environ["CDK_VALIDATION"] = "false"
    template = synthesize(tmp_path_factory.mktemp("assembly"), "prod")
    del os.environ["CDK_VALIDATION"]
    return Resources(template)
