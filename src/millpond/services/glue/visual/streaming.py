"""Kinesis as a source: everything that its rows reach runs for each batch of them.

Source: AWS Glue developer guide, "Kinesis connections" and "Developing streaming ETL scripts".
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from millpond.services.glue.visual.graph import Graph, Node
from millpond.services.glue.visual.layout import Expression, Source, call, laid_out
from millpond.services.glue.visual.names import comment
from millpond.services.glue.visual.sources import check_table
from millpond.services.glue.visual.transforms import DYNAMIC_FRAME
from millpond.services.glue.visual.writing import Writing

WINDOW_SECONDS_DEFAULT = 100
CLASSIFICATIONS = ("json", "csv", "avro", "parquet", "orc", "xml", "grokLog", "ion")

OPTIONS: Mapping[str, str] = {
    "endpoint_url": "endpointUrl",
    "stream_arn": "streamARN",
    "stream_name": "streamName",
    "classification": "classification",
    "delimiter": "delimiter",
    "max_fetch_time_in_ms": "maxFetchTimeInMs",
    "max_fetch_records_per_shard": "maxFetchRecordsPerShard",
    "max_record_per_read": "maxRecordPerRead",
    "add_idle_time_between_reads": "addIdleTimeBetweenReads",
    "idle_time_between_reads_in_ms": "idleTimeBetweenReadsInMs",
    "describe_shard_interval": "describeShardInterval",
    "num_retries": "numRetries",
    "retry_interval_ms": "retryIntervalMs",
    "max_retry_interval_ms": "maxRetryIntervalMs",
    "avoid_empty_batches": "avoidEmptyBatches",
    "role_arn": "awsSTSRoleARN",
    "role_session_name": "awsSTSSessionName",
    "add_record_timestamp": "addRecordTimestamp",
    "emit_consumer_lag_metrics": "emitConsumerLagMetrics",
    "fanout_consumer_arn": "fanoutConsumerARN",
}
"""What the connection takes, by the names of the node's options."""


def stream_of(graph: Graph) -> Node | None:
    """The source of the graph that is a stream.

    Raises:
        InvalidInput: there are two.
    """
    found = [node for node in graph.nodes.values() if node.kind in STREAMS]
    if len(found) > 1:
        raise found[1].refusal(
            f"'{found[0].id}' is a stream already, and a job reads one stream alone."
        )
    return found[0] if found else None


def _direct(node: Node, writing: Writing) -> None:
    given = node.body.streaming_options
    if given is None or not (given.stream_arn or given.stream_name):
        raise node.refusal("StreamingOptions names no stream: StreamArn is not set.")
    if given.classification and given.classification not in CLASSIFICATIONS:
        raise node.refusal(f"Classification {given.classification} is not known.")
    options = {"typeOfData": "kinesis", **_options(node, given)}
    options["inferSchema"] = "true" if node.body.detect_schema in (None, True) else "false"
    _read(node, writing, "from_options", connection_type="kinesis", connection_options=options)


def _table(node: Node, writing: Writing) -> None:
    body = node.body
    check_table(node, body.database, body.table)
    options = _options(node, body.streaming_options) if body.streaming_options else {}
    options["inferSchema"] = "true" if body.detect_schema else "false"
    named = {"database": body.database, "table_name": body.table, "additional_options": options}
    _read(node, writing, "from_catalog", **named)


def _options(node: Node, given: Any) -> dict[str, object]:
    options: dict[str, object] = {}
    for ours, name in OPTIONS.items():
        found = getattr(given, ours)
        if found is not None and found != "":
            options[name] = str(found).lower() if isinstance(found, bool) else str(found)
    position = given.starting_position
    if position == "timestamp":
        if given.starting_timestamp is None:
            raise node.refusal("StartingTimestamp is not set, and StartingPosition is timestamp.")
        moment = datetime.fromtimestamp(given.starting_timestamp, UTC)
        options["startingPosition"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    elif position:
        options["startingPosition"] = position
    return options


def _read(node: Node, writing: Writing, how: str, **named: object) -> None:
    frame = writing.fresh(f"dataframe_{writing.variable(node)}")
    reading = call(f"glueContext.create_data_frame.{how}", **named, transformation_ctx=frame)
    said = f"# Script generated for node {comment(node.name)}".rstrip()
    writing.lines += ["", said, *laid_out(f"{frame} = ", reading).split("\n")]
    writing.imports.add(DYNAMIC_FRAME)
    writing.after_batch = laid_out("", _calling(node, frame))
    context, data = Source("glueContext"), Source("data_frame")
    writing.assign(node, call("DynamicFrame.fromDF", data, context, "from_data_frame"))


def _calling(node: Node, frame: str) -> Expression:
    window = node.body.window_size
    seconds = WINDOW_SECONDS_DEFAULT if window is None else window
    if seconds < 1:
        raise node.refusal("WindowSize is at least one second.")
    folder = 'args["TempDir"] + "/" + args["JOB_NAME"] + "/checkpoint/"'
    return call(
        "glueContext.forEachBatch",
        frame=Source(frame),
        batch_function=Source("processBatch"),
        options={"windowSize": f"{seconds} seconds", "checkpointLocation": Source(folder)},
    )


STREAMS: Mapping[str, Callable[[Node, Writing], None]] = {
    "DirectKinesisSource": _direct,
    "CatalogKinesisSource": _table,
}
