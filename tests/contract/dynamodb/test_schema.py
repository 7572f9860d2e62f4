"""The tables as `rollcall tables create` makes them."""

from __future__ import annotations

from typing import Any

from storage.dynamodb import schema
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.dynamodb.requests import counted


def test_tables_are_made_once_and_then_left_alone() -> None:
    client = dynamodb_client()
    made = schema.create_tables(client, "schema-")
    assert made == tuple(f"schema-{table.name}" for table in schema.TABLES)
    with counted(client) as requests:
        assert schema.create_tables(client, "schema-") == ()
    # Somebody else may be making them at this moment: they are waited for all the same.
    assert requests.sent["DescribeTable"] == len(schema.TABLES)


def test_only_what_is_missing_is_made() -> None:
    client = dynamodb_client()
    schema.create_tables(client, "schema3-")
    client.delete_table(TableName="schema3-cards")
    assert schema.create_tables(client, "schema3-") == ("schema3-cards",)


def test_a_table_is_on_demand_with_its_keys_and_indexes() -> None:
    client: Any = dynamodb_client()
    schema.create_tables(client, "schema2-")
    events = client.describe_table(TableName="schema2-events")["Table"]
    assert events["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    indexes = {index["IndexName"]: index for index in events["GlobalSecondaryIndexes"]}
    assert set(indexes) == {"upcoming", "unfinished", "due"}
    carried = indexes["upcoming"]["Projection"]["NonKeyAttributes"]
    assert "registered_count" not in carried
    journal = client.describe_table(TableName="schema2-journal")["Table"]
    assert journal["StreamSpecification"]["StreamEnabled"]


def test_no_index_carries_what_a_registration_changes() -> None:
    """Otherwise every registration of a rush would write the index, too."""
    carried = {
        name
        for index in schema.EVENTS.indexes
        for name in (*index.key.names(), *(index.carries or ()))
    }
    assert not carried & {"registered_count", "waitlist_count", "next_ticket", "version"}


def test_an_index_carries_what_is_read_from_it_and_no_more() -> None:
    """What is unfinished or undelivered is only found there, and then read from its table."""
    all_items, keys = {"ProjectionType": "ALL"}, {"ProjectionType": "KEYS_ONLY"}
    projections = {
        (table.name, index["IndexName"]): index["Projection"]
        for table in schema.TABLES
        for index in schema.definition(table, "").get("GlobalSecondaryIndexes", ())
    }
    carried = ["title", "status", "closes_at", "listed"]
    assert projections == {
        ("events", "upcoming"): {"ProjectionType": "INCLUDE", "NonKeyAttributes": carried},
        ("events", "unfinished"): keys,
        ("events", "due"): keys,
        ("users", "members"): all_items,
        ("users", "unfinished"): keys,
        ("registrations", "roster"): all_items,
        ("journal", "undelivered"): keys,
    }


def test_only_the_journal_streams_and_only_its_keys() -> None:
    """A waking notifier reads the journal itself: what people wrote need not travel a second way."""
    streams = {
        table.name: schema.definition(table, "").get("StreamSpecification")
        for table in schema.TABLES
    }
    keys_only = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    assert streams == dict.fromkeys(streams) | {"journal": keys_only}
