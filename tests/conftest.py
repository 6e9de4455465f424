"""A real server for tests: its own process, a free port, a data folder of its own."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy machine is no failure
settings.load_profile("any machine")

READY_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 20.0
RELEASES = Path(__file__).resolve().parents[1] / "build" / "releases"
"""Where tests have their releases of Apache Spark: made once for a checkout."""


class Server:
    """`millpond up` in a process of its own, on the same port and data each time it starts."""

    region = "us-east-1"

    def __init__(self, folder: Path, *flags: str) -> None:
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = _free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        self._flags = flags
        self._variables: dict[str, str] = {}

    def start(self) -> float:
        """Start and wait until it is healthy; the seconds that took."""
        command = [sys.executable, "-m", "millpond", "up", "--port", str(self.port)]
        command += ["--data", str(self.data), "--releases", str(RELEASES), *self._flags]
        self._variables = {}
        started = time.perf_counter()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=_clean_environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while time.perf_counter() - started < READY_SECONDS_MAX:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_millpond/health", timeout=5):
                    return time.perf_counter() - started
            except OSError:
                time.sleep(0.01)
        self.kill()
        raise RuntimeError(f"The server is not ready:\n{self.log.read_text()}")

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def restart(self, *, kill: bool = False) -> float:
        """End it (as power does, or nicely) and start it again on the same data and port."""
        if kill:
            self.kill()
        else:
            assert self.stop() == 0
        return self.start()

    def command(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run `millpond <first> --data <its data> <others>`."""
        command, *others = arguments
        return subprocess.run(
            [sys.executable, "-m", "millpond", command, "--data", str(self.data), *others],
            env=_clean_environment() | more.pop("env", {}),
            capture_output=True,
            text=True,
            timeout=60,
            **more,
        )

    def variables(self) -> dict[str, str]:
        """What `millpond env` exports."""
        if not self._variables:
            finished = self.command("env")
            assert finished.returncode == 0, finished.stderr
            exports = re.findall(r"^export (\w+)=(.*)$", finished.stdout, re.MULTILINE)
            self._variables = {name: shlex.split(value)[0] for name, value in exports}
        return dict(self._variables)

    def environment(self) -> dict[str, str]:
        """A shell's environment after `eval "$(millpond env)"`, without AWS files of its own."""
        return _clean_environment() | self.variables() | {"PATH": _path()}

    @property
    def access_key_id(self) -> str:
        return self.variables()["AWS_ACCESS_KEY_ID"]

    @property
    def secret_access_key(self) -> str:
        return self.variables()["AWS_SECRET_ACCESS_KEY"]

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client that tries each call once; `options` win over what is set here."""
        found = self.variables()
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
        settings: dict[str, Any] = {
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "aws_access_key_id": found["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": found["AWS_SECRET_ACCESS_KEY"],
        }
        settings |= options
        settings["config"] = config.merge(options["config"]) if "config" in options else config
        return boto3.session.Session().client(service, **settings)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _clean_environment() -> dict[str, str]:
    """This process's environment, without anything that points AWS clients or us elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MILLPOND_", "SPARK_"))
    }
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def _running(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of the run: use names of your own for what you make in it."""
    yield from _running(tmp_path_factory.mktemp("server"))


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server for this test alone, which may be killed and restarted."""
    yield from _running(tmp_path)
