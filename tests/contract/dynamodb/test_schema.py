"""The tables that `rollcall tables create` creates."""

from __future__ import annotations

from typing import Any

from storage.dynamodb import schema
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.dynamodb.requests import counted


def test_tables_are_created_once() -> None:
    client = dynamodb_client()
    made = schema.create_tables(client, "schema-")
    assert made == tuple(f"schema-{table.name}" for table in schema.TABLES)
    with counted(client) as requests:
        assert schema.create_tables(client, "schema-") == ()
    # Another process may be creating them, so all are waited for.
    assert requests.sent["DescribeTable"] == len(schema.TABLES)


def test_old_items_expire_only_from_the_journal_and_the_queues() -> None:
    """R7.8, R14. Tables of an earlier version, where nothing expired, get it too."""
    client: Any = dynamodb_client()
    schema.create_tables(client, "schema4-")
    off = {"Enabled": False, "AttributeName": "expires_at"}
    client.update_time_to_live(TableName="schema4-journal", TimeToLiveSpecification=off)
    for _ in range(2):  # the second time, it is on
        schema.create_tables(client, "schema4-")
        assert {table.name: expiry(client, f"schema4-{table.name}") for table in schema.TABLES} == {
            table.name: "expires_at" if table in (schema.JOURNAL, schema.REQUESTS) else None
            for table in schema.TABLES
        }


def expiry(client: Any, table: str) -> str | None:
    found = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    is_on = found["TimeToLiveStatus"] == "ENABLED"
    return str(found["AttributeName"]) if is_on else None


def test_only_missing_tables_are_created() -> None:
    client = dynamodb_client()
    schema.create_tables(client, "schema3-")
    client.delete_table(TableName="schema3-cards")
    assert schema.create_tables(client, "schema3-") == ("schema3-cards",)


def test_table_is_on_demand_with_its_keys_and_indexes() -> None:
    client: Any = dynamodb_client()
    schema.create_tables(client, "schema2-")
    events = client.describe_table(TableName="schema2-events")["Table"]
    assert events["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    indexes = {index["IndexName"]: index for index in events["GlobalSecondaryIndexes"]}
    assert set(indexes) == {"upcoming", "ending", "unfinished", "due"}
    carried = indexes["upcoming"]["Projection"]["NonKeyAttributes"]
    assert "registered_count" not in carried
    journal = client.describe_table(TableName="schema2-journal")["Table"]
    assert journal["StreamSpecification"]["StreamEnabled"]


def test_no_index_carries_an_attribute_that_a_registration_changes() -> None:
    """Otherwise every registration would also write the index."""
    carried = {
        name
        for index in schema.EVENTS.indexes
        for name in (*index.key.names(), *(index.carries or ()))
    }
    assert not carried & {"registered_count", "waitlist_count", "next_ticket", "version"}


def test_index_carries_exactly_what_is_read_from_it() -> None:
    """The indexes `unfinished`, `undelivered` and `pending` only find rows, which are then read from the table."""
    all_items, keys = {"ProjectionType": "ALL"}, {"ProjectionType": "KEYS_ONLY"}
    projections = {
        (table.name, index["IndexName"]): index["Projection"]
        for table in schema.TABLES
        for index in schema.definition(table, "").get("GlobalSecondaryIndexes", ())
    }
    listed = ["title", "status", "closes_at", "listed", "organizer_id", "co_organizer_ids"]
    assert projections == {
        ("events", "upcoming"): {"ProjectionType": "INCLUDE", "NonKeyAttributes": listed},
        ("events", "ending"): {
            "ProjectionType": "INCLUDE",
            "NonKeyAttributes": ["starts_at", *listed],
        },
        ("events", "unfinished"): keys,
        ("events", "due"): keys,
        ("users", "members"): all_items,
        ("users", "unfinished"): keys,
        ("registrations", "roster"): all_items,
        ("journal", "undelivered"): keys,
        ("requests", "pending"): keys,
    }


def test_only_the_journal_and_the_queues_have_streams() -> None:
    """The notifier reads the journal, so its stream need not carry messages. A request is read from its record."""
    streams = {
        table.name: schema.definition(table, "").get("StreamSpecification")
        for table in schema.TABLES
    }
    keys_only = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    whole_items = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert streams == dict.fromkeys(streams) | {"journal": keys_only, "requests": whole_items}
