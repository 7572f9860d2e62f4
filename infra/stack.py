"""One stage of Rollcall in one account: tables, functions, address, alarms, dashboard and budget."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.accepted_findings import CDK_NAG
from infra.constructs.budget import Budget
from infra.constructs.functions import Functions
from infra.constructs.http_endpoint import HttpEndpoint
from infra.constructs.monitoring import Monitoring
from infra.constructs.tables import Tables


class RollcallStack(cdk.Stack):
    """The stack of a stage. Every resource has the stage in its name.

    `code` is the functions' package, and `warm` how many Slack functions are kept started.
    If any is, so is one queue function.
    """

    def __init__(self, scope: Construct, *, stage: str, code: lambda_.Code, warm: int = 0) -> None:
        super().__init__(
            scope,
            f"rollcall-{stage}",
            description=f"Rollcall, event registration in Slack ({stage})",
            tags={"rollcall:stage": stage},
        )
        workspace = cdk.CfnParameter(
            self,
            "Workspace",
            description="Id of the Slack workspace. It starts with T and is part of Slack's URL",
            allowed_pattern="T[A-Z0-9]+",
            constraint_description="must be a workspace id such as T0123456789",
        )
        alarm_email = cdk.CfnParameter(
            self,
            "AlarmEmail",
            description="Email address for alarms and the budget. Leave it empty for no email and no budget",
            default="",
        )
        monthly_budget = cdk.CfnParameter(
            self,
            "MonthlyBudget",
            type="Number",
            description="Dollars a month. If the account costs more, the address for alarms gets an email",
            default=50,
            min_value=1,
        )
        http_api = cdk.CfnParameter(
            self,
            "HttpApi",
            description="Whether the address has the routes of the HTTP API, for programs with a token",
            allowed_values=["on", "off"],
            default="off",
        )
        concurrency = cdk.CfnParameter(
            self,
            "Concurrency",
            description="How many Lambda functions the account may run at once. Below 200, no press waits in the queue",
            allowed_pattern="[1-9][0-9]{0,5}",
            constraint_description="must be the account's quota, a number such as 10 or 1000",
            default="1000",
        )
        with_api = cdk.CfnCondition(
            self,
            "WithHttpApi",
            expression=cdk.Fn.condition_equals(http_api.value_as_string, "on"),
        )
        email_is_given = cdk.CfnCondition(
            self,
            "EmailIsGiven",
            expression=cdk.Fn.condition_not(
                cdk.Fn.condition_equals(alarm_email.value_as_string, "")
            ),
        )
        tables = Tables(self, "Tables", prefix=f"rollcall-{stage}-")
        functions = Functions(
            self,
            "Functions",
            stage=stage,
            code=code,
            tables=tables,
            workspace_id=workspace.value_as_string,
            warm=warm,
            concurrency=concurrency.value_as_string,
        )
        endpoint = HttpEndpoint(
            self,
            "HttpEndpoint",
            stage=stage,
            slack=functions.slack,
            api=functions.by_name["api"],
            with_api=with_api,
        )
        Monitoring(
            self,
            "Monitoring",
            stage=stage,
            tables=tables,
            functions=functions,
            endpoint=endpoint,
            email=alarm_email.value_as_string,
            email_is_given=email_is_given,
        )
        Budget(
            self,
            "Budget",
            stage=stage,
            dollars=monthly_budget.value_as_number,
            email=alarm_email.value_as_string,
            email_is_given=email_is_given,
        )
        _acknowledge(functions, endpoint)
        cdk.CfnOutput(
            self,
            "Url",
            value=endpoint.url,
            description="Rollcall's address, for `rollcall manifest --url`",
        )


def _acknowledge(*constructs: Construct) -> None:
    """Acknowledge the findings of cdk-nag that are accepted. Any other finding fails the synthesis."""
    by_id = {construct.node.id: construct for construct in constructs}
    for one in CDK_NAG:
        cdk.Validations.of(by_id[one.where]).acknowledge(
            cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{one.rule}", reason=one.reason)
        )
