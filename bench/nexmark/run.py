"""Nexmark on Millpond's embedded engine, beside Apache Flink (PyFlink, local) on the same text.

Both read the same JSON lines, Millpond from its own S3 over HTTP and Flink from files, and drop
their answers. Each query runs over a file of a few events too: what that takes is starting and
stopping, and is taken off. A smaller run first writes the answers of both, which must be equal.
"""

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from bench import servers
from bench.load import Target
from bench.nexmark import events
from bench.nexmark.queries import QUERIES, program
from bench.peers import pyflink
from millpond.engines.streams.embedded import EmbeddedStreams
from millpond.engines.streams.interface import Access, Measured, Order, Program, Restore

BUCKET = "nexmark"
FEW = 1_000
CHECKED = 100_000
CORES = 2
_ANSWERS = "'connector' = 'filesystem', 'path' = '{path}', 'format' = 'json'"


@dataclass(frozen=True)
class Run:
    """What a run over events took."""

    seconds: float
    cpu_seconds: float

    def less(self, start: "Run") -> "Run":
        """Without what starting and stopping takes."""
        return Run(
            max(self.seconds - start.seconds, 0.001),
            max(self.cpu_seconds - start.cpu_seconds, 0.001),
        )


def compare(count: int) -> None:
    print(f"\n### Nexmark, {count:,} events\n", flush=True)
    flink = pyflink()
    with tempfile.TemporaryDirectory(prefix="nexmark-") as name, servers.millpond() as (ours, _, _):
        folder = Path(name)
        for size in (FEW, CHECKED, count):
            for path in events.write(folder / str(size), size):
                _s3(ours).upload_file(str(path), BUCKET, f"{size}/{path.name}")
        print("| query | Millpond, events/s | per core | ", end="")
        print("Flink, events/s | per core | ratio per core | answers |")
        print("|---|---:|---:|---:|---:|---:|---|")
        with _engine(folder) as engine:
            for query in QUERIES:
                _row(query, count, folder, ours, engine, flink)


def _row(
    query: str,
    count: int,
    folder: Path,
    ours: Target,
    engine: EmbeddedStreams,
    flink: Path | None,
) -> None:
    mine = _millpond(engine, ours, query, count).less(_millpond(engine, ours, query, FEW))
    line = f"| {query} | {count / mine.seconds:,.0f} | {count / mine.cpu_seconds:,.0f} | "
    if flink is None:
        print(f"{line}not installed | | | |", flush=True)
        return
    theirs = _flink(flink, folder, query, count).less(_flink(flink, folder, query, FEW))
    equal = (
        "by processing time" if query == "q12" else _compared(query, folder, ours, engine, flink)
    )
    print(
        f"{line}{count / theirs.seconds:,.0f} | {count / theirs.cpu_seconds:,.0f} | "
        f"{theirs.cpu_seconds / mine.cpu_seconds:.1f}x | {equal} |",
        flush=True,
    )


def _compared(query: str, folder: Path, ours: Target, engine: EmbeddedStreams, flink: Path) -> str:
    """Whether both give the same rows, and how many."""
    sink = _ANSWERS.format(path=f"s3://{BUCKET}/answers-{query}/")
    _millpond(engine, ours, query, CHECKED, sink)
    s3 = _s3(ours)
    mine: Counter[str] = Counter()
    for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"answers-{query}/").get("Contents", []):
        body = s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
        mine.update(_normal(line) for line in body.splitlines())
    out = folder / f"answers-{query}"
    _flink(flink, folder, query, CHECKED, _ANSWERS.format(path=f"file://{out}"))
    theirs: Counter[str] = Counter()
    for path in out.rglob("*"):
        if path.is_file():
            theirs.update(_normal(line) for line in path.read_bytes().splitlines())
    rows = sum(theirs.values())
    return (
        f"equal, {rows:,} rows"
        if mine == theirs
        else f"DIFFERENT: {sum(mine.values()):,}, {rows:,}"
    )


def _normal(line: bytes) -> str:
    return json.dumps(json.loads(line), sort_keys=True)


def _millpond(
    engine: EmbeddedStreams,
    target: Target,
    query: str,
    count: int,
    sink: str = "'connector' = 'blackhole'",
) -> Run:
    text = ";\n".join(program(query, f"s3://{BUCKET}/{count}/", sink)) + ";"
    return asyncio.run(_run(engine, target, f"{query}-{count}-{len(sink)}", text))


async def _run(engine: EmbeddedStreams, target: Target, name: str, text: str) -> Run:
    folder = Path(tempfile.mkdtemp(prefix="nexmark-run-"))
    order = Order(
        name=name,
        program=Program("flink", text),
        folder=folder / "state",
        access=_access(target),
        restore=Restore.NOTHING,
        parallelism=CORES,
        memory_bytes=2 << 30,
        checkpoint_seconds=0,
    )
    started = time.perf_counter()
    run = await engine.start(order)
    last = Measured()
    async for event in run.events():
        if isinstance(event, Measured):
            last = event
    finished = await run.wait()
    seconds = time.perf_counter() - started
    shutil.rmtree(folder, ignore_errors=True)
    if finished.failure:
        raise RuntimeError(f"{name}: {finished.failure}")
    return Run(seconds, last.cpu_seconds)


def _flink(
    python: Path,
    folder: Path,
    query: str,
    count: int,
    sink: str = "'connector' = 'blackhole'",
) -> Run:
    statements = folder / "statements.json"
    statements.write_text(json.dumps(program(query, f"file://{folder / str(count)}", sink)))
    job = Path(__file__).with_name("flink_job.py")
    finished = subprocess.run(
        [str(python), str(job), str(statements), str(CORES)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = finished.stdout.rpartition("FIGURES ")[2]
    return Run(**json.loads(told.splitlines()[0]))


@contextmanager
def _engine(folder: Path) -> Iterator[EmbeddedStreams]:
    engine = EmbeddedStreams.open(folder / "engine", f"bench-{folder.name}")
    try:
        yield engine
    finally:
        asyncio.run(engine.close())


def _s3(target: Target) -> Any:
    access = _access(target)
    s3 = boto3.client(
        "s3",
        endpoint_url=access.endpoint,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
    )
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
    return s3


def _access(target: Target) -> Access:
    return Access(
        target.endpoint,
        "us-east-1",
        target.access_key_id,
        target.secret_access_key,
    )
