"""Firehose's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.firehose.operations import (
    destinations,
    encryption,
    records,
    streams,
    tags,
)

OPERATIONS: Mapping[str, Any] = {
    "CreateDeliveryStream": streams.create_delivery_stream,
    "DescribeDeliveryStream": streams.describe_delivery_stream,
    "ListDeliveryStreams": streams.list_delivery_streams,
    "UpdateDestination": destinations.update_destination,
    "DeleteDeliveryStream": streams.delete_delivery_stream,
    "TagDeliveryStream": tags.tag_delivery_stream,
    "UntagDeliveryStream": tags.untag_delivery_stream,
    "ListTagsForDeliveryStream": tags.list_tags_for_delivery_stream,
    "StartDeliveryStreamEncryption": encryption.start_delivery_stream_encryption,
    "StopDeliveryStreamEncryption": encryption.stop_delivery_stream_encryption,
    "PutRecord": records.put_record,
    "PutRecordBatch": records.put_record_batch,
}
