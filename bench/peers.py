"""Other servers of streams, each in a folder of its own: `python -m bench.peers` fetches them.

kinesalite and kinesis-mock come from npm, ferrokinesis from crates.io, NATS from the Go proxy,
Apache Flink from PyPI (it wants a Java); what cannot be fetched (no npm, no cargo, no go) is left
out of the comparison and said so.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.load import Target
from bench.servers import ACCESS_KEY_ID, SECRET_ACCESS_KEY, free_port, wait_for_port

FOLDER = Path(__file__).resolve().parent.parent / "build" / "peers"
_NODE = FOLDER / "node" / "node_modules"
_FERROKINESIS = FOLDER / "cargo" / "bin" / "ferrokinesis"
_NATS = FOLDER / "go" / "nats-server"
_PYFLINK = FOLDER / "pyflink" / "bin" / "python"

Running = AbstractContextManager[tuple[Target, subprocess.Popen[bytes]]]


def fetch() -> None:
    """Install every peer whose tool is there. Building two of them takes minutes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    node = FOLDER / "node"
    node.mkdir(exist_ok=True)
    npm = ["npm", "install", "--prefix", str(node), "kinesalite@3", "kinesis-local@0.6"]
    _run(npm, {})
    cargo = ["cargo", "install", "ferrokinesis", "--version", "0.7.0", "--root"]
    _run([*cargo, str(FOLDER / "cargo")], {})
    if not _PYFLINK.exists():
        _run([sys.executable, "-m", "venv", str(_PYFLINK.parents[1])], {})
    _run([str(_PYFLINK), "-m", "pip", "install", "--quiet", "apache-flink==2.3.0"], {})
    nats = "github.com/nats-io/nats-server/v2@v2.15.2"
    _run(["go", "install", nats], {"GOBIN": str(FOLDER / "go")})


def pyflink() -> Path | None:
    """The Python of the environment that has PyFlink; None without it, or without a Java."""
    return _PYFLINK if _PYFLINK.exists() and shutil.which("java") else None


def _run(command: list[str], variables: Mapping[str, str]) -> None:
    if shutil.which(command[0]) is None:
        print(f"{command[0]} is not here; left out: {' '.join(command)}")
        return
    subprocess.run(command, env=os.environ | variables, check=True)


@contextmanager
def _started(
    name: str,
    command: list[str],
    port: int,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    process = subprocess.Popen(
        command,
        env=os.environ | (variables or {}),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, process)
        target = Target(name, f"http://127.0.0.1:{port}", ACCESS_KEY_ID, SECRET_ACCESS_KEY)
        yield target, process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def kinesalite() -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    port = free_port()
    command = ["node", str(_NODE / "kinesalite" / "cli.js"), "--port", str(port)]
    command += ["--createStreamMs", "0", "--shardLimit", "100"]
    with _started("kinesalite", command, port) as running:
        yield running


@contextmanager
def kinesis_mock() -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    """It looks for its certificate in the folder where it is started."""
    plain, tls = free_port(), free_port()
    variables = {
        "KINESIS_MOCK_PLAIN_PORT": str(plain),
        "KINESIS_MOCK_TLS_PORT": str(tls),
        "SHARD_LIMIT": "100",
        "LOG_LEVEL": "ERROR",
    }
    folder = _NODE / "kinesis-local"
    with _started("kinesis-mock", ["node", "main.js"], plain, variables, folder) as running:
        yield running


@contextmanager
def ferrokinesis() -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    port = free_port()
    command = [str(_FERROKINESIS), "--port", str(port), "--shard-limit", "100"]
    with _started("ferrokinesis", command, port) as running:
        yield running


@contextmanager
def ferrokinesis_durable() -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    """With its write-ahead log."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ferrokinesis-") as folder:
        command = [str(_FERROKINESIS), "--port", str(port), "--shard-limit", "100"]
        with _started("ferrokinesis --state-dir", [*command, "--state-dir", folder], port) as run:
            yield run


@contextmanager
def nats() -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    """JetStream on files, each message synced before it is acknowledged."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="nats-") as folder:
        settings = Path(folder) / "nats.conf"
        settings.write_text(
            f'port: {port}\njetstream {{ store_dir: "{folder}/store", sync_interval: always }}\n'
        )
        with _started("NATS JetStream", [str(_NATS), "-c", str(settings)], port) as running:
            yield running


KINESIS: Mapping[str, tuple[Path, Callable[[], Running]]] = {
    "kinesalite": (_NODE / "kinesalite", kinesalite),
    "kinesis-mock": (_NODE / "kinesis-local", kinesis_mock),
    "ferrokinesis": (_FERROKINESIS, ferrokinesis),
    "ferrokinesis --state-dir": (_FERROKINESIS, ferrokinesis_durable),
}
"""Those that speak Kinesis' API: where they are if they were fetched, and how to start them."""


def nats_is_here() -> bool:
    return _NATS.exists()


if __name__ == "__main__":
    fetch()
