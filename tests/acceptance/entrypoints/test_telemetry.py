"""The lines of which figures are made, with their fields; and that no log tells of people more than ids."""

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
    """Have everything logged that is logged in Lambda: all from INFO on."""
    with caplog.at_level(logging.INFO), caplog.at_level(logging.INFO, logger=LOGGER):
        yield caplog


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in USUAL}


def lines(log: pytest.LogCaptureFixture, message: str) -> list[Line]:
    """Return the fields of the lines with a message, and forget all lines."""
    found: list[Line] = [
        fields(record)
        for record in log.records
        if record.name == LOGGER and record.getMessage() == message
    ]
    log.clear()
    return found


def test_a_commit_tells_who_came_who_left_and_who_moved_up(
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


def test_a_commit_that_another_overtook_is_a_conflict(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    yoga(cloud)
    overtake(cloud)
    cloud.slack.command(BJORN, EVENTS, "/register", "yoga")
    assert lines(log, "conflict") == [{"event_id": "yoga"}]


@pytest.mark.parametrize("by", ["slack", "api"])
def test_a_refusal_tells_its_kind_once(
    cloud: Cloud, log: pytest.LogCaptureFixture, by: str
) -> None:
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


def test_a_message_that_slack_took_tells_how_long_it_was_on_its_way(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    promoted(cloud)
    cloud.harness.clock.advance(timedelta(seconds=1.5))
    cloud.deliver()
    (line,) = lines(log, "delivered")
    assert (line["event_id"], line["lag_ms"]) == ("yoga", 1500)


def promoted(cloud: Cloud) -> None:
    """Have Chloé promoted, and nobody told yet."""
    yoga(cloud)
    for user_id in (BJORN, CHLOE):
        cloud.slack.command(user_id, EVENTS, "/register", "yoga")
    cloud.deliver()
    cloud.ask("DELETE", f"/events/yoga/register/{BJORN}")


def test_a_sweep_tells_for_how_long_the_oldest_waits(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    """And that nothing does, where nothing does."""
    cloud.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]
    promoted(cloud)
    cloud.harness.api.faults.set_default(Fault.server_error())
    cloud.harness.clock.advance(timedelta(minutes=7))
    cloud.sweep()
    (line,) = lines(log, "undelivered")
    assert 420 <= line["oldest_seconds"] <= 430
    cloud.harness.api.faults.set_default(None)
    cloud.harness.clock.advance(timedelta(minutes=20))
    cloud.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]


def test_an_entry_of_which_nothing_is_owed_does_not_wait(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    """However old it is: the age is that of what is marked."""
    promoted(cloud)
    cloud.harness.clock.advance(timedelta(days=1))
    cloud.sweep()
    assert lines(log, "undelivered") == [{"oldest_seconds": 0}]
    cloud.harness.api.faults.set_default(Fault.server_error())
    cloud.ask("PUT", "/events/yoga", {"location": "Elsewhere"})
    cloud.sweep()
    (line,) = lines(log, "undelivered")
    assert line["oldest_seconds"] < 60


# What metric filters take out of them


def test_every_figure_is_of_a_line_and_a_field_that_are_logged(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    """`infra` may not know the bot: it repeats the names."""
    promoted(cloud)
    overtake(cloud)
    cloud.slack.command(DIEGO, EVENTS, "/register", "yoga")
    cloud.slack.command(DIEGO, EVENTS, "/register", "yoga")
    cloud.sweep()
    logged: dict[str, set[str]] = {}
    for record in log.records:
        logged.setdefault(record.getMessage(), set()).update(fields(record))
    for name, figure in FIGURES.items():
        message = re.match(r'\$\.message = "(\w+)"', figure.lines)
        if message is None:
            assert name == "Failures"  # whatever is logged as an error
            continue
        wanted = {figure.field} - {None} | {*re.findall(r"&& \$\.(\w+)", figure.lines)}
        assert wanted <= logged[message[1]]


def overtake(cloud: Cloud) -> None:
    """Have the next commit of the Slack function meet another's transaction."""
    events: Any = cloud.clients["slack"].meta.events

    def meet(request: Any, **_: Any) -> Any:
        events.unregister("before-send.dynamodb.TransactWriteItems", meet)
        return canceled("TransactionConflict")(request)

    events.register_first("before-send.dynamodb.TransactWriteItems", meet)


def test_every_field_can_be_put_into_json(cloud: Cloud, log: pytest.LogCaptureFixture) -> None:
    """As Lambda's runtime does it, which drops a line's fields otherwise."""
    promoted(cloud)
    cloud.sweep()
    assert [json.dumps(fields(record)) for record in log.records if record.name == LOGGER]


# What is in no log

PEOPLES = {
    "name": "Wilhelmina Quackenbush",
    "title": "Flibbertigibbet supper",
    "description": "Bring marmalade",
    "location": "Behind the gasworks",
}


def test_no_log_tells_of_people_and_their_words(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    """R10.4: ids alone, whatever goes well and whatever fails; secrets are in none either."""
    workspace, clock = cloud.harness.workspace, cloud.harness.clock
    cloud.slack.update_member(BJORN, name=PEOPLES["name"], real_name=PEOPLES["name"])
    words = {name: PEOPLES[name] for name in ("title", "description", "location")}
    yoga(cloud, **words)
    post_card(cloud, "yoga")
    card = workspace.messages(EVENTS)[-1]
    for user_id in (BJORN, BJORN, CHLOE, DIEGO):
        cloud.slack.click(user_id, card, ActionId.REGISTER)
    cloud.slack.command(CHLOE, EVENTS, "/register", PEOPLES["title"])
    cloud.slack.command(CHLOE, EVENTS, "/registrations", PEOPLES["description"])
    cloud.ask("POST", "/users", {"userId": "x1", "name": PEOPLES["name"]})
    for body in ({"name": PEOPLES["name"] * 20}, {"name": [PEOPLES["name"]]}):
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        said = cloud.send("POST", "/users", json.dumps(body), headers, "api")
        assert said.status == 422
    for fault in (Fault.refused("user_disabled"), Fault.refused("invalid_blocks")):
        cloud.harness.api.fail_next("chat.postMessage", fault)
        cloud.ask(
            "DELETE", f"/events/yoga/register/{(BJORN, CHLOE)[fault.error != 'user_disabled']}"
        )
        cloud.deliver()
    cloud.harness.api.faults.set_default(Fault.server_error())
    cloud.ask("PUT", "/events/yoga", {"date": (clock.now() + timedelta(days=3)).isoformat()})
    cloud.deliver()
    cloud.sweep()
    cloud.harness.api.faults.set_default(None)
    break_down(cloud)
    assert cloud.slack.click(DIEGO, card, ActionId.LEAVE).ephemeral
    told = "\n".join(rendered(record) for record in log.records)
    assert "unforeseen failure" in told
    for word in (*PEOPLES.values(), "Amara", TOKEN, SECRET, workspace.app.bot_token):
        assert word not in told, word


def break_down(cloud: Cloud) -> None:
    """Make the event's item one that no version of Rollcall wrote."""
    tables = cloud.store._tables
    local_client().update_item(
        **tables.at(tables.event("yoga")),
        UpdateExpression="SET #capacity = :odd",
        ExpressionAttributeNames={"#capacity": "capacity"},
        ExpressionAttributeValues={":odd": {"S": PEOPLES["title"]}},
    )


def rendered(record: logging.LogRecord) -> str:
    """Return all that a line says: its message, its fields, its traceback."""
    return f"{logging.Formatter().format(record)} {record.args} {fields(record)}"


def test_what_nobody_foresaw_is_found_by_the_reference_that_the_person_was_shown(
    cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    yoga(cloud)
    break_down(cloud)
    shown = answer(cloud.slack.command(BJORN, EVENTS, "/register", "yoga"))
    (failure,) = (record for record in log.records if record.levelname == "ERROR")
    assert fields(failure)["reference"] in shown
