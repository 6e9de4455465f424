"""The connectors to streams, delivery streams and webhooks, and those that need nothing outside.

Sources: the options that Apache Flink's connectors document, kinesis and firehose 6.0, http-sink
(GetInData's flink-http-connector 0.20), print, blackhole and datagen 2.x.
"""

from millpond.engines.streams.connectors import options
from millpond.engines.streams.connectors.datagen_fields import read_fields
from millpond.engines.streams.connectors.described import (
    Connector,
    MetadataKey,
    Option,
    durations,
    inert,
    switches,
    texts,
    wholes,
)
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import DataType

ROW_FORMATS = ("json", "csv", "raw", "avro")

AWS = (
    *texts("aws.region", "aws.endpoint"),
    *inert(
        switches("aws.trust.all.certificates"),
        Option("aws.credentials.provider", choices=("AUTO",)),
    ),
    Option(
        "aws.credentials.*",
        refused="The application calls AWS as the role that it was given; its tables name no other",
    ),
)
SOURCE = (
    *durations("scan.watermark.idle-timeout"),
    *inert(
        wholes("scan.parallelism", least=1),
        durations("scan.watermark.alignment.max-drift"),
        durations("scan.watermark.alignment.update-interval"),
        texts("scan.watermark.alignment.group"),
        Option("scan.watermark.emit.strategy", choices=("on-periodic", "on-event")),
        wholes("scan.watermark.emit.on-event.gap", least=1),
    ),
)
_BATCHED = (
    *wholes("sink.batch.max-size", least=1, most=500),
    *wholes("sink.requests.max-inflight", least=1),
    *wholes("sink.flush-buffer.size", least=1, most=5 << 20),
    *wholes("sink.flush-buffer.timeout", least=1),
    *inert(wholes("sink.requests.max-buffered", "sink.parallelism", least=1)),
)
_AWS_SINK = (
    *_BATCHED,
    *switches("sink.fail-on-error"),
    *inert(
        wholes("sink.http-client.max-concurrency", "sink.http-client.read-timeout", least=1),
        Option("sink.http-client.protocol.version", choices=("HTTP1_1", "HTTP2")),
    ),
)
_RETRIED = ("maxretries", "backoff.base", "backoff.max")


def _never_idle(text: str) -> int:
    if options.whole(text) > 0:
        raise ValueError("Say 'scan.watermark.idle-timeout' instead")
    return -1


_KINESIS_OLD_SOURCE = (
    Option("scan.stream.initpos", choices=("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")),
    *texts("scan.stream.initpos-timestamp", "scan.stream.initpos-timestamp-format"),
    Option("scan.stream.recordpublisher", choices=("POLLING", "EFO")),
    *texts("scan.stream.efo.consumername", "scan.stream.efo.consumerarn"),
    Option("scan.stream.efo.registration", choices=("LAZY", "EAGER", "NONE")),
    *wholes("scan.shard.getrecords.maxrecordcount", least=1, most=10_000),
    *wholes("scan.shard.getrecords.intervalmillis", "scan.shard.discovery.intervalmillis", least=1),
    Option("scan.shard.idle.interval", _never_idle),
    *inert(
        wholes("scan.stream.efo.http-client.max-concurrency", least=1),
        Option("scan.shard-assigner", choices=("default", "uniform")),
        *(
            option
            for call in (
                "scan.stream.describe",
                "scan.list.shards",
                "scan.stream.describestreamconsumer",
                "scan.stream.registerstreamconsumer",
                "scan.stream.deregisterstreamconsumer",
                "scan.shard.subscribetoshard",
                "scan.shard.getrecords",
                "scan.shard.getiterator",
            )
            for option in (
                *wholes(*(f"{call}.{name}" for name in _RETRIED)),
                Option(f"{call}.backoff.expconst", options.decimal),
            )
        ),
        wholes("scan.stream.registerstreamconsumer.timeout"),
        wholes("scan.stream.deregisterstreamconsumer.timeout"),
        switches("scan.shard.adaptivereads"),
        wholes("scan.watermark.sync.interval", "scan.watermark.lookahead.millis"),
        wholes("scan.watermark.sync.queue.capacity", least=1),
    ),
)
_KINESIS_SOURCE = (
    Option("source.init.position", choices=("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")),
    *texts("source.init.timestamp", "source.init.timestamp.format"),
    *durations("source.shard.discovery.interval"),
    Option("source.reader.type", choices=("POLLING", "EFO")),
    *wholes("source.shard.get-records.max-record-count", least=1, most=10_000),
    *durations("source.shard.get-records.interval"),
    *texts("source.efo.consumer.name"),
    Option("source.efo.lifecycle", choices=("JOB_MANAGED", "SELF_MANAGED")),
    *durations("source.efo.deregister.timeout"),
    *inert(
        durations("source.shard.get-records.idle-source-delay"),
        durations("source.efo.subscription.timeout"),
        wholes("source.efo.describe.retry-strategy.attempts.max", least=1),
        durations("source.efo.describe.retry-strategy.delay.min"),
        durations("source.efo.describe.retry-strategy.delay.max"),
        texts("source.assigner"),
    ),
)
_KINESIS_SINK = (
    Option("sink.partitioner", choices=("fixed", "random")),
    *texts("sink.partitioner-field-delimiter"),
    *_AWS_SINK,
    *inert(texts("sink.producer.*")),
)
_NAME = DataType("VARCHAR", (128,), nullable=False)
_ARRIVAL = DataType("TIMESTAMP_LTZ", (3,), nullable=False)
_KINESIS_METADATA = (
    MetadataKey("timestamp", _ARRIVAL),
    MetadataKey("arrival-timestamp", _ARRIVAL),
    MetadataKey("shard-id", _NAME),
    MetadataKey("sequence-number", _NAME),
    MetadataKey("partition-key", DataType("VARCHAR", (256,), nullable=False)),
)


def _check_kinesis(table: Table, role: str) -> None:
    arn = table.option("stream.arn")
    if arn is not None and not (arn.startswith("arn:") and ":stream/" in arn):
        raise ValueError(f"'stream.arn' is not the ARN of a stream: {arn}")
    if role == "sink":
        if table.partitioned_by and table.option("sink.partitioner") is not None:
            raise ValueError(
                "'sink.partitioner' cannot be used with PARTITIONED BY, whose columns make the "
                "partition key"
            )
        return
    position = table.option("source.init.position", "scan.stream.initpos") or "LATEST"
    stamp = table.option("source.init.timestamp", "scan.stream.initpos-timestamp")
    if position.upper() == "AT_TIMESTAMP" and stamp is None:
        raise ValueError("An initial timestamp is required with AT_TIMESTAMP")
    reader = table.option("source.reader.type", "scan.stream.recordpublisher") or "POLLING"
    names = ("source.efo.consumer.name", "scan.stream.efo.consumername")
    consumer = table.option(*names, "scan.stream.efo.consumerarn")
    if reader.upper() == "EFO" and consumer is None:
        raise ValueError(
            "The name of the consumer is required with EFO: 'source.efo.consumer.name'"
        )


def _check_http(table: Table, role: str) -> None:
    url = table.option("url") or ""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"'url' must begin with http:// or https://: {url}")
    for name, text in table.options:
        if ".sink.header." in name and not (name + text).isprintable():
            raise ValueError(f"'{name}' has characters that a header must not have")


def _check_datagen(table: Table, role: str) -> None:
    read_fields(table)


_HERE = "millpond.engines.streams.connectors"
_SOURCE_CLASS = f"{_HERE}.kinesis_source:KinesisSource"
_SINK_CLASS = f"{_HERE}.kinesis_sink:KinesisSink"

KINESIS = Connector(
    name="kinesis",
    source=_SOURCE_CLASS,
    sink=_SINK_CLASS,
    options=(
        *texts("stream.arn", "stream"),
        *AWS,
        *SOURCE,
        *_KINESIS_SOURCE,
        *_KINESIS_OLD_SOURCE,
        *_KINESIS_SINK,
    ),
    required=(("stream.arn", "stream"), ("format",)),
    metadata=_KINESIS_METADATA,
    formats=ROW_FORMATS,
    check=_check_kinesis,
)
KINESIS_LEGACY = Connector(
    name="kinesis-legacy",
    source=_SOURCE_CLASS,
    options=(*texts("stream"), *AWS, *SOURCE, *_KINESIS_OLD_SOURCE),
    required=(("stream",), ("format",)),
    metadata=_KINESIS_METADATA,
    formats=ROW_FORMATS,
    check=_check_kinesis,
)
FIREHOSE = Connector(
    name="firehose",
    sink=f"{_HERE}.firehose_sink:FirehoseSink",
    options=(*texts("delivery-stream"), *AWS, *_AWS_SINK),
    required=(("delivery-stream",), ("format",)),
    formats=ROW_FORMATS,
)
_GID = "gid.connector.http"
HTTP = Connector(
    name="http-sink",
    sink=f"{_HERE}.http_sink:HttpSink",
    options=(
        *texts("url"),
        Option("insert-method", choices=("POST", "PUT")),
        *_BATCHED,
        *(
            option
            for prefix in (_GID, "http")
            for option in (
                *texts(f"{prefix}.sink.header.*", f"{prefix}.sink.error.code"),
                *texts(f"{prefix}.sink.error.code.exclude"),
                *inert(Option(f"{prefix}.sink.request-callback", choices=("slf4j-logger",))),
                *wholes(f"{prefix}.sink.request.timeout", least=1),
                *wholes(f"{prefix}.sink.writer.thread-pool.size", least=1),
                Option(f"{prefix}.sink.writer.request.mode", choices=("single", "batch")),
                *wholes(f"{prefix}.sink.request.batch.size", least=1, most=500),
                *switches(f"{prefix}.security.cert.server.allowSelfSigned"),
            )
        ),
    ),
    required=(("url",), ("format",)),
    formats=("json",),
    check=_check_http,
)
PRINT = Connector(
    name="print",
    sink=f"{_HERE}.print_sink:PrintSink",
    options=(
        *texts("print-identifier"),
        *inert(switches("standard-error"), wholes("sink.parallelism", least=1)),
    ),
    holds_changes=True,
)
BLACKHOLE = Connector(
    name="blackhole",
    sink=f"{_HERE}.blackhole_sink:BlackholeSink",
    holds_changes=True,
)
DATAGEN = Connector(
    name="datagen",
    source=f"{_HERE}.datagen:DatagenSource",
    options=(
        *wholes("rows-per-second", "number-of-rows", least=1),
        *wholes("seed"),
        *SOURCE,
        Option("fields.#.kind", choices=("random", "sequence")),
        *texts("fields.#.min", "fields.#.max", "fields.#.start", "fields.#.end"),
        *durations("fields.#.max-past"),
        *wholes("fields.#.length"),
        *switches("fields.#.var-len"),
        Option("fields.#.null-rate", options.decimal, least=0, most=1),
    ),
    check=_check_datagen,
)
