"""What version 1 of the API is lent: a way to version 2, whose applications it shows."""

from dataclasses import dataclass

from millpond.kernel.call import Caller

V2 = "kinesisanalyticsv2"

CALLS: tuple[tuple[str, str], ...] = (
    (V2, "CreateApplication"),
    (V2, "DescribeApplication"),
    (V2, "ListApplications"),
    (V2, "UpdateApplication"),
    (V2, "DeleteApplication"),
    (V2, "StartApplication"),
    (V2, "StopApplication"),
    (V2, "AddApplicationInput"),
    (V2, "AddApplicationOutput"),
    (V2, "DeleteApplicationOutput"),
    (V2, "AddApplicationReferenceDataSource"),
    (V2, "DeleteApplicationReferenceDataSource"),
    (V2, "AddApplicationCloudWatchLoggingOption"),
    (V2, "DeleteApplicationCloudWatchLoggingOption"),
    (V2, "DiscoverInputSchema"),
    (V2, "TagResource"),
    (V2, "UntagResource"),
    (V2, "ListTagsForResource"),
)
"""The operations of other services that this one calls."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`call_aws` calls the operations in `CALLS`."""

    call_aws: Caller
