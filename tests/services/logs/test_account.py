"""What belongs to an account: destinations, resource policies, listed groups, protection, tags."""

import json

import pytest

from millpond.kernel.errors import ServiceError

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
ROLE = "arn:aws:iam::123456789012:role/sender"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/app"
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents"}]}
)


async def refused(world, operation, **members):
    with pytest.raises(ServiceError) as raised:
        await world(operation, **members)
    return raised.value.code


async def test_destinations_are_kept_described_and_tagged(world):
    for name in ("d2", "d1", "other"):
        await world("PutDestination", destinationName=name, targetArn=STREAM, roleArn=ROLE)
    await world("PutDestinationPolicy", destinationName="d1", accessPolicy=POLICY)
    page = await world("DescribeDestinations", DestinationNamePrefix="d", limit=1)
    assert page["destinations"] == [
        {
            "destinationName": "d1",
            "targetArn": STREAM,
            "roleArn": ROLE,
            "accessPolicy": POLICY,
            "arn": "arn:aws:logs:us-east-1:123456789012:destination:d1",
            "creationTime": world.now,
        }
    ]
    page = await world(
        "DescribeDestinations", DestinationNamePrefix="d", limit=1, nextToken=page["nextToken"]
    )
    assert [found["destinationName"] for found in page["destinations"]] == ["d2"]
    assert "nextToken" not in page
    arn = page["destinations"][0]["arn"]
    await world("TagResource", resourceArn=arn, tags={"a": "b", "c": "d"})
    await world("UntagResource", resourceArn=arn, tagKeys=["a"])
    assert await world("ListTagsForResource", resourceArn=arn) == {"tags": {"c": "d"}}
    await world("DeleteDestination", destinationName="d2")
    assert await refused(world, "DeleteDestination", destinationName="d2") == (
        "ResourceNotFoundException"
    )
    assert await refused(world, "ListTagsForResource", resourceArn=arn) == (
        "ResourceNotFoundException"
    )
    for text in ("no JSON", "[" * 5000):
        bad = {"destinationName": "d1", "accessPolicy": text}
        assert await refused(world, "PutDestinationPolicy", **bad) == "InvalidParameterException"


@pytest.mark.parametrize("kind", ["destination", "policy"])
async def test_very_long_names_are_told_once_each_page_by_page(world, kind):
    names = [chr(0x1F600 + number % 3) * 490 + str(number) for number in range(9)]
    for name in names:
        if kind == "destination":
            await world("PutDestination", destinationName=name, targetArn=STREAM, roleArn=ROLE)
        else:
            await world("PutResourcePolicy", policyName=name, policyDocument=POLICY)
    operation = "DescribeDestinations" if kind == "destination" else "DescribeResourcePolicies"
    found, token = [], {}
    while token is not None:
        page = await world(operation, limit=1, **token)
        told = page["destinations" if kind == "destination" else "resourcePolicies"]
        found += [one[f"{kind}Name"] for one in told]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else None
    assert found == sorted(names)


async def test_policies_of_the_account_are_kept_by_name_ten_at_most(world):
    for number in range(10):
        await world("PutResourcePolicy", policyName=f"p{number}", policyDocument=POLICY)
    more = {"policyName": "p10", "policyDocument": POLICY}
    assert await refused(world, "PutResourcePolicy", **more) == "LimitExceededException"
    await world("PutResourcePolicy", policyName="p3", policyDocument=POLICY)
    page = await world("DescribeResourcePolicies", limit=4)
    assert page["resourcePolicies"][3] == {
        "policyName": "p3",
        "policyDocument": POLICY,
        "lastUpdatedTime": world.now,
        "policyScope": "ACCOUNT",
    }
    page = await world("DescribeResourcePolicies", nextToken=page["nextToken"])
    assert [found["policyName"] for found in page["resourcePolicies"]] == [
        f"p{number}" for number in range(4, 10)
    ]
    await world("DeleteResourcePolicy", policyName="p3")
    assert await refused(world, "DeleteResourcePolicy", policyName="p3") == (
        "ResourceNotFoundException"
    )


async def test_the_policy_of_a_group_changes_only_from_the_revision_that_was_seen(world):
    await world.make("s")
    answer = await world("PutResourcePolicy", resourceArn=GROUP, policyDocument=POLICY)
    revision = answer["revisionId"]
    again = {"resourceArn": GROUP, "policyDocument": POLICY}
    assert await refused(world, "PutResourcePolicy", **again) == "OperationAbortedException"
    answer = await world("PutResourcePolicy", **again, expectedRevisionId=revision)
    (found,) = (await world("DescribeResourcePolicies", resourceArn=GROUP))["resourcePolicies"]
    assert found["policyScope"] == "RESOURCE"
    assert found["revisionId"] == answer["revisionId"] != revision
    assert (await world("DescribeResourcePolicies"))["resourcePolicies"] == []
    gone = {"resourceArn": GROUP, "expectedRevisionId": answer["revisionId"]}
    await world("DeleteResourcePolicy", **gone)
    assert await refused(world, "DeleteResourcePolicy", **gone) == "ResourceNotFoundException"


async def test_groups_are_listed_by_patterns_and_tags_in_pages(world):
    for name, tags in (
        ("/aws/glue", {"team": "data"}),
        ("/aws/emr", {"team": "database"}),
        ("/own/aws", {"team": "web"}),
        ("/other", {"owner": "me"}),
    ):
        await world("CreateLogGroup", logGroupName=name, tags=tags)

    async def listed(**more):
        page = await world("ListLogGroups", **more)
        return [group["logGroupName"] for group in page["logGroups"]]

    assert await listed() == ["/aws/emr", "/aws/glue", "/other", "/own/aws"]
    assert await listed(logGroupNamePattern="^/aws") == ["/aws/emr", "/aws/glue"]
    assert await listed(logGroupNamePattern="other|^/own") == ["/other", "/own/aws"]
    assert await listed(logGroupClass="DELIVERY") == []
    for values, names in (
        (["data*"], ["/aws/emr", "/aws/glue"]),
        (["*base", "web"], ["/aws/emr", "/own/aws"]),
        (["!*ata*"], ["/own/aws"]),
        ([], ["/aws/emr", "/aws/glue", "/own/aws"]),
    ):
        assert await listed(logGroupTags=[{"key": "team", "values": values}]) == names
    page = await world("ListLogGroups", limit=3)
    assert page["logGroups"][0] == {
        "logGroupName": "/aws/emr",
        "logGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/emr",
        "logGroupClass": "STANDARD",
    }
    assert await listed(limit=3, nextToken=page["nextToken"]) == ["/own/aws"]


async def test_a_protected_group_and_its_streams_stay(world):
    await world("CreateLogGroup", logGroupName="/app", deletionProtectionEnabled=True)
    stream = {"logGroupName": "/app", "logStreamName": "s"}
    await world("CreateLogStream", **stream)
    assert await refused(world, "DeleteLogGroup", logGroupName="/app") == "ValidationException"
    assert await refused(world, "DeleteLogStream", **stream) == "ValidationException"
    change = {"logGroupIdentifier": GROUP, "deletionProtectionEnabled": False}
    await world("PutLogGroupDeletionProtection", **change)
    await world("DeleteLogStream", **stream)
    await world("DeleteLogGroup", logGroupName="/app")


async def test_groups_are_tagged_by_name_as_before(world):
    await world.make("s")
    await world("TagLogGroup", logGroupName="/app", tags={"a": "b", "c": "d"})
    await world("UntagLogGroup", logGroupName="/app", tags=["a"])
    assert await world("ListTagsLogGroup", logGroupName="/app") == {"tags": {"c": "d"}}
