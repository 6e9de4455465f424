"""What the options of connectors and formats do, in a few words, with their defaults.

By an option's name; a format's begin with the format's. Both names of an option that has two
generations of names are here.
"""

_NEWER = "the older name of `{}`"

TEXTS: dict[str, str] = {
    "aws.endpoint": "AWS's endpoint or the platform's; the platform's",
    "aws.region": "the ARN's region, or the application's",
    "catalog-database": "the table's database in Glue; `default`",
    "catalog-table": "its name in Glue; the table's own",
    "delivery-stream": "its name",
    "fields.#.end": "the last value of a sequence",
    "fields.#.kind": "`random`",
    "fields.#.length": "of texts, bytes, arrays and maps; 100 for texts and bytes, else 3",
    "fields.#.max": "the highest random number; the type's",
    "fields.#.max-past": "how far before now a random time may lie; 0",
    "fields.#.min": "the lowest random number; the type's",
    "fields.#.null-rate": "the share of NULLs; 0",
    "fields.#.start": "the first value of a sequence",
    "fields.#.var-len": "whether lengths are random, up to `length`; `false`",
    "insert-method": "`POST`",
    "lookup.full-cache.periodic-reload.interval": "how often the table is read again; `1 h`",
    "lookup.join.cache.ttl": "the same, as Hive tables have it",
    "lookup.partial-cache.expire-after-write": "the same, as other connectors have it",
    "monitor-interval": "how often new snapshots are looked for; `60 s`",
    "number-of-rows": "after so many rows the table ends; never",
    "partition.default-name": "the folder of NULL; `__DEFAULT_PARTITION__`",
    "path": "a folder or file: `s3://bucket/folder/`",
    "print-identifier": "what stands before each row",
    "rows-per-second": "10,000",
    "scan.shard.discovery.intervalmillis": _NEWER.format("source.shard.discovery.interval"),
    "scan.shard.getrecords.intervalmillis": _NEWER.format("source.shard.get-records.interval"),
    "scan.shard.getrecords.maxrecordcount": _NEWER.format(
        "source.shard.get-records.max-record-count"
    ),
    "scan.shard.idle.interval": "refused above 0: `scan.watermark.idle-timeout` says it",
    "scan.stream.efo.consumerarn": "the ARN of a registered consumer",
    "scan.stream.efo.consumername": _NEWER.format("source.efo.consumer.name"),
    "scan.stream.efo.registration": "`NONE`: the consumer is there already; `LAZY`",
    "scan.stream.initpos": _NEWER.format("source.init.position"),
    "scan.stream.initpos-timestamp": _NEWER.format("source.init.timestamp"),
    "scan.stream.initpos-timestamp-format": _NEWER.format("source.init.timestamp.format"),
    "scan.stream.recordpublisher": _NEWER.format("source.reader.type"),
    "scan.watermark.idle-timeout": "after how long without rows a split is idle; "
    "`table.exec.source.idle-timeout`",
    "seed": "the same values in every run, but for times; without it others each time",
    "sink.batch.max-size": "how many rows a request has; 500",
    "sink.fail-on-error": "whether a row that is refused ends the run; `false`: it is told",
    "sink.flush-buffer.size": "how many bytes a request has",
    "sink.flush-buffer.timeout": "how many milliseconds rows wait for others; 10",
    "sink.partition-commit.policy.kind": "whether an empty file marks folders that were written",
    "sink.partition-commit.success-file.name": "that file's name; `_SUCCESS`",
    "sink.partitioner": "`fixed`: one partition key for all; `random`. PARTITIONED BY names "
    "columns instead",
    "sink.partitioner-field-delimiter": "what stands between the columns of a key; `|`",
    "sink.requests.max-inflight": "how many requests are on their way at once",
    "sink.rolling-policy.file-size": "a file of this size is closed; `128 MB`",
    "source.efo.consumer.name": "the consumer of `EFO`",
    "source.efo.deregister.timeout": "how long removing the consumer may take; `10 s`",
    "source.efo.lifecycle": "`JOB_MANAGED`: registered by the application; "
    "`SELF_MANAGED`: there already",
    "source.init.position": "where the first start begins; `LATEST`",
    "source.init.timestamp": "with `AT_TIMESTAMP`: the moment",
    "source.init.timestamp.format": "its pattern, or epoch seconds; `yyyy-MM-dd'T'HH:mm:ss.SSSXXX`",
    "source.monitor-interval": "how often new files are looked for; without it the table ends",
    "source.path.regex-pattern": "which files, by their whole URI",
    "source.reader.type": "`EFO`: by subscription; `POLLING`",
    "source.shard.discovery.interval": "how often new shards are looked for; `10 s`",
    "source.shard.get-records.interval": "how often a shard is polled; `200 ms`",
    "source.shard.get-records.max-record-count": "10,000",
    "starting-strategy": "`TABLE_SCAN_THEN_INCREMENTAL`",
    "stream": "a stream's name or ARN",
    "stream.arn": "a stream's ARN",
    "streaming": "whether new snapshots are followed; `false`: the table ends",
    "url": "`http://` or `https://`",
    "avro.encoding": "`binary`",
    "avro.timestamp_mapping.legacy": "`true`: TIMESTAMP is an instant, as in Flink's first mapping",
    "csv.allow-comments": "whether lines that begin with `#` are left out; `false`",
    "csv.array-element-delimiter": "`;`",
    "csv.disable-quote-character": "`false`",
    "csv.escape-character": "none",
    "csv.field-delimiter": "`,`",
    "csv.ignore-parse-errors": "whether what cannot be read is NULL or left out; `false`",
    "csv.null-literal": "which text is NULL; none",
    "csv.quote-character": '`"`',
    "csv.write-bigdecimal-in-scientific-notation": "`true`",
    "json.encode.decimal-as-plain-number": "`false`: `2.7E-8`",
    "json.encode.ignore-null-fields": "`false`",
    "json.fail-on-missing-field": "whether a record without a field is an error; `false`: NULL",
    "json.ignore-parse-errors": "whether what cannot be read is NULL or left out; `false`",
    "json.map-null-key.literal": "the key for NULL; `null`",
    "json.map-null-key.mode": "`FAIL`",
    "json.timestamp-format.standard": "`SQL`: `2026-11-21 12:00:00`; `ISO-8601`: with a `T`",
    "parquet.compression": "`SNAPPY`",
    "parquet.enable.dictionary": "`true`",
    "raw.charset": "`UTF-8`",
    "raw.endianness": "`big-endian`",
}

TEXTS.update(
    {
        f"{prefix}.{name}": text
        for prefix in ("gid.connector.http", "http")
        for name, text in {
            "security.cert.server.allowSelfSigned": "`false`",
            "sink.error.code": "which statuses are refusals; `4XX,5XX`",
            "sink.error.code.exclude": "which of them are not",
            "sink.header.*": "a header of each request",
            "sink.request.batch.size": "how many rows a request has; 500",
            "sink.request.timeout": "seconds; 30",
            "sink.writer.request.mode": "`batch`: an array of rows; `single`: a row",
            "sink.writer.thread-pool.size": "how many requests are on their way at once; 4",
        }.items()
    }
)
