"""What SQL must not reach: files, settings, extensions, the process around it."""

import os
from pathlib import Path

import duckdb
import pytest
from sql_tables import Tables, query

from millpond.engines.sql.embedded import EmbeddedSql
from millpond.engines.sql.interface import TextOutput
from millpond.engines.sql.session import open_session
from millpond.kernel import processes

SECRET_IN_PYTHON = [{"secret": 1}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("allowed")


@pytest.fixture(scope="module")
def session(folder: Path) -> duckdb.DuckDBPyConnection:
    """A session that may use one folder; what a query's text would reach if all else failed."""
    (folder / "mine.csv").write_text("a\n1\n")
    connection = open_session(
        memory_bytes=256 << 20,
        threads=1,
        temporary=folder / "tmp",
        temporary_bytes=1 << 20,
        folders=(folder,),
    )
    assert connection.execute(f"SELECT * FROM read_csv('{folder}/mine.csv')").fetchall() == [(1,)]
    return connection


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('s3://bucket/key')",
        "SELECT * FROM read_json('https://example.com/x.json')",
        "COPY (SELECT 1) TO '/tmp/millpond-should-not-exist.csv'",
        "ATTACH '/tmp/millpond-should-not-exist.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "IMPORT DATABASE '/tmp'",
        "EXPORT DATABASE '/tmp/millpond-should-not-exist'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '100GB'",
        "SET temp_directory = '/tmp'",
        "RESET lock_configuration",
        "SET lock_configuration = false",
        "PRAGMA enable_external_access = true",
        "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
        "SELECT * FROM SECRET_IN_PYTHON",
        "SELECT getenv('HOME')",
    ],
)
def test_a_session_refuses(session: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(duckdb.Error):
        session.execute(sql).fetchall()


def test_a_folder_that_begins_like_an_allowed_one_is_not_allowed(
    session: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    sibling = folder.with_name(folder.name + "-sibling")
    sibling.mkdir()
    (sibling / "f.csv").write_text("a\n1\n")
    for path in (f"{sibling}/f.csv", f"{folder}/../{sibling.name}/f.csv"):
        with pytest.raises(duckdb.PermissionException):
            session.execute(f"SELECT * FROM read_csv('{path}')")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_worker_is_confined_by_the_system_too(engine: EmbeddedSql) -> None:
    async with engine.run(query("SELECT 1"), Tables(), TextOutput()):
        (pid,) = engine.busy
        status = Path(f"/proc/{pid}/status").read_text()
        environment = Path(f"/proc/{pid}/environ").read_text()
    isolation = processes.probe()
    if isolation.seccomp:
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
    for name in ("AWS_SECRET_ACCESS_KEY", "PATH=", "USER="):
        assert name not in environment
    assert os.environ["HOME"] not in environment


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_of_the_query_is_linked_and_cannot_be_written(
    engine: EmbeddedSql, tmp_path: Path
) -> None:
    from sql_tables import Stored

    from millpond.engines.sql.interface import DelimitedText

    blob = tmp_path / "blob"
    blob.write_bytes(b"1\n2\n")
    tables = Tables().add("t", "a bigint", [Stored(blob, DelimitedText())])
    async with engine.run(query("SELECT sum(a) FROM t"), tables, TextOutput()) as outcome:
        assert outcome.files[0].path.read_text() == '"_col0"\n"3"\n'
        if blob.stat().st_dev == engine.folder.stat().st_dev:
            assert blob.stat().st_nlink == 2
    assert blob.stat().st_nlink == 1
    assert blob.read_bytes() == b"1\n2\n"
