"""Opening the roster costs the same number of requests for any size of event (R6.5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.features.going import views as going_views
from bot.features.manage import attendee_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.member_directory import MemberDirectory
from domain.models import Actor
from domain.queries.registrations import waitlist_cursor
from storage.dynamodb.store import DynamoDBStore
from tests.support.dynamodb.large_events import fill
from tests.support.dynamodb.requests import Requests, counted
from tests.support.environment import ManualClock, ids, service_on
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, SlackHarness
from tests.support.stores import empty_local

REGISTERED, WAITLISTED = 1_000, 1_100
SMALL = 3


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoDBStore]:
    with empty_local(is_reused=False) as store:
        fill(store, "large", REGISTERED, WAITLISTED)
        fill(store, "small", SMALL, SMALL)
        yield store


def opened(
    harness: SlackHarness, store: DynamoDBStore, event_id: str, cursor: str | None = None
) -> tuple[Requests, str]:
    """Open an event's roster. Return its store requests and its text."""
    clock = ManualClock()
    context = AppContext(
        service_on(store, clock=clock),
        harness.bot.notification_worker,
        MemberDirectory(harness.client, clock, harness.workspace.team_id),
        harness.client,
        harness.client,
        ids(),
        "T1",
        follow_channel_later=lambda event: None,
        later=lambda key, work: work(),
        clock=clock,
    )
    with counted(store._client) as requests:
        view = ManageModal(context).build("organizer", event_id, cursor)
    return requests, str(view.to_dict())


def test_first_roster_page_costs_the_same_for_any_event(
    harness: SlackHarness, store: DynamoDBStore
) -> None:
    small, _ = opened(harness, store, "small")
    large, text = opened(harness, store, "large")
    assert sentences.taken(REGISTERED, REGISTERED, waitlist=WAITLISTED) in text
    assert text.count("seat since") == attendee_views.ATTENDEES_PAGE
    # The small one's page holds its line, too.
    assert large.reads <= small.reads
    assert (large.scans, small.scans) == (0, 0)


def test_page_of_who_is_going_costs_the_same_for_any_event(store: DynamoDBStore) -> None:
    """R12.1."""
    service = service_on(store, clock=ManualClock())
    cost = {}
    for event_id, limit in (("small", 1), ("large", going_views.GOING_PAGE)):
        first = service.list_going(event_id, actor=Actor("anyone"), limit=limit)
        with counted(store._client) as requests:
            page = service.list_going(
                event_id, actor=Actor("anyone"), limit=limit, cursor=first.next_cursor
            )
        assert (len(page.registered), requests.scans) == (limit, 0)
        cost[event_id] = requests.reads
    assert cost["large"] == cost["small"]


def test_page_deep_in_waitlist_costs_the_same_for_any_event(
    harness: SlackHarness, store: DynamoDBStore
) -> None:
    """The first position is counted within one block of the waitlist (`WAITLIST_BLOCK`)."""
    first, _ = opened(harness, store, "small", waitlist_cursor("small", 4))
    deep, text = opened(harness, store, "large", waitlist_cursor("large", 2_000))
    assert "1001. " in text
    assert deep.reads <= first.reads
    assert AMARA not in text
