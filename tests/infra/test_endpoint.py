"""The address: its routes, their limits, and what it logs."""

from __future__ import annotations

import json

import pytest

from bot.api.app import ASSETS, PUBLIC_PATHS
from infra.api_routes import API_ROUTES
from tests.support.infra.service_calls import ROOT
from tests.support.infra.synthesis import Resources


def routes(resources: Resources) -> dict[str, str]:
    """Return the function behind each route."""
    functions = {
        id_: resources.named(resources.of_id(id_)["Properties"]["IntegrationUri"])
        for id_ in resources.ids_of("AWS::ApiGatewayV2::Integration")
    }
    found = {}
    for route in resources.of("AWS::ApiGatewayV2::Route"):
        match route["Target"]:
            case {"Fn::Join": ["", ["integrations/", {"Ref": str(id_)}]]}:
                found[route["RouteKey"]] = functions[id_]
    return found


@pytest.fixture(scope="session")
def with_api(prod: Resources) -> Resources:
    return prod.given(HttpApi="on")


def test_only_slack_has_a_route_by_default(prod: Resources) -> None:
    """Every other path gets 404 from API Gateway, and starts no function."""
    assert routes(prod) == {"POST /slack/events": "slack"}


def test_programs_have_their_own_routes_and_function_if_they_are_wanted(
    with_api: Resources,
) -> None:
    assert routes(with_api) == {"POST /slack/events": "slack", **dict.fromkeys(API_ROUTES, "api")}


def test_routes_of_programs_are_those_of_the_api() -> None:
    """R11: each documented route, and the documentation itself."""
    documented = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["paths"]
    assert {
        f"{method.upper()} {path}" for path, methods in documented.items() for method in methods
    } | {"GET /docs", "GET /docs/assets/{proxy+}", "GET /openapi.json"} == {*API_ROUTES}
    assert {path for _, _, path in (one.partition(" ") for one in API_ROUTES)} >= {
        *PUBLIC_PATHS
    } - {ASSETS}


def test_functions_get_events_of_the_form_they_read(with_api: Resources) -> None:
    integrations = with_api.of("AWS::ApiGatewayV2::Integration")
    assert {one["PayloadFormatVersion"] for one in integrations} == {"2.0"}


@pytest.mark.parametrize("parameter", ["off", "on"])
def test_api_gateway_may_call_the_functions_of_its_routes(prod: Resources, parameter: str) -> None:
    resources = prod.given(HttpApi=parameter)
    (api,) = resources.ids_of("AWS::ApiGatewayV2::Api")
    allowed = set()
    for permission in resources.of("AWS::Lambda::Permission"):
        if permission["Principal"] == "apigateway.amazonaws.com":
            allowed.add(resources.named(permission["FunctionName"]))
            assert {"Ref": api} in permission["SourceArn"]["Fn::Join"][1]
    assert allowed == {*routes(resources).values()}


@pytest.mark.parametrize("parameter", ["off", "on"])
def test_every_route_has_limits_of_its_own(prod: Resources, parameter: str) -> None:
    resources = prod.given(HttpApi=parameter)
    settings = resources.one("AWS::ApiGatewayV2::Stage")["RouteSettings"]
    assert settings.keys() == routes(resources).keys()
    rates = {route: one["ThrottlingRateLimit"] for route, one in settings.items()}
    assert rates.pop("POST /slack/events") == 500
    assert set(rates.values()) <= {50}
    assert all(one["ThrottlingBurstLimit"] for one in settings.values())


@pytest.mark.parametrize("parameter", ["off", "on"])
def test_stage_is_made_after_the_routes_whose_settings_it_has(
    prod: Resources, parameter: str
) -> None:
    """API Gateway refuses settings of a route that does not exist."""
    resources = prod.given(HttpApi=parameter)
    (id_,) = resources.ids_of("AWS::ApiGatewayV2::Stage")
    stage = resources.of_id(id_)
    referred = {one["Ref"] for one in stage["Metadata"]["Routes"] or ()}
    assert {*stage["DependsOn"], *referred} == {*resources.ids_of("AWS::ApiGatewayV2::Route")}


def test_address_logs_no_personal_data(prod: Resources) -> None:
    stage = prod.one("AWS::ApiGatewayV2::Stage")
    assert stage["StageName"] == "$default"  # R11's routes are at the root
    logged = stage["AccessLogSettings"]["Format"]
    assert "requestId" in logged
    assert not [word for word in ("sourceIp", "identity", "path", "userAgent") if word in logged]


def test_address_is_an_output(prod: Resources) -> None:
    assert set(prod.outputs) == {"Url"}
