"""Work groups, named queries, prepared statements and catalogs, as boto3 sees them."""

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def athena(server):
    return server.client("athena")


@pytest.fixture(scope="module")
def glue(server):
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "athena_saved", "Description": "saved"})
    for name in ("a", "b", "c"):
        glue.create_table(
            DatabaseName="athena_saved",
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "PartitionKeys": [{"Name": "day", "Type": "date"}],
                "StorageDescriptor": {
                    "Columns": [{"Name": "n", "Type": "bigint", "Comment": "number"}],
                    "Location": f"s3://nowhere/{name}/",
                },
            },
        )
    return glue


def refusal(call, *args, **kwargs):
    with pytest.raises(ClientError) as refused:
        call(*args, **kwargs)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_primary_is_there_from_the_start(athena):
    group = athena.get_work_group(WorkGroup="primary")["WorkGroup"]
    assert group["State"] == "ENABLED"
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is False
    version = group["Configuration"]["EngineVersion"]["EffectiveEngineVersion"]
    assert version == "Athena engine version 3"
    assert refusal(athena.delete_work_group, WorkGroup="primary")[0] == "InvalidRequestException"


def test_a_work_group_lives_and_changes(athena):
    athena.create_work_group(
        Name="analysts",
        Description="who asks",
        Configuration={
            "ResultConfiguration": {"OutputLocation": "s3://results/a/"},
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )
    made = athena.get_work_group(WorkGroup="analysts")["WorkGroup"]
    assert made["Configuration"]["EnforceWorkGroupConfiguration"] is True
    assert made["Configuration"]["ResultConfiguration"] == {"OutputLocation": "s3://results/a/"}
    taken = refusal(athena.create_work_group, Name="analysts")
    assert taken == ("InvalidRequestException", "WorkGroup is already created")
    athena.update_work_group(
        WorkGroup="analysts",
        State="DISABLED",
        ConfigurationUpdates={
            "RemoveBytesScannedCutoffPerQuery": True,
            "EnforceWorkGroupConfiguration": False,
        },
    )
    changed = athena.get_work_group(WorkGroup="analysts")["WorkGroup"]
    assert changed["State"] == "DISABLED"
    assert changed["Description"] == "who asks"
    assert "BytesScannedCutoffPerQuery" not in changed["Configuration"]
    assert changed["Configuration"]["ResultConfiguration"] == {"OutputLocation": "s3://results/a/"}
    disabled = refusal(athena.start_query_execution, QueryString="SELECT 1", WorkGroup="analysts")
    assert disabled == ("InvalidRequestException", "WorkGroup analysts is disabled.")
    athena.delete_work_group(WorkGroup="analysts")
    gone = refusal(athena.get_work_group, WorkGroup="analysts")
    assert gone == ("InvalidRequestException", "WorkGroup analysts is not found.")


def test_work_groups_are_listed_in_pages(athena):
    names = [f"page-{number:02d}" for number in range(7)]
    for name in names:
        athena.create_work_group(Name=name)
    listed, token = [], {}
    while True:
        page = athena.list_work_groups(MaxResults=3, **token)
        assert len(page["WorkGroups"]) <= 3
        listed += [group["Name"] for group in page["WorkGroups"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert listed == sorted(listed)
    assert {"primary", *names} <= set(listed)
    for name in names:
        athena.delete_work_group(WorkGroup=name)
    assert refusal(athena.list_work_groups, NextToken="made-up")[0] == "InvalidRequestException"


def test_what_a_work_group_cannot_have_is_refused_by_name(athena):
    code, message = refusal(
        athena.create_work_group,
        Name="kms",
        Configuration={
            "ResultConfiguration": {
                "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": "alias/k"}
            }
        },
    )
    assert code == "InvalidRequestException"
    assert "SSE_KMS" in message
    code, message = refusal(
        athena.create_work_group,
        Name="spark",
        Configuration={"EngineVersion": {"SelectedEngineVersion": "PySpark engine version 3"}},
    )
    assert "PySpark engine version 3" in message
    code, message = refusal(athena.create_work_group, Name="b d")
    assert code == "InvalidRequestException"
    assert "[a-zA-Z0-9._-]" in message


def test_a_work_group_is_tagged(athena):
    athena.create_work_group(Name="tagged", Tags=[{"Key": "team", "Value": "a"}])
    arn = "arn:aws:athena:us-east-1:000000000000:workgroup/tagged"
    athena.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": ""}]
    )
    kept = [{"Key": "cost", "Value": ""}, {"Key": "team", "Value": "b"}]
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == kept
    athena.untag_resource(ResourceARN=arn, TagKeys=["cost", "absent"])
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == kept[1:]
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    assert refusal(athena.tag_resource, ResourceARN=arn, Tags=many) == (
        "InvalidRequestException",
        "A work group has at most 50 tags.",
    )
    athena.delete_work_group(WorkGroup="tagged")
    gone = refusal(athena.list_tags_for_resource, ResourceARN=arn)
    assert gone[0] == "ResourceNotFoundException"
    athena.create_work_group(Name="tagged")
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
    athena.delete_work_group(WorkGroup="tagged")


def test_a_named_query_lives(athena):
    athena.create_work_group(Name="named")
    query_id = athena.create_named_query(
        Name="q",
        Database="d",
        QueryString="SELECT 1",
        WorkGroup="named",
        ClientRequestToken="t" * 32,
    )["NamedQueryId"]
    again = athena.create_named_query(
        Name="q",
        Database="d",
        QueryString="SELECT 1",
        WorkGroup="named",
        ClientRequestToken="t" * 32,
    )["NamedQueryId"]
    assert again == query_id
    other = refusal(
        athena.create_named_query,
        Name="other",
        Database="d",
        QueryString="SELECT 1",
        WorkGroup="named",
        ClientRequestToken="t" * 32,
    )
    assert other == ("InvalidRequestException", "Idempotent parameters do not match")
    assert athena.list_named_queries(WorkGroup="named")["NamedQueryIds"] == [query_id]
    athena.update_named_query(NamedQueryId=query_id, Name="r", QueryString="SELECT 2")
    found = athena.get_named_query(NamedQueryId=query_id)["NamedQuery"]
    assert (found["Name"], found["QueryString"], found["WorkGroup"]) == ("r", "SELECT 2", "named")
    batch = athena.batch_get_named_query(NamedQueryIds=[query_id, "nope"])
    assert [query["NamedQueryId"] for query in batch["NamedQueries"]] == [query_id]
    assert [one["NamedQueryId"] for one in batch["UnprocessedNamedQueryIds"]] == ["nope"]
    assert refusal(athena.delete_work_group, WorkGroup="named") == (
        "InvalidRequestException",
        "WorkGroup named is not empty",
    )
    athena.delete_work_group(WorkGroup="named", RecursiveDeleteOption=True)
    assert refusal(athena.get_named_query, NamedQueryId=query_id)[0] == "InvalidRequestException"


def test_a_prepared_statement_lives(athena):
    athena.create_prepared_statement(
        StatementName="by_day", WorkGroup="primary", QueryStatement="SELECT ?", Description="d"
    )
    taken = refusal(
        athena.create_prepared_statement,
        StatementName="by_day",
        WorkGroup="primary",
        QueryStatement="SELECT ?",
    )
    assert taken[0] == "InvalidRequestException"
    athena.update_prepared_statement(
        StatementName="by_day", WorkGroup="primary", QueryStatement="SELECT ? + 1"
    )
    found = athena.get_prepared_statement(StatementName="by_day", WorkGroup="primary")
    assert found["PreparedStatement"]["QueryStatement"] == "SELECT ? + 1"
    assert found["PreparedStatement"]["Description"] == "d"
    batch = athena.batch_get_prepared_statement(
        PreparedStatementNames=["by_day", "none"], WorkGroup="primary"
    )
    assert len(batch["PreparedStatements"]) == 1
    assert batch["UnprocessedPreparedStatementNames"][0]["StatementName"] == "none"
    listed = athena.list_prepared_statements(WorkGroup="primary")["PreparedStatements"]
    assert "by_day" in [statement["StatementName"] for statement in listed]
    athena.delete_prepared_statement(StatementName="by_day", WorkGroup="primary")
    gone = refusal(athena.get_prepared_statement, StatementName="by_day", WorkGroup="primary")
    assert gone[0] == "ResourceNotFoundException"


def test_the_catalog_is_glues(athena, glue):
    catalogs = athena.list_data_catalogs()["DataCatalogsSummary"]
    assert [catalog["CatalogName"] for catalog in catalogs] == ["AwsDataCatalog"]
    assert athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]["Type"] == "GLUE"
    place = {"CatalogName": "AwsDataCatalog", "DatabaseName": "athena_saved"}
    assert athena.get_database(**place)["Database"]["Description"] == "saved"
    names = [
        table["Name"]
        for page in athena.get_paginator("list_table_metadata").paginate(
            **place, PaginationConfig={"PageSize": 2}
        )
        for table in page["TableMetadataList"]
    ]
    assert names == ["a", "b", "c"]
    table = athena.get_table_metadata(**place, TableName="a")["TableMetadata"]
    assert table["Columns"] == [{"Name": "n", "Type": "bigint", "Comment": "number"}]
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "date"}]
    assert table["Parameters"]["location"] == "s3://nowhere/a/"
    missing = refusal(athena.get_table_metadata, **place, TableName="zzz")
    assert missing[0] == "MetadataException"
    other = refusal(athena.list_databases, CatalogName="other")
    assert other[0] == "InvalidRequestException"
