"""CloudWatch Logs's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.logs.operations import filtering, groups, putting, reading, streams, tags

OPERATIONS: Mapping[str, Any] = {
    "CreateLogGroup": groups.create_log_group,
    "DeleteLogGroup": groups.delete_log_group,
    "DescribeLogGroups": groups.describe_log_groups,
    "PutRetentionPolicy": groups.put_retention_policy,
    "DeleteRetentionPolicy": groups.delete_retention_policy,
    "CreateLogStream": streams.create_log_stream,
    "DeleteLogStream": streams.delete_log_stream,
    "DescribeLogStreams": streams.describe_log_streams,
    "PutLogEvents": putting.put_log_events,
    "GetLogEvents": reading.get_log_events,
    "FilterLogEvents": filtering.filter_log_events,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "ListTagsForResource": tags.list_tags_for_resource,
}
