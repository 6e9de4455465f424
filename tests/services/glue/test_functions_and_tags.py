"""User-defined functions; tags."""

import pytest

from millpond.kernel.errors import ServiceError


async def test_functions_are_made_found_changed_and_removed(shop):
    await shop.make_database("other")
    for database, name in [("shop", "Upper"), ("shop", "lower"), ("other", "upper")]:
        await shop.glue(
            "CreateUserDefinedFunction",
            DatabaseName=database,
            FunctionInput={"FunctionName": name, "ClassName": "x.Y", "OwnerType": "USER"},
        )
    with pytest.raises(ServiceError, match=r"Function already exists\."):
        await shop.glue(
            "CreateUserDefinedFunction",
            DatabaseName="shop",
            FunctionInput={"FunctionName": "LOWER"},
        )

    async def names(**members):
        found, token = [], {}
        while True:
            page = await shop.glue("GetUserDefinedFunctions", MaxResults=1, **members, **token)
            found += [
                (function["DatabaseName"], function["FunctionName"])
                for function in page["UserDefinedFunctions"]
            ]
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    assert await names(Pattern="*") == [("other", "upper"), ("shop", "lower"), ("shop", "upper")]
    assert await names(Pattern="u.*", DatabaseName="shop") == [("shop", "upper")]
    named = {"DatabaseName": "shop", "FunctionName": "lower"}
    await shop.glue(
        "UpdateUserDefinedFunction",
        **named,
        FunctionInput={"FunctionName": "lower", "ClassName": "x.Z"},
    )
    found = await shop.glue("GetUserDefinedFunction", **named)
    assert found["UserDefinedFunction"]["ClassName"] == "x.Z"
    await shop.glue("DeleteUserDefinedFunction", **named)
    with pytest.raises(ServiceError, match="Function lower not found"):
        await shop.glue("GetUserDefinedFunction", **named)


async def test_tags_are_added_replaced_and_removed(shop):
    await shop.glue("CreateDatabase", DatabaseInput={"Name": "d"}, Tags={"team": "data"})
    arn = "arn:aws:glue:us-east-1:123456789012:database/d"
    await shop.glue("TagResource", ResourceArn=arn, TagsToAdd={"team": "sales", "cost": "1"})
    assert await shop.glue("GetTags", ResourceArn=arn) == {"Tags": {"team": "sales", "cost": "1"}}
    await shop.glue("UntagResource", ResourceArn=arn, TagsToRemove=["team", "none"])
    assert await shop.glue("GetTags", ResourceArn=arn) == {"Tags": {"cost": "1"}}
    with pytest.raises(ServiceError, match="at most 50 tags"):
        many = {f"t{number}": "" for number in range(50)}
        await shop.glue("TagResource", ResourceArn=arn, TagsToAdd=many)
    await shop.glue("DeleteDatabase", Name="d")
    await shop.make_database("d")
    assert await shop.glue("GetTags", ResourceArn=arn) == {"Tags": {}}


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:glue:us-east-1:123456789012:database/nope", "EntityNotFoundException"),
        ("arn:aws:glue:eu-west-1:123456789012:database/shop", "EntityNotFoundException"),
        ("arn:aws:glue:us-east-1:123456789012:job/nope", "EntityNotFoundException"),
        ("arn:aws:glue:us-east-1:123456789012:connection/nope", "EntityNotFoundException"),
        ("arn:aws:glue:us-east-1:123456789012:registry/r", "InvalidInputException"),
    ],
)
async def test_tags_of_what_is_not_there_are_refused(shop, arn, code):
    with pytest.raises(ServiceError) as refused:
        await shop.glue("GetTags", ResourceArn=arn)
    assert refused.value.code == code
