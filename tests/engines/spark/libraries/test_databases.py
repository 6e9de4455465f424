"""Tables of real PostgreSQL and MySQL servers: read in pieces, written, followed by their keys."""

import importlib.util
import uuid
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.databases import mysql, postgres  # noqa: F401

_spec = importlib.util.spec_from_file_location(
    "glue_fixtures", Path(__file__).parent / "conftest.py"
)
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
records_of, tree = _fixtures.records_of, _fixtures.tree


@pytest.fixture(params=["postgres", "mysql"])
def database(request):
    return request.getfixturevalue(request.param)


def run(database, *statements):
    with closing(database.connect()) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


@pytest.fixture
def orders(database):
    """A table of ten orders."""
    name = f"orders_{uuid.uuid4().hex[:8]}"
    rows = ", ".join(f"({i}, 'c{i % 3}', {i}.25, '2024-01-0{i % 9 + 1}')" for i in range(1, 11))
    run(
        database,
        f"CREATE TABLE {name} (id bigint PRIMARY KEY, who varchar(9), "
        "price decimal(8,2), day date)",
        f"INSERT INTO {name} VALUES {rows}",
    )
    return name


def options(database, table, **more):
    return {
        "url": database.jdbc_url, "user": database.user, "password": database.password,
        "dbtable": table, **more,
    }  # fmt: skip


def read(glue, database, table, ctx="", **more):
    return glue.create_dynamic_frame.from_options(
        database.engine, options(database, table, **more), transformation_ctx=ctx
    )


def test_a_table_is_read_with_its_types(glue, database, orders) -> None:
    frame = read(glue, database, orders)
    assert tree(frame) == ["|-- id: long", "|-- who: string", "|-- price: decimal", "|-- day: date"]
    first = min(records_of(frame), key=lambda r: r["id"])
    assert (first["price"], first["day"].isoformat()) == (Decimal("1.25"), "2024-01-02")


def test_pieces_by_a_hash_are_all_rows_once(glue, database, orders) -> None:
    frame = read(glue, database, orders, hashfield="who", hashpartitions="3")
    assert frame.getNumPartitions() == 3
    assert sorted(r["id"] for r in records_of(frame)) == list(range(1, 11))


def test_frames_are_written_to_a_table_that_is_made(glue, session, database) -> None:
    from awsglue.dynamicframe import DynamicFrame

    made = session.sql(
        'select 1 as a, "it\'s é" as s, 1.5D as d, true as b union all select 2, null, null, null'
    )
    frame = DynamicFrame.fromDF(made, glue, "f")
    name = f"made_{uuid.uuid4().hex[:8]}"
    for _ in range(2):
        glue.write_dynamic_frame.from_options(frame, database.engine, options(database, name))
    back = records_of(read(glue, database, name))
    assert len(back) == 4
    assert sorted((r["a"], r["s"], r["d"]) for r in back if r["a"] == 1)[0] == (1, "it's é", 1.5)


def test_a_connection_of_the_catalog_names_the_database(glue, database, orders, in_aws) -> None:
    name = f"connection-{uuid.uuid4().hex[:8]}"
    in_aws.client("glue").create_connection(
        ConnectionInput={
            "Name": name,
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": database.jdbc_url,
                "USERNAME": database.user,
                "PASSWORD": database.password,
            },
        }
    )
    conf = glue.extract_jdbc_conf(name)
    assert (conf["vendor"], conf["user"]) == (database.engine, database.user)
    frame = glue.create_dynamic_frame.from_options(
        database.engine,
        {"useConnectionProperties": "true", "connectionName": name, "dbtable": orders},
    )
    assert frame.count() == 10
    glue.write_dynamic_frame.from_jdbc_conf(frame, name, {"dbtable": f"{orders}_copy"})
    assert read(glue, database, f"{orders}_copy").count() == 10


def test_a_bookmark_reads_rows_by_their_key_once(
    glue, database, orders, monkeypatch, tmp_path
) -> None:
    import json

    from awsglue import bookmarks

    monkeypatch.setenv("MILLPOND_GLUE_FOLDER", str(tmp_path))

    def job(states, ids):
        bookmarks.forget()
        told = {"option": "job-bookmark-enable", "states": states}
        (tmp_path / "bookmark.json").write_text(json.dumps(told))
        bookmarks.start()
        frame = read(glue, database, orders, ctx="orders")
        assert sorted(r["id"] for r in records_of(frame)) == ids
        bookmarks.commit()
        return json.loads((tmp_path / "bookmark-commit.json").read_text())["states"]

    states = job({}, list(range(1, 11)))
    run(database, f"INSERT INTO {orders} VALUES (11, 'x', 1, '2024-02-01')")
    again = job(states, [11])
    assert job(states, [11]) == again, "what was not kept is read again"
    job(again, [])
    bookmarks.forget()
