"""Bootstrap actions: scripts that run one after another before the first step.

They run once for a cluster, not on each of its nodes: these share one file system, and find there
what the actions did, whenever they come.
"""

import asyncio
from typing import Literal

from millpond.engines.spark import interface as spark
from millpond.kernel.clock import Clock
from millpond.services.emr.model.places import bootstrap_place
from millpond.services.emr.model.records import Cluster
from millpond.services.emr.running.desk import Desk
from millpond.services.emr.running.folders import Folders
from millpond.services.emr.running.logs import Logs
from millpond.services.emr.running.work import Work

ACTION_SECONDS_MAX = 3600.0
"""How long one may take, as in EMR."""

Outcome = Literal["done", "failed", "late", "stopped"]


async def run_bootstrap_actions(
    desk: Desk, engine: spark.Cluster, logs: Logs, folders: Folders, clock: Clock
) -> bool:
    """Run the actions that are left, and tell how that went; whether the cluster lives on.

    An action that the end of the platform interrupted is run again from its start.
    """
    cluster = (await desk.read()).cluster
    actions = cluster.request.bootstrap_actions or []
    for number in range(cluster.bootstrapped + 1, len(actions) + 1):
        outcome = await _run_action(desk, engine, logs, folders, clock, cluster, number)
        if outcome == "done":
            await _tell_done(desk, number)
            continue
        if outcome != "stopped":
            await _tell_failed(desk, cluster, number, outcome)
        return False
    await desk.tell(lambda flow: flow.be_ready(desk.now_ms()))
    return True


async def _run_action(
    desk: Desk,
    engine: spark.Cluster,
    logs: Logs,
    folders: Folders,
    clock: Clock,
    cluster: Cluster,
    number: int,
) -> Outcome:
    action = (cluster.request.bootstrap_actions or [])[number - 1].script_bootstrap_action
    place = bootstrap_place(cluster, number)
    names = ("bootstrap-actions", str(number))
    scratch, files = folders.scratch(*names), folders.log_files(*names)
    work = Work(f"bootstrap action {number}", scratch, files, place, clock)
    words = ("run-script", action.path, *(action.args or ()))
    running = asyncio.create_task(work.run(engine, words, logs))
    ear = desk.listen()
    until_ms = desk.now_ms() + int(ACTION_SECONDS_MAX * 1000)
    try:
        while not running.done():
            if await desk.must_stop():
                return "stopped"
            if desk.now_ms() >= until_ms:
                return "late"
            await ear.wait({running}, until_ms)
        return "done" if running.result() is None else "failed"
    finally:
        await work.end()
        await asyncio.wait([running])


async def _tell_done(desk: Desk, number: int) -> None:
    await desk.tell(lambda flow: flow.end_bootstrap_action(number))


async def _tell_failed(desk: Desk, cluster: Cluster, number: int, outcome: Outcome) -> None:
    why = "returned a non-zero return code" if outcome == "failed" else "timed out executing"
    where = f"On the master instance ({cluster.master.ec2_id})"
    text = f"{where}, bootstrap action {number} {why}"
    await desk.tell(lambda flow: flow.terminate("BOOTSTRAP_FAILURE", text, desk.now_ms()))
