"""A destination's configuration as DescribeDeliveryStream tells it."""

from typing import Any

import msgspec

from millpond.services.firehose import shapes
from millpond.services.firehose.model.stream import DESTINATION_ID, DeliveryStream

_RENAMED = {
    "S3Configuration": "S3DestinationDescription",
    "S3BackupConfiguration": "S3BackupDescription",
    "VpcConfiguration": "VpcConfigurationDescription",
}


def describe(stream: DeliveryStream) -> shapes.DestinationDescription:
    """The destination. S3 is told twice, as in AWS: for those who know the old type, and in full.

    The access key of an HTTP endpoint is not told.
    """
    values: dict[str, Any] = msgspec.to_builtins(stream.read_configuration())
    told = {_RENAMED.get(name, name): value for name, value in values.items()}
    members: dict[str, Any] = {
        "DestinationId": DESTINATION_ID,
        f"{stream.kind}DestinationDescription": told,
    }
    if stream.kind == "ExtendedS3":
        members["S3DestinationDescription"] = told
    return msgspec.convert(members, shapes.DestinationDescription)
