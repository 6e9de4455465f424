"""The operations of Kinesis Data Analytics, version 1, by AWS's names."""

from collections.abc import Mapping
from typing import Any

from millpond.services.kinesisanalytics.operations import applications, parts

OPERATIONS: Mapping[str, Any] = {
    "CreateApplication": applications.create_application,
    "DescribeApplication": applications.describe_application,
    "ListApplications": applications.list_applications,
    "UpdateApplication": applications.update_application,
    "DeleteApplication": applications.delete_application,
    "StartApplication": applications.start_application,
    "StopApplication": applications.stop_application,
    "AddApplicationInput": parts.add_application_input,
    "AddApplicationOutput": parts.add_application_output,
    "DeleteApplicationOutput": parts.delete_application_output,
    "AddApplicationReferenceDataSource": parts.add_application_reference_data_source,
    "DeleteApplicationReferenceDataSource": parts.delete_application_reference_data_source,
    "AddApplicationCloudWatchLoggingOption": parts.add_application_cloud_watch_logging_option,
    "DeleteApplicationCloudWatchLoggingOption": (
        parts.delete_application_cloud_watch_logging_option
    ),
    "DiscoverInputSchema": parts.discover_input_schema,
    "TagResource": parts.tag_resource,
    "UntagResource": parts.untag_resource,
    "ListTagsForResource": parts.list_tags_for_resource,
}
