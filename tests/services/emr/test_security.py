"""Security configurations and public access: kept when they take effect, refused when not."""

import json

import pytest

PLAIN = {
    "EncryptionConfiguration": {
        "EnableInTransitEncryption": False,
        "EnableAtRestEncryption": False,
    },
    "InstanceMetadataServiceConfiguration": {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 1,
    },
}


async def create(bench, name="plain", **given):
    text = json.dumps(given or PLAIN)
    return await bench.aws("CreateSecurityConfiguration", Name=name, SecurityConfiguration=text)


async def test_a_security_configuration_is_kept_and_named_by_clusters(bench, refusal):
    made = await create(bench)
    found = await bench.aws("DescribeSecurityConfiguration", Name="plain")
    assert json.loads(found["SecurityConfiguration"]) == PLAIN
    assert found["CreationDateTime"] == made["CreationDateTime"]
    told = await refusal(create(bench))
    assert (told.code, told.message) == (
        "InvalidRequestException", "Security configuration with name 'plain' already exists."
    )  # fmt: skip
    cluster_id = await bench.run("true", SecurityConfiguration="plain")
    assert (await bench.cluster(cluster_id))["SecurityConfiguration"] == "plain"
    await bench.aws("DeleteSecurityConfiguration", Name="plain")
    for operation in ("DescribeSecurityConfiguration", "DeleteSecurityConfiguration"):
        told = await refusal(bench.aws(operation, Name="plain"))
        assert told.message == "Security configuration with name 'plain' does not exist."
    told = await refusal(bench.run("true", SecurityConfiguration="plain"))
    assert told.message == "Security configuration plain does not exist."


async def test_security_configurations_are_listed_by_name_in_pages(bench):
    for number in range(53):
        await create(bench, f"c{number:02}")
    first = await bench.aws("ListSecurityConfigurations")
    second = await bench.aws("ListSecurityConfigurations", Marker=first["Marker"])
    pages = first["SecurityConfigurations"] + second["SecurityConfigurations"]
    assert [one["Name"] for one in pages] == [f"c{number:02}" for number in range(53)]
    assert "Marker" not in second


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", "a JSON object"),
        ({"Colour": {}}, "no section Colour"),
        ({"AuthenticationConfiguration": {"KerberosConfiguration": {}}}, "AuthenticationConfig"),
        ("[" * 5000, "is not valid JSON"),
        ({"AuthorizationConfiguration": {}}, "AuthorizationConfiguration is not supported"),
        (
            {
                "EncryptionConfiguration": {
                    "EnableInTransitEncryption": False,
                    "EnableAtRestEncryption": True,
                }
            },
            "EnableAtRestEncryption is not supported",
        ),
        ({"EncryptionConfiguration": {"EnableAtRestEncryption": False}}, "must be true or false"),
        (
            {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": 3}},
            "must be 1 or 2",
        ),
    ],
)
async def test_what_would_not_take_effect_is_refused(bench, refusal, given, message):
    text = given if isinstance(given, str) else json.dumps(given)
    told = await refusal(
        bench.aws("CreateSecurityConfiguration", Name="x", SecurityConfiguration=text)
    )
    assert (told.code, message in told.message) == ("InvalidRequestException", True), told


async def test_public_access_is_blocked_until_it_is_told_otherwise(bench, refusal):
    found = await bench.aws("GetBlockPublicAccessConfiguration")
    assert found["BlockPublicAccessConfiguration"] == {
        "BlockPublicSecurityGroupRules": True,
        "PermittedPublicSecurityGroupRuleRanges": [{"MinRange": 22, "MaxRange": 22}],
    }
    wanted = {"BlockPublicSecurityGroupRules": False, "PermittedPublicSecurityGroupRuleRanges": []}
    await bench.aws("PutBlockPublicAccessConfiguration", BlockPublicAccessConfiguration=wanted)
    found = await bench.aws("GetBlockPublicAccessConfiguration")
    assert found["BlockPublicAccessConfiguration"] == wanted
    creator = found["BlockPublicAccessConfigurationMetadata"]["CreatedByArn"]
    assert creator == "arn:aws:iam::000000000000:root"
    ranges = [{"MinRange": 30, "MaxRange": 20}]
    wanted |= {"PermittedPublicSecurityGroupRuleRanges": ranges}
    told = await refusal(
        bench.aws("PutBlockPublicAccessConfiguration", BlockPublicAccessConfiguration=wanted)
    )
    assert told.message == "MaxRange 20 must not be less than MinRange 30."
