"""What every SQL engine does: answers, tables, views, partitions, files of a table."""

import duckdb
import pytest
from sql_tables import Stored, Tables, query

from millpond.engines.sql.interface import (
    Column,
    Condition,
    DelimitedText,
    JsonLines,
    QueryRefused,
    ScanLimitExceeded,
    Sql,
    TableOutput,
    TextOutput,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
COMMAS = DelimitedText(field=",")


def days(*names: str) -> Tables:
    """A table `t` of a number for each day, partitioned by `day`."""
    files = [
        Stored(f"{number}\n".encode(), COMMAS, (name,), uri=f"s3://lake/t/day={name}/f")
        for number, name in enumerate(names, 1)
    ]
    return Tables().add("t", "n bigint", files, "day varchar")


async def test_a_result_is_a_csv_with_every_value_quoted_and_null_as_nothing(ask) -> None:
    text = await ask(
        Tables(), 'SELECT \'a"b\' AS "x""y", NULL AS n, \'\' AS e, 1e7 AS d, ARRAY[1, NULL] AS a'
    )
    assert text == '"x""y","n","e","d","a"\n"a""b",,"","1.0E7","[1, null]"\n'


async def test_columns_may_have_one_name(ask) -> None:
    assert await ask(Tables(), "SELECT 1 AS a, 2 AS A, 3") == '"a","A","_col2"\n"1","2","3"\n'


async def test_rows_come_in_the_order_that_was_asked_for(ask) -> None:
    text = await ask(Tables(), "SELECT x FROM UNNEST(sequence(1, 5000)) t(x) ORDER BY x DESC")
    assert text.split() == ['"x"', *(f'"{number}"' for number in range(5000, 0, -1))]


async def test_parameters_are_expressions(ask) -> None:
    sql = "SELECT ?, ? + 1 WHERE ? = 'x' LIMIT ?"
    assert (
        await ask(Tables(), sql, "'it''s'", "41", "'x'", "1") == '"_col0","_col1"\n"it\'s","42"\n'
    )


async def test_views_are_expanded_with_their_own_schema(ask) -> None:
    tables = days("d1", "d2").add_view(
        "v", "SELECT n + 1 AS m, day FROM t", "m bigint; day varchar"
    )
    tables.add_view("w", "SELECT m FROM v WHERE day = 'd2'", "m bigint")
    assert await ask(tables, "SELECT * FROM w") == '"m"\n"3"\n'
    assert tables.fetched == [("d2",)]


async def test_a_view_whose_columns_have_changed_is_stale(ask) -> None:
    tables = days("d1").add_view("v", "SELECT day FROM t", "day bigint")
    with pytest.raises(QueryRefused, match="VIEW_IS_STALE: line 1:15: View"):
        await ask(tables, "SELECT * FROM v")


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("day = 'd2'", ["d2"]),
        ("day > 'd1' AND n > 0", ["d2", "d3"]),
        ("day IN ('d1', 'd3')", ["d1", "d3"]),
        ("substr(day, 2) = '3' OR day LIKE '%1'", ["d1", "d3"]),
        ("day = 'd1' OR n = 2", ["d1", "d2", "d3"]),
        ("day BETWEEN 'd1' AND 'd2'", ["d1", "d2"]),
    ],
)
async def test_partitions_that_cannot_match_are_not_read(ask, where: str, kept: list[str]) -> None:
    tables = days("d1", "d2", "d3")
    await ask(tables, f"SELECT * FROM (SELECT n, day FROM t) WHERE {where}")
    assert [values[0] for values in tables.fetched] == kept


async def test_a_missing_side_of_a_join_is_not_filtered_before_it(ask) -> None:
    tables = days("d1", "d2")
    sql = (
        "SELECT l.n, t.day FROM (VALUES 1, 2, 3) l(n) LEFT JOIN t ON t.n = l.n"
        " WHERE t.day IS NULL OR t.day = 'd1' ORDER BY 1"
    )
    assert await ask(tables, sql) == '"n","day"\n"1","d1"\n"3",\n'


async def test_the_catalog_is_told_what_a_partition_must_be(ask) -> None:
    tables = days("d1")
    await ask(tables, "SELECT n FROM t WHERE day >= 'd1' AND 'd9' > day AND day IN ('d1', 'd2')")
    assert tables.asked == [
        [
            Condition("day", ">=", ["d1"]),
            Condition("day", "<", ["d9"]),
            Condition("day", "in", ["d1", "d2"]),
        ]
    ]


async def test_partition_values_have_their_columns_types(ask) -> None:
    files = [
        Stored(b"1\n", COMMAS, ("2020-01-31", "7")),
        Stored(b"2\n", COMMAS, (None, "__HIVE_DEFAULT_PARTITION__")),
    ]
    tables = Tables().add("t", "n bigint", files, "day date; k integer")
    sql = "SELECT n, day + interval '1' day AS next, k * 2 AS k FROM t ORDER BY n"
    assert await ask(tables, sql) == '"n","next","k"\n"1","2020-02-01","14"\n"2",,\n'


async def test_a_file_tells_where_it_is(ask) -> None:
    sql = 'SELECT DISTINCT "$path", "$file_size" FROM t WHERE day = \'d2\''
    assert await ask(days("d1", "d2"), sql) == (
        '"$path","$file_size"\n"s3://lake/t/day=d2/f","2"\n'
    )


async def test_a_tables_partitions_can_be_listed(ask) -> None:
    files = [
        Stored(b"1\n", COMMAS, ("2020-01-31", None)),
        Stored(b"2\n", COMMAS, ("2020-02-01", "7")),
    ]
    tables = Tables().add("t", "n bigint", files, "day date; k integer")
    sql = "SELECT k, day FROM \"t$partitions\" WHERE day > date '2020-01-31'"
    assert await ask(tables, sql) == '"k","day"\n"7","2020-02-01"\n'
    assert await ask(tables, 'SELECT count(*) FROM d."t$partitions"') == '"_col0"\n"2"\n'
    assert tables.fetched == []
    tables.add("plain", "n bigint", [])
    with pytest.raises(QueryRefused, match="TABLE_NOT_FOUND"):
        await ask(tables, 'SELECT * FROM "plain$partitions"')


async def test_a_table_of_no_files_is_empty(ask) -> None:
    tables = Tables().add("t", "a bigint; b array(varchar)", [], "day varchar")
    assert await ask(tables, "SELECT a, b, day FROM t") == '"a","b","day"\n'
    assert await ask(tables, "SELECT count(*) FROM t") == '"_col0"\n"0"\n'


async def test_hidden_columns_are_not_in_select_star(ask) -> None:
    assert (await ask(days("d1"), "SELECT * FROM t")).splitlines()[0] == '"n","day"'


async def test_an_outcome_tells_types_rows_and_what_was_read(engine: Sql) -> None:
    async with engine.run(query("SELECT n, day FROM t"), days("d1", "d2"), TextOutput()) as outcome:
        assert outcome.columns == [Column("n", "bigint"), Column("day", "varchar")]
        assert (outcome.rows, outcome.scanned_bytes, outcome.input_rows) == (2, 4, 2)
        assert outcome.files[0].size_bytes == outcome.files[0].path.stat().st_size
        path = outcome.files[0].path
    assert not path.exists()


async def test_a_query_can_be_described_and_explained(engine: Sql) -> None:
    columns = await engine.describe(query("SELECT sum(n) AS s, 1.5 AS d FROM t"), days("d1"))
    assert columns == [Column("s", "bigint"), Column("d", "decimal(2,1)")]
    assert "Aggregate" in await engine.explain(query("SELECT sum(n) FROM t"), days("d1"))
    await engine.check("SELECT 1")
    with pytest.raises(QueryRefused, match="SYNTAX_ERROR: line 1:1: mismatched input 'SELEC'"):
        await engine.check("SELEC 1")


async def test_what_would_read_too_much_is_not_run(engine: Sql) -> None:
    with pytest.raises(ScanLimitExceeded) as caught:
        async with engine.run(query("SELECT * FROM t", limit=3), days("d1", "d2"), TextOutput()):
            pass
    assert caught.value.scanned_bytes == 4


async def test_what_the_catalog_raises_ends_the_query(engine: Sql, ask) -> None:
    class Denied(Exception):
        pass

    class Closed(Tables):
        async def files(self, name, partitions):
            raise Denied

    tables = Closed(tables=days("d1").tables)
    with pytest.raises(Denied):
        await ask(tables, "SELECT * FROM t")
    assert await ask(Tables(), "SELECT 1") == '"_col0"\n"1"\n'


# Tables as output


async def test_a_table_is_written_in_its_types_and_by_partition(engine: Sql) -> None:
    output = TableOutput(
        columns=[
            Column("id", "bigint"),
            Column("price", "decimal(6,2)"),
            Column("tags", "array(varchar)"),
            Column("day", "date"),
            Column("kind", "varchar"),
        ],
        partitioned_by=2,
        compression="snappy",
    )
    sql = (
        "SELECT x, 1.5, ARRAY['a'], date '2020-01-01', k FROM (VALUES (1, 'p/q r'), (2, NULL),"
        " (3, 'p/q r')) t(x, k)"
    )
    async with engine.run(query(sql), Tables(), output) as outcome:
        assert outcome.rows == 3
        found = {
            tuple(file.partition): duckdb.sql(
                f"SELECT * FROM read_parquet('{file.path}', hive_partitioning = false) ORDER BY id"
            )
            for file in outcome.files
        }
        assert set(found) == {("2020-01-01", "p/q r"), ("2020-01-01", None)}
        relation = found["2020-01-01", "p/q r"]
        assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == {
            "id": "BIGINT",
            "price": "DECIMAL(6,2)",
            "tags": "VARCHAR[]",
        }
        assert [row[0] for row in relation.fetchall()] == [1, 3]


async def test_a_query_whose_columns_do_not_fit_its_table_is_refused(engine: Sql) -> None:
    output = TableOutput(columns=[Column("id", "bigint")])
    for sql in ("SELECT 'x'", "SELECT 1, 2"):
        with pytest.raises(QueryRefused, match="TYPE_MISMATCH: Insert query has mismatched"):
            async with engine.run(query(sql), Tables(), output):
                pass


async def test_no_rows_make_no_files(engine: Sql) -> None:
    sql = "SELECT 1 AS a, 'x' AS b WHERE false"
    for output in (TableOutput(), TableOutput(partitioned_by=1)):
        async with engine.run(query(sql), Tables(), output) as outcome:
            assert (outcome.rows, list(outcome.files)) == (0, [])


async def test_text_that_is_written_reads_the_same(engine: Sql, ask) -> None:
    sql = (
        "SELECT 1 AS a, 'x,y\"z' AS b, CAST(NULL AS varchar) AS c, ARRAY[1, NULL] AS d,"
        " timestamp '2020-01-01 10:00:00' AS e, 1.50 AS f"
    )
    columns = "a integer; b varchar; c varchar; d array(integer); e timestamp(3); f decimal(3,2)"
    expected = await ask(Tables(), sql)
    for output, kind in (
        (TableOutput(format="delimited", compression="none"), DelimitedText()),
        (TableOutput(format="delimited", compression="gzip"), DelimitedText()),
        (TableOutput(format="json", compression="gzip"), JsonLines()),
    ):
        async with engine.run(query(sql), Tables(), output) as outcome:
            (file,) = outcome.files
            packed = "" if output.compression == "none" else output.compression
            stored = Stored(file.path.read_bytes(), kind, compression=packed)
        assert await ask(Tables().add("t", columns, [stored]), "SELECT * FROM t") == expected


async def test_parameters_stand_for_values_after_distinct_and_order(ask) -> None:
    sql = (
        "SELECT DISTINCT x % ? AS m FROM UNNEST(sequence(1, 9)) t(x) WHERE x > ? ORDER BY m LIMIT ?"
    )
    assert await ask(Tables(), sql, "5", "2", "2") == '"m"\n"0"\n"1"\n'
