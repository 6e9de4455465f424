"""Kinesis's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.kinesis.operations import (
    get_records,
    iterators,
    put_records,
    shards,
    streams,
)

OPERATIONS: Mapping[str, Any] = {
    "CreateStream": streams.create_stream,
    "DeleteStream": streams.delete_stream,
    "DescribeStream": streams.describe_stream,
    "DescribeStreamSummary": streams.describe_stream_summary,
    "GetRecords": get_records.get_records,
    "GetShardIterator": iterators.get_shard_iterator,
    "ListShards": shards.list_shards,
    "ListStreams": streams.list_streams,
    "PutRecord": put_records.put_record,
    "PutRecords": put_records.put_records,
}
