"""The cost of a flood in docs/operations.md, compared with the stack's limits and AWS's prices."""

from __future__ import annotations

import json
import re

from tests.support.infra.service_calls import ROOT
from tests.support.infra.synthesis import Resources

REQUEST = 1.00 / 1e6
"""Dollars. API Gateway counts each started 512 KB of a request as one."""

INVOCATION = 0.20 / 1e6
GB_SECOND = 0.0000133334
LOGGED_GB = 0.50

SECONDS = 0.005
"""An estimate of how long the function takes to refuse a request without a valid signature."""

SYSTEM_LINES = 700
"""Bytes of Lambda's two lines about an invocation, with CloudWatch's 26 for each."""

VALUES = {
    "$context.requestId": "a" * 16,
    "$context.requestTime": "29/Nov/2026:12:00:00 +0000",
    "$context.routeKey": "POST /slack/events",
    "$context.status": "401",
    "$context.responseLatency": "12",
    "$context.responseLength": "0",
}
"""The fields that the access log has of such a request. Every other field is a dash."""


def dollars_of_a_request(prod: Resources) -> float:
    """Return what a request costs that the Slack function refuses."""
    line: str = prod.one("AWS::ApiGatewayV2::Stage")["AccessLogSettings"]["Format"]
    line = re.sub(r"\$context[.\w]+", lambda variable: VALUES.get(variable[0], "-"), line)
    assert json.loads(line)["status"] == "401"
    memory: float = prod.function("slack")["MemorySize"] / 1024
    logged = (len(line) + 26 + SYSTEM_LINES) / 1024**3
    return REQUEST + INVOCATION + SECONDS * memory * GB_SECOND + logged * LOGGED_GB


def test_operations_page_says_what_a_flood_costs(prod: Resources) -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = page.partition("\n## What a flood costs\n")[2].partition("\n## ")[0]
    stage = prod.one("AWS::ApiGatewayV2::Stage")
    rate = stage["RouteSettings"]["POST /slack/events"]["ThrottlingRateLimit"]
    each = dollars_of_a_request(prod)
    said = [float(one) for one in re.findall(r"(\d+(?:\.\d+)?) dollars", section)]
    computed = [each * 1e6, each * rate * 3600, each * rate * 86_400]
    assert f"at most {rate} a second" in section
    assert said[:3] == [round(computed[0], 1), round(computed[1], 1), round(computed[2])]
