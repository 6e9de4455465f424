"""Clusters: start, describe, list, end."""

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.answers import show_cluster, show_summary
from millpond.services.emr.errors import Validation
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.launch import plan_cluster
from millpond.services.emr.model.releases import runtime_of
from millpond.services.emr.model.sizes import room
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.ids import fresh
from millpond.services.emr.operations.scope import (
    PAGE_SIZE,
    open_marker,
    require_cluster,
    require_job_flow,
)

JOB_FLOWS_MAX = 10


async def run_job_flow(
    needs: Needs, call: Call, request: shapes.RunJobFlowInput
) -> shapes.RunJobFlowOutput:
    """Start a cluster, which then runs its steps.

    Raises:
        Validation: AWS would refuse it, or it asks for what is not installed or implemented.

    Source: EMR API reference, RunJobFlow (2009-03-31).
    """
    now_ms = needs.clock.now_ms()
    cluster = plan_cluster(
        request,
        needs.sparks,
        arn=lambda resource: call.arn("elasticmapreduce", resource),
        fresh=lambda prefix: fresh(needs.ids, prefix),
        creator_arn=call.principal.arn,
        now_ms=now_ms,
    )
    flow = Flow(cluster, ())
    steps = request.steps or []
    flow.add_steps(steps, [fresh(needs.ids, "s-") for _ in steps], now_ms)
    capacity = runtime_of(cluster.request, needs.sparks).capacity()
    flow.staff(room(capacity), lambda prefix: fresh(needs.ids, prefix), now_ms)
    async with needs.records.transaction() as transaction:
        name = request.security_configuration
        if name and await store.load_security(transaction, call, name) is None:
            raise Validation(f"Security configuration {name} does not exist.")
        store.save_new(transaction, call, flow)
    return shapes.RunJobFlowOutput(job_flow_id=cluster.id, cluster_arn=cluster.arn)


async def describe_cluster(
    needs: Needs, call: Call, request: shapes.DescribeClusterInput
) -> shapes.DescribeClusterOutput:
    """A cluster: its state and what was asked for.

    Source: EMR API reference, DescribeCluster.
    """
    async with needs.records.transaction() as transaction:
        cluster = await require_cluster(transaction, call, request.cluster_id)
    now_ms = needs.clock.now_ms()
    return shapes.DescribeClusterOutput(cluster=show_cluster(cluster, call.region, now_ms))


async def list_clusters(
    needs: Needs, call: Call, request: shapes.ListClustersInput
) -> shapes.ListClustersOutput:
    """Clusters by state and time of creation, the newest first, 50 at a time.

    Source: EMR API reference, ListClusters.
    """
    after = open_marker(needs, "ListClusters", request.marker)
    states = frozenset(request.cluster_states or ())
    oldest_ms = (request.created_after or 0) * 1000
    newest_ms = float("inf") if request.created_before is None else request.created_before * 1000
    now_ms, last = needs.clock.now_ms(), ""
    found: list[shapes.ClusterSummary] = []
    marker = None
    async with needs.records.transaction() as transaction:
        async for position, cluster in store.scan_clusters(transaction, call, after):
            if cluster.created_ms < oldest_ms:
                break
            if cluster.created_ms > newest_ms or (states and cluster.state not in states):
                continue
            if len(found) == PAGE_SIZE:
                marker = needs.pages.seal("ListClusters", last)
                break
            found.append(show_summary(cluster, now_ms))
            last = position
    return shapes.ListClustersOutput(clusters=found, marker=marker)


async def terminate_job_flows(
    needs: Needs, call: Call, request: shapes.TerminateJobFlowsInput
) -> None:
    """End clusters: all of them, or none when one is protected.

    Raises:
        Validation: one does not exist, or is protected.

    Source: EMR API reference, TerminateJobFlows.
    """
    if not 1 <= len(request.job_flow_ids) <= JOB_FLOWS_MAX:
        raise Validation(f"Between 1 and {JOB_FLOWS_MAX} job flow IDs must be specified.")
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        flows = [
            await require_job_flow(transaction, call, job_flow_id)
            for job_flow_id in dict.fromkeys(request.job_flow_ids)
        ]
        if any(flow.cluster.termination_protected and not flow.is_ending for flow in flows):
            raise Validation(
                "Could not shut down one or more job flows since they are termination protected."
            )
        for flow in flows:
            if not flow.is_ending:
                flow.terminate("USER_REQUEST", "Terminated by user request", now_ms)
                store.save_flow(transaction, call, flow)
