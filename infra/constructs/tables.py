"""The tables of `storage.dynamodb.schema` in CloudFormation: on demand, encrypted, backed up, protected."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from storage.dynamodb import schema


class Tables(Construct):
    """The tables of one stage. Neither a deployment nor the deletion of the stack deletes them."""

    def __init__(self, scope: Construct, id_: str, *, prefix: str) -> None:
        super().__init__(scope, id_)
        self.prefix = prefix
        self._tables = {table.name: self._table(table) for table in schema.TABLES}

    def __getitem__(self, table: schema.Table) -> dynamodb.TableV2:
        """Return the table of a schema's table."""
        return self._tables[table.name]

    def _table(self, table: schema.Table) -> dynamodb.TableV2:
        return dynamodb.TableV2(
            self,
            table.name.capitalize(),
            table_name=self.prefix + table.name,
            partition_key=_attribute(table.key.hash),
            sort_key=_range(table.key),
            global_secondary_indexes=[_index(index) for index in table.indexes] or None,
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            time_to_live_attribute=table.expires_by,
            dynamo_stream=table.stream and dynamodb.StreamViewType(table.stream),
        )


def _index(index: schema.Index) -> dynamodb.GlobalSecondaryIndexPropsV2:
    if index.carries is None:
        projection = dynamodb.ProjectionType.ALL
    elif index.carries:
        projection = dynamodb.ProjectionType.INCLUDE
    else:
        projection = dynamodb.ProjectionType.KEYS_ONLY
    return dynamodb.GlobalSecondaryIndexPropsV2(
        index_name=index.name,
        partition_key=_attribute(index.key.hash),
        sort_key=_range(index.key),
        projection_type=projection,
        non_key_attributes=list(index.carries) if index.carries else None,
    )


def _range(key: schema.Key) -> dynamodb.Attribute | None:
    return None if key.range is None else _attribute(key.range)


def _attribute(name: str) -> dynamodb.Attribute:
    is_number = name in schema.NUMBERS
    kind = dynamodb.AttributeType.NUMBER if is_number else dynamodb.AttributeType.STRING
    return dynamodb.Attribute(name=name, type=kind)
