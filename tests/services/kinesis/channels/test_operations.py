"""Channels are created, described, listed, updated and deleted."""

from typing import Any

import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.kinesis.channels import key_template

from .conftest import ACCOUNT, BUCKET, REGION, ROLE, OpenWorld, World, channel_members

ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:channel/nobody"
STREAMS = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/"
TABLES = {
    "DeadLetterQueueS3Configuration": {"BucketARN": BUCKET, "ExpectedBucketOwner": ACCOUNT},
    "S3TablesConfigurationList": [
        {
            "TableBucketARN": f"arn:aws:s3tables:{REGION}:{ACCOUNT}:bucket/tables",
            "Namespace": "n",
            "TableName": "t",
            "CompressionType": "ZSTD",
        }
    ],
}


async def refused(work: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await work
    return caught.value


async def test_a_channel_is_creating_first_and_tells_all_that_holds_for_it(world: World) -> None:
    channel = await world.make_channel(record_format="JSON")
    channel_id, stream = channel["ChannelId"], await world.stream()
    assert channel == {
        "ChannelName": "to-lake",
        "ChannelARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:channel/{channel_id}",
        "ChannelId": channel_id,
        "ChannelStatus": "CREATING",
        "ChannelCreationTimestamp": world.clock.now_ms() / 1000,
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": [
            {
                "StreamARN": stream.arn,
                "StreamCreationTimestamp": stream.created_ms / 1000,
                "RecordConfiguration": {"RecordFormatType": "JSON"},
            }
        ],
        "S3DestinationConfiguration": {
            "DataFreshnessInSeconds": 300,
            "DeadLetterQueueS3Configuration": {
                "BucketARN": BUCKET,
                "ExpectedBucketOwner": ACCOUNT,
                "ErrorOutputPrefix": f"kinesis-channel/errors/to-lake/{channel_id}/",
            },
            "StorageConfiguration": {
                "BucketARN": BUCKET,
                "ExpectedBucketOwner": ACCOUNT,
                "OutputKeyTemplate": key_template.DEFAULT,
                "StorageClass": "STANDARD",
                "CompressionType": "NONE",
            },
        },
        "LoggingConfiguration": {"CloudWatchLogs": {"Enabled": False}},
    }
    await world.begin()
    assert await world.until_status(channel, "ACTIVE") == channel | {"ChannelStatus": "ACTIVE"}


async def test_states_last_as_long_as_they_are_told_to(open_world: OpenWorld) -> None:
    world = await open_world(limits=False, state_seconds=10)
    await world.make_stream()
    world.clock.advance(10)
    channel = await world.make_channel()
    assert (await world.describe(channel))["ChannelStatus"] == "CREATING"
    due_ms = await (await world.begin())
    assert due_ms == world.clock.now_ms() + 10_000
    world.clock.advance(10)
    await world.begin()
    await world.until_status(channel, "ACTIVE")
    arn = {"ChannelARN": channel["ChannelARN"]}
    update = {"S3DestinationConfiguration": {"DataFreshnessInSeconds": 600}}
    answer = await world.call("UpdateChannel", **arn, **update)
    assert answer["ChannelDescription"]["ChannelStatus"] == "UPDATING"
    assert (await refused(world.call("UpdateChannel", **arn, **update))).code == (
        "ResourceInUseException"
    )
    world.clock.advance(10)
    described = await world.until_status(channel, "ACTIVE")
    assert described["S3DestinationConfiguration"]["DataFreshnessInSeconds"] == 600
    await world.call("DeleteChannel", **arn)
    await world.call("DeleteChannel", **arn)
    assert (await world.describe(channel))["ChannelStatus"] == "DELETING"
    assert (await refused(world.call("DeleteStream", StreamName="orders"))).code == (
        "ResourceInUseException"
    )
    world.clock.advance(10)
    assert (await refused(world.describe(channel))).code == "ResourceNotFoundException"
    await world.call("DeleteStream", StreamName="orders")


@pytest.mark.parametrize(
    ("asked", "code", "why"),
    [
        ({"S3DestinationConfiguration": None}, "InvalidArgumentException", "Exactly one"),
        ({"S3TablesDestinationConfiguration": TABLES}, "InvalidArgumentException", "Exactly one"),
        (
            {"S3DestinationConfiguration": None, "S3TablesDestinationConfiguration": TABLES},
            "InvalidArgumentException",
            "no S3 Tables here",
        ),
        ({"record_format": "GSR_JSON"}, "InvalidArgumentException", "GSR_JSON"),
        (
            {"EncryptionConfiguration": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}},
            "InvalidArgumentException",
            "customer managed",
        ),
        (
            {"EncryptionConfiguration": {"EncryptionType": "KMS", "KeyId": "alias/mine"}},
            "InvalidArgumentException",
            "no KMS here",
        ),
        (
            {"compression": "GZIP", "storage": {"OutputKeyTemplate": "x"}},
            "InvalidArgumentException",
            "extension placeholder",
        ),
        ({"freshness": 299}, "InvalidArgumentException", "between 300 and 900"),
        ({"freshness": 901}, "InvalidArgumentException", "between 300 and 900"),
        ({"Tags": {"aws:x": "y"}}, "InvalidArgumentException", "reserved"),
        ({"ChannelName": "no spaces"}, "ValidationException", "channelName"),
        ({"storage": {"StorageClass": "GLACIER"}}, "ValidationException", "torageClass"),
        ({"stream": STREAMS + "nobody"}, "ResourceNotFoundException", "nobody"),
        (
            {"stream": STREAMS.replace(ACCOUNT, "999999999999") + "orders"},
            "AccessDeniedException",
            "not authorized",
        ),
        ({"stream": STREAMS + "provisioned"}, "ValidationException", "on-demand"),
        ({"stream": STREAMS + "managed-key"}, "InvalidArgumentException", "AWS managed"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    open_world: OpenWorld, asked: dict[str, Any], code: str, why: str
) -> None:
    world = await open_world()
    await world.make_stream()
    await world.make_stream("provisioned", ShardCount=1)
    managed = await world.make_stream("managed-key")
    await world.call(
        "StartStreamEncryption", StreamARN=managed, EncryptionType="KMS", KeyId="alias/aws/kinesis"
    )
    members = {name: value for name, value in channel_members(**asked).items() if value is not None}
    refusal = await refused(world.call("CreateChannel", **members))
    assert (refusal.code, why in refusal.message) == (code, True), refusal.message


async def test_a_channel_has_one_stream_and_a_stream_one_channel_to_buckets(
    open_world: OpenWorld,
) -> None:
    world = await open_world()
    await world.make_stream()
    members = channel_members()
    members["StreamConfigurationList"] *= 2
    assert (await refused(world.call("CreateChannel", **members))).code == (
        "InvalidArgumentException"
    )
    await world.make_channel()
    refusal = await refused(world.make_channel(ChannelName="another"))
    assert refusal.code == "LimitExceededException"


async def test_names_are_unique_in_an_account_and_region_and_free_again_after_deletion(
    world: World,
) -> None:
    channel = await world.make_channel()
    other = await world.make_stream("other")
    taken = await refused(world.make_channel(stream=other))
    assert (taken.code, taken.message) == (
        "ResourceInUseException",
        f"Channel to-lake under account {ACCOUNT} already exists.",
    )
    await world.call("DeleteChannel", ChannelARN=channel["ChannelARN"])
    assert (await world.make_channel(stream=other))["ChannelId"] != channel["ChannelId"]


async def test_an_account_calls_each_operation_five_times_a_second(open_world: OpenWorld) -> None:
    world = await open_world()
    for _ in range(5):
        await world.call("ListChannels")
    assert (await refused(world.call("ListChannels"))).code == "LimitExceededException"
    assert (await refused(world.call("DescribeChannel", ChannelARN=ARN))).code == (
        "ResourceNotFoundException"
    )
    world.clock.advance(0.2)
    await world.call("ListChannels")
    assert (await refused(world.call("ListChannels"))).code == "LimitExceededException"


async def test_where_limits_are_lifted_a_second_is_fresh_enough_and_calls_are_not_counted(
    world: World,
) -> None:
    channel = await world.make_channel(freshness=1)
    assert channel["S3DestinationConfiguration"]["DataFreshnessInSeconds"] == 1
    assert (await refused(world.make_channel(freshness=0))).code == "InvalidArgumentException"
    for _ in range(20):
        await world.describe(channel)


async def test_channels_are_listed_by_pages_and_by_their_streams(world: World) -> None:
    arns = {}
    for number in range(5):
        stream = await world.make_stream(f"s{number}")
        made = await world.make_channel(stream=stream, ChannelName=f"c{number}")
        arns[stream] = made["ChannelARN"]
    listed: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = await world.call("ListChannels", MaxResults=2, **token)
        assert len(answer["ChannelSummaries"]) <= 2
        listed += answer["ChannelSummaries"]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert {each["ChannelARN"] for each in listed} == set(arns.values())
    assert len(listed) == 5
    assert {each["ChannelDestinationType"] for each in listed} == {"S3"}
    stream, created = (await world.stream("s3")).arn, (await world.stream("s3")).created_ms

    async def filtered(**more: Any) -> list[str]:
        wanted = [{"StreamARN": stream, **more}]
        answer = await world.call("ListChannels", StreamFilter=wanted)
        return [each["ChannelARN"] for each in answer["ChannelSummaries"]]

    assert await filtered() == [arns[stream]]
    assert await filtered(StreamCreationTimestamp=created // 1000) == [arns[stream]]
    assert await filtered(StreamCreationTimestamp=created // 1000 - 60) == []
    assert (await world.call("ListChannels", region="eu-west-1"))["ChannelSummaries"] == []


async def test_a_token_of_another_list_is_refused_and_an_old_one_has_expired(world: World) -> None:
    for number in range(2):
        stream = await world.make_stream(f"s{number}")
        await world.make_channel(stream=stream, ChannelName=f"c{number}")
    token = (await world.call("ListChannels", MaxResults=1))["NextToken"]
    assert (await refused(world.call("ListChannels", NextToken="x"))).code == (
        "InvalidArgumentException"
    )
    world.clock.advance(301)
    assert (await refused(world.call("ListChannels", NextToken=token))).code == (
        "ExpiredNextTokenException"
    )


async def test_an_update_changes_freshness_or_log_and_nothing_else(world: World) -> None:
    channel = await world.begin_active()
    arn = {"ChannelARN": channel["ChannelARN"]}
    logs = {"CloudWatchLogs": {"Enabled": True, "LogStreamName": "mine"}}
    answer = await world.call("UpdateChannel", **arn, LoggingConfiguration=logs)
    told = answer["ChannelDescription"]
    assert told["ChannelStatus"] == "UPDATING"
    assert told["LoggingConfiguration"]["CloudWatchLogs"] == {
        "Enabled": True,
        "LogGroupName": f"/aws/kinesis/to-lake/{channel['ChannelId']}",
        "LogStreamName": "mine",
    }
    assert told["S3DestinationConfiguration"] == channel["S3DestinationConfiguration"]
    await world.call(
        "UpdateChannel", **arn, S3DestinationConfiguration={"DataFreshnessInSeconds": 900}
    )
    described = await world.describe(channel)
    assert described["ChannelStatus"] == "ACTIVE"
    assert described["S3DestinationConfiguration"]["DataFreshnessInSeconds"] == 900
    assert described["LoggingConfiguration"] == told["LoggingConfiguration"]
    for nothing in ({}, {"S3TablesDestinationConfiguration": {"DataFreshnessInSeconds": 300}}):
        assert (await refused(world.call("UpdateChannel", **arn, **nothing))).code == (
            "InvalidArgumentException"
        )
    late = {"S3DestinationConfiguration": {"DataFreshnessInSeconds": 901}}
    assert (await refused(world.call("UpdateChannel", **arn, **late))).code == (
        "InvalidArgumentException"
    )


async def test_a_stream_with_channels_counts_them_and_cannot_be_deleted(world: World) -> None:
    async def counted() -> tuple[int, int]:
        summary = await world.call("DescribeStreamSummary", StreamName="orders")
        limits = await world.call("DescribeLimits")
        return summary["StreamDescriptionSummary"]["ChannelCount"], limits["ChannelCount"]

    channel = await world.make_channel()
    assert await counted() == (1, 1)
    refusal = await refused(
        world.call("DeleteStream", StreamName="orders", EnforceConsumerDeletion=True)
    )
    assert refusal.code == "ResourceInUseException"
    assert channel["ChannelARN"] in refusal.message
    await world.call("DeleteChannel", ChannelARN=channel["ChannelARN"])
    assert await counted() == (0, 0)
    await world.call("DeleteStream", StreamName="orders")


async def test_a_channel_has_tags(world: World) -> None:
    channel = await world.make_channel(Tags={"team": "data"})
    arn = {"ResourceARN": channel["ChannelARN"]}
    await world.call("TagResource", **arn, Tags={"cost": "12"})
    await world.call("UntagResource", **arn, TagKeys=["team"])
    assert (await world.call("ListTagsForResource", **arn))["Tags"] == [
        {"Key": "cost", "Value": "12"}
    ]


@pytest.mark.parametrize("operation", ["DescribeChannel", "DeleteChannel", "UpdateChannel"])
async def test_a_channel_that_is_not_there_or_of_others_is_refused(
    world: World, operation: str
) -> None:
    more: dict[str, Any] = {}
    if operation == "UpdateChannel":
        more = {"S3DestinationConfiguration": {"DataFreshnessInSeconds": 300}}
    for arn, code in (
        (ARN, "ResourceNotFoundException"),
        (ARN.replace(REGION, "eu-west-1"), "ResourceNotFoundException"),
        (ARN.replace(ACCOUNT, "999999999999"), "AccessDeniedException"),
        ("arn:aws:kinesis", "ValidationException"),
    ):
        assert (await refused(world.call(operation, ChannelARN=arn, **more))).code == code
