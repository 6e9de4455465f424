"""Kinesis's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.kinesis.operations import shards, streams

OPERATIONS: Mapping[str, Any] = {
    "CreateStream": streams.create_stream,
    "DeleteStream": streams.delete_stream,
    "DescribeStream": streams.describe_stream,
    "DescribeStreamSummary": streams.describe_stream_summary,
    "ListShards": shards.list_shards,
    "ListStreams": streams.list_streams,
}
