"""Starting queries: work groups, tokens, contexts, listings, prepared statements."""

import pytest

TOKEN = "t" * 32


async def test_the_same_token_starts_one_query(world, refusal):
    first = await world.start("SELECT 1", ClientRequestToken=TOKEN)
    assert await world.start("SELECT 1", ClientRequestToken=TOKEN) == first
    for other in (
        world.start("SELECT 2", ClientRequestToken=TOKEN),
        world.start("SELECT 1", ClientRequestToken=TOKEN, ExecutionParameters=["1"]),
        world.start("SELECT 1", ClientRequestToken=TOKEN, QueryExecutionContext={"Database": "d"}),
    ):
        assert await refusal(other) == (
            "InvalidRequestException",
            "Idempotent parameters do not match",
        )
    assert await world.start("SELECT 1", ClientRequestToken="u" * 32) != first


async def test_a_text_that_is_no_statement_is_refused_at_once(world, refusal):
    code, message = await refusal(world.start("SELEC 1"))
    assert code == "InvalidRequestException"
    assert message.startswith("line 1:1: mismatched input 'SELEC'. Expecting: 'ALTER', 'CREATE'")
    code, message = await refusal(world.start("SELECT 1; SELECT 2"))
    assert message == "Only one sql statement is allowed. Got: SELECT 1; SELECT 2"


async def test_results_need_a_place_that_is_there(world, refusal):
    nowhere = await refusal(world.start("SELECT 1", ResultConfiguration={}))
    assert nowhere[1].startswith("No output location provided.")
    for location in ("s3://", "results/q"):
        asked = world.start("SELECT 1", ResultConfiguration={"OutputLocation": location})
        assert (await refusal(asked))[1] == "outputLocation is not a valid S3 path."
    missing = world.start("SELECT 1", ResultConfiguration={"OutputLocation": "s3://missing/"})
    assert (await refusal(missing))[1] == "Unable to verify/create output bucket missing"
    owned = {"OutputLocation": "s3://results/", "ExpectedBucketOwner": "999999999999"}
    foreign = await refusal(world.start("SELECT 1", ResultConfiguration=owned))
    assert foreign[1] == "Unable to verify/create output bucket results"


async def test_an_enforcing_work_group_has_the_last_word(world):
    await world.athena(
        "CreateWorkGroup",
        Name="team",
        Configuration={
            "ResultConfiguration": {"OutputLocation": "s3://results/team"},
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )
    done = await world.run("SELECT 1", WorkGroup="team")
    query = done["QueryExecutionId"]
    output = done["ResultConfiguration"]["OutputLocation"]
    assert output == f"s3://results/team/{query}.csv"
    assert world.sql.asked[-1].scanned_bytes_max == 10_000_000
    reason = await world.reason(
        "CREATE TABLE t WITH (external_location='s3://lake/x/') AS SELECT 1 a", WorkGroup="team"
    )
    assert "enforces a centralized output location" in reason
    change = {"EnforceWorkGroupConfiguration": False, "RemoveBytesScannedCutoffPerQuery": True}
    await world.athena("UpdateWorkGroup", WorkGroup="team", ConfigurationUpdates=change)
    done = await world.run("SELECT 1", WorkGroup="team")
    assert done["ResultConfiguration"]["OutputLocation"].startswith("s3://results/q/")
    assert world.sql.asked[-1].scanned_bytes_max is None


async def test_executions_are_listed_by_work_group_the_newest_first(world):
    await world.athena(
        "CreateWorkGroup", Name="team", Configuration={"EnforceWorkGroupConfiguration": False}
    )
    started = []
    for _ in range(5):
        started.append(await world.start("SELECT 1"))
        world.clock.advance(1)
    other = await world.start("SELECT 1", WorkGroup="team")
    found, token = [], {}
    while True:
        page = await world.athena("ListQueryExecutions", MaxResults=2, **token)
        found += page["QueryExecutionIds"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == started[::-1]
    page = await world.athena("ListQueryExecutions", WorkGroup="team")
    assert page["QueryExecutionIds"] == [other]


async def test_a_batch_tells_known_from_unknown(world):
    query = await world.start("SELECT 1")
    found = await world.athena("BatchGetQueryExecution", QueryExecutionIds=[query, "nothing"])
    assert [one["QueryExecutionId"] for one in found["QueryExecutions"]] == [query]
    (unknown,) = found["UnprocessedQueryExecutionIds"]
    assert (unknown["QueryExecutionId"], unknown["ErrorCode"]) == ("nothing", "INVALID_INPUT")


async def test_runtime_statistics_tell_times_and_rows(world):
    query = (await world.run("SELECT 1"))["QueryExecutionId"]
    found = await world.athena("GetQueryRuntimeStatistics", QueryExecutionId=query)
    statistics = found["QueryRuntimeStatistics"]
    assert statistics["Rows"] == {
        "InputRows": 5,
        "InputBytes": 100,
        "OutputRows": 3,
        "OutputBytes": 8,
    }
    assert statistics["Timeline"]["QueryPlanningTimeInMillis"] == 7


@pytest.mark.parametrize(
    "operation", ["GetQueryExecution", "StopQueryExecution", "GetQueryResults"]
)
async def test_an_unknown_execution_is_refused(world, refusal, operation):
    told = await refusal(world.athena(operation, QueryExecutionId="nothing"))
    assert told == ("InvalidRequestException", "QueryExecution nothing was not found")


async def test_options_that_would_change_a_result_are_refused(world, refusal):
    for option in ({"EncryptionOption": "SSE_KMS", "KmsKey": "k"}, {"EncryptionOption": "SSE_S3"}):
        results = {"OutputLocation": "s3://results/", "EncryptionConfiguration": option}
        told = await refusal(world.start("SELECT 1", ResultConfiguration=results))
        assert option["EncryptionOption"] in told[1]
    other = {"Catalog": "other", "Database": "d"}
    assert "other" in (await refusal(world.start("SELECT 1", QueryExecutionContext=other)))[1]


async def test_statements_are_prepared_executed_and_removed(world):
    await world.lines("PREPARE pick FROM SELECT * FROM t WHERE a = ? AND b = ?")
    kept = await world.athena("GetPreparedStatement", StatementName="pick", WorkGroup="primary")
    text = kept["PreparedStatement"]["QueryStatement"]
    assert text == "SELECT * FROM t WHERE a = ? AND b = ?"
    done = await world.run("EXECUTE pick USING 1, 'x, y'")
    assert done["Status"]["State"] == "SUCCEEDED"
    assert done["ResultConfiguration"]["OutputLocation"].endswith(".csv")
    assert world.sql.asked[-1].parameters == ["1", "'x, y'"]
    await world.run("EXECUTE pick", ExecutionParameters=["2", "3"])
    assert world.sql.asked[-1].parameters == ["2", "3"]
    await world.lines("DEALLOCATE PREPARE pick")
    for text in ("EXECUTE pick", "DEALLOCATE PREPARE pick"):
        assert await world.reason(text) == "NOT_FOUND: Prepared statement not found: pick"
    assert "SYNTAX_ERROR" in await world.reason("PREPARE other FROM SELECT wrong")
    assert "can be prepared" in await world.reason("PREPARE other FROM SHOW TABLES")


async def test_a_plan_is_explained_line_by_line(world):
    assert await world.lines("EXPLAIN SELECT 1") == ["scan", "  table"]


async def test_a_database_in_backquotes_is_the_same(world):
    context = {"QueryExecutionContext": {"Database": "`Shop`"}}
    await world.lines("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/'", **context)
    assert (await world.table("t"))["DatabaseName"] == "shop"
    await world.run("SELECT 1", **context)
    assert world.sql.asked[-1].schema == "shop"
