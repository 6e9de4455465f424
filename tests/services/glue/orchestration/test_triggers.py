"""Triggers outside of workflows: on demand, by the clock, after jobs and crawlers."""

import pytest


def starts(*jobs):
    return [{"JobName": job} for job in jobs]


def after(*states, logical="AND"):
    conditions = [
        {"LogicalOperator": "EQUALS", "JobName": job, "State": state} for job, state in states
    ]
    return {"Logical": logical, "Conditions": conditions}


async def on_demand(bench, name, *jobs):
    await bench.glue("CreateTrigger", Name=name, Type="ON_DEMAND", Actions=starts(*jobs))


async def conditional(bench, name, predicate, *jobs):
    await bench.glue(
        "CreateTrigger",
        Name=name,
        Type="CONDITIONAL",
        Predicate=predicate,
        Actions=starts(*jobs),
        StartOnCreation=True,
    )


async def until_runs(bench, job, count):
    """The runs of a job, once it has so many that ended."""

    async def ended():
        found = await bench.runs(job)
        is_so = len(found) == count and all(run.get("CompletedOn") for run in found)
        return found if is_so else None

    return await bench.running.until(ended)


async def test_a_trigger_on_demand_starts_jobs_with_its_arguments(bench):
    await bench.make("print hello", name="a")
    action = {"JobName": "a", "Arguments": {"--day": "2026-01-01"}, "Timeout": 7}
    await bench.glue("CreateTrigger", Name="t", Type="ON_DEMAND", Actions=[action])
    assert await bench.runs("a") == []
    await bench.glue("StartTrigger", Name="t")
    (run,) = await until_runs(bench, "a", 1)
    assert (run["TriggerName"], run["Timeout"]) == ("t", 7)
    assert run["Arguments"] == {"--day": "2026-01-01"}


async def test_a_job_follows_the_two_that_it_waits_for(bench, rest):
    for name in "abc":
        await bench.make("print x", name=name)
    await on_demand(bench, "first", "a")
    await on_demand(bench, "second", "b")
    await conditional(bench, "both", after(("a", "SUCCEEDED"), ("b", "SUCCEEDED")), "c")
    await bench.glue("StartTrigger", Name="first")
    (a,) = await until_runs(bench, "a", 1)
    assert await bench.runs("c") == []
    await bench.glue("StartTrigger", Name="second")
    (b,) = await until_runs(bench, "b", 1)
    (c,) = await until_runs(bench, "c", 1)
    shown = await bench.run(c["Id"], "c")
    assert {each["RunId"] for each in shown["PredecessorRuns"]} == {a["Id"], b["Id"]}
    await bench.glue("StartTrigger", Name="second")
    await until_runs(bench, "b", 2)
    await rest()
    assert len(await bench.runs("c")) == 1, "the conditions have to be met anew"


async def test_any_of_the_conditions_is_enough_where_a_trigger_says_so(bench):
    await bench.make("fail no", name="a")
    for name in "bc":
        await bench.make("print x", name=name)
    await on_demand(bench, "first", "a")
    predicate = after(("a", "FAILED"), ("b", "SUCCEEDED"), logical="ANY")
    await conditional(bench, "either", predicate, "c")
    await bench.glue("StartTrigger", Name="first")
    await until_runs(bench, "c", 1)


async def test_a_run_that_nobody_triggered_fires_nothing(bench, rest):
    for name in "ab":
        await bench.make("print x", name=name)
    await conditional(bench, "after", after(("a", "SUCCEEDED")), "b")
    await bench.do("a")
    await rest()
    assert await bench.runs("b") == []


async def test_a_run_that_is_tried_again_has_not_ended_for_its_followers(bench, rest):
    await bench.make("fail no", name="a", MaxRetries=2)
    await bench.make("print x", name="b")
    await on_demand(bench, "first", "a")
    await conditional(bench, "after", after(("a", "FAILED")), "b")
    await bench.glue("StartTrigger", Name="first")
    await until_runs(bench, "a", 3)
    await until_runs(bench, "b", 1)
    await rest()
    assert len(await bench.runs("b")) == 1


async def test_a_job_follows_a_crawler_that_a_trigger_started(bench):
    await bench.make("print x", name="a")
    await bench.glue(
        "CreateCrawler",
        Name="c",
        Role="r",
        DatabaseName="d",
        Targets={"S3Targets": [{"Path": "s3://scripts/"}]},
    )
    await bench.glue(
        "CreateTrigger", Name="first", Type="ON_DEMAND", Actions=[{"CrawlerName": "c"}]
    )
    condition = {"LogicalOperator": "EQUALS", "CrawlerName": "c", "CrawlState": "SUCCEEDED"}
    await conditional(bench, "after", {"Conditions": [condition]}, "a")
    await bench.glue("StartTrigger", Name="first")
    await until_runs(bench, "a", 1)


async def test_a_schedule_fires_by_the_clock_of_its_zone_until_it_is_stopped(bench, rest):
    await bench.make("print x", name="a")
    midnight = 24 * 3600 - bench.clock.now_ms() / 1000 % (24 * 3600)
    bench.clock.advance(midnight - 1)
    await bench.glue(
        "CreateTrigger",
        Name="t",
        Type="SCHEDULED",
        Schedule="cron(0 9 * * ? *) Asia/Tokyo",
        Actions=starts("a"),
        StartOnCreation=True,
    )
    await rest()
    assert await bench.runs("a") == []
    bench.clock.advance(1)
    await rest()
    await until_runs(bench, "a", 1)
    await bench.glue("StopTrigger", Name="t")
    bench.clock.advance(3 * 24 * 3600)
    await rest()
    assert len(await bench.runs("a")) == 1
    assert (await bench.glue("GetTrigger", Name="t"))["Trigger"]["State"] == "DEACTIVATED"


async def test_a_platform_that_ends_between_two_jobs_goes_on_with_the_next(bench, rest):
    await bench.make("hang", name="a")
    await bench.make("print x", name="b")
    await on_demand(bench, "first", "a")
    await conditional(bench, "after", after(("a", "FAILED")), "b")
    await bench.glue("StartTrigger", Name="first")
    run = (await bench.runs("a"))[0]
    await bench.until(run["Id"], "RUNNING", name="a")
    await bench.restart()
    await until_runs(bench, "a", 1)
    await until_runs(bench, "b", 1)
    await rest()
    assert len(await bench.runs("b")) == 1


async def test_triggers_are_listed_changed_and_removed(bench):
    for name in ("t1", "t2", "t3"):
        await bench.glue(
            "CreateTrigger",
            Name=name,
            Type="ON_DEMAND",
            Actions=starts(f"job-of-{name}"),
            Tags={"number": name},
        )
    page = await bench.glue("GetTriggers", MaxResults=2)
    assert [each["Name"] for each in page["Triggers"]] == ["t1", "t2"]
    rest = await bench.glue("GetTriggers", NextToken=page["NextToken"], MaxResults=2)
    assert [each["Name"] for each in rest["Triggers"]] == ["t3"]
    starting = await bench.glue("GetTriggers", DependentJobName="job-of-t2")
    assert [each["Name"] for each in starting["Triggers"]] == ["t2"]
    tagged = await bench.glue("ListTriggers", Tags={"number": "t3"})
    assert tagged["TriggerNames"] == ["t3"]
    got = await bench.glue("BatchGetTriggers", TriggerNames=["t1", "lost"])
    assert got["TriggersNotFound"] == ["lost"]
    changed = await bench.glue(
        "UpdateTrigger", Name="t1", TriggerUpdate={"Actions": starts("other")}
    )
    assert changed["Trigger"]["Actions"] == starts("other")
    await bench.glue("DeleteTrigger", Name="t1")
    await bench.glue("DeleteTrigger", Name="t1")
    assert (await bench.glue("ListTriggers"))["TriggerNames"] == ["t2", "t3"]


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"Type": "EVENT"}, "InvalidInputException", "EVENT are not implemented"),
        ({"Type": "SCHEDULED"}, "InvalidInputException", "Schedule cannot be null"),
        (
            {"Type": "SCHEDULED", "Schedule": "cron(0 9 * * ? *) Atlantis/Pond"},
            "InvalidInputException",
            "Atlantis/Pond is not the name of a time zone",
        ),
        ({"Type": "CONDITIONAL"}, "InvalidInputException", "Predicate cannot be null"),
        (
            {"Type": "CONDITIONAL", "Predicate": after(("a", "RUNNING"))},
            "InvalidInputException",
            "must have a State",
        ),
        ({"Actions": [{}]}, "InvalidInputException", "either a JobName or a CrawlerName"),
        ({"StartOnCreation": True}, "InvalidInputException", "cannot be started on creation"),
        ({"WorkflowName": "lost"}, "EntityNotFoundException", "Workflow lost not found"),
        ({"Schedule": "cron(0 9 * * ? *)"}, "InvalidInputException", "cannot have a Schedule"),
    ],
)
async def test_a_trigger_that_cannot_be_is_refused(bench, refusal, members, code, words):
    given = {"Name": "t", "Type": "ON_DEMAND", "Actions": starts("a"), **members}
    told = await refusal(bench.glue("CreateTrigger", **given))
    assert told.code == code
    assert words in told.message


async def test_a_name_is_taken_once_and_what_is_not_there_is_named(bench, refusal):
    await on_demand(bench, "t", "a")
    assert (await refusal(on_demand(bench, "t", "a"))).code == "AlreadyExistsException"
    for operation in ("GetTrigger", "StartTrigger", "StopTrigger"):
        assert (await refusal(bench.glue(operation, Name="lost"))).code == "EntityNotFoundException"
    assert (await refusal(bench.glue("StopTrigger", Name="t"))).code == "InvalidInputException"


async def test_a_job_that_is_not_there_holds_up_nothing(bench):
    await bench.make("print x", name="a")
    await on_demand(bench, "t", "lost", "a")
    await bench.glue("StartTrigger", Name="t")
    await until_runs(bench, "a", 1)
