"""DynamoDB's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.dynamodb.operations import (
    account,
    batches,
    items,
    queries,
    settings,
    table_updates,
    tables,
    transactions,
)

OPERATIONS: Mapping[str, Any] = {
    "CreateTable": tables.create_table,
    "DescribeTable": tables.describe_table,
    "UpdateTable": table_updates.update_table,
    "DeleteTable": tables.delete_table,
    "ListTables": tables.list_tables,
    "GetItem": items.get_item,
    "PutItem": items.put_item,
    "UpdateItem": items.update_item,
    "DeleteItem": items.delete_item,
    "Query": queries.query,
    "Scan": queries.scan,
    "BatchGetItem": batches.batch_get_item,
    "BatchWriteItem": batches.batch_write_item,
    "TransactWriteItems": transactions.transact_write_items,
    "TransactGetItems": transactions.transact_get_items,
    "UpdateTimeToLive": settings.update_time_to_live,
    "DescribeTimeToLive": settings.describe_time_to_live,
    "UpdateContinuousBackups": settings.update_continuous_backups,
    "DescribeContinuousBackups": settings.describe_continuous_backups,
    "TagResource": settings.tag_resource,
    "UntagResource": settings.untag_resource,
    "ListTagsOfResource": settings.list_tags_of_resource,
    "DescribeLimits": account.describe_limits,
    "DescribeEndpoints": account.describe_endpoints,
}
