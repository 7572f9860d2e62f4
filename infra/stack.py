"""One stage of Rollcall in one account: its tables, functions, address, alarms and dashboard."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.front_door import FrontDoor
from infra.constructs.functions import Functions
from infra.constructs.monitoring import Monitoring
from infra.constructs.tables import Tables


class RollcallStack(cdk.Stack):
    """`stage` tells several apart: it is in the name of everything. `code` is what the functions run."""

    def __init__(self, scope: Construct, *, stage: str, code: lambda_.Code) -> None:
        super().__init__(
            scope,
            f"rollcall-{stage}",
            description=f"Rollcall, event registration in Slack ({stage})",
            tags={"rollcall:stage": stage},
        )
        workspace = cdk.CfnParameter(
            self,
            "Workspace",
            description="The Slack workspace's id, which begins with T (it is in Slack's address)",
            allowed_pattern="T[A-Z0-9]+",
            constraint_description="must be a workspace's id, such as T0123456789",
        )
        alarm_email = cdk.CfnParameter(
            self,
            "AlarmEmail",
            description="Who is told of alarms by email; empty: nobody",
            default="",
        )
        tables = Tables(self, "Tables", prefix=f"rollcall-{stage}-")
        functions = Functions(
            self,
            "Functions",
            stage=stage,
            code=code,
            tables=tables,
            workspace_id=workspace.value_as_string,
        )
        door = FrontDoor(
            self,
            "FrontDoor",
            stage=stage,
            slack=functions.by_name["slack"],
            programs=functions.by_name["api"],
        )
        Monitoring(
            self,
            "Monitoring",
            stage=stage,
            tables=tables,
            functions=functions,
            door=door,
            email=alarm_email.value_as_string,
        )
        _acknowledge(functions, door)
        cdk.CfnOutput(
            self,
            "Url",
            value=door.api.api_endpoint,
            description="Rollcall's address, for `rollcall manifest --url`",
        )


def _acknowledge(functions: Functions, door: FrontDoor) -> None:
    """Say why what cdk-nag finds is as it should be. Whatever it finds beside fails the synthesis."""
    for scope, rule, reason in (
        (
            functions,
            "SMG4",
            "Slack's tokens are given out on Slack's pages, and the API's to programs, by hand:"
            " docs/operations.md says how they are rotated without an outage.",
        ),
        (
            functions,
            "L1",
            "Python 3.13 is the newest that Rollcall is tested on; Lambda supports it until 2029.",
        ),
        (functions, "SQS3", "This queue is the dead letters' own; an alarm watches it."),
        (
            door,
            "APIG4",
            "Slack signs its requests, and the function refuses what is not signed before it reads it"
            " (R10.1); programs bring a bearer token, which the function compares (R10.3).",
        ),
    ):
        cdk.Validations.of(scope).acknowledge(
            cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason)
        )
