"""The CDK app. `python -m infra.app` writes the template of the stage in CDK's context."""

from __future__ import annotations

import re
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks

from infra.package import build
from infra.stack import RollcallStack

ROOT = Path(__file__).parents[1]

PACKAGE = ROOT / "build" / "lambda"

STAGE = re.compile(r"[a-z][a-z0-9-]{0,19}")
"""It is part of names. The longest may have 64 characters."""

WARM = re.compile(r"[0-9]{1,3}")


def stage_of(app: cdk.App) -> str:
    """Return the stage in the context. Raise `SystemExit` if it is malformed."""
    stage = str(app.node.try_get_context("stage") or "dev")
    if not STAGE.fullmatch(stage):
        raise SystemExit(
            f"stage is malformed: {stage!r}. Use 1 to 20 characters of a-z, 0-9 and -, starting with"
            " a letter."
        )
    return stage


def warm_of(app: cdk.App) -> int:
    """Return how many Slack functions to keep started, 0 by default. Raise `SystemExit` if it is malformed."""
    warm = str(app.node.try_get_context("warm") or "0")
    if not WARM.fullmatch(warm):
        raise SystemExit(f"warm is malformed: {warm!r}. Use a number from 1 to 999.")
    return int(warm)


def main() -> None:
    """Build the functions' package and write the assembly to `CDK_OUTDIR`. Raise `CannotBuild`."""
    app = cdk.App()
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stage, warm = stage_of(app), warm_of(app)
    build(ROOT, PACKAGE)
    RollcallStack(app, stage=stage, code=lambda_.Code.from_asset(str(PACKAGE)), warm=warm)
    app.synth()


if __name__ == "__main__":
    main()
