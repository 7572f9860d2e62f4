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
from infra.figures import FIGURES
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from tests.support.dynamodb.injected_answers import canceled
from tests.support.dynamodb.local import local_client
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, SECRET, answer
from tests.support.slack.lambda_functions import TOKEN, Cloud, post_card, yoga

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


def test_a_commit_logs_registrations_departures_and_promotions(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    yoga(cloud)
    lines(log, "committed")
    cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    seated = {"event_id": "yoga", "batch": 1, "registrations": 1, "promotions": 0, "departures": 0}
    assert lines(log, "committed") == [seated | {"version": 2}]
    cloud.slack.command(CHLOE, EVENTS, "/register", "yoga")
    assert lines(log, "committed") == [seated | {"version": 3}]
    cloud.ask("DELETE", f"/events/yoga/register/{BJORN}")
    left = {"batch": 1, "registrations": 0, "promotions": 1, "departures": 1}
    assert lines(log, "committed") == [{"event_id": "yoga", "version": 4} | left]


def test_a_commit_that_lost_a_race_logs_a_conflict(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    yoga(cloud)
    inject_conflict(cloud)
    cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert lines(log, "conflict") == [{"event_id": "yoga"}]


@pytest.mark.parametrize("by", ["slack", "api"])
def test_a_refusal_logs_its_kind_once(cloud: Cloud, log: pytest.LogCaptureFixture, by: str) -> None:
    yoga(cloud, hasWaitlist=False)
    cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    cloud.slack.command(CHLOE, EVENTS, "/register", "yoga")
    assert lines(log, "refused") == [{"refusal": "EventFull"}]
    if by == "slack":
        cloud.age = timedelta(seconds=2.5)
        cloud.slack.command(CHLOE, EVENTS, "/register", "yoga")
        assert lines(log, "refused") == [{"refusal": "Busy"}]
        return
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    body = json.dumps({"userId": CHLOE})
    assert cloud.send("POST", "/events/yoga/register", body, headers, "api").status == 409
    assert lines(log, "refused") == [{"refusal": "EventFull"}]


def test_a_delivered_message_logs_its_lag(cloud: Cloud, log: pytest.LogCaptureFixture) -> None:
    promoted(cloud)
    cloud.town.clock.advance(timedelta(seconds=1.5))
    cloud.deliver()
    (line,) = lines(log, "delivered")
    assert (line["event_id"], line["lag_ms"]) == ("yoga", 1500)


def promoted(cloud: Cloud) -> None:
    """Promote Chloé, without delivering the notification."""
    yoga(cloud)
    for user_id in (BJORN, CHLOE):
        cloud.slack.command(user_id, EVENTS, "/register", "yoga")
    cloud.deliver()
    cloud.ask("DELETE", f"/events/yoga/register/{BJORN}")


def test_a_sweep_logs_the_age_of_the_oldest_undelivered_entry(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    """The age is 0 if there is none."""
    cloud.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]
    promoted(cloud)
    cloud.town.api.faults.stand(Fault.server_error())
    cloud.town.clock.advance(timedelta(minutes=7))
    cloud.sweep()
    (line,) = lines(log, "undelivered")
    assert 420 <= line["oldest_seconds"] <= 430
    cloud.town.api.faults.stand(None)
    cloud.town.clock.advance(timedelta(minutes=20))
    cloud.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]


def test_a_delivered_entry_does_not_count(cloud: Cloud, log: pytest.LogCaptureFixture) -> None:
    """However old it is: only entries marked undelivered count."""
    promoted(cloud)
    cloud.town.clock.advance(timedelta(days=1))
    cloud.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]
    cloud.town.api.faults.stand(Fault.server_error())
    cloud.ask("PUT", "/events/yoga", {"location": "Elsewhere"})
    cloud.sweep()
    (line,) = lines(log, "undelivered")
    assert line["oldest_seconds"] < 60


# Metric filters


def test_every_metric_filter_matches_a_logged_line_and_field(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    """`infra` must not import the bot, so it repeats the names."""
    promoted(cloud)
    inject_conflict(cloud)
    cloud.slack.command(DIEGO, EVENTS, "/register", "yoga")
    cloud.slack.command(DIEGO, EVENTS, "/register", "yoga")
    cloud.sweep()
    logged: dict[str, set[str]] = {}
    for record in log.records:
        logged.setdefault(record.getMessage(), set()).update(fields(record))
    for name, figure in FIGURES.items():
        message = re.match(r'\$\.message = "(\w+)"', figure.lines)
        if message is None:
            assert name == "Failures"  # matches every error
            continue
        wanted = {figure.field} - {None} | {*re.findall(r"&& \$\.(\w+)", figure.lines)}
        assert wanted <= logged[message[1]]


def inject_conflict(cloud: Cloud) -> None:
    """Make the next commit of the Slack function conflict with another transaction."""
    events: Any = cloud.clients["slack"].meta.events

    def meet(request: Any, **_: Any) -> Any:
        events.unregister("before-send.dynamodb.TransactWriteItems", meet)
        return canceled("TransactionConflict")(request)

    events.register_first("before-send.dynamodb.TransactWriteItems", meet)


def test_every_field_is_json_serializable(cloud: Cloud, log: pytest.LogCaptureFixture) -> None:
    """Lambda's runtime drops the fields of a line otherwise."""
    promoted(cloud)
    cloud.sweep()
    assert [json.dumps(fields(record)) for record in log.records if record.name == LOGGER]


# Privacy

TYPED = {
    "name": "Wilhelmina Quackenbush",
    "title": "Flibbertigibbet supper",
    "description": "Bring marmalade",
    "location": "Behind the gasworks",
}


def test_no_log_contains_names_typed_text_or_secrets(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    """R10.4: logs contain ids alone, on success and on failure."""
    workspace, clock = cloud.town.workspace, cloud.town.clock
    cloud.slack.change_member(BJORN, name=TYPED["name"], real_name=TYPED["name"])
    words = {name: TYPED[name] for name in ("title", "description", "location")}
    yoga(cloud, **words)
    post_card(cloud, "yoga")
    card = workspace.messages(EVENTS)[-1]
    for user_id in (BJORN, BJORN, CHLOE, DIEGO):
        cloud.slack.click(user_id, card, ActionId.REGISTER)
    cloud.slack.command(CHLOE, EVENTS, "/register", TYPED["title"])
    cloud.slack.command(CHLOE, EVENTS, "/registrations", TYPED["description"])
    cloud.ask("POST", "/users", {"userId": "x1", "name": TYPED["name"]})
    for body in ({"name": TYPED["name"] * 20}, {"name": [TYPED["name"]]}):
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        response = cloud.send("POST", "/users", json.dumps(body), headers, "api")
        assert response.status == 422
    for fault in (Fault.refused("user_disabled"), Fault.refused("invalid_blocks")):
        cloud.town.api.fail_next("chat.postMessage", fault)
        cloud.ask(
            "DELETE", f"/events/yoga/register/{(BJORN, CHLOE)[fault.error != 'user_disabled']}"
        )
        cloud.deliver()
    cloud.town.api.faults.stand(Fault.server_error())
    cloud.ask("PUT", "/events/yoga", {"date": (clock.now() + timedelta(days=3)).isoformat()})
    cloud.deliver()
    cloud.sweep()
    cloud.town.api.faults.stand(None)
    corrupt(cloud)
    assert cloud.slack.click(DIEGO, card, ActionId.LEAVE).ephemeral
    logged = "\n".join(rendered(record) for record in log.records)
    assert any(record.levelname == "ERROR" for record in log.records)
    for word in (*TYPED.values(), "Amara", TOKEN, SECRET, workspace.app.bot_token):
        assert word not in logged, word


def corrupt(cloud: Cloud) -> None:
    """Corrupt the event's item."""
    tables = cloud.store._tables
    local_client().update_item(
        **tables.at(tables.event("yoga")),
        UpdateExpression="SET #capacity = :odd",
        ExpressionAttributeNames={"#capacity": "capacity"},
        ExpressionAttributeValues={":odd": {"S": TYPED["title"]}},
    )


def rendered(record: logging.LogRecord) -> str:
    """Return a line with its message, arguments, fields and traceback."""
    return f"{logging.Formatter().format(record)} {record.args} {fields(record)}"


def test_an_unexpected_failure_is_logged_with_the_reference_shown_to_the_person(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    yoga(cloud)
    corrupt(cloud)
    shown = answer(cloud.slack.command(BJORN, EVENTS, "/register", "yoga"))
    (failure,) = (record for record in log.records if record.levelname == "ERROR")
    assert fields(failure)["reference"] in shown
