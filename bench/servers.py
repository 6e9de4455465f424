"""Starts the servers under test on free ports, and says what machine this is."""

import importlib.metadata
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import Target

ACCESS_KEY_ID = "AKIABENCHBENCHBENCH0"
SECRET_ACCESS_KEY = "bench-secret-access-key"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> float:
    """Seconds until `url` answers."""
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return time.perf_counter() - started
        except OSError:
            time.sleep(0.005)
    raise TimeoutError(url)


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Return once something listens on `port`."""
    deadline = time.perf_counter() + seconds
    while process.poll() is None and time.perf_counter() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"Nothing listens on port {port}.")


@contextmanager
def millpond(
    folder: str | None = None, *flags: str
) -> Iterator[tuple[Target, subprocess.Popen[bytes], float]]:
    """A running Millpond: its target, its process and the seconds it took to be ready."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="millpond-bench-", dir=folder) as data:
        environment = os.environ | {
            "MILLPOND_ROOT_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "MILLPOND_ROOT_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        }
        command = [str(Path(sys.executable).parent / "millpond"), "up"]
        command += ["--port", str(port), "--data", data, *flags]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            seconds = _wait_for(f"{endpoint}/_millpond/health", process)
            yield Target("Millpond", endpoint, ACCESS_KEY_ID, SECRET_ACCESS_KEY), process, seconds
        finally:
            process.terminate()
            process.wait()


@contextmanager
def moto() -> Iterator[tuple[Target, subprocess.Popen[bytes], float]]:
    """A running moto server: its target, its process and the seconds it took to be ready."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "moto_server"), "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        seconds = _wait_for(f"{endpoint}/moto-api/", process)
        yield Target("moto", endpoint, ACCESS_KEY_ID, SECRET_ACCESS_KEY), process, seconds
    finally:
        process.terminate()
        process.wait()


def resident_mb(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of the process and its children, in MB."""
    pages = 0
    pids = [process.pid]
    while pids:
        pid = pids.pop()
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            for task in Path(f"/proc/{pid}/task").iterdir():
                pids += [int(child) for child in (task / "children").read_text().split()]
        except FileNotFoundError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def machine() -> str:
    """One line: processor, cores, kernel, Python and the versions that matter."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    names = ("granian", "lmdb", "duckdb", "pysail", "moto", "botocore")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return (
        f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}; {versions}"
    )
