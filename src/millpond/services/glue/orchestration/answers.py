"""Triggers, workflows and their runs as AWS shows them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.services.glue import shapes
from millpond.services.glue import store as crawlers
from millpond.services.glue.crawl.lifecycle import CONDITION_STATES
from millpond.services.glue.crawlers import LOG_GROUP
from millpond.services.glue.jobs import store as jobs
from millpond.services.glue.jobs.answers import show_run as show_job_run
from millpond.services.glue.jobs.model import Run
from millpond.services.glue.orchestration.model import (
    ERROR,
    Node,
    Trigger,
    Workflow,
    WorkflowRun,
    edges,
    node_id,
)

_COUNTED = {
    "SUCCEEDED": "succeeded_actions",
    "FAILED": "failed_actions",
    "STOPPED": "stopped_actions",
    "CANCELLED": "stopped_actions",
    "TIMEOUT": "timeout_actions",
    "WAITING": "waiting_actions",
    ERROR: "errored_actions",
}


def show_trigger(trigger: Trigger) -> shapes.Trigger:
    return shapes.Trigger(
        name=trigger.name,
        workflow_name=trigger.workflow_name,
        type=trigger.type,
        state=trigger.state,
        description=trigger.description,
        schedule=trigger.schedule,
        actions=list(trigger.actions),
        predicate=trigger.predicate,
    )


def show_workflow(
    workflow: Workflow,
    last: shapes.WorkflowRun | None,
    graph: shapes.WorkflowGraph | None,
) -> shapes.Workflow:
    return shapes.Workflow(
        name=workflow.name,
        description=workflow.description,
        default_run_properties=workflow.properties,
        created_on=workflow.created_ms / 1000,
        last_modified_on=workflow.updated_ms / 1000,
        last_run=last,
        graph=graph,
        max_concurrent_runs=workflow.concurrent_runs_max,
    )


async def show_run(
    transaction: Transaction, scope: Scope, run: WorkflowRun, now_ms: int, *, with_graph: bool
) -> shapes.WorkflowRun:
    """A run with how all that it started stands now."""
    attempts = {
        node.run_id: await _attempts(transaction, scope, node)
        for node in run.nodes
        if node.kind == "JOB" and node.run_id
    }
    states = [attempts[node.run_id][-1].state if attempts.get(node.run_id) else node.state
              for node in run.nodes]  # fmt: skip
    graph = None
    if with_graph:
        crawls = {
            node.run_id: await _crawl(transaction, scope, node)
            for node in run.nodes
            if node.kind == "CRAWLER" and node.run_id
        }
        graph = show_graph(run.workflow_id, run.triggers, run.nodes, attempts, crawls, now_ms)
    return shapes.WorkflowRun(
        name=run.workflow_name,
        workflow_run_id=run.id,
        previous_run_id=run.previous_run_id,
        workflow_run_properties=run.properties,
        started_on=run.started_ms / 1000,
        completed_on=None if run.completed_ms is None else run.completed_ms / 1000,
        status=run.status,
        error_message=run.error,
        statistics=_statistics(run, states),
        graph=graph,
    )


def _statistics(run: WorkflowRun, states: Iterable[str]) -> shapes.WorkflowRunStatistics:
    counts = Counter(_COUNTED.get(state, "running_actions") for state in states)
    total = sum(len(trigger.actions) for trigger in run.triggers)
    names = {*_COUNTED.values(), "running_actions"}
    return shapes.WorkflowRunStatistics(
        total_actions=total, **{name: counts[name] for name in names}
    )


async def _attempts(transaction: Transaction, scope: Scope, node: Node) -> list[Run]:
    """A job's run with the attempts that followed."""
    found: list[Run] = []
    run_id = node.run_id
    while run := await jobs.load_run(transaction, scope, run_id):
        found.append(run)
        run_id = f"{run.base_id}_attempt_{run.attempt + 1}"
    return found


async def _crawl(transaction: Transaction, scope: Scope, node: Node) -> shapes.Crawl:
    crawler = await crawlers.load_crawler(transaction, scope, node.name)
    if crawler is not None:
        async for crawl in crawlers.scan_crawls(transaction, scope, crawler.id):
            if crawl.id == node.run_id:
                ended_ms = crawl.ended_ms
                return shapes.Crawl(
                    state=CONDITION_STATES.get(crawl.state, crawl.state),
                    started_on=crawl.started_ms / 1000,
                    completed_on=None if ended_ms is None else ended_ms / 1000,
                    error_message=crawl.error,
                    log_group=LOG_GROUP,
                    log_stream=crawler.name,
                )
    return shapes.Crawl(state=node.state, error_message=node.error)


def show_graph(
    workflow_id: str,
    triggers: Sequence[Trigger],
    nodes: Sequence[Node] = (),
    attempts: Mapping[str, Sequence[Run]] | None = None,
    crawls: Mapping[str, shapes.Crawl] | None = None,
    now_ms: int = 0,
) -> shapes.WorkflowGraph:
    """The triggers, jobs and crawlers of a workflow, and, in a run, what was started of them."""
    pairs = edges(triggers)
    ends = (end for pair in pairs for end in pair)
    seen = dict.fromkeys([*(("TRIGGER", trigger.name) for trigger in triggers), *ends])
    by_name = {trigger.name: trigger for trigger in triggers}
    started: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        started.setdefault((node.kind, node.name), []).append(node)
    shown = []
    for kind, name in seen:
        node_shown = shapes.Node(type=kind, name=name, unique_id=node_id(workflow_id, kind, name))
        mine = started.get((kind, name), [])
        if kind == "TRIGGER":
            trigger = show_trigger(by_name[name])
            node_shown.trigger_details = shapes.TriggerNodeDetails(trigger=trigger)
        elif kind == "JOB":
            runs = [run for node in mine for run in (attempts or {}).get(node.run_id, ())]
            node_shown.job_details = shapes.JobNodeDetails(
                job_runs=[
                    *(show_job_run(run, now_ms) for run in runs),
                    *(_not_started(node) for node in mine if not node.run_id),
                ]
            )
        else:
            node_shown.crawler_details = shapes.CrawlerNodeDetails(
                crawls=[
                    (crawls or {}).get(node.run_id)
                    or shapes.Crawl(state=node.state, error_message=node.error)
                    for node in mine
                ]
            )
        shown.append(node_shown)
    return shapes.WorkflowGraph(
        nodes=shown,
        edges=[
            shapes.Edge(
                source_id=node_id(workflow_id, *source),
                destination_id=node_id(workflow_id, *target),
            )
            for source, target in pairs
        ],
    )


def _not_started(node: Node) -> shapes.JobRun:
    return shapes.JobRun(
        job_name=node.name,
        trigger_name=node.trigger,
        job_run_state=node.state,
        error_message=node.error,
    )
