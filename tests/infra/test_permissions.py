"""Each function may do in its tables what its code asks for, and nothing else (R10.5).

What the code asks for is recorded: of each method of the service that a function's modules call, with
answers that are late and others that are faster; and of the functions themselves, which deliver
messages and keep cards.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from bot.blocks.ids import ActionId
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from storage.dynamodb.schema import EVENTS as EVENTS_TABLE
from tests.support.infra.iam_actions import Need, allowed, recorded
from tests.support.infra.service_calls import ROOT, methods_used, needs_of_method
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI
from tests.support.slack.lambda_functions import Cloud, post_card, yoga

FUNCTIONS = ("slack", "api", "notifier", "sweep", "members")

LISTENERS = [
    str(path.relative_to(ROOT)) for path in sorted((ROOT / "bot" / "features").rglob("*.py"))
]

MEMBERS = "bot/features/account/member_sync.py"
"""What a listener does for one person, and a function of its own each day for all."""

METHODS = {
    "slack": methods_used(*LISTENERS, MEMBERS) - {"list_users"},
    "api": methods_used("bot/api/routes.py"),
    "notifier": set(),
    "sweep": {"sweep"},
    # Whoever meets an event that is just being deleted empties it.
    "members": methods_used(MEMBERS) | {"delete_event"},
}
"""The methods of the service that a function's requests reach."""

OTHERS = {
    "bot/entrypoints/bootstrap.py": {"sweep"},
    "bot/entrypoints/lambda_functions.py": {"sweep"},
    "bot/entrypoints/check_report.py": {"check", "repair"},  # the command line's
}
"""Modules beside those, and what they call; `NotificationWorker.sweep` alone does what is due and unfinished."""


def test_no_other_module_calls_the_service() -> None:
    """So that whoever adds a call is led here."""
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "bot").rglob("*.py")}
    others = modules - {*LISTENERS, MEMBERS, "bot/api/routes.py"}
    assert {path: used for path in others if (used := methods_used(path))} == OTHERS


def needs_of_functions(cloud: Cloud) -> dict[str, set[Need]]:
    """Return what each function asks for when messages are delivered and cards are kept, in good days and bad."""
    with ExitStack() as stack:
        found = {
            name: stack.enter_context(recorded(client)) for name, client in cloud.clients.items()
        }
        walk(cloud)
    return found


def walk(cloud: Cloud) -> None:
    """Have everything delivered that there is to deliver: what the stream tells of, and what the sweep finds."""
    lead_a_life(cloud, "told", cloud.deliver)
    lead_a_life(cloud, "found", cloud.sweep)


def lead_a_life(cloud: Cloud, event_id: str, deliver: Callable[[], object]) -> None:
    """Lead an event from its card to its end, past people and cards that are not there any more."""
    slack, api, register = cloud.slack, cloud.harness.api, f"/events/{event_id}/register"
    yoga(cloud, eventId=event_id)
    post_card(cloud, event_id)
    card = cloud.harness.workspace.messages(EVENTS)[-1]
    for user_id in (BJORN, CHLOE, DIEGO, HARUKI):
        slack.click(user_id, card, ActionId.REGISTER)
    deliver()
    manage = slack.command(AMARA, EVENTS, "/event", event_id).view
    assert manage is not None
    slack.click(AMARA, manage, ActionId.EXPORT)
    deliver()
    # One can't be reached for good, the next not now; and the organizer is told of the first.
    for user_id, fault in ((BJORN, Fault.refused("user_disabled")), (CHLOE, Fault.server_error())):
        cloud.ask("DELETE", f"{register}/{user_id}")
        api.fail_next("chat.postMessage", fault)
        deliver()
    cloud.harness.clock.advance(timedelta(minutes=5))
    # Everyone is told, whether they have a seat or wait; and the card is not there any more.
    later = cloud.harness.clock.now() + timedelta(days=3)
    cloud.ask("PUT", f"/events/{event_id}", {"date": later.isoformat()})
    api.fail_next("chat.update", Fault.refused("message_not_found"))
    deliver()
    post_card(cloud, event_id)
    cloud.ask("DELETE", f"/events/{event_id}")
    deliver()
    assert cloud.store.list_undelivered(limit=10, cursor=None).items == ()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_asks_for_and_nothing_else(cloud: Cloud, function: str) -> None:
    asked = needs_of_functions(cloud)[function].union(
        *(needs_of_method(method) for method in METHODS[function])
    )
    assert sorted(asked) == sorted(allowed(function))


def test_what_a_function_may_not_do_is_refused(cloud: Cloud) -> None:
    """The control: wherever functions run in tests, more than they may is an error."""
    with pytest.raises(ClientError, match="AccessDeniedException"):
        cloud.clients["notifier"].put_item(
            TableName=cloud.store._tables.name(EVENTS_TABLE), Item={"event_id": {"S": "T1#e1"}}
        )
