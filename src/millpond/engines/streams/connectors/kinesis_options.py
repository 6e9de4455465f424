"""What the options of a `kinesis` table say, in both generations of their names."""

from dataclasses import dataclass
from typing import Literal

from millpond.engines.streams.connectors import options
from millpond.engines.streams.connectors.java_dates import moment_ms
from millpond.engines.streams.plan import Table

DISCOVERY_MS_DEFAULT = 10_000
INTERVAL_MS_DEFAULT = 200
RECORDS_MAX_DEFAULT = 10_000
_DATE_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"


@dataclass(frozen=True, slots=True)
class StreamName:
    """A stream by its ARN or its name; `region` is None where that of the run is meant."""

    identity: dict[str, str]
    region: str | None
    shown: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a stream is read. `consumer` names the one of enhanced fan-out (None: it is polled), by
    its ARN if that is given; `managed`: the run registers and deregisters it."""

    start: Literal["LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"]
    start_ms: int
    consumer: str | None
    managed: bool
    discovery_ms: int
    interval_ms: int
    records_max: int
    deregister_ms: int


def stream_of(table: Table) -> StreamName:
    """The stream of a table."""
    arn = table.option("stream.arn")
    region = table.option("aws.region")
    if arn is not None:
        return StreamName({"StreamARN": arn}, region or arn.split(":")[3], arn.rpartition("/")[2])
    name = table.option("stream") or ""
    if name.startswith("arn:"):
        return StreamName({"StreamARN": name}, region or name.split(":")[3], name)
    return StreamName({"StreamName": name}, region, name)


def reading_of(table: Table) -> Reading:
    """How a table's stream is read.

    Raises:
        ValueError: a date is not of its format.
    """
    start = (table.option("source.init.position", "scan.stream.initpos") or "LATEST").upper()
    start_ms = 0
    if start == "AT_TIMESTAMP":
        text = table.option("source.init.timestamp", "scan.stream.initpos-timestamp") or ""
        form = table.option("source.init.timestamp.format", "scan.stream.initpos-timestamp-format")
        start_ms = moment_ms(text, form or _DATE_FORMAT)
    reader = table.option("source.reader.type", "scan.stream.recordpublisher") or "POLLING"
    lifecycle = table.option("source.efo.lifecycle", "scan.stream.efo.registration") or ""
    names = ("scan.stream.efo.consumerarn", "source.efo.consumer.name")
    return Reading(
        start=start,  # type: ignore[arg-type]
        start_ms=start_ms,
        consumer=table.option(*names, "scan.stream.efo.consumername")
        if reader.upper() == "EFO"
        else None,
        managed=lifecycle.upper() not in ("SELF_MANAGED", "NONE"),
        discovery_ms=_ms(
            table,
            "source.shard.discovery.interval",
            "scan.shard.discovery.intervalmillis",
            default=DISCOVERY_MS_DEFAULT,
        ),
        interval_ms=_ms(
            table,
            "source.shard.get-records.interval",
            "scan.shard.getrecords.intervalmillis",
            default=INTERVAL_MS_DEFAULT,
        ),
        records_max=options.whole(
            table.option(
                "source.shard.get-records.max-record-count", "scan.shard.getrecords.maxrecordcount"
            )
            or str(RECORDS_MAX_DEFAULT)
        ),
        deregister_ms=_ms(table, "source.efo.deregister.timeout", default=10_000),
    )


def _ms(table: Table, *names: str, default: int) -> int:
    text = table.option(*names)
    return default if text is None else options.duration_ms(text)
