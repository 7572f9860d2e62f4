"""The outbox on DynamoDB: its writes can be repeated, so their errors are `Unavailable`, never `AnswerLost`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from botocore.awsrequest import AWSResponse

from domain.cursors import encode
from domain.enums import NotificationKind
from domain.errors import Invalid
from domain.models import Card, DeliveryState, UnreachableRecipient
from domain.ports import Unavailable
from storage.dynamodb.items import VERSION, from_wire, to_wire
from storage.dynamodb.schema import JOURNAL
from storage.dynamodb.store import DynamoDBStore
from tests.support.builders import a_journal_entry, all_items
from tests.support.dynamodb.injected_answers import LOSSES, REJECTIONS, answering, injected
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.environment import START
from tests.support.stores import empty_moto

CARD = Card(event_id="e1", channel_id="C1", message_ts="1.2", rendered_version=3)
PASSING = LOSSES | {name: REJECTIONS[name] for name in ("throttled", "no connection")}

RECIPIENT = UnreachableRecipient(
    user_id="u1", version=1, kind=NotificationKind.PROMOTED, reason="user_disabled"
)

Write = Callable[[DynamoDBStore], object]


def take_lease(store: DynamoDBStore) -> DeliveryState:
    return store.take_lease("e1", holder="me", until=START)


WRITES: dict[str, Write] = {
    "take_lease": take_lease,
    "save_delivery": lambda store: store.save_delivery(DeliveryState(event_id="e1", holder="me")),
    "save_delivery, with marks": lambda store: store.save_delivery(
        DeliveryState(event_id="e1", holder="me"), delivered=(1,)
    ),
    "mark_delivered": lambda store: store.mark_delivered("e1", 1),
    "add_job": lambda store: store.add_job(a_journal_entry("u1/1/reply")),
    "record_unreachable": lambda store: store.record_unreachable("e1", 1, RECIPIENT),
    "put_card": lambda store: store.put_card(CARD),
    "delete_card": lambda store: store.delete_card("e1", "C1", "1.2"),
}


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with empty_moto() as store:
        yield store


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_temporary_error_of_an_outbox_write_is_unavailable(
    store: DynamoDBStore, write: Write, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer) as sent, pytest.raises(Unavailable):
        write(store)
    assert len(sent) == 1


def test_lease_can_be_taken_again_after_a_lost_answer(store: DynamoDBStore) -> None:
    take_lease(store)
    taken = take_lease(store)
    assert store.save_delivery(taken) == store.get_delivery("e1")


def test_lease_of_a_row_that_never_had_a_revision_is_taken(store: DynamoDBStore) -> None:
    """An earlier version wrote the row and released its lease."""
    table, key = store._keys.delivery("e1")
    dynamodb_client().put_item(
        TableName=store._keys.table_name(table),
        Item=to_wire({**key, "holder": "old", "delivered_version": 4, "v": 1}),
    )
    taken = take_lease(store)
    assert (taken.holder, taken.delivered_version, taken.revision) == ("me", 4, 1)


def test_first_lease_writes_the_version_of_the_row(store: DynamoDBStore) -> None:
    take_lease(store)
    name = store._keys.table_name(JOURNAL)
    item = dynamodb_client().scan(TableName=name)["Items"][0]
    assert from_wire(item)["v"] == VERSION


def test_failed_condition_needs_no_second_request(store: DynamoDBStore) -> None:
    """The failure is the answer: another holder has the lease, the entry does not exist, or the card is newer."""
    store.put_card(CARD)
    take_lease(store)
    writes: list[Write] = [
        lambda store: store.take_lease("e1", holder="another", until=START),
        lambda store: store.mark_delivered("e1", 99),
        lambda store: store.put_card(CARD.model_copy(update={"rendered_version": 2})),
    ]
    for write in writes:
        with injected(answering(), times=0) as sent:
            write(store)
        assert len(sent) == 1
    assert store.get_cards("e1") == (CARD,)


LIST_ID = ("T1", "undelivered")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", encode(LIST_ID, (4, "")), encode(LIST_ID, (-1, "")), encode(LIST_ID, (0, "x"))],
    ids=["empty", "text", "no such shard", "negative shard", "no cursor of its shard"],
)
def test_mangled_cursor_of_the_undelivered_list_is_refused(
    store: DynamoDBStore, cursor: str
) -> None:
    with pytest.raises(Invalid):
        store.list_undelivered(limit=5, cursor=cursor)
    assert all_items(store.list_undelivered) == []
