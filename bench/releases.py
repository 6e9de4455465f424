"""The same PySpark applications on the default release and on the releases of Apache Spark: the
retail job, and TPC-H. Equal rows, times, memory and processor time, in one run.

Each release has a cluster of its own, alone on the machine, with one node that may use all of it;
steps are timed as EMR tells them, the start of the program included. A release is made before
anything is timed.
"""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import boto3

from bench import emr, servers
from bench.processes import Sampler

BUCKET = "releases"
LABELS = ("emr-spark-8.0.0", "emr-8.0.0", "emr-7.12.0")
RETAIL = Path(__file__).parents[1] / "examples" / "retail" / "job.py"
TPCH = Path(__file__).parent / "tpch.py"
_TAIL = re.compile(r"(from \d+ orders, revenue [\d.]+)|(\{.*\})")


@dataclass(frozen=True)
class Outcome:
    """A step: its seconds, what it said of its rows, and what its processes used."""

    seconds: float
    answer: Any
    memory_mb: float
    cpu_seconds: float


def compare(rows: int, scales: list[int]) -> None:
    """Print the tables."""
    with (
        tempfile.TemporaryDirectory(prefix="millpond-bench-") as name,
        servers.millpond() as (
            target,
            process,
            _,
        ),
    ):
        emr.call_at(target)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        _put_retail(Path(name), rows)
        for scale in scales:
            _put_tpch(Path(name), scale)
        outcomes = {label: _run_all(label, scales, process) for label in LABELS}
        _print(rows, scales, outcomes)


def _put_retail(folder: Path, rows: int) -> None:
    command = [sys.executable, "-m", "examples.retail.generate", "--rows", str(rows)]
    command += ["--files", "monthly", "--format", "csv", "--out", str(folder / "retail")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    _upload(folder / "retail" / "orders", "orders/")
    s3 = boto3.client("s3")
    s3.upload_file(str(RETAIL), BUCKET, "job.py")
    s3.upload_file(str(TPCH), BUCKET, "tpch.py")
    s3.put_object(Bucket=BUCKET, Key="queries.json", Body=json.dumps(_queries()))


def _put_tpch(folder: Path, scale: int) -> None:
    target = folder / f"tpch-{scale}"
    program = str(Path(sys.executable).parent / "tpchgen-cli")
    command = [program, "parquet", "-s", str(scale), "--parts", "4", "-o", str(target)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    _upload(target, f"tpch-{scale}/")


def _upload(folder: Path, prefix: str) -> None:
    s3 = boto3.client("s3")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            s3.upload_file(str(path), BUCKET, f"{prefix}{path.relative_to(folder)}")
            path.unlink()


def _queries() -> dict[str, list[str]]:
    """The statements of each query, as Sail's own tests have them."""
    folder = files("pysail") / "data" / "tpch" / "queries"
    found = {}
    for number in range(1, 23):
        text = (folder / f"q{number}.sql").read_text()
        lines = [line for line in text.splitlines() if not line.startswith("--")]
        statements = "\n".join(lines).replace("create view", "create temporary view").split(";")
        found[f"q{number}"] = [one.strip() for one in statements if one.strip()]
    return found


def _run_all(label: str, scales: list[int], process: subprocess.Popen[bytes]) -> dict[str, Outcome]:
    cluster = emr.start_cluster(label, "m5.24xlarge", BUCKET)
    retail = ["--input", f"s3://{BUCKET}/orders/", "--output", f"s3://{BUCKET}/{label}/"]
    programs = {"retail": ["job.py", *retail]}
    for scale in scales:
        data = ["--data", f"s3://{BUCKET}/tpch-{scale}/"]
        programs[f"tpch-{scale}"] = [
            *("tpch.py", *data, "--queries", f"s3://{BUCKET}/queries.json")
        ]
    outcomes = {}
    for name, words in programs.items():
        with Sampler(process, 0.5) as sampler:
            seconds, output = emr.run_step(cluster, BUCKET, words[0], words[1:])
        found = _TAIL.search(output)
        if found is None:
            raise RuntimeError(f"{label}, {name}: {output[-2000:]}")
        roles = ("engine", "other")
        outcomes[name] = Outcome(
            seconds,
            found[1] or json.loads(found[2]),
            max(sum(each.resident_mb.get(role, 0.0) for role in roles) for each in sampler.samples),
            sum(sampler.cpu_seconds(role) for role in roles),
        )
        print(f"<!-- {label} {name}: {seconds:.1f} s -->", flush=True)
    emr.end_cluster(cluster)
    return outcomes


def _print(rows: int, scales: list[int], outcomes: dict[str, dict[str, Outcome]]) -> None:
    ours = LABELS[0]
    print(f"\n### Releases: the same applications, {rows:,} orders and TPC-H\n")
    print("| application | release | seconds | ratio | memory MB | processor s | rows |")
    print("|---|---|---:|---:|---:|---:|---|")
    for name in outcomes[ours]:
        for label in LABELS:
            found, best = outcomes[label][name], outcomes[ours][name]
            print(
                f"| {name} | {label} | {found.seconds:.1f} | {found.seconds / best.seconds:.1f}x "
                f"| {found.memory_mb:,.0f} | {found.cpu_seconds:.0f} "
                f"| {_difference(best.answer, found.answer)} |",
                flush=True,
            )
    for scale in scales:
        print(f"\nTPC-H SF {scale}, seconds by query\n")
        print(f"| query | {' | '.join(LABELS)} |")
        print("|---|---:|---:|---:|")
        answers = [outcomes[label][f"tpch-{scale}"].answer for label in LABELS]
        for query in answers[0]:
            print(f"| {query} | {' | '.join(f'{each[query][0]:.2f}' for each in answers)} |")


def _difference(ours: Any, theirs: Any) -> str:
    if isinstance(ours, str):
        return "equal" if ours == theirs else "DIFFERENT"
    others = [query for query in ours if ours[query][1] != theirs[query][1]]
    return f"DIFFERENT: {', '.join(others)}" if others else "equal"
