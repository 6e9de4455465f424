"""CloudWatch's operations by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.cloudwatch.operations import listing, putting, querying, statistics

OPERATIONS: Mapping[str, Any] = {
    "PutMetricData": putting.put_metric_data,
    "GetMetricData": querying.get_metric_data,
    "GetMetricStatistics": statistics.get_metric_statistics,
    "ListMetrics": listing.list_metrics,
}
