"""What every operation on a cluster begins with."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.kernel.pages import BadToken
from millpond.services.emr import store
from millpond.services.emr.errors import InvalidRequest, Validation
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.records import Cluster
from millpond.services.emr.needs import Needs

PAGE_SIZE = 50


async def require_cluster(transaction: Transaction, call: Call, cluster_id: str) -> Cluster:
    """The cluster.

    Raises:
        InvalidRequest: there is none of that id.
    """
    cluster = await store.load_cluster(transaction, call, cluster_id)
    if cluster is None:
        raise InvalidRequest(f"Cluster id '{cluster_id}' is not valid.")
    return cluster


async def require_flow(transaction: Transaction, call: Call, cluster_id: str) -> Flow:
    """The cluster with its steps that have not ended.

    Raises:
        InvalidRequest: there is none of that id.
    """
    flow = await store.load_flow(transaction, call, cluster_id)
    if flow is None:
        raise InvalidRequest(f"Cluster id '{cluster_id}' is not valid.")
    return flow


async def require_living(transaction: Transaction, call: Call, cluster_id: str) -> Flow:
    """As `require_flow`, of a cluster that is not ending.

    Raises:
        InvalidRequest: there is none of that id, or it is ending.
    """
    flow = await require_flow(transaction, call, cluster_id)
    if flow.is_ending:
        raise InvalidRequest(f"Cluster '{cluster_id}' is {flow.cluster.state}.")
    return flow


async def require_job_flow(transaction: Transaction, call: Call, job_flow_id: str) -> Flow:
    """As `require_flow`, for the operations that speak of job flows.

    Raises:
        Validation: there is none of that id.
    """
    flow = await store.load_flow(transaction, call, job_flow_id)
    if flow is None:
        raise Validation("Specified job flow ID does not exist.")
    return flow


def open_marker(needs: Needs, question: str, marker: str | None) -> str:
    """Where a listing goes on; `""` at its beginning.

    Raises:
        InvalidRequest: the marker was not given out for this listing.
    """
    if not marker:
        return ""
    try:
        return needs.pages.open(question, marker)
    except BadToken as error:
        raise InvalidRequest(f"Marker '{marker}' is not valid.") from error
