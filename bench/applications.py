"""Streaming applications as a user has them: through the server, Kinesis in, Kinesis or S3 out.

Throughput: a producer puts records as fast as the server takes them, while the application reads,
computes and writes them; the clock runs from the first record put to the last answer that is there,
so the rate is of producer, server and application together on this machine. Answers are counted.

Latency: records are put at a steady rate, each with the moment it is due as its event time; what
counts is when its answer is at a subscriber of the output stream. For windows that is from the end
of the window, which is where the watermark is when the window's last record comes.
"""

import base64
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
import pyarrow.parquet as pq
import uvloop

from bench import kinesis, servers
from bench.kinesis import BATCH, REGION, make_stream, put_at, signed, subscribed
from bench.load import Target, send
from bench.processes import Sampler

ROLE = "arn:aws:iam::000000000000:role/bench"
BUCKET = "bench-applications"
KEYS = 10_000
SHARDS = 4
WINDOW_MS = 1_000
EVENT_RATE = 50_000
"""Records a second of event time, where many are put at once."""
_SECONDS_MAX = 300.0
_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/"

_SOURCE = f"""
CREATE TABLE readings (
  number BIGINT, sensor STRING, reading DOUBLE, at_time TIMESTAMP_LTZ(3),
  WATERMARK FOR at_time AS at_time
) WITH (
  'connector' = 'kinesis', 'stream.arn' = '{_ARN}{{source}}', 'aws.region' = '{REGION}',
  'source.init.position' = 'TRIM_HORIZON', 'source.reader.type' = 'EFO',
  'source.efo.consumer.name' = 'bench', 'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);
"""
_TO_KINESIS = f"""WITH (
  'connector' = 'kinesis', 'stream.arn' = '{_ARN}{{sink}}', 'aws.region' = '{REGION}',
  'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'
);
"""
_TO_S3 = (
    f"WITH ('connector' = 'filesystem', 'path' = 's3://{BUCKET}/{{sink}}/', 'format' = 'parquet');"
)
_SCORED = (
    "CREATE TABLE answers (number BIGINT, sensor STRING, score DOUBLE, at_time TIMESTAMP_LTZ(3)) "
)
_SCORING = """
CREATE FUNCTION score AS 'scoring.score' LANGUAGE PYTHON;
INSERT INTO answers
SELECT number, UPPER(sensor), score(reading, reading * 0.5), at_time FROM readings;
"""
_PROJECTING = """
INSERT INTO answers SELECT number, UPPER(sensor), reading * 0.5 + 1, at_time FROM readings;
"""
_FUNCTION = '''
"""A score: arithmetic over columns, as a small linear model is."""

import numpy as np
from pyflink.table import DataTypes
from pyflink.table.udf import udf


@udf(result_type=DataTypes.DOUBLE(), func_type="pandas")
def score(reading, half):
    return 1 / (1 + np.exp(-(reading * 0.01 - half * 0.02)))
'''
_TUMBLING = f"""
INSERT INTO answers
SELECT sensor, window_end, COUNT(*), SUM(reading)
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(at_time), INTERVAL '{WINDOW_MS // 1000}' SECOND))
GROUP BY sensor, window_start, window_end;
"""
_TOTALS = (
    "CREATE TABLE answers (sensor STRING, window_end TIMESTAMP(3), counted BIGINT, total DOUBLE) "
)
_PROGRAMS = {
    "scored, to Kinesis": _SOURCE + _SCORED + _TO_KINESIS + _SCORING,
    "scored, to S3": _SOURCE + _SCORED + _TO_S3 + _SCORING,
    "projected, to Kinesis": _SOURCE + _SCORED + _TO_KINESIS + _PROJECTING,
    "tumbling windows, to Kinesis": _SOURCE + _TOTALS + _TO_KINESIS + _TUMBLING,
}


@dataclass(frozen=True)
class Figure:
    """A line of the report: what, its figure, and what it took."""

    what: str
    figure: str
    note: str = ""


class Application:
    """An application of a server, its input stream and its output."""

    def __init__(self, target: Target, name: str, sql: str) -> None:
        self.name = name
        self._target = target
        self._sql = sql.replace("{source}", self.source).replace("{sink}", self.sink)
        self._client = client(target, "kinesisanalyticsv2")

    @property
    def source(self) -> str:
        return f"{self.name}-in"

    @property
    def sink(self) -> str:
        return f"{self.name}-out"

    def create(self, checkpoint_ms: int = 10_000) -> None:
        """Create it, with its function."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as code:
            code.writestr("application.sql", self._sql)
            code.writestr("scoring.py", _FUNCTION)
        key = f"code/{self.name}.zip"
        client(self._target, "s3").put_object(Bucket=BUCKET, Key=key, Body=content.getvalue())
        self._client.create_application(
            ApplicationName=self.name,
            RuntimeEnvironment="FLINK-1_20",
            ServiceExecutionRole=ROLE,
            ApplicationConfiguration={
                "ApplicationCodeConfiguration": {
                    "CodeContentType": "ZIPFILE",
                    "CodeContent": {
                        "S3ContentLocation": {"BucketARN": f"arn:aws:s3:::{BUCKET}", "FileKey": key}
                    },
                },
                "FlinkApplicationConfiguration": {
                    "CheckpointConfiguration": {
                        "ConfigurationType": "CUSTOM",
                        "CheckpointInterval": checkpoint_ms,
                        "MinPauseBetweenCheckpoints": 500,
                    }
                },
                "ApplicationSnapshotConfiguration": {"SnapshotsEnabled": False},
            },
        )

    def start(self) -> float:
        """Start it; the seconds until it is RUNNING."""
        began = time.perf_counter()
        self._client.start_application(ApplicationName=self.name)
        while (status := self._status()) == "STARTING":
            time.sleep(0.02)
        if status != "RUNNING":
            raise RuntimeError(f"{self.name} is {status}.")
        return time.perf_counter() - began

    def stop(self) -> None:
        """Stop it at once."""
        self._client.stop_application(ApplicationName=self.name, Force=True)
        while self._status() != "READY":
            time.sleep(0.05)

    def _status(self) -> str:
        found = self._client.describe_application(ApplicationName=self.name)
        return str(found["ApplicationDetail"]["ApplicationStatus"])


def client(target: Target, service: str) -> Any:
    """A boto3 client of `target`."""
    return boto3.client(
        service,
        endpoint_url=target.endpoint,
        region_name=REGION,
        aws_access_key_id=target.access_key_id,
        aws_secret_access_key=target.secret_access_key,
    )


def report(records: int, rate: int, seconds: float) -> None:
    """Measure everything, and print a table. `records` for each throughput; latencies at `rate`
    records a second for `seconds`."""
    print("\n### Streaming applications\n\n| what | figure | |\n|---|---:|---|", flush=True)
    for what in _PROGRAMS:
        _tell(throughput(what, records))
    _tell(latency("scored, to Kinesis", rate, seconds))
    _tell(latency("tumbling windows, to Kinesis", rate, seconds))
    _tell(start())


def throughput(what: str, records: int) -> Figure:
    """How many records a second come through from the producer to the output."""
    records -= records % BATCH
    with _running(what, checkpoint_ms=1_000 if "S3" in what else 10_000) as (target, process, own):
        requests = list(_requests(own.source, records))
        counted = _CountedRows(target, own.sink) if "S3" in what else None
        reader = None if counted else _CountedRecords(target, own.sink)
        wanted = _answers(what, records)
        with Sampler(process, 0.5) as sampler:
            began = time.perf_counter()
            send(target, requests, connections=4, lay_out=signed)
            put_seconds = time.perf_counter() - began
            if "tumbling" in what:
                _close_windows(target, own.source, records, time.time())
            count = (counted or reader).wait(wanted)  # type: ignore[union-attr]
            seconds = time.perf_counter() - began
        if count != wanted:
            raise RuntimeError(f"{what}: {count:,} answers instead of {wanted:,}")
        return Figure(
            f"{what}, {records:,} records",
            f"{records / seconds:,.0f} records/s",
            f"put within {put_seconds:.1f} s; {_used(sampler, records)}",
        )


def latency(what: str, rate: int, seconds: float) -> Figure:
    """How long after a record is due, or after its window ends, its answer is at a subscriber."""
    batch = max(1, rate // 200)
    count = int(rate * seconds)
    with _running(what, shards=2) as (target, process, own):
        # Laying out takes a while; a subscription needs a moment, too.
        begin = float(int(time.time() + 4 + count * 5e-5))
        prepared = [
            signed(target, "POST", "PutRecords", _body(own.source, first, batch, begin, rate))
            for first in range(0, count, batch)
        ]
        end = begin + seconds + 2
        with subscribed(target, own.sink, _due, lambda _: time.time() > end) as arrived:
            late = begin - time.time()
            with Sampler(process) as sampler:
                uvloop.run(put_at(target, prepared, lambda number: late + number * batch / rate))
            _close_windows(target, own.source, count, end)
            time.sleep(max(0, end - time.time()))
            _close_windows(target, own.source, count + 1, end + 10)
            settled = begin + min(3.0, seconds / 4)
            delays_ms = sorted(
                (at - due) * 1000 for due, at in arrived() if settled <= due <= begin + seconds
            )
        p50, p99 = (delays_ms[int(len(delays_ms) * share)] for share in (0.5, 0.99))
        return Figure(
            f"{what}, latency at {rate:,} records/s",
            f"p50 {p50:,.0f} ms, p99 {p99:,.0f} ms",
            f"{len(delays_ms):,} answers, longest {delays_ms[-1]:,.0f} ms; {_used(sampler, count)}",
        )


def start() -> Figure:
    """From StartApplication to RUNNING, the median of five."""
    with _stopped("scored, to Kinesis") as (_, process, own):
        own.create()
        seconds = []
        for _ in range(5):
            seconds.append(own.start())
            time.sleep(1)
            with Sampler(process, 0.5) as sampler:
                time.sleep(1.5)
            own.stop()
        return Figure(
            "StartApplication to RUNNING, median of 5",
            f"{sorted(seconds)[2]:.2f} s",
            f"at rest {sampler.resident_mb('server'):.0f} MB server, "
            f"{sampler.resident_mb('application'):.0f} MB application",
        )


@contextmanager
def _stopped(what: str, shards: int = SHARDS) -> Iterator[tuple[Target, Any, Application]]:
    """A server with streams for an application."""
    with servers.millpond(None, "--kinesis-limits", "none") as (target, process, _):
        name = re.sub(r"\W+", "-", what)
        own = Application(target, name, _PROGRAMS[what])
        client(target, "s3").create_bucket(Bucket=BUCKET)
        make_stream(target, own.source, shards)
        make_stream(target, own.sink, 1)
        yield target, process, own


@contextmanager
def _running(
    what: str, shards: int = SHARDS, checkpoint_ms: int = 10_000
) -> Iterator[tuple[Target, Any, Application]]:
    with _stopped(what, shards) as (target, process, own):
        own.create(checkpoint_ms)
        own.start()
        time.sleep(1)
        yield target, process, own


def _record(number: int, at_time: float) -> bytes:
    moment = datetime.fromtimestamp(at_time, UTC).isoformat(timespec="milliseconds")[:-6]
    return b'{"number": %d, "sensor": "sensor-%05d", "reading": %.2f, "at_time": "%sZ"}' % (
        number,
        number * 7919 % KEYS,
        number % 9973 / 100,
        moment.encode(),
    )


def _body(stream: str, first: int, count: int, begin: float, rate: int) -> bytes:
    """PutRecords of records that are due at a rate from a moment on."""
    entries = []
    for number in range(first, first + count):
        data = base64.b64encode(_record(number, begin + number / rate)).decode()
        entries.append({"Data": data, "PartitionKey": str(number * 7919 % KEYS)})
    return json.dumps({"StreamName": stream, "Records": entries}).encode()


def _requests(stream: str, records: int) -> Iterator[tuple[str, str, bytes]]:
    begin = float(int(time.time()) - 3600)
    for first in range(0, records, BATCH):
        yield "POST", "PutRecords", _body(stream, first, BATCH, begin, EVENT_RATE)


def _answers(what: str, records: int) -> int:
    """How many answers there must be."""
    if "tumbling" not in what:
        return records
    each = EVENT_RATE * WINDOW_MS // 1_000
    return sum(min(KEYS, records - first, each) for first in range(0, records, each))


def _close_windows(target: Target, stream: str, number: int, at_time: float) -> None:
    """Put a late record into each shard, so that the watermark passes all windows."""
    streams = client(target, "kinesis")
    for shard in streams.list_shards(StreamName=stream)["Shards"]:
        streams.put_record(
            StreamName=stream,
            PartitionKey="last",
            ExplicitHashKey=shard["HashKeyRange"]["StartingHashKey"],
            Data=_record(number, at_time),
        )


class _CountedRecords:
    """Counts the records of a stream from now on, without looking into them."""

    def __init__(self, target: Target, stream: str) -> None:
        self._target = target
        streams = client(target, "kinesis")
        self._iterators: list[str] = [
            streams.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in streams.list_shards(StreamName=stream)["Shards"]
        ]
        self._count = 0

    def wait(self, wanted: int) -> int:
        """Count until so many are there."""
        address = urlsplit(self._target.endpoint)
        assert address.hostname is not None
        connection = HTTPConnection(address.hostname, address.port)
        connection.connect()
        until = time.monotonic() + _SECONDS_MAX
        while self._count < wanted and time.monotonic() < until:
            before = self._count
            self._iterators = [self._read(connection, each) for each in self._iterators]
            if self._count - before < kinesis.READ_AT_ONCE:
                time.sleep(0.1)
        connection.close()
        return self._count

    def _read(self, connection: HTTPConnection, iterator: str) -> str:
        body = json.dumps({"ShardIterator": iterator, "Limit": kinesis.READ_AT_ONCE}).encode()
        connection.sock.sendall(signed(self._target, "POST", "GetRecords", body))
        answer = _read_answer(connection)
        self._count += answer.count(b'"SequenceNumber"')
        found = re.search(rb'"NextShardIterator": ?"([^"]+)"', answer)
        if found is None:
            raise RuntimeError(answer[:500].decode(errors="replace"))
        return found.group(1).decode()


def _read_answer(connection: HTTPConnection) -> bytes:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += connection.sock.recv(1 << 20)
    found = re.search(rb"content-length: ?(\d+)", received[:end], re.IGNORECASE)
    assert found is not None
    left = int(found.group(1)) - (len(received) - end - 4)
    parts = [received[end + 4 :]]
    while left:
        parts.append(connection.sock.recv(min(left, 1 << 20)))
        left -= len(parts[-1])
    return b"".join(parts)


class _CountedRows:
    """Counts the rows of the Parquet files under a prefix."""

    def __init__(self, target: Target, prefix: str) -> None:
        self._s3 = client(target, "s3")
        self._prefix = f"{prefix}/"
        self._seen: dict[str, int] = {}

    def wait(self, wanted: int) -> int:
        """Count until so many are there."""
        until = time.monotonic() + _SECONDS_MAX
        while sum(self._seen.values()) < wanted and time.monotonic() < until:
            listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=self._prefix)
            for found in listed.get("Contents", []):
                if found["Key"] not in self._seen:
                    body = self._s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
                    self._seen[found["Key"]] = pq.read_metadata(io.BytesIO(body)).num_rows
            time.sleep(0.1)
        return sum(self._seen.values())


def _due(answer: bytes) -> float:
    """When an answer was due: the moment of its record, or the end of its window."""
    found = json.loads(answer)
    moment = found.get("at_time") or f"{found['window_end']}Z"
    return datetime.fromisoformat(moment).timestamp()


def _used(sampler: Sampler, records: int) -> str:
    """What server and application used."""
    parts = []
    for role in ("server", "application"):
        micros = sampler.cpu_seconds(role) / records * 1e6
        parts.append(
            f"{role} {micros:.1f} us of CPU a record, {sampler.resident_mb_max(role):.0f} MB"
        )
    return ", ".join(parts)


def _tell(figure: Figure) -> None:
    print(f"| {figure.what} | {figure.figure} | {figure.note} |", flush=True)
