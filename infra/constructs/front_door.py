"""The address that Slack and programs call: one HTTP API, so that one host has all of Rollcall's routes.

A function URL would be one hop less and cost nothing. But each function has a URL of its own, while
`/slack/events` and R11's routes are promised side by side at one root; and it can't hold back a flood,
which an HTTP API does before any function is paid for. It costs 1 dollar per million requests.
"""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.functions import KEEP_LOGS

REQUESTS_A_SECOND = 500
BURST = 1000
"""Half of the 1,000 functions that an account may have at work at once, by default, for a second each."""

LOGGED = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "bytes": "$context.responseLength",
    "error": "$context.error.message",
    "functionError": "$context.integrationErrorMessage",
}
"""Of each request: neither the address that it came from, nor its path, which has people's ids."""


class FrontDoor(Construct):
    """Slack's requests to one function, every other to the HTTP API's."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: str,
        slack: lambda_.Function,
        programs: lambda_.Function,
    ) -> None:
        super().__init__(scope, id_)
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=f"rollcall-{stage}",
            create_default_stage=False,
            default_integration=integrations.HttpLambdaIntegration("Programs", programs),
        )
        self.api.add_routes(
            path="/slack/events",
            methods=[apigateway.HttpMethod.POST],
            integration=integrations.HttpLambdaIntegration("Slack", slack),
        )
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=REQUESTS_A_SECOND,
                throttling_burst_limit=BURST,
            ),
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=self._log(stage).log_group_arn, format=json.dumps(LOGGED)
            ),
        )

    def _log(self, stage: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            # Where AWS's services write into groups of these names, no policy grows with them.
            log_group_name=f"/aws/vendedlogs/rollcall/{stage}/requests",
            retention=KEEP_LOGS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
