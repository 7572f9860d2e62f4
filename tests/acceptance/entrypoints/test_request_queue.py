"""Presses that wait in an event's queue, through the Lambda functions (R14)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints import lambda_functions
from bot.entrypoints.lambda_functions import RESERVE
from bot.notifications.queued_replies import LEFT_AFTER
from domain.execution.queue_consumer import GIVEN_UP_AFTER
from domain.execution.queueing_executor import OPEN_SECONDS, REPLY_LATER_AFTER
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from tests.support.environment import ids, service_on
from tests.support.invariants import assert_invariants
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, reply, shown
from tests.support.slack.lambda_functions import Context, Deployment, deployed, post_card, yoga

IN_QUEUE = "in the queue"


def begin_rush(deployment: Deployment) -> None:
    """Post the card of an event whose queue another process opens."""
    yoga(deployment, capacity=9)
    post_card(deployment, "yoga")
    service = service_on(deployment.store, new_id=ids("another process"))
    service.register_ensuring_user("yoga", deployment.harness.draft(DIEGO))
    until = deployment.harness.clock.now() + timedelta(seconds=OPEN_SECONDS)
    deployment.store.open_queue("yoga", until)


def press(deployment: Deployment, user_id: str) -> str:
    """Press *Register* on the card; return the reply."""
    return reply(click_register(deployment, user_id))


def click_register(deployment: Deployment, user_id: str) -> ActionResult:
    """Press *Register* on the card."""
    card = next(
        one for one in deployment.harness.workspace.messages(EVENTS) if "Yoga" in shown(one)
    )
    return deployment.slack.click(user_id, card, ActionId.REGISTER)


def last_seen(deployment: Deployment, user_id: str) -> str:
    return shown(deployment.harness.workspace.messages(EVENTS, visible_to=user_id)[-1])


def seated(deployment: Deployment) -> list[str]:
    return assert_invariants(deployment.store).seated("yoga")


@pytest.fixture
def without_consumer(deployment: Deployment) -> Deployment:
    """Give functions of which none carries out requests while another waits."""
    begin_rush(deployment)
    deployment.harness.clock.while_sleeping = lambda: None
    return deployment


def test_press_gets_its_result_while_it_waits(deployment: Deployment) -> None:
    begin_rush(deployment)
    assert "a seat in *Yoga in the park*" in press(deployment, BJORN)
    assert seated(deployment) == [DIEGO, BJORN]


def test_press_that_waits_for_long_gets_its_reply_later(without_consumer: Deployment) -> None:
    assert IN_QUEUE in press(without_consumer, BJORN)
    assert seated(without_consumer) == [DIEGO]
    assert without_consumer.carry_out_requests() == []
    assert "a seat in *Yoga in the park*" in last_seen(without_consumer, BJORN)
    assert seated(without_consumer) == [DIEGO, BJORN]
    assert without_consumer.store.list_awaited_replies(limit=9).items == ()


def test_reply_that_slack_does_not_take_becomes_a_direct_message(
    without_consumer: Deployment,
) -> None:
    assert IN_QUEUE in press(without_consumer, BJORN)
    without_consumer.harness.api.fail_next("response_url", Fault.server_error())
    without_consumer.deliver()
    without_consumer.sweep()
    (message,) = without_consumer.harness.direct_messages(BJORN)
    assert "a seat in *Yoga in the park*" in message


def test_request_whose_record_is_lost_is_given_up_by_the_sweep(
    without_consumer: Deployment,
) -> None:
    assert IN_QUEUE in press(without_consumer, BJORN)
    assert without_consumer.requests()  # no function gets them
    without_consumer.sweep()
    assert IN_QUEUE in last_seen(without_consumer, BJORN)
    without_consumer.harness.clock.advance(GIVEN_UP_AFTER)
    without_consumer.sweep()
    assert "find out in time" in last_seen(without_consumer, BJORN)
    assert seated(without_consumer) == [DIEGO]


@contextmanager
def no_reply_function(deployment: Deployment) -> Iterator[list[lambda_functions.Event]]:
    """Have a reply function that does nothing. Give the batches that it gets."""
    functions, batches = deployment.functions, list[lambda_functions.Event]()

    def ignore(batch: lambda_functions.Event, _: object) -> dict[str, list[str]]:
        batches.append(batch)
        return {"batchItemFailures": []}

    deployment.functions = {**functions, "reply": ignore}
    yield batches
    deployment.functions = functions


def test_reply_whose_record_is_lost_is_sent_by_the_sweep(without_consumer: Deployment) -> None:
    assert IN_QUEUE in press(without_consumer, BJORN)
    with no_reply_function(without_consumer):
        without_consumer.deliver()
    assert IN_QUEUE in last_seen(without_consumer, BJORN)
    without_consumer.harness.clock.advance(LEFT_AFTER)
    without_consumer.sweep()
    assert "a seat in *Yoga in the park*" in last_seen(without_consumer, BJORN)


def test_reply_for_which_a_function_has_no_time_is_left_to_the_next(
    without_consumer: Deployment,
) -> None:
    """Lambda would end it in the middle of a call, and the reply would be sent twice."""
    assert IN_QUEUE in press(without_consumer, BJORN)
    with no_reply_function(without_consumer) as batches:
        without_consumer.deliver()
    send = without_consumer.functions["reply"]
    assert send(batches[-1], Context(seconds=int(RESERVE) - 1))["batchItemFailures"]
    assert IN_QUEUE in last_seen(without_consumer, BJORN)
    assert send(batches[-1], Context())["batchItemFailures"] == []
    assert "a seat in *Yoga in the park*" in last_seen(without_consumer, BJORN)


def test_where_few_functions_run_a_press_does_not_wait(harness: SlackHarness) -> None:
    """A new account's 10 would all wait for the one that can't start."""
    with deployed(harness, concurrency=10) as deployment:
        begin_rush(deployment)
        before, shown_before = harness.clock.monotonic(), last_seen(deployment, CHLOE)
        click_register(deployment, CHLOE)
        assert harness.clock.monotonic() - before < REPLY_LATER_AFTER / 2
        # A message that says so would take longer than the rest. The reply comes as soon.
        assert last_seen(deployment, CHLOE) == shown_before
        deployment.deliver()
        assert "a seat in *Yoga in the park*" in last_seen(deployment, CHLOE)


def test_where_few_functions_run_a_program_does_not_queue(harness: SlackHarness) -> None:
    """It could get no later reply."""
    with deployed(harness, concurrency=10) as deployment:
        begin_rush(deployment)
        harness.clock.while_sleeping = lambda: None
        deployment.ask("POST", "/users", {"userId": HARUKI, "name": "Haruki"})
        deployment.ask("POST", "/events/yoga/register", {"userId": HARUKI})
        assert seated(deployment) == [DIEGO, HARUKI]
