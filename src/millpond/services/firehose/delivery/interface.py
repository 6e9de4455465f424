"""The contract inside Firehose: what the engine hands to transformers, converters, destinations.

The way of a record: the source yields `Record`s; a `Transformer` (where processing is configured)
turns them into others, drops them or fails them; the engine buffers what remains by size and time;
a cut of the buffer goes to S3 as an object, through a `Converter` where the record format is
converted, or to a `Destination` as a `Batch`. Whatever fails is a `Failure`: the engine writes it
as a JSON line below the error output prefix. Nothing that was put ends nowhere.

Who does what. The engine (`engine`) owns time, buffers, retry durations, back-off, backup, error
objects and source positions. The others own what they do with the records handed to them: they
hold no state that must outlive a crash, and may be asked again for the same records, in which case
the ids (`Record.id`, `Batch.id`) are the same as before: that is how a repetition is recognised.

Who makes them (each module has these functions; `settings` are Structs of `shapes`):

    transform.check(processing, destination) -> None     raises errors.InvalidArgument
    transform.transformer(needs, delivery) -> Transformer | None
    convert.check(conversion) -> None                    raises errors.InvalidArgument
    convert.converter(needs, delivery, conversion) -> Converter
    destinations.http.check(configuration) -> None       likewise opensearch, iceberg
    destinations.http.destination(needs, delivery) -> Destination
    destinations.opensearch.destination(needs, delivery) -> Destination
    destinations.iceberg.destination(needs, delivery) -> Destination

The checks run when a delivery stream is created or updated, after the shapes' own validation and
the rules that all destinations share (`model.settings`). The others are made once for a version of
a delivery stream's configuration and used by one task at a time, so they may keep what is costly to
make (a loaded function, a table's schema) in memory.
Failing for now is said by raising `NotNow`: the engine waits, growing from 1 s to 60 s, and asks
again with the same arguments. Any other exception is a mistake of ours: it is logged and told to
the error log, and the engine asks twice more; then the records that it stands for end below the
error output prefix, alone where they can be told apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from millpond.kernel.call import Call

NO_KEYS: Mapping[str, str] = {}


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One record on its way. Replace what changes with `msgspec.structs.replace`.

    `shard` is the Kinesis shard, "" for what was put to Firehose itself. `sequence` is the
    record's sequence number in decimal digits; `subsequence` counts the parts of a record that was
    taken apart, -1 for one that was not. `partition_key` is Kinesis's.

    `query_keys` and `lambda_keys` are the partition keys that dynamic partitioning found
    (`!{partitionKeyFromQuery:…}`, `!{partitionKeyFromLambda:…}`). `target` is what a transformation
    said of where an Iceberg record goes, with AWS's names (`destinationTableName`,
    `destinationDatabaseName`, `operation`).
    """

    data: bytes
    arrival_ms: int
    sequence: str
    shard: str = ""
    partition_key: str = ""
    subsequence: int = -1
    query_keys: Mapping[str, str] = NO_KEYS
    lambda_keys: Mapping[str, str] = NO_KEYS
    target: Mapping[str, str] = NO_KEYS

    @property
    def id(self) -> str:
        """Names the record for good: unique within the delivery stream, the same on each try."""
        name = f"{self.shard}:{self.sequence}" if self.shard else self.sequence
        return name if self.subsequence < 0 else f"{name}:{self.subsequence}"


class Failure(NamedTuple):
    """A record that ends below the error output prefix, and why.

    `kind` is the error output type (`!{firehose:error-output-type}`), one of the constants
    below. `code` and `message` are AWS's (`Lambda.FunctionTimedOut`, …). `raw` is what could not
    be processed, which the line holds in Base64. `attempts` is how often it was tried. `more` are
    further members of the line, with AWS's names (`lambdaArn`, `esIndexName`, …).
    """

    kind: str
    code: str
    message: str
    raw: bytes
    arrival_ms: int
    attempts: int = 1
    more: Mapping[str, Any] = NO_KEYS


PROCESSING_FAILED = "processing-failed"
FORMAT_CONVERSION_FAILED = "format-conversion-failed"
HTTP_ENDPOINT_FAILED = "http-endpoint-failed"
OPENSEARCH_FAILED = "AmazonOpenSearchService-failed"
ELASTICSEARCH_FAILED = "elasticsearch-failed"
ICEBERG_FAILED = "iceberg-failed"


class NotNow(Exception):
    """It cannot be done for now; asking again later is right. With AWS's code and words, which
    go to the delivery stream's error log."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Delivery(Protocol):
    """The delivery stream that something is done for, in one version of its configuration."""

    @property
    def name(self) -> str: ...

    @property
    def arn(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def source_arn(self) -> str | None:
        """The Kinesis stream's ARN, None for what is put directly."""
        ...

    @property
    def destination(self) -> Any:
        """The destination's configuration: `shapes.ExtendedS3DestinationConfiguration`,
        `HttpEndpointDestinationConfiguration`, `AmazonopensearchserviceDestinationConfiguration`,
        `ElasticsearchDestinationConfiguration` or `IcebergDestinationConfiguration`, with AWS's
        defaults filled in: buffering hints, retry options, backup mode, … are never None."""
        ...

    def call_as(self, role_arn: str | None) -> Call:
        """For `needs.call_aws`: a call by that role, by the destination's own when None."""
        ...

    def count(self, metric: str, value: float, unit: str = "Count", samples: int = 1) -> None:
        """Measure something under AWS/Firehose for this delivery stream
        (`ExecuteProcessing.Duration`, `Milliseconds`)."""
        ...

    def tell(self, code: str, message: str, **more: Any) -> None:
        """Put an entry into the delivery stream's error log, if one is configured. It never
        fails and never waits; the same entry over and over is told once a minute."""
        ...


class Transformed(NamedTuple):
    """What became of records: those to go on with, in order, those that failed, and how many were
    dropped on purpose."""

    records: Sequence[Record]
    failures: Sequence[Failure] = ()
    dropped: int = 0


class Transformer(Protocol):
    """Everything between source and buffer: decompression, deaggregation, the Lambda-shaped
    function, metadata extraction, delimiters: in AWS's order."""

    @property
    def gather_size_bytes(self) -> int:
        """Hand over at least so much at a time, if it comes; 0 for whatever there is."""
        ...

    @property
    def gather_ms(self) -> int:
        """But wait no longer than this for it."""
        ...

    @property
    def apply_size_bytes_max(self) -> int:
        """Hand over no more than so much at a time, but one record at least; 0: no bound. It bounds
        the memory where records become many times as large."""
        ...

    async def apply(self, records: Sequence[Record]) -> Transformed:
        """Transform records of about `gather_size_bytes`, or up to 4 MiB if that is 0.

        Raises:
            NotNow: and nothing was done.
        """
        ...

    async def close(self) -> None: ...


class Converted(NamedTuple):
    """An object's bytes, in `target`. No object is written if `rows` is 0.

    `extension` follows the object's name unless FileExtension is configured (`.parquet`, `.orc`).
    """

    rows: int
    extension: str
    failures: Sequence[Failure] = ()


class Converter(Protocol):
    """Turns the records of one S3 object into columns."""

    async def convert(self, records: Iterable[Sequence[Record]], target: Path) -> Converted:
        """Write one file of all records, which come in runs of about 1 MiB. Memory stays bounded
        by what a group of rows takes, not by the object. `records` reads from disk: iterate it in
        a thread (`asyncio.to_thread`). `target` does not exist yet, its folder does.

        Raises:
            NotNow: the schema cannot be read for now; nothing was done.
        """
        ...

    async def close(self) -> None: ...


class Batch(NamedTuple):
    """Records for a destination: one cut of the buffer, at most its SizeInMBs.

    `id` is a UUID that is the same whenever the same records are tried again, also after a crash.
    `attempt` counts from 1. From the second on, `records` are those that failed before.
    """

    id: str
    records: Sequence[Record]
    attempt: int = 1


class Undelivered(NamedTuple):
    """A record that did not arrive. `is_final`: trying again would not help.

    `more` as in `Failure`."""

    record: Record
    code: str
    message: str
    is_final: bool = False
    more: Mapping[str, Any] = NO_KEYS


class Destination(Protocol):
    """Where batches go."""

    @property
    def failure_kind(self) -> str:
        """The error output type of what did not arrive."""
        ...

    async def deliver(self, batch: Batch) -> Sequence[Undelivered]:
        """Try once to deliver the batch; what did not arrive. Empty: all of it is safe there.

        The engine tries the rest again within RetryOptions, and then has it written to S3. What
        takes several requests (a bulk body over its limit) is done in here, one after another.
        """
        ...

    async def close(self) -> None: ...
