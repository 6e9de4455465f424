"""`millpond status`: what is running, as the AWS APIs tell it to any client."""

import json
import time
from collections.abc import Iterator
from typing import Any

from millpond.app.client import CallFailed, Client
from millpond.app.folder import Run

_CLUSTER_STATES = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]
_QUERY_STATES = ("QUEUED", "RUNNING")
_QUERIES_LOOKED_AT = 50
"""How many of a workgroup's latest queries are looked at: one page, one batch."""
_FLOW_MINUTES = 5
"""Streams are at work that took records in these last minutes."""
_FLOWS_LOOKED_AT = 100
_LOG_EVENTS_LOOKED_AT = 100


def describe(run: Run, client: Client) -> Iterator[str]:
    """Lines for the terminal: the server, then clusters, queries, crawlers, streams, delivery
    streams and streaming applications that are at work.

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
    yield from _section("stream", _flows(client, "AWS/Kinesis", "StreamName", "IncomingRecords"))
    delivered = ("IncomingRecords", "DataReadFromKinesisStream.Records")
    yield from _section(
        "delivery", _flows(client, "AWS/Firehose", "DeliveryStreamName", *delivered)
    )
    yield from _section("app", list(_applications(client)))


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


def _flows(client: Client, namespace: str, dimension: str, *names: str) -> list[str]:
    """What has `dimension` and took records lately, and how many: CloudWatch knows."""
    metrics = [
        metric
        for name in names
        for metric in client.call(
            "monitoring",
            "GraniteServiceVersion20100801.ListMetrics",
            Namespace=namespace,
            MetricName=name,
            RecentlyActive="PT3H",
        )["Metrics"]
        if [item["Name"] for item in metric["Dimensions"]] == [dimension]
    ][:_FLOWS_LOOKED_AT]
    if not metrics:
        return []
    now = int(time.time())
    results = client.call(
        "monitoring",
        "GraniteServiceVersion20100801.GetMetricData",
        StartTime=now - 60 * _FLOW_MINUTES,
        EndTime=now,
        MetricDataQueries=[
            {"Id": f"m{place}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
            for place, metric in enumerate(metrics)
        ],
    )["MetricDataResults"]
    records: dict[str, float] = {}
    for metric, result in zip(metrics, results, strict=True):
        name = metric["Dimensions"][0]["Value"]
        records[name] = records.get(name, 0) + sum(result["Values"])
    return [
        f"{name}  {count:,.0f} record{'' if count == 1 else 's'} in {_FLOW_MINUTES} minutes"
        for name, count in sorted(records.items())
        if count
    ]


def _applications(client: Client) -> Iterator[str]:
    """Streaming applications that do not rest: their status, and how fast and how far behind they
    were in the last minutes that CloudWatch knows of; why those failed that were down lately."""
    found = client.call("kinesisanalytics", "KinesisAnalytics_20180523.ListApplications", Limit=50)[
        "ApplicationSummaries"
    ]
    busy = [one for one in found if one["ApplicationStatus"] != "READY"]
    if not busy:
        return
    now = int(time.time())
    results = client.call(
        "monitoring",
        "GraniteServiceVersion20100801.GetMetricData",
        StartTime=now - 60 * _FLOW_MINUTES,
        EndTime=now,
        MetricDataQueries=[
            _figure(f"{word}{place}", one["ApplicationName"], name, statistic)
            for place, one in enumerate(busy)
            for word, name, statistic in (
                ("rate", "numRecordsInPerSecond", "Average"),
                ("lag", "millisBehindLatest", "Average"),
                ("up", "uptime", "Minimum"),
            )
        ],
    )["MetricDataResults"]
    newest = {one["Id"]: one["Values"][0] for one in results if one["Values"]}
    for place, one in enumerate(busy):
        line = f"{one['ApplicationName']}  {one['ApplicationStatus']}"
        if newest.get(f"up{place}") == 0:
            yield f"{line}  failed lately: {_last_error(client, one['ApplicationName'])}"
            continue
        if f"rate{place}" in newest:
            line += f"  {newest[f'rate{place}']:,.0f} records/s"
        if f"lag{place}" in newest:
            line += f"  {newest[f'lag{place}'] / 1000:,.1f} s behind"
        yield line


def _last_error(client: Client, application: str) -> str:
    """The first line of the newest error in an application's usual log; nothing without one."""
    try:
        events = client.call(
            "logs",
            "Logs_20140328.GetLogEvents",
            logGroupName=f"/aws/kinesis-analytics/{application}",
            logStreamName="kinesis-analytics-log-stream",
            limit=_LOG_EVENTS_LOOKED_AT,
        )["events"]
    except CallFailed:
        return ""
    for event in reversed(events):
        told = json.loads(event["message"])
        if told["messageType"] == "ERROR":
            return str(told["message"]).partition("\n")[0]
    return ""


def _figure(query: str, application: str, name: str, statistic: str) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/KinesisAnalytics",
        "MetricName": name,
        "Dimensions": [{"Name": "Application", "Value": application}],
    }
    return {"Id": query, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}


def _section(name: str, lines: list[str]) -> Iterator[str]:
    for line in lines or ["none at work"]:
        yield f"{name:<9} {line}"


def _duration(since_ms: int) -> str:
    seconds = max(0, int(time.time() - since_ms / 1000))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"
