"""The seed figure: how much of the retail job a machine does in a second and on one core, and that
its memory does not grow with its input.

The whole way: files in Millpond's S3, a step on an EMR cluster of the default release, Parquet back
to S3. Sizes are logical: bytes of the orders as CSV, whatever the format. One gigabyte of orders is
made, put, and copied under further keys as often as a size asks for.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from bench import emr, servers
from bench.processes import Sampler

GIGABYTE = 10**9
ROWS_OF_A_GIGABYTE = 19_000_000
"""Orders whose CSV files have about a gigabyte; the size that counts is that of the files."""
BUCKET = "seed"
JOB = Path(__file__).parents[1] / "examples" / "retail" / "job.py"
NODES = 20
TERABYTES = 500


@dataclass(frozen=True)
class Orders:
    """What was made: orders, and the bytes that they have as CSV."""

    count: int
    size_bytes: int


@dataclass(frozen=True)
class Outcome:
    """One run of the job. Memory is the largest that its processes had at once."""

    seconds: float
    engine_mb: float
    server_mb: float
    engine_cores: float
    server_cores: float


def compare(gigabytes_parquet: list[int], gigabytes_csv: list[int]) -> None:
    """Print the table."""
    cores = os.cpu_count() or 1
    print("\n### The seed figure: the retail job through S3 and EMR\n")
    print("| format | logical GB | seconds | MB/s per core | engine MB | server MB | cores used |")
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    best: dict[str, float] = {}
    for form, sizes in (("parquet", gigabytes_parquet), ("csv", gigabytes_csv)):
        with tempfile.TemporaryDirectory(prefix="millpond-bench-") as name, _server() as process:
            orders = _make(form, Path(name))
            for copies in sizes:
                outcome = _measure(form, copies, orders, process)
                rate = orders.size_bytes * copies / 1e6 / outcome.seconds / cores
                best[form] = rate
                print(
                    f"| {form} | {orders.size_bytes * copies / GIGABYTE:.1f} "
                    f"| {outcome.seconds:.1f} | {rate:.0f} | {outcome.engine_mb:,.0f} "
                    f"| {outcome.server_mb:,.0f} "
                    f"| {outcome.engine_cores:.2f} + {outcome.server_cores:.2f} |",
                    flush=True,
                )
    for form, rate in best.items():
        hours = TERABYTES * 1e6 / (rate * cores * NODES) / 3600
        print(
            f"\nAn extrapolation, not a measurement: {TERABYTES} TB of {form} on {NODES} such "
            f"machines, if they shared nothing but the input: {hours:.1f} hours."
        )


@contextmanager
def _server() -> Iterator[subprocess.Popen[bytes]]:
    with servers.millpond() as (target, process, _):
        emr.call_at(target)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.upload_file(str(JOB), BUCKET, "job.py")
        yield process


def _make(form: str, folder: Path) -> Orders:
    """Make a gigabyte of orders and put it below `one/`."""
    made = {}
    for each in sorted({"csv", form}):
        command = [sys.executable, "-m", "examples.retail.generate", "--format", each]
        command += ["--rows", str(ROWS_OF_A_GIGABYTE), "--files", "monthly"]
        subprocess.run(
            [*command, "--out", str(folder / each)], check=True, stdout=subprocess.DEVNULL
        )
        made[each] = [path for path in (folder / each / "orders").rglob("*") if path.is_file()]
    s3 = boto3.client("s3")
    root = folder / form / "orders"
    for path in made[form]:
        s3.upload_file(str(path), BUCKET, f"one/{path.relative_to(root)}")
    totals = json.loads((folder / form / "totals.json").read_text())
    return Orders(
        sum(group["orders"] for group in totals),
        sum(path.stat().st_size for path in made["csv"]),
    )


def _measure(form: str, copies: int, orders: Orders, process: subprocess.Popen[bytes]) -> Outcome:
    s3 = boto3.client("s3")
    keys = _keys(s3, "one/")
    pairs = [
        (key, f"input/copy={copy:03}/{key.removeprefix('one/')}")
        for copy in range(copies)
        for key in keys
    ]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda pair: _copy(s3, *pair), pairs))
    arguments = ["--input", f"s3://{BUCKET}/input/", "--format", form]
    arguments += ["--output", f"s3://{BUCKET}/output/"]
    cluster = emr.start_cluster("emr-spark-8.0.0", "m5.xlarge", BUCKET)
    with Sampler(process, 0.5) as sampler:
        seconds, output = emr.run_step(cluster, BUCKET, "job.py", arguments)
    emr.end_cluster(cluster)
    wanted = f"from {orders.count * copies} orders"
    if wanted not in output:
        raise RuntimeError(f"The job says {output!r}, and not {wanted!r}.")
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda pair: s3.delete_object(Bucket=BUCKET, Key=pair[1]), pairs))
    return Outcome(
        seconds,
        sampler.resident_mb_max("engine"),
        sampler.resident_mb_max("server"),
        sampler.cpu_seconds("engine") / seconds,
        sampler.cpu_seconds("server") / seconds,
    )


def _keys(s3: Any, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def _copy(s3: Any, source: str, target: str) -> None:
    s3.copy_object(Bucket=BUCKET, Key=target, CopySource={"Bucket": BUCKET, "Key": source})
