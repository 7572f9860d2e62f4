"""Log lines for metrics with their fields, and the privacy of all logs."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from bot.telemetry import LOGGER
from infra.log_metrics import LOG_METRICS
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from tests.support.dynamodb.injected_answers import canceled
from tests.support.dynamodb.local import local_client
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, SECRET, reply
from tests.support.slack.lambda_functions import TOKEN, Deployment, post_card, yoga

Line = Mapping[str, Any]

USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Capture the log from INFO on, as in Lambda."""
    with caplog.at_level(logging.INFO), caplog.at_level(logging.INFO, logger=LOGGER):
        yield caplog


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in USUAL}


def lines(log: pytest.LogCaptureFixture, message: str) -> list[Line]:
    """Return the fields of the lines with a message, and clear the log."""
    found: list[Line] = [
        fields(record)
        for record in log.records
        if record.name == LOGGER and record.getMessage() == message
    ]
    log.clear()
    return found


def test_commit_logs_registrations_departures_and_promotions(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    yoga(deployment)
    lines(log, "committed")
    deployment.slack.command(BJORN, EVENTS, "/register", "yoga")
    seated = {
        "event_id": "yoga",
        "batch": 1,
        "registrations": 1,
        "promotions": 0,
        "unregistrations": 0,
    }
    assert lines(log, "committed") == [seated | {"version": 2}]
    deployment.slack.command(CHLOE, EVENTS, "/register", "yoga")
    assert lines(log, "committed") == [seated | {"version": 3}]
    deployment.ask("DELETE", f"/events/yoga/register/{BJORN}")
    left = {"batch": 1, "registrations": 0, "promotions": 1, "unregistrations": 1}
    assert lines(log, "committed") == [{"event_id": "yoga", "version": 4} | left]


def test_commit_that_lost_a_race_logs_a_conflict(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    yoga(deployment)
    inject_conflict(deployment)
    deployment.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert lines(log, "conflict") == [{"event_id": "yoga"}]


@pytest.mark.parametrize("by", ["slack", "api"])
def test_refusal_logs_its_kind_once(
    deployment: Deployment, log: pytest.LogCaptureFixture, by: str
) -> None:
    yoga(deployment, hasWaitlist=False)
    deployment.slack.command(BJORN, EVENTS, "/register", "yoga")
    deployment.slack.command(CHLOE, EVENTS, "/register", "yoga")
    assert lines(log, "refused") == [{"refusal": "EventFull"}]
    if by == "slack":
        deployment.age = timedelta(seconds=2.7)
        deployment.slack.command(CHLOE, EVENTS, "/register", "yoga")
        assert lines(log, "refused") == [{"refusal": "TooLate"}]
        return
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    body = json.dumps({"userId": CHLOE})
    assert deployment.send("POST", "/events/yoga/register", body, headers, "api").status == 409
    assert lines(log, "refused") == [{"refusal": "EventFull"}]


def test_delivered_message_logs_its_lag(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    promoted(deployment)
    deployment.harness.clock.advance(timedelta(seconds=1.5))
    deployment.deliver()
    (line,) = lines(log, "delivered")
    assert (line["event_id"], line["lag_ms"]) == ("yoga", 1500)


def promoted(deployment: Deployment) -> None:
    """Promote Chloé, without delivering the notification."""
    yoga(deployment)
    for user_id in (BJORN, CHLOE):
        deployment.slack.command(user_id, EVENTS, "/register", "yoga")
    deployment.deliver()
    deployment.ask("DELETE", f"/events/yoga/register/{BJORN}")


def test_sweep_logs_the_age_of_the_oldest_undelivered_entry(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    """The age is 0 if there is none."""
    deployment.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]
    promoted(deployment)
    deployment.harness.api.faults.set_default(Fault.server_error())
    deployment.harness.clock.advance(timedelta(minutes=7))
    deployment.sweep()
    (line,) = lines(log, "undelivered")
    assert 420 <= line["oldest_seconds"] <= 430
    deployment.harness.api.faults.set_default(None)
    deployment.harness.clock.advance(timedelta(minutes=20))
    deployment.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]


def test_delivered_entry_does_not_count(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    """However old it is: only entries marked undelivered count."""
    promoted(deployment)
    deployment.harness.clock.advance(timedelta(days=1))
    deployment.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]
    deployment.harness.api.faults.set_default(Fault.server_error())
    deployment.ask("PUT", "/events/yoga", {"location": "Elsewhere"})
    deployment.sweep()
    (line,) = lines(log, "undelivered")
    assert line["oldest_seconds"] < 60


# Metric filters


def test_every_metric_filter_matches_a_logged_line_and_field(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    """`infra` must not import the bot, so it repeats the names."""
    promoted(deployment)
    inject_conflict(deployment)
    deployment.slack.command(DIEGO, EVENTS, "/register", "yoga")
    deployment.slack.command(DIEGO, EVENTS, "/register", "yoga")
    deployment.sweep()
    logged: dict[str, set[str]] = {}
    for record in log.records:
        logged.setdefault(record.getMessage(), set()).update(fields(record))
    for name, figure in LOG_METRICS.items():
        message = re.match(r'\$\.message = "(\w+)"', figure.lines)
        if message is None:
            # Every error, and Lambda's own lines.
            assert name in ("Failures", "Initialization")
            continue
        wanted = {figure.field} - {None} | {*re.findall(r"&& \$\.(\w+)", figure.lines)}
        assert wanted <= logged[message[1]]


def inject_conflict(deployment: Deployment) -> None:
    """Make the next commit of the Slack function conflict with another transaction."""
    events: Any = deployment.clients["slack"].meta.events

    def meet(request: Any, **_: Any) -> Any:
        events.unregister("before-send.dynamodb.TransactWriteItems", meet)
        return canceled("TransactionConflict")(request)

    events.register_first("before-send.dynamodb.TransactWriteItems", meet)


def test_every_field_is_json_serializable(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    """Lambda's runtime drops the fields of a line otherwise."""
    promoted(deployment)
    deployment.sweep()
    assert [json.dumps(fields(record)) for record in log.records if record.name == LOGGER]


# Privacy

TYPED = {
    "name": "Wilhelmina Quackenbush",
    "title": "Flibbertigibbet supper",
    "description": "Bring marmalade",
    "location": "Behind the gasworks",
}


def test_no_log_contains_names_typed_text_or_secrets(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    """R10.4: logs contain ids alone, on success and on failure."""
    workspace, clock = deployment.harness.workspace, deployment.harness.clock
    deployment.slack.update_member(BJORN, name=TYPED["name"], real_name=TYPED["name"])
    words = {name: TYPED[name] for name in ("title", "description", "location")}
    yoga(deployment, **words)
    post_card(deployment, "yoga")
    card = workspace.messages(EVENTS)[-1]
    for user_id in (BJORN, BJORN, CHLOE, DIEGO):
        deployment.slack.click(user_id, card, ActionId.REGISTER)
    deployment.slack.command(CHLOE, EVENTS, "/register", TYPED["title"])
    deployment.slack.command(CHLOE, EVENTS, "/registrations", TYPED["description"])
    deployment.ask("POST", "/users", {"userId": "x1", "name": TYPED["name"]})
    for body in ({"name": TYPED["name"] * 20}, {"name": [TYPED["name"]]}):
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        response = deployment.send("POST", "/users", json.dumps(body), headers, "api")
        assert response.status == 422
    for fault in (Fault.refused("user_disabled"), Fault.refused("invalid_blocks")):
        deployment.harness.api.fail_next("chat.postMessage", fault)
        deployment.ask(
            "DELETE", f"/events/yoga/register/{(BJORN, CHLOE)[fault.error != 'user_disabled']}"
        )
        deployment.deliver()
    deployment.harness.api.faults.set_default(Fault.server_error())
    deployment.ask("PUT", "/events/yoga", {"date": (clock.now() + timedelta(days=3)).isoformat()})
    deployment.deliver()
    deployment.sweep()
    deployment.harness.api.faults.set_default(None)
    corrupt(deployment)
    assert deployment.slack.click(DIEGO, card, ActionId.UNREGISTER).ephemeral
    logged = "\n".join(rendered(record) for record in log.records)
    assert any(record.levelname == "ERROR" for record in log.records)
    for word in (*TYPED.values(), "Amara", TOKEN, SECRET, workspace.app.bot_token):
        assert word not in logged, word


def corrupt(deployment: Deployment) -> None:
    """Corrupt the event's item."""
    keys = deployment.store._keys
    local_client().update_item(
        **keys.at(keys.event("yoga")),
        UpdateExpression="SET #capacity = :odd",
        ExpressionAttributeNames={"#capacity": "capacity"},
        ExpressionAttributeValues={":odd": {"S": TYPED["title"]}},
    )


def rendered(record: logging.LogRecord) -> str:
    """Return a line with its message, arguments, fields and traceback."""
    return f"{logging.Formatter().format(record)} {record.args} {fields(record)}"


def test_unexpected_failure_is_logged_with_the_reference_in_the_reply(
    deployment: Deployment, log: pytest.LogCaptureFixture
) -> None:
    yoga(deployment)
    corrupt(deployment)
    shown = reply(deployment.slack.command(BJORN, EVENTS, "/register", "yoga"))
    (failure,) = (record for record in log.records if record.levelname == "ERROR")
    assert fields(failure)["reference"] in shown
