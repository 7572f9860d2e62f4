"""The number of requests per operation: small, and independent of the waitlist's length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from domain.commands import Register
from domain.enums import RegistrationStatus
from domain.errors import (
    AlreadyRegistered,
    AnswersNeeded,
    EventFull,
    Invalid,
    NotRegistered,
    RegistrationClosed,
    RollcallError,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import EventChanges, UserDraft
from domain.models import Registration, WaitlistEntry, block_of
from domain.planning.plan import Plan, PutEvent
from domain.ports import Store
from domain.questions import Answers
from domain.service import Service
from storage.dynamodb.items import Items
from storage.dynamodb.schema import REGISTRATIONS, WAITLIST
from storage.dynamodb.store import DynamoDBStore
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.dynamodb.requests import Requests, counted
from tests.support.environment import START, commit_together, ids, new_event, new_users, service_on
from tests.support.questions import LUNCH
from tests.support.stores import empty_moto

MEAT, VEGETARIAN = {"lunch": "Meat"}, {"lunch": "Vegetarian"}


@dataclass
class Full:
    """An event whose one seat `seated` has, with a waitlist of `waitlisted0`, `waitlisted1` and so on."""

    store: Store
    service: Service

    def counting(self, call: Callable[[], object]) -> Requests:
        """Return the requests that a call sends to DynamoDB."""
        with counted(dynamodb_client()) as requests:
            call()
        return requests

    def refusal(self, error: type[RollcallError], call: Callable[[], object]) -> Requests:
        """Return the requests that a refused call sends to DynamoDB."""

        def refused() -> None:
            with pytest.raises(error):
                call()

        return self.counting(refused)


def lengthen_waitlist(store: DynamoDBStore, waitlisted: int) -> None:
    """Put `waitlisted0`, `waitlisted1` and so on on the waitlist of e1, as items: commits are slow in moto."""
    event = store.get_event("e1")
    assert event is not None
    items = Items("T1")
    rows = [
        Registration(
            event_id="e1",
            user_id=f"waitlisted{number}",
            status=RegistrationStatus.WAITLISTED,
            ticket=number + 2,
            registered_at=START,
            seated_at=None,
        )
        for number in range(waitlisted)
    ]
    for first in range(0, waitlisted, 25):
        put: dict[str, list[Any]] = {
            store._keys.table_name(REGISTRATIONS): [],
            store._keys.table_name(WAITLIST): [],
        }
        for row in rows[first : first + 25]:
            entry = WaitlistEntry(row.ticket, row.user_id, START)
            put[store._keys.table_name(REGISTRATIONS)].append(
                {"PutRequest": {"Item": items.registration(row)}}
            )
            put[store._keys.table_name(WAITLIST)].append(
                {"PutRequest": {"Item": items.waitlist_entry("e1", entry)}}
            )
        for name, requests in put.items():
            dynamodb_client().batch_write_item(RequestItems={name: requests})
    counts = {
        "waitlist_count": waitlisted,
        "waitlist_by_block": dict(Counter(block_of(row.ticket) for row in rows)),
        "next_ticket": waitlisted + 2,
    }
    store.commit(
        Plan(
            "lengthen", "e1", None, (), (PutEvent(event.model_copy(update=counts), event.version),)
        )
    )


@pytest.fixture(scope="module", params=[10, 1_000])
def full(request: pytest.FixtureRequest) -> Iterator[Full]:
    with empty_moto() as store:
        service = service_on(store, new_id=ids(f"full{request.param}"))
        new_users(service, "seated", "newcomer", "other", "waitlisted1", "waitlisted9")
        new_event(service, capacity=1)
        service.register("e1", "seated")
        new_event(service, "closed")
        service.close_event("closed")
        new_event(service, "small", capacity=1, has_waitlist=False)
        service.register("small", "seated")
        lengthen_waitlist(store, request.param)
        yield Full(store, service)


FRESH, ELSEWHERE = ids("fresh"), ids("elsewhere")


@pytest.fixture(params=["into the waitlist", "into a seat"])
def event_id(request: pytest.FixtureRequest, full: Full) -> Iterator[str]:
    """Give the id of the full event or of an empty one. Unregister newcomer and other afterwards."""
    event_id = "e1" if request.param == "into the waitlist" else FRESH()
    if event_id != "e1":
        new_event(full.service, event_id)
    yield event_id
    for user_id in ("other", "newcomer"):
        if full.service.find_registration(event_id, user_id) is not None:
            full.service.unregister(event_id, user_id)


def cold(full: Full) -> Service:
    """Return a service with an empty cache."""
    return service_on(full.store, new_id=ELSEWHERE)


def test_registration_takes_two_reads_and_a_transaction(full: Full, event_id: str) -> None:
    """The cache is empty and the user exists."""
    service = cold(full)
    requests = full.counting(lambda: service.register(event_id, "newcomer"))
    assert (requests.reads, requests.transactions, requests.other_writes) == (2, 1, 0)


def test_registration_takes_one_request_if_the_event_is_cached(full: Full, event_id: str) -> None:
    service = cold(full)
    service.register(event_id, "other")
    requests = full.counting(lambda: service.register(event_id, "newcomer"))
    assert (requests.reads, requests.transactions, requests.other_writes) == (0, 1, 0)


def test_click_takes_one_request_if_the_user_is_cached_too(full: Full, event_id: str) -> None:
    service, draft = cold(full), UserDraft.of(user_id="newcomer", name="newcomer")
    service.register(event_id, "other")
    service.ensure_user(draft)
    requests = full.counting(lambda: service.register_ensuring_user(event_id, draft))
    assert (requests.reads, requests.transactions, requests.other_writes) == (0, 1, 0)


def test_registration_takes_three_more_requests_if_the_cache_is_stale(
    full: Full, event_id: str
) -> None:
    """The first transaction fails, then come two reads and the transaction that applies."""
    service = cold(full)
    service.register(event_id, "other")
    cold(full).edit_event(event_id, EventChanges.of(title=FRESH()))
    requests = full.counting(lambda: service.register(event_id, "newcomer"))
    assert (requests.reads, requests.transactions, requests.other_writes) == (2, 2, 0)


@pytest.fixture(params=["into the waitlist", "into a seat"])
def asking(request: pytest.FixtureRequest, full: Full) -> str:
    """Give the id of an event that asks a question, full or empty, with nobody on its waitlist."""
    event_id = FRESH()
    new_event(full.service, event_id, capacity=2, questions=(LUNCH,))
    if request.param == "into the waitlist":
        full.service.edit_event(event_id, EventChanges.of(capacity=1))
        full.service.register(event_id, "seated", MEAT)
    return event_id


def test_registration_with_answers_takes_as_many_requests_as_without(
    full: Full, asking: str
) -> None:
    """R12.3: two reads and a transaction with an empty cache, and one request if the event is cached."""
    service = cold(full)
    first = full.counting(lambda: service.register(asking, "newcomer", MEAT))
    assert (first.reads, first.transactions, first.other_writes) == (2, 1, 0)
    second = full.counting(lambda: service.register(asking, "other", MEAT))
    assert (second.reads, second.transactions, second.other_writes) == (0, 1, 0)


@pytest.mark.parametrize("answers", [None, {}, {"lunch": "Fish"}])
def test_refusal_about_answers_takes_three_reads(
    full: Full, asking: str, answers: Answers | None
) -> None:
    """The third verifies that the event has not changed, as of every refusal."""
    error = AnswersNeeded if answers is None else Invalid
    refused = full.refusal(error, lambda: cold(full).register(asking, "newcomer", answers))
    assert (refused.reads, refused.transactions, refused.other_writes) == (3, 0, 0)


def test_changing_answers_takes_two_reads_and_a_transaction(full: Full, asking: str) -> None:
    """The registration is read: its other fields stay, and equal answers are not written. Leaving takes as many."""
    service = cold(full)
    service.register(asking, "newcomer", MEAT)
    for answers, transactions, reads in ((VEGETARIAN, 1, 2), (VEGETARIAN, 0, 3)):
        change = partial(service.change_answers, asking, "newcomer", answers)
        requests = full.counting(change)
        assert (requests.reads, requests.transactions) == (reads, transactions)
        assert (requests.other_writes, requests.scans) == (0, 0)


def test_position_takes_one_read_more_for_those_who_wait(full: Full, asking: str) -> None:
    service = cold(full)
    service.register(asking, "newcomer", MEAT)
    waits = service.get_registration(asking, "newcomer").position is not None
    requests = full.counting(
        lambda: service.change_answers(asking, "newcomer", VEGETARIAN, with_position=True)
    )
    assert (requests.reads, requests.transactions) == (2 + waits, 1)


def test_lists_with_answers_take_one_read_more_for_the_waitlist(full: Full, asking: str) -> None:
    """Its entries have no answers."""
    for user_id in ("newcomer", "other"):
        full.service.register(asking, user_id, MEAT)
    waitlisted = full.service.get_event(asking).waitlist_count
    requests = full.counting(lambda: full.service.list_registrations_in(asking, limit=5))
    assert (requests.reads, requests.scans) == (5 if waitlisted else 4, 0)


@pytest.mark.parametrize("waitlisted", [0, 16])
def test_adding_49_users_takes_few_reads_and_a_transaction(full: Full, waitlisted: int) -> None:
    """All of them are unknown, but those who are on the waitlist already (R12.4)."""
    event_id, users = FRESH(), [FRESH() for _ in range(49)]
    new_event(full.service, event_id, capacity=50)
    if waitlisted:
        full.service.edit_event(event_id, EventChanges.of(capacity=1))
        full.service.add_attendees(event_id, users[:17], request_id="r0", creates_users=True)
        users = users[: 17 + 33]
    service = cold(full)

    def add() -> None:
        service.add_attendees(event_id, users[:49], request_id="r1", creates_users=True)

    requests = full.counting(add)
    assert requests.reads <= 4
    assert (requests.transactions, requests.other_writes) == (1, 0)


def test_leaving_with_a_promotion_takes_four_reads_and_a_transaction(full: Full) -> None:
    new_event(full.service, "leaving", capacity=1)
    full.service.register("leaving", "seated")
    full.service.register("leaving", "other")
    requests = full.counting(lambda: full.service.unregister("leaving", "seated"))
    assert (requests.reads, requests.transactions, requests.other_writes) == (4, 1, 0)


def test_leaving_takes_no_more_requests_with_a_long_waitlist(full: Full) -> None:
    """No entry is renumbered, so the number of requests and actions stays the same."""
    seated = full.service.list_registrations_in("e1", status=RegistrationStatus.REGISTERED)
    first = seated.registered[0].user_id
    requests = full.counting(lambda: full.service.unregister("e1", first))
    assert (requests.reads, requests.transactions, requests.other_writes) == (4, 1, 0)


REFUSED = pytest.mark.parametrize(
    ("error", "event_id", "user_id"),
    [
        (EventFull, "small", "other"),
        (AlreadyRegistered, "small", "seated"),
        (AlreadyRegistered, "e1", "waitlisted9"),
        (RegistrationClosed, "closed", "other"),
        (UnknownEvent, "nothing", "other"),
        (UnknownUser, "e1", "nobody"),
    ],
)


@REFUSED
def test_refused_registration_takes_at_most_four_reads_and_no_write(
    full: Full, error: type[RollcallError], event_id: str, user_id: str
) -> None:
    service = cold(full)
    requests = full.refusal(error, lambda: service.register(event_id, user_id))
    assert requests.reads <= 4
    assert (requests.transactions, requests.other_writes, requests.scans) == (0, 0, 0)


@REFUSED
def test_refusal_never_comes_from_the_cache(
    full: Full, error: type[RollcallError], event_id: str, user_id: str
) -> None:
    """A refusal is read even if the event is cached. A user who seems new costs a transaction that fails."""
    service = cold(full)
    for _ in range(2):
        requests = full.refusal(error, lambda: service.register(event_id, user_id))
        tried = 1 if error in (AlreadyRegistered, UnknownUser) else 0
        assert 2 <= requests.reads <= 4
        assert (requests.transactions <= tried, requests.other_writes) == (True, 0)


def test_refused_leave_takes_at_most_four_reads_and_no_write(full: Full) -> None:
    requests = full.refusal(NotRegistered, lambda: full.service.unregister("e1", "other"))
    assert requests.reads <= 4
    assert (requests.transactions, requests.other_writes, requests.scans) == (0, 0, 0)


def test_page_of_the_roster_takes_four_reads_for_any_size(full: Full) -> None:
    requests = full.counting(lambda: full.service.list_registrations_in("e1", limit=5))
    assert (requests.reads, requests.scans) == (4, 0)


def test_whole_roster_is_one_page_if_it_fits(full: Full) -> None:
    """DynamoDB does not say that a page which is full is the last one. The event's count does."""
    event_id = FRESH()
    new_event(full.service, event_id, capacity=2)
    full.service.register(event_id, "other")
    full.service.register(event_id, "newcomer")
    requests = full.counting(lambda: full.service.list_registrations_in(event_id, limit=2))
    assert (requests.reads, requests.scans) == (3, 0)
    assert full.service.list_registrations_in(event_id, limit=2).next_cursor is None
    full.service.register(event_id, "waitlisted1")
    page = full.service.list_registrations_in(event_id, limit=2)
    assert page.next_cursor is not None
    rest = full.service.list_registrations_in(event_id, limit=2, cursor=page.next_cursor)
    assert [one.entry.user_id for one in rest.waitlist] == ["waitlisted1"]
    assert rest.registered == ()


def test_list_of_own_registrations_takes_four_reads_for_any_waitlist(full: Full) -> None:
    requests = full.counting(lambda: full.service.list_registrations_of("waitlisted9"))
    assert (requests.reads, requests.scans) == (4, 0)


def test_only_the_check_scans(full: Full) -> None:
    def everything_else() -> None:
        service = full.service
        new_event(service, "walk", capacity=1)
        for user_id in ("seated", "other", "waitlisted1"):
            service.register("walk", user_id)
        service.get_registration("walk", "waitlisted1")
        service.preview_unregister("walk", "seated")
        service.preview_capacity("walk", 2)
        service.unregister("walk", "other")
        service.remove("walk", "seated")
        service.list_registrations_of("waitlisted1")
        service.list_registrations_in("walk")
        service.list_events(upcoming=True)
        service.find_events("event")
        service.list_users()
        service.list_history("walk")
        service.delete_event("walk")
        service.finish_unfinished()

    assert full.counting(everything_else).scans == 0


def test_check_scans_three_tables() -> None:
    with empty_moto() as store, counted(dynamodb_client()) as requests:
        assert list(service_on(store).check(lambda _: None)) == []
    assert requests.scans == 3


@pytest.mark.parametrize(("capacity", "together"), [(100, 49), (1, 32)])
def test_49_registrations_or_32_waitlist_joins_fit_one_transaction(
    capacity: int, together: int
) -> None:
    with empty_moto() as store:
        service = service_on(store, new_id=ids("together"))
        user_ids = [f"p{number}" for number in range(together)]
        new_users(service, "first", *user_ids)
        new_event(service, capacity=capacity)
        service.register("e1", "first")
        with counted(dynamodb_client()) as requests:
            assert commit_together(store, "e1", [Register(user_id) for user_id in user_ids]) == 1
        assert requests.transactions == 1
        listed = service.list_registrations_in("e1").event
        assert listed.registered_count + listed.waitlist_count == together + 1
