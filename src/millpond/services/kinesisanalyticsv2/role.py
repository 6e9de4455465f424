"""What an application may do, as its service execution role.

Source: Managed Service for Apache Flink developer guide, identity-based policies of its examples.
"""

from dataclasses import replace

from millpond.kernel.call import Call, role_session
from millpond.services.kinesisanalyticsv2.needs import Needs

SESSION = "kinesisanalytics"

ACTIONS: tuple[str, ...] = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:DescribeStreamConsumer",
    "kinesis:RegisterStreamConsumer",
    "kinesis:DeregisterStreamConsumer",
    "kinesis:ListStreamConsumers",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
    "kinesis:SubscribeToShard",
    "kinesis:PutRecord",
    "kinesis:PutRecords",
    "firehose:DescribeDeliveryStream",
    "firehose:PutRecord",
    "firehose:PutRecordBatch",
    "s3:*",
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetTable",
    "glue:GetTables",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
    "glue:CreateTable",
    "glue:UpdateTable",
    "glue:BatchCreatePartition",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
)


def role_name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def role_call(needs: Needs, call: Call, role_arn: str) -> Call:
    """`call`, made by the role that an application was given."""
    return replace(
        call,
        service="kinesisanalyticsv2",
        principal=role_session(call.account, role_arn, SESSION, ACTIONS),
        request_id=needs.ids.uuid(),
    )
