"""The operations around queries: started, looked at, stopped, saved; and single events."""

import time

import pytest
from botocore.exceptions import ClientError


def code_of(raised) -> str:
    return raised.value.response["Error"]["Code"]


def test_rows_come_in_pages(asked) -> None:
    group = asked.group(*({"n": number} for number in range(25)))
    query = asked.start("fields n | sort n asc", group)
    first = asked.wait(query)
    assert len(first["results"]) == 25 and "nextToken" not in first
    pages, token = [], {}
    while True:
        page = asked.client.get_query_results(queryId=query, maxItems=10, **token)
        pages.append([row[0]["value"] for row in page["results"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [one for page in pages for one in page] == [str(number) for number in range(25)]
    assert first["queryLanguage"] == "CWLI"
    assert first["statistics"]["resultCount"] == 25


def test_the_newest_come_first_as_many_as_the_limit_says(asked) -> None:
    group = asked.group(*(f"m{number}" for number in range(20)))
    assert [row["@message"] for row in asked.rows("fields @message", group, limit=2)] == [
        "m19",
        "m18",
    ]
    rows = asked.rows("fields @message | limit 3", group, limit=2)
    assert [row["@message"] for row in rows] == ["m19", "m18", "m17"]


def test_several_groups_are_one_table(asked) -> None:
    one, two = asked.group("a", "b"), asked.group("c")
    found = asked.answer("stats count(*) as n by @log | sort n desc", one, two)
    rows = [{v["field"]: v["value"] for v in row} for row in found["results"]]
    account = rows[0]["@log"].partition(":")[0]
    assert rows == [
        {"@log": f"{account}:{one}", "n": "2"},
        {"@log": f"{account}:{two}", "n": "1"},
    ]
    assert found["statistics"]["logGroupsScanned"] == 2
    arn = asked.client.describe_log_groups(logGroupNamePrefix=one)["logGroups"][0]["logGroupArn"]
    query = asked.client.start_query(
        logGroupIdentifiers=[arn], startTime=0, endTime=2**31, queryString="stats count(*) as n"
    )["queryId"]
    assert asked.wait(query)["results"] == [[{"field": "n", "value": "2"}]]


def test_a_pointer_leads_to_the_whole_event(asked) -> None:
    event = {"user": {"name": "ann", "tags": ["x", "y"]}, "ok": True, "n": 1.5, "none": None}
    group = asked.group("plain", event)
    answer = asked.answer("fields n | filter n = 1.5", group)
    (row,) = answer["results"]
    pointer = next(one["value"] for one in row if one["field"] == "@ptr")
    record = asked.client.get_log_record(logRecordPointer=pointer)["logRecord"]
    assert record["user.name"] == "ann" and record["user.tags.1"] == "y"
    assert record["ok"] == "1" and record["n"] == "1.5" and "none" not in record
    assert record["@logStream"] == "s" and record["@ptr"] == pointer
    asked.client.delete_log_stream(logGroupName=group, logStreamName="s")
    with pytest.raises(ClientError) as raised:
        asked.client.get_log_record(logRecordPointer=pointer)
    assert code_of(raised) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as raised:
        asked.client.get_log_record(logRecordPointer="nonsense")
    assert code_of(raised) == "InvalidParameterException"


def test_fields_of_a_group_are_told_with_how_often_they_come(asked) -> None:
    group = asked.group({"a": 1, "b": {"c": 2}}, {"a": 2}, {"a": 3}, "text")
    found = asked.client.get_log_group_fields(logGroupName=group, time=asked.begin_ms // 1000)
    percents = {one["name"]: one["percent"] for one in found["logGroupFields"]}
    assert percents["@message"] == percents["@timestamp"] == 100
    assert (percents["a"], percents["b.c"]) == (75, 25)


def test_what_is_no_query_is_refused_with_its_place(asked) -> None:
    group = asked.group("a")
    with pytest.raises(asked.client.exceptions.MalformedQueryException) as raised:
        asked.start("fields @message | fitler x", group)
    error = raised.value.response["queryCompileError"]
    assert error["location"] == {"startCharOffset": 18, "endCharOffset": 24}
    assert error["message"] == "unexpected symbol found fitler at line 1 and position 18"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"logGroupNames": ["/no/such/group"]}, "ResourceNotFoundException"),
        ({"logGroupName": "/a", "logGroupNames": ["/b"]}, "InvalidParameterException"),
        ({"logGroupNames": [f"/{n}" for n in range(51)]}, "InvalidParameterException"),
        ({"logGroupName": "/a", "queryLanguage": "PPL"}, "InvalidParameterException"),
        ({"logGroupName": "/a", "queryLanguage": "SQL"}, "InvalidParameterException"),
        ({"logGroupName": "/a", "startTime": 9, "endTime": 8}, "InvalidParameterException"),
        ({}, "InvalidParameterException"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, more, code) -> None:
    settings = {"startTime": 0, "endTime": 1, "queryString": "fields @message"} | more
    with pytest.raises(ClientError) as raised:
        asked.client.start_query(**settings)
    assert code_of(raised) == code


def test_queries_are_listed_by_group_and_status(asked) -> None:
    group = asked.group("a")
    ids = [asked.start(f"fields @message | limit {n}", group) for n in (1, 2, 3)]
    for query in ids:
        asked.wait(query)
    page = asked.client.describe_queries(logGroupName=group, status="Complete", maxResults=2)
    assert [one["queryId"] for one in page["queries"]] == ids[:0:-1]
    rest = asked.client.describe_queries(
        logGroupName=group, status="Complete", maxResults=2, nextToken=page["nextToken"]
    )
    assert [one["queryId"] for one in rest["queries"]] == ids[:1]
    assert rest["queries"][0]["queryString"] == "fields @message | limit 1"
    assert rest["queries"][0]["logGroupName"] == group
    none = asked.client.describe_queries(logGroupName=group, status="Failed")
    assert none["queries"] == []


def test_a_query_that_ended_cannot_be_stopped(asked) -> None:
    query = asked.start("fields @message", asked.group("a"))
    asked.wait(query)
    with pytest.raises(ClientError) as raised:
        asked.client.stop_query(queryId=query)
    assert code_of(raised) == "InvalidParameterException"
    with pytest.raises(ClientError) as raised:
        asked.client.get_query_results(queryId="no-such-query")
    assert code_of(raised) == "ResourceNotFoundException"


async def test_a_query_that_has_not_begun_is_cancelled(world) -> None:
    query = await world.start("fields @message")
    assert (await world("GetQueryResults", queryId=query))["status"] == "Scheduled"
    assert (await world("StopQuery", queryId=query))["success"] is True
    await world.work()
    assert (await world("GetQueryResults", queryId=query))["status"] == "Cancelled"


async def test_thirty_queries_run_at_once_and_no_more(world) -> None:
    for _ in range(30):
        await world.start("fields @message | limit 1")
    with pytest.raises(Exception, match="30") as raised:
        await world.start("fields @message")
    assert raised.value.code == "LimitExceededException"
    query = (await world("DescribeQueries", status="Scheduled"))["queries"][0]["queryId"]
    await world("StopQuery", queryId=query)


async def test_results_go_after_seven_days(world) -> None:
    await world.put((0, "a"))
    query = await world.start("fields @message")
    await world.work()
    world.clock.advance(7 * 86_400 - 1)
    await world.work()
    assert len((await world("GetQueryResults", queryId=query))["results"]) == 1
    world.clock.advance(2)
    await world.work()
    with pytest.raises(Exception, match="does not exist"):
        await world("GetQueryResults", queryId=query)
    assert world.files() == 0


def test_saved_queries_are_kept_changed_and_forgotten(asked) -> None:
    client = asked.client
    saved = client.put_query_definition(
        name="slow/one", queryString="fields @message", logGroupNames=["/a"]
    )["queryDefinitionId"]
    client.put_query_definition(name="slow/two", queryString="stats count(*)")
    client.put_query_definition(name="other", queryString="stats count(*)")
    client.put_query_definition(name="slow/1", queryDefinitionId=saved, queryString="limit 1")
    found = client.describe_query_definitions(queryDefinitionNamePrefix="slow/", maxResults=1)
    (one,) = found["queryDefinitions"]
    assert (one["queryDefinitionId"], one["name"], one["queryString"]) == (
        saved,
        "slow/1",
        "limit 1",
    )
    assert one["logGroupNames"] == []
    rest = client.describe_query_definitions(
        queryDefinitionNamePrefix="slow/", maxResults=1, nextToken=found["nextToken"]
    )
    assert [one["name"] for one in rest["queryDefinitions"]] == ["slow/two"]
    assert client.delete_query_definition(queryDefinitionId=saved)["success"] is True
    with pytest.raises(ClientError) as raised:
        client.delete_query_definition(queryDefinitionId=saved)
    assert code_of(raised) == "ResourceNotFoundException"
    token = "t" * 36
    ids = {
        client.put_query_definition(name="n", queryString="q", clientToken=token)[
            "queryDefinitionId"
        ]
        for _ in range(2)
    }
    assert len(ids) == 1


def test_a_killed_server_runs_its_queries_again(fresh_server) -> None:
    client = fresh_server.client("logs")
    client.create_log_group(logGroupName="/app")
    client.create_log_stream(logGroupName="/app", logStreamName="s")
    now_ms = int(time.time() * 1000)
    for _ in range(10):
        events = [{"timestamp": now_ms, "message": "x" * 200} for _ in range(4500)]
        client.put_log_events(logGroupName="/app", logStreamName="s", logEvents=events)
    queries = [
        client.start_query(
            logGroupName="/app", startTime=0, endTime=2**31, queryString="stats count(*) as n"
        )["queryId"]
        for _ in range(3)
    ]
    fresh_server.restart(kill=True)
    deadline = time.monotonic() + 60
    for query in queries:
        while time.monotonic() < deadline:
            answer = client.get_query_results(queryId=query)
            if answer["status"] not in ("Scheduled", "Running"):
                break
            time.sleep(0.02)
        assert answer["status"] == "Complete"
        assert answer["results"] == [[{"field": "n", "value": "45000"}]]


def test_awswrangler_reads_logs(asked, server, monkeypatch) -> None:
    import awswrangler
    import boto3

    group = asked.group({"level": "INFO", "n": 1}, {"level": "ERROR", "n": 2})
    for name, value in server.variables().items():
        monkeypatch.setenv(name, value)
    session = boto3.session.Session(region_name="us-east-1")
    monkeypatch.setattr(awswrangler.config, "cloudwatch_logs_endpoint_url", server.endpoint, False)
    frame = awswrangler.cloudwatch.read_logs(
        query="fields @timestamp, level, n | sort n asc", log_group_names=[group],
        boto3_session=session,
    )  # fmt: skip
    assert list(frame["level"]) == ["INFO", "ERROR"]
    assert str(frame["timestamp"].dtype).startswith("datetime64")
