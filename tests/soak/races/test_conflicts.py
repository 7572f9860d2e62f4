"""Tests of the simulated TransactionConflict: transactions that meet are rejected, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from storage.dynamodb.schema import TABLES
from tests.support.dynamodb.conflicts import TRANSACTION, Conflicts
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.stores import empty_local

_tokens = count(1)


@dataclass
class Meeting:
    """Two clients; the second acts during a transaction of the first."""

    table: str
    """Table whose items need only a key."""
    first: Any
    second: Any
    conflicts: Conflicts
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def transact(self, client: Any, *names: str) -> None:
        """Write items with these names in a transaction."""
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": self.table, "Item": item(name)}} for name in names
            ],
            ClientRequestToken=f"token {next(_tokens)}",
        )

    def written(self) -> set[str]:
        """Return the names of the stored items."""
        found = self.first.scan(TableName=self.table, ConsistentRead=True)["Items"]
        return {one["message"]["S"] for one in found}


def item(name: str) -> dict[str, Any]:
    return {"event_id": {"S": "T1#e1"}, "message": {"S": name}}


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    with empty_local() as store:
        meanwhile: list[Callable[[], object]] = []

        def take(seconds: float) -> None:
            if seconds == TRANSACTION / 2 and meanwhile:
                meanwhile.pop()()

        prefix = store._keys.prefix
        conflicts = Conflicts({prefix + table.name: table.key.names() for table in TABLES}, take)
        first, second = (conflicts.watch(client_of(local_endpoint())) for _ in range(2))
        yield Meeting(f"{prefix}cards", first, second, conflicts, meanwhile)


def test_transaction_with_an_item_of_another_is_rejected_and_writes_nothing(
    meeting: Meeting,
) -> None:
    def meet() -> None:
        with pytest.raises(ClientError) as rejected:
            meeting.transact(meeting.second, "x", "b")
        answer: Any = rejected.value.response
        reasons = [reason["Code"] for reason in answer["CancellationReasons"]]
        assert reasons == ["None", "TransactionConflict"]

    meeting.meanwhile.append(meet)
    meeting.transact(meeting.first, "a", "b")
    assert meeting.written() == {"a", "b"}
    assert (meeting.conflicts.transactions, meeting.conflicts.rejected) == (2, 1)


def test_single_write_of_an_item_in_a_transaction_is_rejected(meeting: Meeting) -> None:
    def meet() -> None:
        with pytest.raises(ClientError, match="TransactionConflictException"):
            meeting.second.delete_item(TableName=meeting.table, Key=item("a"))
        meeting.second.put_item(TableName=meeting.table, Item=item("c"))

    meeting.meanwhile.append(meet)
    meeting.transact(meeting.first, "a")
    assert meeting.written() == {"a", "c"}


def test_transactions_without_a_common_item_pass(meeting: Meeting) -> None:
    meeting.meanwhile.append(lambda: meeting.transact(meeting.second, "c", "d"))
    meeting.transact(meeting.first, "a", "b")
    assert meeting.written() == {"a", "b", "c", "d"}


def test_item_can_be_written_after_the_transaction_is_answered(meeting: Meeting) -> None:
    for client in (meeting.first, meeting.second):
        meeting.transact(client, "a")
    assert (meeting.conflicts.transactions, meeting.conflicts.rejected) == (2, 0)
