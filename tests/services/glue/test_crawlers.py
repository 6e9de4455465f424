"""Crawlers: their definitions, schedules, states and history."""

import datetime

import pytest

from millpond.kernel.errors import ServiceError

TARGETS = {"S3Targets": [{"Path": "s3://lake/in/"}]}


async def crawler(world, name="c"):
    return (await world.glue("GetCrawler", Name=name))["Crawler"]


async def test_a_crawler_is_shown_with_awss_defaults(world):
    await world.make_crawler("s3://lake/in/", TablePrefix="raw_")
    assert await crawler(world) == {
        "Name": "c",
        "Role": "service-role/crawl",
        "Targets": {
            "S3Targets": [{"Path": "s3://lake/in/", "Exclusions": []}],
            "JdbcTargets": [],
            "MongoDBTargets": [],
            "DynamoDBTargets": [],
            "CatalogTargets": [],
            "DeltaTargets": [],
            "IcebergTargets": [],
            "HudiTargets": [],
        },
        "DatabaseName": "shop",
        "Classifiers": [],
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
        "SchemaChangePolicy": {
            "UpdateBehavior": "UPDATE_IN_DATABASE",
            "DeleteBehavior": "DEPRECATE_IN_DATABASE",
        },
        "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
        "LakeFormationConfiguration": {"UseLakeFormationCredentials": False, "AccountId": ""},
        "State": "READY",
        "TablePrefix": "raw_",
        "CrawlElapsedTime": 0,
        "CreationTime": world.clock.now_ms() / 1000,
        "LastUpdated": world.clock.now_ms() / 1000,
        "Version": 1,
    }
    with pytest.raises(ServiceError, match="already exists") as taken:
        await world.make_crawler("s3://lake/in/")
    assert taken.value.code == "AlreadyExistsException"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Targets": {"JdbcTargets": [{"Path": "x"}]}}, "must name a connection"),
        ({"Targets": {"DynamoDBTargets": [{"Path": "x"}]}}, "DynamoDBTargets is not implemented"),
        ({"Targets": {}}, "At least one target"),
        ({"Targets": {"S3Targets": [{"Path": "lake/in"}]}}, "is not valid"),
        ({"Targets": {"S3Targets": [{}]}}, "is not valid"),
        (
            {"Targets": {"S3Targets": [{"Path": "s3://lake/", "ConnectionName": "vpc"}]}},
            "ConnectionName is not implemented",
        ),
        (
            {"Targets": {"S3Targets": [{"Path": "s3://lake/", "EventQueueArn": "arn"}]}},
            "EventQueueArn is not implemented",
        ),
        ({"Targets": {"S3Targets": [{"Path": "s3://lake/", "SampleSize": 250}]}}, "from 1 to 249"),
        (
            {"Targets": {"S3Targets": [{"Path": "s3://lake/", "Exclusions": ["[a"]}]}},
            "exclusion cannot be used",
        ),
        (
            {"LineageConfiguration": {"CrawlerLineageSettings": "ENABLE"}},
            "LineageConfiguration is not implemented",
        ),
        (
            {"LakeFormationConfiguration": {"UseLakeFormationCredentials": True}},
            "LakeFormationConfiguration is not implemented",
        ),
        ({"CrawlerSecurityConfiguration": "s"}, "CrawlerSecurityConfiguration is not implemented"),
        (
            {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}},
            "CRAWL_EVENT_MODE is not implemented",
        ),
        (
            {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}},
            "can have only LOG DeleteBehavior value and LOG UpdateBehavior value",
        ),
        ({"Configuration": '{"Version": 1.0, "X": 1}'}, "X is unknown or not implemented"),
        ({"Schedule": "rate(1 hour)"}, "cron"),
        ({"Schedule": "cron(0/1 * * * ? *)"}, "minimum precision"),
        ({"Role": ""}, "Role must not be empty"),
    ],
)
async def test_what_a_crawler_cannot_do_is_refused_by_name(world, members, words):
    with pytest.raises(ServiceError) as refused:
        await world.glue(
            "CreateCrawler", **{"Name": "c", "Role": "r", "Targets": TARGETS, **members}
        )
    assert refused.value.code == "InvalidInputException"
    assert words in refused.value.message


async def test_an_update_changes_what_is_given(world):
    await world.make_crawler("s3://lake/in/", Description="first", TablePrefix="raw_")
    world.clock.advance(5)
    await world.glue(
        "UpdateCrawler",
        Name="c",
        Description="second",
        SchemaChangePolicy={"DeleteBehavior": "LOG"},
        Schedule="cron(0 12 * * ? *)",
    )
    found = await crawler(world)
    assert found["Description"] == "second"
    assert found["TablePrefix"] == "raw_"
    assert found["Version"] == 2
    assert found["LastUpdated"] == found["CreationTime"] + 5
    assert found["SchemaChangePolicy"] == {
        "UpdateBehavior": "UPDATE_IN_DATABASE",
        "DeleteBehavior": "LOG",
    }
    assert found["Schedule"] == {
        "ScheduleExpression": "cron(0 12 * * ? *)",
        "State": "SCHEDULED",
    }


async def test_crawlers_are_listed_by_name_and_tag(world):
    for number in range(5):
        await world.make_crawler("s3://lake/", name=f"c{number}", Tags={"even": str(number % 2)})
    names = [found["Name"] for found in (await world.glue("GetCrawlers"))["Crawlers"]]
    assert names == [f"c{number}" for number in range(5)]
    page = await world.glue("ListCrawlers", MaxResults=2)
    rest = await world.glue("ListCrawlers", NextToken=page["NextToken"])
    assert page["CrawlerNames"] + rest["CrawlerNames"] == names
    tagged = await world.glue("ListCrawlers", Tags={"even": "0"})
    assert tagged["CrawlerNames"] == ["c0", "c2", "c4"]
    batch = await world.glue("BatchGetCrawlers", CrawlerNames=["c3", "nope", "c0"])
    assert [found["Name"] for found in batch["Crawlers"]] == ["c3", "c0"]
    assert batch["CrawlersNotFound"] == ["nope"]


async def test_a_crawler_runs_once_at_a_time(lake):
    await lake.make_crawler("s3://lake/in/")
    await lake.glue("StartCrawler", Name="c")
    lake.clock.advance(3)
    found = await crawler(lake)
    assert found["State"] == "RUNNING"
    assert found["CrawlElapsedTime"] == 3000
    for operation in ("StartCrawler", "DeleteCrawler", "UpdateCrawler"):
        with pytest.raises(ServiceError) as refused:
            await lake.glue(operation, Name="c")
        assert refused.value.code == "CrawlerRunningException"
    await lake.work()
    found = await crawler(lake)
    assert found["State"] == "READY"
    assert found["LastCrawl"]["Status"] == "SUCCEEDED"
    assert found["LastCrawl"]["LogGroup"] == "/aws-glue/crawlers"
    assert found["LastCrawl"]["LogStream"] == "c"
    await lake.glue("DeleteCrawler", Name="c")
    with pytest.raises(ServiceError, match="Crawler c not found"):
        await crawler(lake)
    await lake.work()
    assert await lake.count(b"crawl") == 0


async def test_a_crawler_that_is_stopped_is_cancelled(lake):
    await lake.make_crawler("s3://lake/in/")
    with pytest.raises(ServiceError, match="isn't running") as idle:
        await lake.glue("StopCrawler", Name="c")
    assert idle.value.code == "CrawlerNotRunningException"
    await lake.put("in/a.csv", "id,n\n1,2\n")
    await lake.glue("StartCrawler", Name="c")
    await lake.glue("StopCrawler", Name="c")
    assert (await crawler(lake))["State"] == "STOPPING"
    with pytest.raises(ServiceError) as twice:
        await lake.glue("StopCrawler", Name="c")
    assert twice.value.code == "CrawlerStoppingException"
    await lake.work()
    found = await crawler(lake)
    assert found["State"] == "READY"
    assert found["LastCrawl"]["Status"] == "CANCELLED"
    assert await lake.tables() == {}
    (history,) = (await lake.glue("ListCrawls", CrawlerName="c"))["Crawls"]
    assert history["State"] == "STOPPED"


async def test_a_missing_bucket_fails_the_crawl_in_awss_words(world):
    await world.make_crawler("s3://no-such-bucket-here/in/")
    last = await world.crawl()
    assert last["Status"] == "FAILED"
    assert last["ErrorMessage"] == (
        "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; "
        "Error Code: NoSuchBucket)"
    )


async def test_the_history_is_kept_and_filtered(lake):
    await lake.put("in/a.csv", "id,n\n1,2\n")
    await lake.make_crawler("s3://lake/in/")
    for _ in range(3):
        assert (await lake.crawl())["Status"] == "SUCCEEDED"
        lake.clock.advance(100)
    await lake.s3("DeleteObject", Bucket="lake", Key="in/a.csv")
    await lake.s3("DeleteBucket", Bucket="lake")
    await lake.crawl()

    async def history(*filters, **more):
        return (await lake.glue("ListCrawls", CrawlerName="c", Filters=list(filters), **more))[
            "Crawls"
        ]

    def where(field, operator, value):
        return {"FieldName": field, "FilterOperator": operator, "FieldValue": value}

    every = await history()
    assert [found["State"] for found in every] == ["FAILED", *["COMPLETED"] * 3]
    assert every[-1]["Summary"] == '{"TABLE": {"ADD": 1}}'
    assert every[-2]["Summary"] == "{}"
    assert await history(where("STATE", "EQ", "COMPLETED")) == every[1:]
    assert await history(where("CRAWL_ID", "NE", every[0]["CrawlId"])) == every[1:]
    middle = str(every[1]["StartTime"] * 1000)
    assert await history(where("START_TIME", "LT", middle)) == every[2:]
    assert await history(where("START_TIME", "GE", middle)) == every[:2]
    page = await lake.glue("ListCrawls", CrawlerName="c", MaxResults=3)
    assert page["Crawls"] == every[:3]
    assert await history(NextToken=page["NextToken"]) == every[3:]
    with pytest.raises(ServiceError, match="Only EQ or NE operator is allowed"):
        await history(where("STATE", "GT", "FAILED"))
    with pytest.raises(ServiceError, match="Invalid Filter Provided"):
        await history({"FieldName": "STATE"})


async def test_metrics_tell_what_the_latest_crawl_wrote(lake):
    for name in ("a", "b"):
        await lake.put(f"in/{name}/f.csv", f"{name}1,{name}2,{name}3\n1,2,3\n")
    await lake.make_crawler("s3://lake/in/")
    await lake.make_crawler("s3://lake/in/", name="idle")
    await lake.crawl()
    every = (await lake.glue("GetCrawlerMetrics"))["CrawlerMetricsList"]
    assert [metrics["CrawlerName"] for metrics in every] == ["c", "idle"]
    (metrics,) = (await lake.glue("GetCrawlerMetrics", CrawlerNameList=["c"]))["CrawlerMetricsList"]
    assert (metrics["TablesCreated"], metrics["TablesUpdated"]) == (2, 0)
    assert metrics["StillEstimating"] is False
    await lake.glue("StartCrawler", Name="idle")
    (metrics,) = (await lake.glue("GetCrawlerMetrics", CrawlerNameList=["idle"]))[
        "CrawlerMetricsList"
    ]
    assert metrics["StillEstimating"] is True


def noon(day):
    return int(datetime.datetime(2026, 11, day, 12, tzinfo=datetime.UTC).timestamp() * 1000)


async def test_a_schedule_starts_the_crawler_when_it_is_due(lake):
    lake.clock.advance((noon(21) - 3600_000 - lake.clock.now_ms()) / 1000)
    await lake.make_crawler("s3://lake/in/", Schedule="cron(0 12 * * ? *)")
    await lake.work()
    assert "LastCrawl" not in await crawler(lake)
    lake.clock.advance(3600)
    await lake.work()
    assert (await crawler(lake))["LastCrawl"]["StartTime"] == noon(21) / 1000
    (waiting,) = await lake.tasks()
    assert waiting.due_ms == noon(22)
    await lake.glue("StopCrawlerSchedule", CrawlerName="c")
    assert (await crawler(lake))["Schedule"]["State"] == "NOT_SCHEDULED"
    with pytest.raises(ServiceError) as twice:
        await lake.glue("StopCrawlerSchedule", CrawlerName="c")
    assert twice.value.code == "SchedulerNotRunningException"
    lake.clock.advance(24 * 3600)
    await lake.work()
    assert len((await lake.glue("ListCrawls", CrawlerName="c"))["Crawls"]) == 1
    await lake.glue("StartCrawlerSchedule", CrawlerName="c")
    with pytest.raises(ServiceError) as again:
        await lake.glue("StartCrawlerSchedule", CrawlerName="c")
    assert again.value.code == "SchedulerRunningException"
    await lake.work()
    assert len((await lake.glue("ListCrawls", CrawlerName="c"))["Crawls"]) == 1
    await lake.glue("UpdateCrawlerSchedule", CrawlerName="c", Schedule="cron(0 13 * * ? *)")
    lake.clock.advance(3600)
    await lake.work()
    assert len((await lake.glue("ListCrawls", CrawlerName="c"))["Crawls"]) == 2
    await lake.glue("DeleteCrawler", Name="c")
    await lake.work()
    assert await lake.tasks() == []


async def test_a_crawler_without_schedule_has_none_to_start(world):
    await world.make_crawler("s3://lake/")
    with pytest.raises(ServiceError) as refused:
        await world.glue("StartCrawlerSchedule", CrawlerName="c")
    assert refused.value.code == "NoScheduleException"
