"""Fires triggers: starts what their actions name, in the transaction of whoever makes them fire.

What cannot be started does not hold up the rest: outside of workflows it is logged, in a run of a
workflow it is an action in state ERROR.
"""

import logging
from collections.abc import Mapping

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Scope
from millpond.kernel.errors import ServiceError
from millpond.services.glue import store as crawlers
from millpond.services.glue.crawl.lifecycle import begin_crawl
from millpond.services.glue.errors import CrawlerRunning, EntityNotFound
from millpond.services.glue.jobs import store as jobs
from millpond.services.glue.jobs.model import Predecessor
from millpond.services.glue.jobs.starting import Wishes, start_run
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration.model import (
    ERROR,
    Node,
    Trigger,
    WorkflowRun,
    action_target,
)
from millpond.services.glue.shapes import Action

_log = logging.getLogger("millpond.glue")


async def fire(
    transaction: Transaction,
    needs: Needs,
    scope: Scope,
    trigger: Trigger,
    met: Mapping[int, str],
    within: WorkflowRun | None = None,
) -> list[Node]:
    """Start what a trigger's actions name; how each stands. `met` are the runs that met its
    conditions, `within` the run of the workflow that it fires in."""
    predecessors = tuple(
        Predecessor(condition.job_name, met[place])
        for place, condition in enumerate(trigger.conditions)
        if condition.job_name and place in met
    )
    nodes = []
    for action in trigger.actions:
        kind, name = action_target(action)
        try:
            if kind == "JOB":
                wishes = _wishes(trigger, action, predecessors, within)
                run_id, state = await _start_job(transaction, needs, scope, name, wishes)
            else:
                run_id, state = await _start_crawler(
                    transaction, needs, scope, name, trigger, within
                )
            error = None
        except ServiceError as refusal:
            run_id, state, error = "", ERROR, f"{refusal.code}: {refusal.message}"
            _log.warning("The trigger %s cannot start %s: %s", trigger.name, name, error)
        nodes.append(
            Node(
                kind=kind,
                name=name,
                run_id=run_id,
                trigger=trigger.name,
                state=state,
                error=error,
            )
        )
    return nodes


def _wishes(
    trigger: Trigger,
    action: Action,
    predecessors: tuple[Predecessor, ...],
    within: WorkflowRun | None,
) -> Wishes:
    arguments = dict(action.arguments or {})
    if within is not None:
        arguments["--WORKFLOW_NAME"] = within.workflow_name
        arguments["--WORKFLOW_RUN_ID"] = within.id
    return Wishes(
        arguments=arguments,
        timeout=action.timeout,
        notification=action.notification_property,
        trigger_name=trigger.name,
        workflow_name=within.workflow_name if within else None,
        workflow_run_id=within.id if within else None,
        predecessors=predecessors,
    )


async def _start_job(
    transaction: Transaction, needs: Needs, scope: Scope, name: str, wishes: Wishes
) -> tuple[str, str]:
    job = await jobs.load_job(transaction, scope, name)
    if job is None:
        raise EntityNotFound(f"Job {name} not found.")
    run = await start_run(transaction, needs, scope, job, wishes)
    return run.id, run.state


async def _start_crawler(
    transaction: Transaction,
    needs: Needs,
    scope: Scope,
    name: str,
    trigger: Trigger,
    within: WorkflowRun | None,
) -> tuple[str, str]:
    crawler = await crawlers.load_crawler(transaction, scope, name)
    if crawler is None:
        raise EntityNotFound(f"Crawler {name} not found.")
    if crawler.state != "READY":
        raise CrawlerRunning(f"Crawler with name {name} has already started")
    crawl = begin_crawl(
        transaction,
        needs,
        scope,
        crawler,
        trigger_name=trigger.name,
        workflow_name=within.workflow_name if within else None,
        workflow_run_id=within.id if within else None,
    )
    return crawl.id, "RUNNING"
