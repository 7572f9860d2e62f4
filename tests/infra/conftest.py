"""CloudFormation templates as CDK synthesizes them, which needs Node."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.infra.synthesis import Resources, synthesize


@pytest.fixture(scope="session")
def node() -> None:
    """Skip, or with CI set fail, where CDK can't run."""
    if shutil.which("node") is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("Node is not there: CDK needs it (version 20 or newer)")


@pytest.fixture(scope="session")
def prod(node: None, tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """Give the resources of the stage `prod`; that they are valid, one test asks: it takes long."""
    os.environ["CDK_VALIDATION"] = "false"
    template = synthesize(tmp_path_factory.mktemp("assembly"), "prod")
    del os.environ["CDK_VALIDATION"]
    return Resources(template)
