"""The address that Slack and API clients call: one API Gateway HTTP API for all of Rollcall's routes.

Function URLs would save a hop and cost nothing. But every function has a URL of its own, while
`/slack/events` and the routes of R11 share one root. A function URL also can't limit the request
rate. An HTTP API does, before a function costs anything, for 1 dollar per million requests.

There is no route for all other paths: a request to one gets 404 from API Gateway, and no function starts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.api_routes import API_ROUTES
from infra.constructs.functions import KEEP_LOGS

SLACK_PATH = "/slack/events"
SLACK_ROUTE = f"POST {SLACK_PATH}"

STAGE = "$default"
"""The stage's name. With this one, routes are at the address's root."""

SLACK_LIMITS = {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}
"""Requests a second. While each waits in a queue, for up to 1.8 seconds, they occupy 900 of 1,000 functions."""

API_LIMITS = {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}
"""For each route of the HTTP API: a program in a loop must not take the functions that people's presses need."""

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
    """Routes Slack's requests to one function and, if `with_api` is true, those of the HTTP API to another."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: str,
        slack: lambda_.IFunction,
        api: lambda_.IFunction,
        with_api: cdk.CfnCondition,
    ) -> None:
        super().__init__(scope, id_)
        self._api = apigateway.CfnApi(self, "Api", name=f"rollcall-{stage}", protocol_type="HTTP")
        self.api_id = self._api.ref
        self.url = self._api.attr_api_endpoint
        (slack_route,) = self._routes("Slack", slack, [SLACK_ROUTE])
        api_routes = self._routes("Api", api, API_ROUTES, with_api)
        limits = {SLACK_ROUTE: {**SLACK_LIMITS, "DetailedMetricsEnabled": True}}
        all_limits = {**limits, **dict.fromkeys(API_ROUTES, API_LIMITS)}
        stage_ = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api_id,
            stage_name=STAGE,
            auto_deploy=True,
            # For a route without limits of its own. At present, each route has some.
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=API_LIMITS["ThrottlingRateLimit"],
                throttling_burst_limit=API_LIMITS["ThrottlingBurstLimit"],
            ),
            route_settings=cdk.Fn.condition_if(with_api.logical_id, all_limits, limits),
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=self._log(stage).log_group_arn, format=json.dumps(LOGGED)
            ),
        )
        # A stage can't have settings of a route that does not exist yet. A reference is a dependency, too, and
        # may have a condition, which DependsOn may not.
        stage_.add_resource_dependency(slack_route)
        references = [route.ref for route in api_routes]
        stage_.add_metadata("Routes", cdk.Fn.condition_if(with_api.logical_id, references, ""))

    def _routes(
        self,
        name: str,
        function: lambda_.IFunction,
        routes: Sequence[str],
        condition: cdk.CfnCondition | None = None,
    ) -> list[apigateway.CfnRoute]:
        """Add the routes to a function, and its permission to be called by them. Return the routes."""
        integration = apigateway.CfnIntegration(
            self,
            f"{name}Integration",
            api_id=self.api_id,
            integration_type="AWS_PROXY",
            integration_uri=function.function_arn,
            payload_format_version="2.0",
        )
        permission = lambda_.CfnPermission(
            self,
            f"{name}Permission",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="apigateway.amazonaws.com",
            source_arn=cdk.Stack.of(self).format_arn(
                service="execute-api", resource=self.api_id, resource_name="*"
            ),
        )
        made = [
            apigateway.CfnRoute(
                self,
                "".join(character for character in route.title() if character.isalnum()),
                api_id=self.api_id,
                route_key=route,
                authorization_type="NONE",
                target=f"integrations/{integration.ref}",
            )
            for route in routes
        ]
        for one in (integration, permission, *made):
            one.cfn_options.condition = condition
        return made

    def _log(self, stage: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            # AWS services may write to groups with this prefix without a statement in a policy.
            log_group_name=f"/aws/vendedlogs/rollcall/{stage}/requests",
            retention=KEEP_LOGS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    # Metrics

    def metric(
        self, name: str, statistic: str, period: cdk.Duration, **dimensions: str
    ) -> cloudwatch.Metric:
        """Return a metric of all routes together."""
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name=name,
            dimensions_map={"ApiId": self.api_id, **dimensions},
            statistic=statistic,
            period=period,
        )

    def slack_metric(self, name: str, statistic: str, period: cdk.Duration) -> cloudwatch.Metric:
        """Return a metric of Slack's route alone, which its detailed metrics are enabled for."""
        return self.metric(name, statistic, period, Stage=STAGE, Method="POST", Resource=SLACK_PATH)
