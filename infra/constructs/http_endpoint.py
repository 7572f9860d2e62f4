"""The address that Slack and API clients call: one API Gateway HTTP API for all of Rollcall's routes.

Function URLs would save a hop and cost nothing. But every function has a URL of its own, while
`/slack/events` and the routes of R11 share one root. A function URL also can't limit the request
rate. An HTTP API does, before a function costs anything, for 1 dollar per million requests.
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
"""At one second per request, the rate occupies half of an account's default of 1,000 concurrent functions."""

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
"""The access log's fields. It omits the client's address, and the path, which contains users' ids."""


class HttpEndpoint(Construct):
    """Routes Slack's requests to one function and all others to the API's function."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: str,
        slack: lambda_.Function,
        api: lambda_.Function,
    ) -> None:
        super().__init__(scope, id_)
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=f"rollcall-{stage}",
            create_default_stage=False,
            default_integration=integrations.HttpLambdaIntegration("ApiFunction", api),
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
            # AWS services may write to groups with this prefix without a statement in a policy.
            log_group_name=f"/aws/vendedlogs/rollcall/{stage}/requests",
            retention=KEEP_LOGS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
