"""Workflows: runs with their graph, properties, stop and resume."""

import json
import time

from millpond.services.glue.orchestration.model import (
    Node,
    Trigger,
    WorkflowRun,
    descendants,
    edges,
)
from millpond.services.glue.shapes import Action, Condition, Predicate


async def make_workflow(bench, first, *following, **more):
    """A workflow `w` whose start trigger starts `first`; `following` are pairs of what is waited
    for, as {job: state}, and what is started then."""
    await bench.glue("CreateWorkflow", Name="w", **more)
    await bench.glue(
        "CreateTrigger",
        Name="start",
        Type="ON_DEMAND",
        WorkflowName="w",
        Actions=[{"JobName": job} for job in first],
    )
    for number, (awaited, started) in enumerate(following):
        conditions = [
            {"LogicalOperator": "EQUALS", "JobName": job, "State": state}
            for job, state in awaited.items()
        ]
        await bench.glue(
            "CreateTrigger",
            Name=f"then-{number}",
            Type="CONDITIONAL",
            WorkflowName="w",
            Predicate={"Logical": "AND", "Conditions": conditions},
            Actions=[{"JobName": job} for job in started],
            StartOnCreation=True,
        )


async def run_of(bench, run_id, **more):
    return (await bench.glue("GetWorkflowRun", Name="w", RunId=run_id, **more))["Run"]


async def ended(bench, run_id):
    async def has_ended():
        run = await run_of(bench, run_id)
        return run if run["Status"] in ("COMPLETED", "STOPPED", "ERROR") else None

    return await bench.running.until(has_ended)


async def started(bench, **more):
    return (await bench.glue("StartWorkflowRun", Name="w", **more))["RunId"]


def counts(run):
    names = ("Total", "Succeeded", "Failed", "Stopped", "Errored", "Running")
    return tuple(run["Statistics"][f"{name}Actions"] for name in names)


async def test_a_run_goes_through_the_graph_and_tells_what_it_did(bench):
    for name in "abcd":
        await bench.make(f"print {name}", name=name)
    await make_workflow(
        bench,
        "ab",
        ({"a": "SUCCEEDED", "b": "SUCCEEDED"}, "c"),
        ({"c": "SUCCEEDED"}, "d"),
        DefaultRunProperties={"day": "monday", "shop": "1"},
    )
    run_id = await started(bench, RunProperties={"day": "tuesday"})
    run = await ended(bench, run_id)
    assert run["Status"] == "COMPLETED"
    assert counts(run) == (4, 4, 0, 0, 0, 0)
    assert run["WorkflowRunProperties"] == {"day": "tuesday", "shop": "1"}
    (d,) = await bench.runs("d")
    assert d["Arguments"] == {"--WORKFLOW_NAME": "w", "--WORKFLOW_RUN_ID": run_id}
    assert d["TriggerName"] == "then-1"
    graph = (await run_of(bench, run_id, IncludeGraph=True))["Graph"]
    names = {node["UniqueId"]: node["Name"] for node in graph["Nodes"]}
    assert {(names[e["SourceId"]], names[e["DestinationId"]]) for e in graph["Edges"]} == {
        ("start", "a"),
        ("start", "b"),
        ("a", "then-0"),
        ("b", "then-0"),
        ("then-0", "c"),
        ("c", "then-1"),
        ("then-1", "d"),
    }
    (c,) = [node for node in graph["Nodes"] if node["Name"] == "c"]
    assert [each["JobRunState"] for each in c["JobDetails"]["JobRuns"]] == ["SUCCEEDED"]
    shown = (await bench.glue("GetWorkflow", Name="w", IncludeGraph=True))["Workflow"]
    assert shown["LastRun"]["WorkflowRunId"] == run_id
    assert len(shown["Graph"]["Nodes"]) == 7


async def test_a_run_in_which_a_job_fails_is_complete_and_counts_it(bench):
    await bench.make("fail no", name="a")
    await bench.make("print b", name="b")
    await make_workflow(bench, "a", ({"a": "SUCCEEDED"}, "b"))
    run = await ended(bench, await started(bench))
    assert run["Status"] == "COMPLETED"
    assert counts(run) == (2, 0, 1, 0, 0, 0)
    assert await bench.runs("b") == []


async def test_an_action_that_cannot_be_started_is_an_error_of_the_run(bench):
    await bench.make("print a", name="a")
    await make_workflow(bench, ["a", "lost"])
    run_id = await started(bench)
    run = await ended(bench, run_id)
    assert counts(run) == (2, 1, 0, 0, 1, 0)
    graph = (await run_of(bench, run_id, IncludeGraph=True))["Graph"]
    (lost,) = [node for node in graph["Nodes"] if node["Name"] == "lost"]
    (shown,) = lost["JobDetails"]["JobRuns"]
    assert shown["JobRunState"] == "ERROR"
    assert "Job lost not found" in shown["ErrorMessage"]


async def test_a_stopped_run_stops_its_jobs_and_starts_no_more(bench):
    await bench.make("hang", name="a")
    await bench.make("print b", name="b")
    await make_workflow(bench, "a", ({"a": "STOPPED"}, "b"))
    run_id = await started(bench)
    (a,) = await bench.runs("a")
    await bench.until(a["Id"], "RUNNING", name="a")
    await bench.glue("StopWorkflowRun", Name="w", RunId=run_id)
    run = await ended(bench, run_id)
    assert run["Status"] == "STOPPED"
    assert counts(run) == (2, 0, 0, 1, 0, 0)
    assert await bench.runs("b") == []


async def test_a_resumed_run_does_some_nodes_and_what_follows_again(bench, refusal):
    await bench.make("print a", name="a")
    await bench.make("fail no", name="b")
    await bench.make("print c", name="c")
    await make_workflow(bench, "a", ({"a": "SUCCEEDED"}, "b"), ({"b": "SUCCEEDED"}, "c"))
    run_id = await started(bench)
    await ended(bench, run_id)
    graph = (await run_of(bench, run_id, IncludeGraph=True))["Graph"]
    ids = {node["Name"]: node["UniqueId"] for node in graph["Nodes"]}
    told = await refusal(
        bench.glue("ResumeWorkflowRun", Name="w", RunId=run_id, NodeIds=[ids["c"]])
    )
    assert told.code == "InvalidInputException"
    await bench.put("b.py", "print mended")
    again = await bench.glue("ResumeWorkflowRun", Name="w", RunId=run_id, NodeIds=[ids["b"]])
    run = await ended(bench, again["RunId"])
    assert run["PreviousRunId"] == run_id
    assert counts(run) == (3, 3, 0, 0, 0, 0)
    assert [len(await bench.runs(name)) for name in "abc"] == [1, 2, 1]


async def test_a_platform_that_ends_goes_on_with_the_workflow(bench, rest):
    await bench.make("print a", name="a")
    await bench.make("hang", name="b", MaxRetries=1)
    await bench.make("print c", name="c")
    await make_workflow(bench, "a", ({"a": "SUCCEEDED"}, "b"), ({"b": "SUCCEEDED"}, "c"))
    run_id = await started(bench)

    async def b_runs():
        return [run for run in await bench.runs("b") if run["JobRunState"] == "RUNNING"]

    await bench.running.until(b_runs)
    await bench.put("b.py", "print again")
    await bench.restart()
    run = await ended(bench, run_id)
    assert run["Status"] == "COMPLETED"
    assert [len(await bench.runs(name)) for name in "abc"] == [1, 2, 1]
    assert counts(run) == (3, 3, 0, 0, 0, 0)


async def test_as_many_runs_as_may_run_side_by_side(bench, refusal):
    await bench.make("hang", name="a")
    await make_workflow(bench, "a", MaxConcurrentRuns=1)
    run_id = await started(bench)
    told = await refusal(started(bench))
    assert told.code == "ConcurrentRunsExceededException"
    await bench.glue("StopWorkflowRun", Name="w", RunId=run_id)
    await ended(bench, run_id)
    await started(bench)


async def test_jobs_share_properties_through_their_run(bench):
    await bench.make("hang", name="a")
    await make_workflow(bench, "a")
    run_id = await started(bench, RunProperties={"a": "1"})
    where = {"Name": "w", "RunId": run_id}
    await bench.glue("PutWorkflowRunProperties", **where, RunProperties={"b": "2"})
    answer = await bench.glue("GetWorkflowRunProperties", **where)
    assert answer["RunProperties"] == {"a": "1", "b": "2"}


async def test_workflows_are_listed_changed_and_removed_with_their_triggers(bench, refusal, rest):
    await make_workflow(bench, "a", Tags={"team": "shop"})
    await bench.glue("CreateWorkflow", Name="x")
    assert (await bench.glue("ListWorkflows"))["Workflows"] == ["w", "x"]
    got = await bench.glue("BatchGetWorkflows", Names=["w", "lost"])
    assert got["MissingWorkflows"] == ["lost"]
    await bench.glue("UpdateWorkflow", Name="x", Description="new", MaxConcurrentRuns=3)
    shown = (await bench.glue("GetWorkflow", Name="x"))["Workflow"]
    assert (shown["Description"], shown["MaxConcurrentRuns"]) == ("new", 3)
    second = {"Name": "t2", "Type": "ON_DEMAND", "WorkflowName": "w"}
    told = await refusal(bench.glue("CreateTrigger", **second, Actions=[{"JobName": "a"}]))
    assert "has a start trigger already: start" in told.message
    told = await refusal(bench.glue("StartWorkflowRun", Name="x"))
    assert (told.code, told.message) == (
        "InvalidInputException",
        "Workflow x has no start trigger.",
    )
    run_id = await started(bench)
    await bench.glue("DeleteWorkflow", Name="w")
    await rest()
    assert (await bench.glue("ListTriggers"))["TriggerNames"] == []
    told = await refusal(run_of(bench, run_id))
    assert told.code == "EntityNotFoundException"


async def test_runs_are_listed_the_newest_first(bench):
    await bench.make("print a", name="a")
    await make_workflow(bench, "a")
    ids = []
    for _ in range(3):
        ids.append(await started(bench))
        await ended(bench, ids[-1])
    page = await bench.glue("GetWorkflowRuns", Name="w", MaxResults=2)
    rest = await bench.glue("GetWorkflowRuns", Name="w", NextToken=page["NextToken"])
    found = [run["WorkflowRunId"] for run in (*page["Runs"], *rest["Runs"])]
    assert found == ids[::-1]


async def test_start_trigger_begins_a_run_of_its_workflow(bench):
    await bench.make("print a", name="a")
    await make_workflow(bench, "a")
    await bench.glue("StartTrigger", Name="start")
    (run,) = (await bench.glue("GetWorkflowRuns", Name="w"))["Runs"]
    assert (await ended(bench, run["WorkflowRunId"]))["Status"] == "COMPLETED"
    assert json.dumps(run["WorkflowRunProperties"]) == "{}"


def trigger(name, started_jobs, *awaited):
    conditions = [Condition(job_name=job, state="SUCCEEDED") for job in awaited]
    return Trigger(
        name=name,
        type="CONDITIONAL" if awaited else "ON_DEMAND",
        state="ACTIVATED",
        actions=tuple(Action(job_name=job) for job in started_jobs),
        predicate=Predicate(logical="AND", conditions=conditions) if awaited else None,
    )


def test_what_comes_after_a_node_is_everything_that_it_leads_to():
    triggers = [trigger("t0", "ab"), trigger("t1", "c", "a"), trigger("t2", "d", "b", "c")]
    assert (("JOB", "a"), ("TRIGGER", "t1")) in edges(triggers)
    assert descendants(triggers, [("JOB", "a")]) == {
        ("TRIGGER", "t1"),
        ("JOB", "c"),
        ("TRIGGER", "t2"),
        ("JOB", "d"),
    }


def test_what_is_ready_in_a_large_graph_is_known_at_once():
    names = [f"j{n}" for n in range(5000)]
    waiting = tuple(trigger(f"t{n}", "x", *names[:500]) for n in range(100))
    nodes = tuple(
        Node(kind="JOB", name=name, run_id=name, trigger="t", state="SUCCEEDED") for name in names
    )
    run = WorkflowRun(
        id="wr",
        workflow_id="w",
        workflow_name="w",
        number=1,
        triggers=waiting,
        started_ms=0,
        nodes=nodes,
    )
    started = time.process_time()
    assert len(run.ready()) == 100
    assert time.process_time() - started < 5


def test_a_trigger_fires_once_in_a_run():
    triggers = (trigger("t0", "a"), trigger("t1", "c", "a"))
    node = Node(kind="JOB", name="a", run_id="r", trigger="t0", state="SUCCEEDED")
    run = WorkflowRun(
        id="wr",
        workflow_id="w",
        workflow_name="w",
        number=1,
        triggers=triggers,
        started_ms=0,
        nodes=(node,),
    )
    assert [each.name for each in run.ready()] == ["t1"]
    fired = WorkflowRun(**{**{f: getattr(run, f) for f in run.__struct_fields__}, "fired": ("t1",)})
    assert fired.ready() == []
