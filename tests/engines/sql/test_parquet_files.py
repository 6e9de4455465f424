"""Tables of Parquet: by name, in the declared types."""

from pathlib import Path

import duckdb
import pytest
from sql_tables import Stored, Tables, query

from millpond.engines.sql.interface import Parquet, QueryRefused, TextOutput

pytestmark = pytest.mark.asyncio(loop_scope="module")


def write(folder: Path, name: str, sql: str) -> Stored:
    path = folder / name
    duckdb.sql(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)")
    return Stored(path, Parquet(), uri=f"s3://lake/t/{name}")


async def test_columns_are_found_by_name_and_missing_ones_are_null(ask, tmp_path: Path) -> None:
    files = [
        write(tmp_path, "old", "SELECT 1::INTEGER AS \"Id\", 'x' AS name"),
        write(tmp_path, "new", "SELECT 'y' AS name, 2::BIGINT AS id, 9.5::DOUBLE AS price"),
    ]
    tables = Tables().add("t", "id bigint; name varchar; price double", files)
    assert await ask(tables, "SELECT * FROM t ORDER BY id") == (
        '"id","name","price"\n"1","x",\n"2","y","9.5"\n'
    )


async def test_nested_values_are_read_by_their_fields_names(ask, tmp_path: Path) -> None:
    sql = "SELECT {'A': 1, 'b': [{'c': 'x'}]} AS s, MAP {'k': 1.5::FLOAT} AS m, [1, NULL] AS l"
    tables = Tables().add(
        "t",
        "s row(a bigint, b array(row(c varchar, d integer))); m map(varchar, double);"
        " l array(bigint)",
        [write(tmp_path, "f", sql)],
    )
    assert (await ask(tables, "SELECT * FROM t")).splitlines()[1] == (
        '"{a=1, b=[{c=x, d=null}]}","{k=1.5}","[1, null]"'
    )


async def test_times_with_a_zone_are_read_in_utc(ask, tmp_path: Path) -> None:
    sql = (
        "SELECT TIMESTAMPTZ '2020-01-01 12:00:00+02' AS t, TIMESTAMP_NS '2020-01-01 00:00:00' AS n"
    )
    tables = Tables().add("t", "t timestamp(3); n timestamp(3)", [write(tmp_path, "f", sql)])
    assert (await ask(tables, "SELECT * FROM t")).splitlines()[1] == (
        '"2020-01-01 10:00:00.000","2020-01-01 00:00:00.000"'
    )


@pytest.mark.parametrize(
    ("stored", "declared"),
    [
        ("1::BIGINT", "varchar"),
        ("'1'", "bigint"),
        ("1.5::DOUBLE", "bigint"),
        ("1::BIGINT", "integer"),
        ("DATE '2020-01-01'", "timestamp(3)"),
        ("[1]", "bigint"),
    ],
)
async def test_a_type_that_cannot_stand_for_the_declared_one_fails_the_query(
    ask, tmp_path: Path, stored: str, declared: str
) -> None:
    file = write(tmp_path, "f", f"SELECT {stored} AS a, 1 AS b")
    tables = Tables().add("t", f"a {declared}; b bigint", [file])
    with pytest.raises(QueryRefused, match=r"HIVE_BAD_DATA: Field a's type .* s3://lake/t/f"):
        await ask(tables, "SELECT a FROM t")
    assert (await ask(tables, "SELECT b FROM t")).splitlines()[1] == '"1"'


async def test_only_what_the_query_needs_counts_as_read(engine, tmp_path: Path) -> None:
    sql = "SELECT range AS a, repeat('x', 100) || range AS b FROM range(20000)"
    file = write(tmp_path, "f", sql)
    tables = Tables().add("t", "a bigint; b varchar", [file])
    path = Path(file.content)  # type: ignore[arg-type]
    sizes = dict(
        duckdb.sql(
            "SELECT path_in_schema, sum(total_compressed_size)::BIGINT"
            f" FROM parquet_metadata('{path}') GROUP BY ALL"
        ).fetchall()
    )
    read: dict[str, int] = {}
    for columns in ("count(*)", "sum(a)", "max(b)", "a, b"):
        async with engine.run(query(f"SELECT {columns} FROM t"), tables, TextOutput()) as outcome:
            read[columns] = outcome.scanned_bytes
    footer = read["count(*)"]
    assert 0 < footer < 2000
    assert read["sum(a)"] == footer + sizes["a"]
    assert read["max(b)"] == footer + sizes["b"]
    assert read["a, b"] == footer + sizes["a"] + sizes["b"]


async def test_a_file_that_is_no_parquet_fails_the_query(ask) -> None:
    tables = Tables().add("t", "a bigint", [Stored(b"a,b\n1,2\n" * 10, Parquet())])
    with pytest.raises(QueryRefused, match="HIVE_BAD_DATA: Not valid Parquet file"):
        await ask(tables, "SELECT * FROM t")
