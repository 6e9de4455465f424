"""`millpond status`: what is running, as the AWS APIs tell it to any client."""

import time
from collections.abc import Iterator
from typing import Any

from millpond.app.client import Client
from millpond.app.folder import Run

_CLUSTER_STATES = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]
_QUERY_STATES = ("QUEUED", "RUNNING")
_QUERIES_LOOKED_AT = 50
"""How many of a workgroup's latest queries are looked at: one page, one batch."""


def describe(run: Run, client: Client) -> Iterator[str]:
    """Lines for the terminal: the server, then clusters, queries and crawlers that are at work.

    Raises:
        CallFailed: the server did not answer, or refused.
    """
    yield f"server    {run.endpoint}  process {run.pid}  up {_duration(run.started_ms)}"
    clusters = client.call(
        "elasticmapreduce", "ElasticMapReduce.ListClusters", ClusterStates=_CLUSTER_STATES
    )["Clusters"]
    yield from _section(
        "cluster", [f"{item['Id']}  {item['Status']['State']}  {item['Name']}" for item in clusters]
    )
    yield from _section("query", list(_queries(client)))
    crawlers = client.call("glue", "AWSGlue.GetCrawlers", MaxResults=1000).get("Crawlers", [])
    yield from _section(
        "crawler",
        [f"{item['Name']}  {item['State']}" for item in crawlers if item["State"] != "READY"],
    )


def _queries(client: Client) -> Iterator[str]:
    for workgroup in client.call("athena", "AmazonAthena.ListWorkGroups")["WorkGroups"]:
        ids = client.call(
            "athena",
            "AmazonAthena.ListQueryExecutions",
            WorkGroup=workgroup["Name"],
            MaxResults=_QUERIES_LOOKED_AT,
        )["QueryExecutionIds"]
        if not ids:
            continue
        found = client.call("athena", "AmazonAthena.BatchGetQueryExecution", QueryExecutionIds=ids)[
            "QueryExecutions"
        ]
        for query in found:
            if query["Status"]["State"] in _QUERY_STATES:
                yield _query_line(query)


def _query_line(query: dict[str, Any]) -> str:
    text = " ".join(query["Query"].split())
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    return f"{query['QueryExecutionId']}  {query['Status']['State']}  {shown}"


def _section(name: str, lines: list[str]) -> Iterator[str]:
    for line in lines or ["none at work"]:
        yield f"{name:<9} {line}"


def _duration(since_ms: int) -> str:
    seconds = max(0, int(time.time() - since_ms / 1000))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"
