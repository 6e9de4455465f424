"""The operations of Managed Service for Apache Flink by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.kinesisanalyticsv2.operations import (
    applications,
    discovery,
    history,
    maintenance,
    parts,
    running,
    snapshots,
    tags,
    updates,
)

OPERATIONS: Mapping[str, Any] = {
    "CreateApplication": applications.create_application,
    "DescribeApplication": applications.describe_application,
    "ListApplications": applications.list_applications,
    "DeleteApplication": applications.delete_application,
    "UpdateApplication": updates.update_application,
    "StartApplication": running.start_application,
    "StopApplication": running.stop_application,
    "RollbackApplication": running.rollback_application,
    "CreateApplicationSnapshot": snapshots.create_application_snapshot,
    "DescribeApplicationSnapshot": snapshots.describe_application_snapshot,
    "ListApplicationSnapshots": snapshots.list_application_snapshots,
    "DeleteApplicationSnapshot": snapshots.delete_application_snapshot,
    "ListApplicationVersions": history.list_application_versions,
    "DescribeApplicationVersion": history.describe_application_version,
    "ListApplicationOperations": history.list_application_operations,
    "DescribeApplicationOperation": history.describe_application_operation,
    "AddApplicationInput": parts.add_application_input,
    "AddApplicationOutput": parts.add_application_output,
    "DeleteApplicationOutput": parts.delete_application_output,
    "AddApplicationReferenceDataSource": parts.add_application_reference_data_source,
    "DeleteApplicationReferenceDataSource": parts.delete_application_reference_data_source,
    "AddApplicationCloudWatchLoggingOption": parts.add_application_cloud_watch_logging_option,
    "DeleteApplicationCloudWatchLoggingOption": (
        parts.delete_application_cloud_watch_logging_option
    ),
    "UpdateApplicationMaintenanceConfiguration": (
        maintenance.update_application_maintenance_configuration
    ),
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "ListTagsForResource": tags.list_tags_for_resource,
    "DiscoverInputSchema": discovery.discover_input_schema,
}
