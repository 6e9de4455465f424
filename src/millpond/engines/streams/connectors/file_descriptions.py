"""The connectors to files and tables on S3.

Sources: Apache Flink's documentation of the filesystem connector (2.x) and of lookup options;
Apache Iceberg's of its Flink connector (1.10).
"""

from millpond.engines.streams.connectors import options
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
from millpond.engines.streams.connectors.descriptions import SOURCE
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import DataType

_LOOKUP = (
    *durations("lookup.full-cache.periodic-reload.interval"),
    *durations("lookup.join.cache.ttl", "lookup.partial-cache.expire-after-write"),
    *inert(
        Option("lookup.cache", choices=("NONE", "PARTIAL", "FULL")),
        wholes("lookup.max-retries"),
        wholes("lookup.partial-cache.max-rows", least=1),
        durations("lookup.partial-cache.expire-after-access"),
        switches("lookup.partial-cache.cache-missing-key"),
        Option("lookup.full-cache.reload-strategy", choices=("PERIODIC",)),
        Option("lookup.full-cache.periodic-reload.schedule-mode", choices=("FIXED_DELAY",)),
    ),
)
_NO_CLASS = "Classes of Java are loaded by Apache Flink only"


def _check_path(table: Table, role: str) -> None:
    path = table.option("path") or ""
    if not path.startswith(("s3://", "s3a://")):
        raise ValueError(f"'path' must begin with s3:// or s3a://: {path}")


_HERE = "millpond.engines.streams.connectors"
FILESYSTEM = Connector(
    name="filesystem",
    source=f"{_HERE}.filesystem_source:FilesystemSource",
    sink=f"{_HERE}.filesystem_sink:FilesystemSink",
    lookup=f"{_HERE}.lookups:FilesystemLookup",
    options=(
        *texts("path", "partition.default-name", "source.path.regex-pattern"),
        *SOURCE,
        *_LOOKUP,
        *durations("source.monitor-interval"),
        Option("sink.rolling-policy.file-size", options.size_bytes, least=1),
        *inert(
            Option("source.report-statistics", choices=("ALL", "NONE")),
            durations("sink.rolling-policy.rollover-interval"),
            durations("sink.rolling-policy.inactivity-interval"),
            durations("sink.rolling-policy.check-interval"),
            switches("auto-compaction", "sink.shuffle-by-partition.enable"),
            Option("compaction.file-size", options.size_bytes, least=1),
            wholes("compaction.parallelism", "sink.parallelism", least=1),
            Option("sink.partition-commit.trigger", choices=("process-time",)),
            Option("sink.partition-commit.delay", choices=("0 s",)),
        ),
        Option("sink.partition-commit.policy.kind", choices=("success-file",)),
        *texts("sink.partition-commit.success-file.name"),
        Option("sink.partition-commit.policy.class", refused=_NO_CLASS),
        Option("partition.time-extractor.class", refused=_NO_CLASS),
    ),
    required=(("path",), ("format",)),
    metadata=(
        MetadataKey("file.path", DataType("STRING", nullable=False)),
        MetadataKey("file.name", DataType("STRING", nullable=False)),
        MetadataKey("file.size", DataType("BIGINT", nullable=False)),
        MetadataKey("file.modification-time", DataType("TIMESTAMP_LTZ", (3,), nullable=False)),
    ),
    formats=("json", "csv", "raw", "parquet"),
    commits=True,
    check=_check_path,
)
ICEBERG = Connector(
    name="iceberg",
    source=f"{_HERE}.iceberg_source:IcebergSource",
    sink=f"{_HERE}.iceberg_sink:IcebergSink",
    lookup=f"{_HERE}.lookups:IcebergLookup",
    options=(
        *texts("catalog-database", "catalog-table"),
        *SOURCE,
        *_LOOKUP,
        *switches("streaming"),
        *durations("monitor-interval"),
        Option(
            "starting-strategy",
            choices=("TABLE_SCAN_THEN_INCREMENTAL", "INCREMENTAL_FROM_LATEST_SNAPSHOT"),
        ),
        *inert(
            texts("catalog-name", "warehouse", "client.region"),
            Option("catalog-type", choices=("glue",)),
            Option("catalog-impl", choices=("org.apache.iceberg.aws.glue.GlueCatalog",)),
            Option("io-impl", choices=("org.apache.iceberg.aws.s3.S3FileIO",)),
            switches("case-sensitive"),
            wholes("split-size", "split-lookback", "split-file-open-cost"),
            Option("write-format", choices=("parquet",)),
            Option("write.format.default", choices=("parquet",)),
            wholes("target-file-size-bytes", "write.target-file-size-bytes", least=1),
            Option("distribution-mode", choices=("none", "hash", "range")),
            Option("write.distribution-mode", choices=("none", "hash", "range")),
            wholes("write-parallelism", least=1),
            switches("upsert-enabled", "write.upsert.enabled"),
            Option("overwrite-enabled", choices=("false",)),
        ),
    ),
    required=(),
    holds_changes=True,
    commits=True,
)
