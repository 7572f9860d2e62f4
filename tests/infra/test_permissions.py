"""Each function has exactly the permissions that its code needs (R10.5).

The tests record the requests of each service method that a function's modules call, also with late
answers and conflicts, and the requests of the functions that deliver messages and update cards.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from bot.blocks.ids import ActionId
from domain.execution.queue_consumer import GIVEN_UP_AFTER
from domain.models import Actor, ExportJob
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from storage.dynamodb.schema import EVENTS as EVENTS_TABLE
from storage.dynamodb.schema import JOURNAL
from tests.support.dynamodb.large_events import fill
from tests.support.environment import ids, service_on
from tests.support.infra.iam_actions import Need, allowed, recorded
from tests.support.infra.service_calls import ROOT, method_calls, methods_used
from tests.support.series import new_series
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, files, reply
from tests.support.slack.lambda_functions import Context, Deployment, post_card, yoga

LISTENERS = [
    str(path.relative_to(ROOT)) for path in sorted((ROOT / "bot" / "features").rglob("*.py"))
]

API = ["bot/api/routes.py", "bot/api/series_routes.py"]

MEMBERS = "bot/features/account/member_sync.py"
"""Syncs one member for listeners, and all members daily in a function of its own."""

LISTING = "bot/features/cards/listing.py"
"""Lists events by the privacy of their channels, daily in the same function."""

QUEUED = "in the queue"
"""What a press is told whose result is not there in time."""

METHODS = {
    "slack": methods_used(*LISTENERS, MEMBERS) - {"list_users"},
    "api": methods_used(*API),
    "notifier": set(),
    "export": set(),
    "reply": set(),
    "sweep": {"sweep"},
    # A request that meets an event under deletion helps to empty it.
    "members": methods_used(MEMBERS, LISTING) | {"delete_event"},
}
"""The methods of the service that a function's requests reach. The queue function has a test of its own."""

OTHERS = {
    "bot/entrypoints/bootstrap.py": {"sweep"},
    "bot/entrypoints/lambda_functions.py": {"sweep"},
    "bot/entrypoints/check_report.py": {"check", "repair"},  # the command line's
}
"""The other modules and what they call. Only `NotificationWorker.sweep` does due and unfinished work."""


def test_no_other_module_calls_the_service() -> None:
    """A new call in another module needs an entry here."""
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "bot").rglob("*.py")}
    others = modules - {*LISTENERS, MEMBERS, *API}
    assert {path: used for path in others if (used := methods_used(path))} == OTHERS


def needs_of_functions(deployment: Deployment) -> dict[str, set[Need]]:
    """Return the permissions that each function needs to deliver messages and update cards, also during faults."""
    with ExitStack() as stack:
        found = {
            name: stack.enter_context(recorded(client))
            for name, client in deployment.clients.items()
        }
        walk(deployment)
    return found


def walk(deployment: Deployment) -> None:
    """Deliver everything, once woken by the stream and once found by the sweep."""
    lead_a_life(deployment, "streamed", deployment.deliver)
    lead_a_life(deployment, "swept", deployment.sweep)
    export_a_crowd(deployment)
    export_a_series(deployment)
    export_as_earlier_versions_did(deployment, "crowd", deployment.deliver)
    export_as_earlier_versions_did(deployment, "crowd", deployment.sweep)
    deployment.functions["members"]({"source": "aws.events"}, Context())
    wait_in_a_queue(deployment)


def wait_in_a_queue(deployment: Deployment) -> None:
    """Press while an event's queue is open: the result comes at once, later, or not at all.

    Afterwards, the members' clock is too far behind for more requests.
    """
    harness, store = deployment.harness, deployment.store
    yoga(deployment, eventId="queued", capacity=9)
    post_card(deployment, "queued")
    card = harness.workspace.messages(EVENTS)[-1]

    def open_queue() -> None:
        store.open_queue("queued", harness.clock.now() + timedelta(seconds=1))

    def press(user_id: str) -> str:
        open_queue()
        return reply(deployment.slack.click(user_id, card, ActionId.REGISTER))

    def last_seen(user_id: str) -> str:
        return harness.workspace.messages(EVENTS, visible_to=user_id)[-1].text

    assert QUEUED not in press(BJORN)
    open_queue()
    deployment.ask("POST", "/events/queued/register", {"userId": HARUKI})
    # From here on, nobody carries out what functions wait for. Slack takes the first reply, and not the second.
    harness.clock.while_sleeping = lambda: None
    assert QUEUED in press(CHLOE)
    deployment.deliver()
    assert QUEUED not in last_seen(CHLOE)
    assert QUEUED in press(DIEGO)
    harness.api.fail_next("response_url", Fault.server_error())
    sent = len(harness.direct_messages(DIEGO))
    deployment.deliver()
    deployment.sweep()
    assert len(harness.direct_messages(DIEGO)) == sent + 1
    # The record of the last one is lost.
    assert QUEUED in press(AMARA)
    deployment.requests()
    harness.clock.advance(GIVEN_UP_AFTER)
    deployment.sweep()
    assert QUEUED not in last_seen(AMARA)
    assert not store.list_awaited_replies(limit=1).items


def export_a_crowd(deployment: Deployment) -> None:
    """Export so many attendees that their names come from the list of all users. The first try fails."""
    fill(deployment.store, "crowd", 120, 0)
    job = request_export(deployment, "crowd")
    deployment.harness.api.fail_next("files.getUploadURLExternal", Fault.server_error())
    sent = len(files(deployment.harness, AMARA))
    deployment.deliver()
    # The retry reads the job's entry by its key.
    (deferred,) = deployment.store.get_delivery(job.job_id).deferred
    assert deferred.attempts == 1
    deployment.harness.clock.advance(timedelta(minutes=1))
    deployment.sweep()
    assert len(files(deployment.harness, AMARA)) == sent + 1
    assert deployment.store.list_undelivered(limit=10, cursor=None).items == ()


def export_a_series(deployment: Deployment) -> None:
    """Export who is in which event of a series."""
    clock = deployment.harness.clock
    service = service_on(deployment.store, clock=clock, new_id=ids("series"))
    new_series(service, "weekly", starts_at=clock.now() + timedelta(days=1), organizer_id=AMARA)
    service.export("weekly", request_id="r1", actor=Actor(AMARA))
    sent = len(files(deployment.harness, AMARA))
    deployment.deliver()
    assert len(files(deployment.harness, AMARA)) == sent + 2


def export_as_earlier_versions_did(
    deployment: Deployment, event_id: str, deliver: Callable[[], object]
) -> None:
    """Deliver an export whose notification is in its event's journal, as before exports were jobs."""
    store, keys = deployment.store, deployment.store._keys
    job = request_export(deployment, event_id)
    entry = store.get_journal_entry(job.event_id, job.version)
    request = store.get_journal_entry(job.job_id, 1)
    assert entry is not None
    assert request is not None
    old = entry.model_copy(update={"notifications": request.notifications, "about": request.about})
    store._client.put_item(**keys.put(JOURNAL, keys.items.journal_entry(old)))
    store.delete_job(job.job_id)
    sent = len(files(deployment.harness, AMARA))
    deliver()
    assert len(files(deployment.harness, AMARA)) == sent + 1
    assert store.list_undelivered(limit=10, cursor=None).items == ()


def request_export(deployment: Deployment, event_id: str) -> ExportJob:
    """Press the button as Amara; return the job."""
    manage = deployment.slack.command(AMARA, EVENTS, "/event", event_id).view
    assert manage is not None
    deployment.slack.click(AMARA, manage, ActionId.EXPORT)
    event = deployment.store.get_event(event_id)
    assert event is not None
    return ExportJob(event_id, event.version, 0)


def lead_a_life(deployment: Deployment, event_id: str, deliver: Callable[[], object]) -> None:
    """Take an event from its card to its deletion, with unreachable users and deleted cards."""
    slack, api, register = deployment.slack, deployment.harness.api, f"/events/{event_id}/register"
    yoga(deployment, eventId=event_id)
    post_card(deployment, event_id)
    card = deployment.harness.workspace.messages(EVENTS)[-1]
    for user_id in (BJORN, CHLOE, DIEGO, HARUKI):
        slack.click(user_id, card, ActionId.REGISTER)
    api.fail_next("response_url", Fault.server_error())
    slack.click(HARUKI, card, ActionId.REGISTER)
    deliver()
    request_export(deployment, event_id)
    deliver()
    export_as_earlier_versions_did(deployment, event_id, deliver)
    # The first is unreachable for good, the second for now. The organizer is notified of the first.
    for user_id, fault in ((BJORN, Fault.refused("user_disabled")), (CHLOE, Fault.server_error())):
        deployment.ask("DELETE", f"{register}/{user_id}")
        api.fail_next("chat.postMessage", fault)
        deliver()
    deployment.harness.clock.advance(timedelta(minutes=1))
    # All attendees are notified, and the card was deleted.
    later = deployment.harness.clock.now() + timedelta(days=3)
    deployment.ask("PUT", f"/events/{event_id}", {"date": later.isoformat()})
    api.fail_next("chat.update", Fault.refused("message_not_found"))
    deliver()
    post_card(deployment, event_id)
    deployment.ask("DELETE", f"/events/{event_id}")
    deliver()
    assert deployment.store.list_undelivered(limit=10, cursor=None).items == ()


@pytest.mark.timeout(300)  # it calls everything, with faults: a minute on an idle machine
def test_functions_may_do_exactly_what_they_request(deployment: Deployment) -> None:
    delivering = needs_of_functions(deployment)
    with method_calls() as calls:
        needs = {method: calls.needs_of(method) for method in set().union(*METHODS.values())}
    requested = {
        function: delivering[function].union(*(needs[method] for method in methods))
        for function, methods in METHODS.items()
    }
    assert requested == {function: allowed(function) for function in METHODS}


def test_queue_function_may_do_exactly_what_it_requests() -> None:
    """It carries out the commands of those who put them into a queue. Whatever they are, `walk` had to be allowed."""
    with method_calls() as calls:
        needs = calls.needs_of_consumer(METHODS["slack"] | METHODS["api"])
    assert needs == allowed("queue")


def test_action_without_permission_is_refused(deployment: Deployment) -> None:
    """Negative control: a request without permission is an error wherever functions run in tests."""
    with pytest.raises(ClientError, match="AccessDeniedException"):
        deployment.clients["notifier"].put_item(
            TableName=deployment.store._keys.table_name(EVENTS_TABLE),
            Item={"event_id": {"S": "T1#e1"}},
        )
