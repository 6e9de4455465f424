"""Consumers, tags and resource policies, with boto3 against a server."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

MakeStream = Callable[..., str]


def arn_of(name: str) -> str:
    return f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"


def message_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Message"])


@pytest.fixture
def arn(make_stream: MakeStream) -> str:
    """The ARN of a stream."""
    return arn_of(make_stream())


def policy_for(arn: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": ["kinesis:DescribeStreamSummary", "kinesis:GetRecords"],
                    "Resource": arn,
                }
            ],
        }
    )


def test_a_consumer_is_registered_described_and_deregistered(kinesis: Any, arn: str) -> None:
    made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="fan", Tags={"a": "b"})[
        "Consumer"
    ]
    assert made["ConsumerStatus"] == "CREATING"
    assert made["ConsumerARN"].startswith(f"{arn}/consumer/fan:")
    by_arn = kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])
    by_name = kinesis.describe_stream_consumer(StreamARN=arn, ConsumerName="fan")
    assert by_arn["ConsumerDescription"] == by_name["ConsumerDescription"]
    assert by_arn["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE"
    assert by_arn["ConsumerDescription"]["StreamARN"] == arn
    tags = kinesis.list_tags_for_resource(ResourceARN=made["ConsumerARN"])["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]
    kinesis.deregister_stream_consumer(ConsumerARN=made["ConsumerARN"])
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException) as caught:
        kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])
    assert message_of(caught) == "Consumer fan, account 000000000000 not found."


def test_a_consumers_name_is_taken_once_in_a_stream(
    kinesis: Any, make_stream: MakeStream, arn: str
) -> None:
    kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="fan")
    with pytest.raises(kinesis.exceptions.ResourceInUseException):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="fan")
    kinesis.register_stream_consumer(StreamARN=arn_of(make_stream()), ConsumerName="fan")


def test_members_that_name_two_consumers_are_refused(
    kinesis: Any, make_stream: MakeStream, arn: str
) -> None:
    one = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="one")["Consumer"]
    contradictions: list[dict[str, str]] = [
        {"ConsumerARN": one["ConsumerARN"], "ConsumerName": "other"},
        {"ConsumerARN": one["ConsumerARN"], "StreamARN": arn_of(make_stream())},
        {"ConsumerName": "one"},
        {"StreamARN": arn},
        {},
    ]
    for members in contradictions:
        with pytest.raises(kinesis.exceptions.InvalidArgumentException):
            kinesis.deregister_stream_consumer(**members)
    kinesis.deregister_stream_consumer(
        ConsumerARN=one["ConsumerARN"], ConsumerName="one", StreamARN=arn
    )


def test_a_stream_has_twenty_consumers_listed_in_pages(kinesis: Any, arn: str) -> None:
    names = [f"c{n:02d}" for n in range(20)]
    for name in names:
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)
    with pytest.raises(kinesis.exceptions.LimitExceededException):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="one-more")
    first = kinesis.list_stream_consumers(StreamARN=arn, MaxResults=15)
    rest = kinesis.list_stream_consumers(StreamARN=arn, NextToken=first["NextToken"])
    assert [c["ConsumerName"] for c in first["Consumers"] + rest["Consumers"]] == names
    assert "NextToken" not in rest
    pages = kinesis.get_paginator("list_stream_consumers").paginate(
        StreamARN=arn, PaginationConfig={"PageSize": 7}
    )
    assert [c["ConsumerName"] for page in pages for c in page["Consumers"]] == names


def test_both_generations_of_operations_see_the_same_tags(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream()
    kinesis.add_tags_to_stream(StreamName=name, Tags={"b": "1", "a": "ü:/=+-@_. 9"})
    kinesis.tag_resource(ResourceARN=arn_of(name), Tags={"b": "2", "c": ""})
    expected = [
        {"Key": "a", "Value": "ü:/=+-@_. 9"},
        {"Key": "b", "Value": "2"},
        {"Key": "c", "Value": ""},
    ]
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == expected
    assert kinesis.list_tags_for_resource(ResourceARN=arn_of(name))["Tags"] == expected
    kinesis.untag_resource(ResourceARN=arn_of(name), TagKeys=["a", "nothing"])
    kinesis.remove_tags_from_stream(StreamName=name, TagKeys=["b"])
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == expected[2:]


def test_tags_are_listed_in_pages(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream()
    kinesis.add_tags_to_stream(StreamName=name, Tags={f"k{n}": "v" for n in range(5)})
    first = kinesis.list_tags_for_stream(StreamName=name, Limit=2)
    assert [t["Key"] for t in first["Tags"]] == ["k0", "k1"]
    assert first["HasMoreTags"] is True
    rest = kinesis.list_tags_for_stream(StreamName=name, ExclusiveStartTagKey="k1")
    assert [t["Key"] for t in rest["Tags"]] == ["k2", "k3", "k4"]
    assert rest["HasMoreTags"] is False


def test_a_stream_has_fifty_tags_at_most(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream()
    kinesis.add_tags_to_stream(StreamName=name, Tags={f"k{n}": "v" for n in range(50)})
    kinesis.add_tags_to_stream(StreamName=name, Tags={"k0": "other"})
    with pytest.raises(kinesis.exceptions.InvalidArgumentException) as caught:
        kinesis.add_tags_to_stream(StreamName=name, Tags={"one-more": "v"})
    assert "cannot have more than 50 tags" in message_of(caught)


@pytest.mark.parametrize("tags", [{"a?": "b"}, {"a": "b;"}, {"aws:x": "y"}, {"AWS:x": "y"}])
def test_tags_of_other_characters_are_refused(kinesis: Any, arn: str, tags: dict[str, str]) -> None:
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.tag_resource(ResourceARN=arn, Tags=tags)
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


def test_a_policy_is_put_read_and_deleted(kinesis: Any, arn: str) -> None:
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}"
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy_for(arn))
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == policy_for(arn)
    kinesis.delete_resource_policy(ResourceARN=arn)
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}"
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException) as caught:
        kinesis.delete_resource_policy(ResourceARN=arn)
    assert message_of(caught) == f"No resource policy found for resource ARN {arn}."


def test_a_consumer_has_a_policy_of_its_own(kinesis: Any, arn: str) -> None:
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
    consumer_arn = consumer["ConsumerARN"]
    kinesis.put_resource_policy(ResourceARN=consumer_arn, Policy=policy_for(consumer_arn))
    answer = kinesis.get_resource_policy(ResourceARN=consumer_arn)
    assert answer["Policy"] == policy_for(consumer_arn)
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}"


def test_what_is_no_policy_of_the_resource_is_refused(kinesis: Any, arn: str) -> None:
    for document in ("nothing", policy_for(arn_of("another"))):
        with pytest.raises(kinesis.exceptions.InvalidArgumentException):
            kinesis.put_resource_policy(ResourceARN=arn, Policy=document)


def test_resources_that_are_not_there_have_neither_tags_nor_policies(kinesis: Any) -> None:
    for arn in (arn_of("nobody"), arn_of("nobody") + "/consumer/c:1700000000"):
        for call in (
            lambda arn: kinesis.list_tags_for_resource(ResourceARN=arn),
            lambda arn: kinesis.get_resource_policy(ResourceARN=arn),
            lambda arn: kinesis.put_resource_policy(ResourceARN=arn, Policy=policy_for(arn)),
        ):
            with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
                call(arn)
    channel = "arn:aws:kinesis:us-east-1:000000000000:channel/c"
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.list_tags_for_resource(ResourceARN=channel)
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.get_resource_policy(ResourceARN=channel)
