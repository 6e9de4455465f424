"""What a crawl tells CloudWatch Logs."""


async def told(lake, name="c"):
    """The lines without the crawl's id, and the id that they have."""
    (crawl_id,) = {line[2].partition("]")[0][1:] for line in lake.lines}
    assert {line[:2] for line in lake.lines} == {("/aws-glue/crawlers", name)}
    lines = [line[2].partition("] ")[2] for line in lake.lines]
    lake.lines.clear()
    return crawl_id, lines


async def test_a_crawl_tells_its_steps_and_tables_as_awss_do(lake):
    await lake.put("in/day=1/a.csv", "id,name\n1,x\n")
    await lake.make_crawler("s3://lake/in/")
    await lake.crawl()
    crawl_id, lines = await told(lake)
    crawler = (await lake.glue("GetCrawler", Name="c"))["Crawler"]
    assert crawler["LastCrawl"]["MessagePrefix"] == crawl_id
    assert crawler["LastCrawl"]["LogGroup"] == "/aws-glue/crawlers"
    assert crawler["LastCrawl"]["LogStream"] == "c"
    assert lines == [
        "BENCHMARK : Running Start Crawl for Crawler c",
        "BENCHMARK : Classification complete, writing results to database shop",
        "INFO : Created table in in database shop.",
        "INFO : Created 1 partitions of table in.",
        "BENCHMARK : Finished writing to Catalog",
        "BENCHMARK : Crawler has finished running and is in state READY",
    ]


async def test_a_crawl_that_fails_tells_why(lake):
    await lake.make_crawler("s3://none/in/")
    await lake.crawl()
    _, lines = await told(lake)
    assert lines[0] == "BENCHMARK : Running Start Crawl for Crawler c"
    assert lines[1].startswith("ERROR : The specified bucket does not exist")
    assert lines[2:] == ["BENCHMARK : Crawler has finished running and is in state READY"]


async def test_a_crawl_goes_on_where_its_lines_cannot_be_put(lake):
    await lake.put("in/a.csv", "id,name\n1,x\n")

    async def refuse(*_):
        raise RuntimeError("The logs are not there.")

    lake.services["logs"].operations["PutLogEvents"] = refuse
    await lake.make_crawler("s3://lake/in/")
    assert (await lake.crawl())["Status"] == "SUCCEEDED"
    assert lake.lines == []
