"""The retail job on Sail beside Apache Spark `local[2]`: same script, same files, same answer."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import pyarrow.dataset
from pysail.spark import SparkConnectServer

JOB = Path(__file__).parents[1] / "examples" / "retail" / "job.py"


def _answer(folder: Path) -> str:
    """A digest of the rows of a Parquet folder, in an order of their own."""
    table = pyarrow.dataset.dataset(folder, partitioning="hive").to_table()
    rows = sorted(str(sorted(row.items())) for row in table.to_pylist())
    return f"{len(rows)} rows, {hashlib.sha256(''.join(rows).encode()).hexdigest()[:12]}"


def _run(python: Path, orders: Path, output: Path, **environment: str) -> float:
    """Seconds that the script took, the start of its interpreter included."""
    started = time.perf_counter()
    command = [str(python), str(JOB), "--input", str(orders), "--output", str(output)]
    finished = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise RuntimeError(finished.stderr[-2000:])
    return time.perf_counter() - started


def _on_sail(orders: Path, output: Path) -> float:
    started = time.perf_counter()
    server = SparkConnectServer()
    server.start(background=True)
    _, port = server.listening_address
    _run(Path(sys.executable), orders, output, SPARK_REMOTE=f"sc://127.0.0.1:{port}")
    seconds = time.perf_counter() - started
    server.stop()
    return seconds


def _on_spark(environment: Path, orders: Path, output: Path) -> float:
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
        packages = ["pyspark>=4.1,<5", "pandas", "pyarrow"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    arguments = "--master local[2] --driver-memory 4g pyspark-shell"
    return _run(python, orders, output, PYSPARK_SUBMIT_ARGS=arguments)


def compare(rows: int) -> None:
    """Print the seconds that each engine takes over the same `rows` orders."""
    with tempfile.TemporaryDirectory(prefix="millpond-bench-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "examples.retail.generate", "--rows", str(rows)]
        command += ["--files", "monthly", "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        orders = folder / "orders"
        size = sum(path.stat().st_size for path in orders.rglob("*.csv"))
        print(f"\n### Retail job: {rows:,} orders, {size / 1e6:,.0f} MB of CSV in 60 files\n")
        print("| engine | seconds, start included |")
        print("|---|---:|")
        sail = _on_sail(orders, folder / "sail")
        print(f"| Sail | {sail:.1f} |", flush=True)
        if shutil.which("java") is None:
            print("| Apache Spark | not measured: no Java here |")
            return
        environment = Path(tempfile.gettempdir()) / "millpond-bench-spark"
        spark = _on_spark(environment, orders, folder / "spark")
        print(f"| Apache Spark `local[2]` | {spark:.1f} |")
        print(f"| ratio | {spark / sail:.1f}x |", flush=True)
        if _answer(folder / "sail") != _answer(folder / "spark"):
            raise RuntimeError("The two engines do not give the same rows.")
