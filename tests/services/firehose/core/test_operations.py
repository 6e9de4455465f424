"""What operations take, keep, tell and refuse."""

import pytest

from millpond.kernel.errors import ServiceError
from tests.services.firehose.conftest import BUCKET, ROLE

S3 = {"RoleARN": ROLE, "BucketARN": BUCKET}
HTTP = {
    "EndpointConfiguration": {"Url": "https://hooks.example.com/in", "AccessKey": "secret"},
    "S3Configuration": S3,
}
SEARCH = {
    "RoleARN": ROLE,
    "ClusterEndpoint": "http://localhost:9200",
    "IndexName": "clicks",
    "S3Configuration": S3,
}
DESTINATION_ID = "destinationId-000000000001"
PLAIN_S3 = {
    **S3,
    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "CompressionFormat": "UNCOMPRESSED",
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "CloudWatchLoggingOptions": {"Enabled": False},
}


async def create(world, kind="ExtendedS3", settings=None, name="clicks", **more):
    member = f"{kind}DestinationConfiguration"
    await world.firehose(
        "CreateDeliveryStream",
        DeliveryStreamName=name,
        **{member: S3 if settings is None else settings},
        **more,
    )


async def update(world, kind="ExtendedS3", version="1", **changes):
    await world.firehose(
        "UpdateDestination",
        DeliveryStreamName="clicks",
        CurrentDeliveryStreamVersionId=version,
        DestinationId=DESTINATION_ID,
        **{f"{kind}DestinationUpdate": changes},
    )


async def destination(world, kind="ExtendedS3"):
    (told,) = (await world.described())["Destinations"]
    assert told["DestinationId"] == DESTINATION_ID
    return told[f"{kind}DestinationDescription"]


async def refusal(awaitable):
    with pytest.raises(ServiceError) as caught:
        await awaitable
    return caught.value


async def test_defaults_are_told_as_in_aws(still_world):
    await create(still_world)
    told = await still_world.described()
    assert told["DeliveryStreamStatus"] == "ACTIVE"
    assert told["DeliveryStreamType"] == "DirectPut"
    assert told["VersionId"] == "1"
    assert told["HasMoreDestinations"] is False
    assert told["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}
    assert await destination(still_world) == {**PLAIN_S3, "S3BackupMode": "Disabled"}
    assert await destination(still_world, "S3") == PLAIN_S3


async def test_an_http_endpoint_is_told_without_its_key(still_world):
    await create(still_world, "HttpEndpoint", HTTP)
    told = await destination(still_world, "HttpEndpoint")
    assert told["EndpointConfiguration"] == {"Url": "https://hooks.example.com/in"}
    assert told["S3BackupMode"] == "FailedDataOnly"
    assert told["RetryOptions"] == {"DurationInSeconds": 300}
    assert told["RequestConfiguration"]["ContentEncoding"] == "NONE"
    assert told["S3DestinationDescription"] == PLAIN_S3


async def test_a_search_cluster_is_told_with_its_defaults(still_world):
    await create(still_world, "Amazonopensearchservice", SEARCH)
    told = await destination(still_world, "Amazonopensearchservice")
    assert told["IndexRotationPeriod"] == "OneDay"
    assert told["S3BackupMode"] == "FailedDocumentsOnly"
    assert told["DocumentIdOptions"] == {"DefaultDocumentIdFormat": "FIREHOSE_DEFAULT"}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "Exactly one destination"),
        (
            {"S3DestinationConfiguration": S3, "ExtendedS3DestinationConfiguration": S3},
            "Exactly one destination",
        ),
        (
            {
                "RedshiftDestinationConfiguration": {
                    "RoleARN": ROLE,
                    "ClusterJDBCURL": "jdbc:redshift://c.redshift.amazonaws.com:5439/dev",
                    "CopyCommand": {"DataTableName": "t"},
                    "S3Configuration": S3,
                }
            },
            "there is no Redshift here yet",
        ),
        (
            {
                "SplunkDestinationConfiguration": {
                    "HECEndpoint": "https://x",
                    "HECEndpointType": "Raw",
                    "S3Configuration": S3,
                }
            },
            "SplunkDestinationConfiguration is not implemented",
        ),
        (
            {"S3DestinationConfiguration": S3, "DeliveryStreamType": "MSKAsSource"},
            "MSKAsSource is not implemented",
        ),
        (
            {"S3DestinationConfiguration": S3, "DeliveryStreamType": "KinesisStreamAsSource"},
            "KinesisStreamSourceConfiguration must be set",
        ),
        (
            {
                "S3DestinationConfiguration": S3,
                "DeliveryStreamEncryptionConfigurationInput": {
                    "KeyType": "CUSTOMER_MANAGED_CMK",
                    "KeyARN": "arn:aws:kms:us-east-1:123456789012:key/k",
                },
            },
            "CUSTOMER_MANAGED_CMK is not implemented",
        ),
    ],
)
async def test_what_cannot_be_created_is_refused(still_world, members, words):
    refused = await refusal(
        still_world.firehose("CreateDeliveryStream", DeliveryStreamName="clicks", **members)
    )
    assert refused.code == "InvalidArgumentException"
    assert words in refused.message


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("ExtendedS3", {"BufferingHints": {"SizeInMBs": 1}}, "both of SizeInMBs"),
        (
            "ExtendedS3",
            {
                "EncryptionConfiguration": {
                    "KMSEncryptionConfig": {
                        "AWSKMSKeyARN": "arn:aws:kms:us-east-1:123456789012:key/k"
                    }
                }
            },
            "KMSEncryptionConfig is not implemented",
        ),
        ("ExtendedS3", {"S3BackupMode": "Enabled"}, "S3BackupConfiguration must be set"),
        ("ExtendedS3", {"CustomTimeZone": "Mars/Base"}, "CustomTimeZone"),
        ("ExtendedS3", {"CloudWatchLoggingOptions": {"Enabled": True}}, "LogGroupName"),
        (
            "ExtendedS3",
            {
                "Prefix": "!{partitionKeyFromLambda:id}/",
                "ErrorOutputPrefix": "e/",
                "DynamicPartitioningConfiguration": {"Enabled": True},
                "BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60},
            },
            "at least 64",
        ),
        (
            "ExtendedS3",
            {
                "Prefix": "!{partitionKeyFromQuery:id}/",
                "ErrorOutputPrefix": "e/",
                "DynamicPartitioningConfiguration": {"Enabled": True},
            },
            "MetadataExtraction processor should be present",
        ),
        (
            "HttpEndpoint",
            {"SecretsManagerConfiguration": {"Enabled": True}},
            "SecretsManagerConfiguration is not implemented",
        ),
        (
            "Amazonopensearchservice",
            {"DomainARN": "arn:aws:es:us-east-1:123456789012:domain/logs"},
            "DomainARN is not implemented",
        ),
    ],
)
async def test_settings_that_cannot_be_are_refused(still_world, kind, settings, words):
    base = {"ExtendedS3": S3, "HttpEndpoint": HTTP}.get(kind, SEARCH)
    refused = await refusal(create(still_world, kind, base | settings))
    assert refused.code == "InvalidArgumentException"
    assert words in refused.message


async def test_a_name_is_taken_once(still_world):
    await create(still_world)
    assert (await refusal(create(still_world))).code == "ResourceInUseException"


async def test_an_unknown_stream_is_not_found(still_world):
    refused = await refusal(still_world.described("nobody"))
    assert refused.code == "ResourceNotFoundException"
    assert refused.message == "Firehose nobody under account 123456789012 not found."


async def test_an_update_keeps_what_it_does_not_name(still_world):
    await create(still_world, settings={**S3, "Prefix": "in/", "CompressionFormat": "GZIP"})
    await update(still_world, Prefix="other/")
    told = await destination(still_world)
    assert (told["Prefix"], told["CompressionFormat"]) == ("other/", "GZIP")
    described = await still_world.described()
    assert described["VersionId"] == "2"
    assert "LastUpdateTimestamp" in described


async def test_an_update_of_another_version_is_refused(still_world):
    await create(still_world)
    await update(still_world, Prefix="a/")
    refused = await refusal(update(still_world, Prefix="b/"))
    assert refused.code == "ConcurrentModificationException"
    assert "current version id: 2 and specified version id: 1" in refused.message


async def test_an_update_merges_the_s3_configuration_inside_another_destination(still_world):
    await create(still_world, "HttpEndpoint", HTTP)
    await update(still_world, "HttpEndpoint", S3Update={"Prefix": "failed/"})
    told = (await destination(still_world, "HttpEndpoint"))["S3DestinationDescription"]
    assert (told["Prefix"], told["BucketARN"]) == ("failed/", BUCKET)


async def test_a_destination_of_another_kind_takes_the_place_of_the_former(still_world):
    await create(still_world)
    update_ = {"EndpointConfiguration": HTTP["EndpointConfiguration"]}
    refused = await refusal(update(still_world, "HttpEndpoint", **update_))
    assert "S3Configuration must be set" in refused.message
    await update(still_world, "HttpEndpoint", **update_, S3Update=S3)
    assert "Url" in (await destination(still_world, "HttpEndpoint"))["EndpointConfiguration"]
    search = {name: SEARCH[name] for name in ("RoleARN", "ClusterEndpoint", "IndexName")}
    refused = await refusal(
        update(still_world, "Amazonopensearchservice", "2", **search, S3Update=S3)
    )
    assert "Switching between Amazon OpenSearch Service" in refused.message


async def test_backup_cannot_be_switched_off(still_world):
    settings = {**S3, "S3BackupMode": "Enabled", "S3BackupConfiguration": S3}
    await create(still_world, settings=settings)
    refused = await refusal(update(still_world, S3BackupMode="Disabled"))
    assert "cannot be changed from Enabled to Disabled" in refused.message


async def test_streams_are_listed_by_name_in_pages(still_world):
    for name in ("c", "a", "b"):
        await create(still_world, name=name)
    first = await still_world.firehose("ListDeliveryStreams", Limit=2)
    assert first == {"DeliveryStreamNames": ["a", "b"], "HasMoreDeliveryStreams": True}
    rest = await still_world.firehose("ListDeliveryStreams", ExclusiveStartDeliveryStreamName="b")
    assert rest == {"DeliveryStreamNames": ["c"], "HasMoreDeliveryStreams": False}
    none = await still_world.firehose(
        "ListDeliveryStreams", DeliveryStreamType="KinesisStreamAsSource"
    )
    assert none["DeliveryStreamNames"] == []


async def test_tags_come_and_go(still_world):
    await create(still_world, Tags=[{"Key": "team", "Value": "web"}])
    name = {"DeliveryStreamName": "clicks"}
    tags = [{"Key": "stage", "Value": "test"}, {"Key": "bare"}]
    await still_world.firehose("TagDeliveryStream", **name, Tags=tags)
    listed = await still_world.firehose("ListTagsForDeliveryStream", **name, Limit=2)
    assert [tag["Key"] for tag in listed["Tags"]] == ["bare", "stage"]
    assert listed["HasMoreTags"] is True
    await still_world.firehose("UntagDeliveryStream", **name, TagKeys=["bare", "none"])
    listed = await still_world.firehose("ListTagsForDeliveryStream", **name)
    assert {tag["Key"]: tag["Value"] for tag in listed["Tags"]} == {
        "team": "web",
        "stage": "test",
    }
    many = [{"Key": f"k{number}", "Value": ""} for number in range(49)]
    refused = await refusal(still_world.firehose("TagDeliveryStream", **name, Tags=many))
    assert refused.code == "InvalidArgumentException"


async def test_encryption_is_told(still_world):
    name = {"DeliveryStreamName": "clicks"}
    await create(still_world)
    await still_world.firehose("StartDeliveryStreamEncryption", **name)
    told = (await still_world.described())["DeliveryStreamEncryptionConfiguration"]
    assert told == {"KeyType": "AWS_OWNED_CMK", "Status": "ENABLED"}
    await still_world.firehose("StopDeliveryStreamEncryption", **name)
    told = (await still_world.described())["DeliveryStreamEncryptionConfiguration"]
    assert told == {"Status": "DISABLED"}


async def test_records_are_bounded_in_size_and_number(still_world):
    await create(still_world)
    name = {"DeliveryStreamName": "clicks"}
    largest = {"Data": b"x" * 1_024_000}
    answer = await still_world.firehose("PutRecordBatch", **name, Records=[largest] * 4)
    assert answer["FailedPutCount"] == 0
    five = still_world.firehose("PutRecordBatch", **name, Records=[largest] * 5)
    assert (await refusal(five)).code == "InvalidArgumentException"
    larger = {"Data": b"x" * 1_024_001}
    refused = await refusal(still_world.firehose("PutRecord", **name, Record=larger))
    assert refused.code == "ValidationException"
    many = still_world.firehose("PutRecordBatch", **name, Records=[{"Data": b"x"}] * 501)
    assert (await refusal(many)).code == "ValidationException"


async def test_a_stream_that_is_being_deleted_takes_no_records(still_world):
    await create(still_world)
    await still_world.firehose("DeleteDeliveryStream", DeliveryStreamName="clicks")
    assert (await still_world.described())["DeliveryStreamStatus"] == "DELETING"
    assert (await refusal(still_world.put(b"x"))).code == "ResourceNotFoundException"
