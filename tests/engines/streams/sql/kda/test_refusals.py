"""What SQL-1_0 has and this engine has not is refused by name, and what is wrong with its place."""

import pytest
from kda_runs import OUTPUT, SOURCE, TABLES, output, planned, pumped, refusal, source

from millpond.engines.streams import plan as plans
from millpond.engines.streams.interface import Refused

HEAD = pumped("x VARCHAR(4)", "").rstrip(";")


@pytest.mark.parametrize(
    ("query", "column", "text"),
    [
        ("SELECT STREAM nothing FROM " + SOURCE, 15, "Column 'NOTHING' not found"),
        ("SELECT STREAM price FROM nowhere", 26, "Object 'NOWHERE' not found"),
        ('SELECT STREAM "price" FROM ' + SOURCE, 15, "Column 'price' not found"),
        (f"SELECT STREAM ticker_symbol price, FROM {SOURCE}", 36, "SQL parse failed"),
        (f"SELECT STREAM 'open FROM {SOURCE}", 15, "does not end"),
        (f"SELECT STREAM price FROM {SOURCE}", 1, "Cannot assign to target field 'X'"),
        (f"SELECT STREAM 'a', 'b' FROM {SOURCE}", 1, "Number of INSERT target columns (1)"),
        (f"SELECT STREAM 'a' FROM {SOURCE} ORDER BY price", 57, "ORDER BY"),
        (f"SELECT STREAM DISTINCT ticker_symbol FROM {SOURCE}", 1, "changes with every row"),
        (f"SELECT STREAM COUNT(*) FROM {SOURCE}", 15, "An aggregate over a stream takes"),
        (f"SELECT STREAM sector FROM {SOURCE} GROUP BY sector", 60, "GROUP BY over a stream takes"),
        (
            f"SELECT STREAM sector FROM {SOURCE} WINDOWED BY SESSION (RANGE INTERVAL '1' MINUTE)",
            63,
            "WINDOWED BY SESSION is not supported",
        ),
        (
            f"SELECT STREAM a.sector FROM {SOURCE} a JOIN {SOURCE} b ON a.sector = b.sector",
            60,
            "A join of streams takes OVER",
        ),
        (f'SELECT STREAM "Ticker" FROM "CompanyName", {SOURCE}', 29, "to the right of a JOIN"),
        (f'SELECT STREAM x FROM "{OUTPUT}"', 22, "is filled from itself"),
        (
            f"SELECT STREAM sector FROM TABLE(HOTSPOTS(CURSOR(SELECT STREAM * FROM {SOURCE}), 9))",
            33,
            "HOTSPOTS: no maintained library",
        ),
        (f"SELECT STREAM REGEX_LOG_PARSE(sector, 'x') FROM {SOURCE}", 15, "REGEX_LOG_PARSE"),
        (f"SELECT STREAM W3C_LOG_PARSE(sector, 'x') FROM {SOURCE}", 15, "W3C_LOG_PARSE"),
        (
            f"SELECT STREAM sector FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM sector "
            f"FROM {SOURCE})))",
            33,
            "takes 1 to 30 columns of numbers",
        ),
        (f"SELECT STREAM CAST(price AS NOTYPE) FROM {SOURCE}", 29, "Unknown type 'NOTYPE'"),
        (f"SELECT STREAM CAST( AS INTEGER) FROM {SOURCE}", 21, "Expecting an expression"),
        (f"SELECT STREAM sector FROM {SOURCE} WHERE price", 57, "WHERE clause must be"),
    ],
)
def test_a_query_is_refused_where_it_is_wrong(query: str, column: int, text: str) -> None:
    refused = refusal(f"{HEAD}{query};")
    assert text in refused.text
    assert (refused.line, refused.column) == (3, column)


@pytest.mark.parametrize(
    ("statement", "column", "text"),
    [
        ("CREATE VIEW v AS SELECT 1", 8, "CREATE VIEW is not supported"),
        ("CREATE OR REPLACE FUNCTION f (a INTEGER)", 19, "CREATE FUNCTION is not supported"),
        ("DROP STREAM s", 1, "DROP is not supported here"),
        ("CREATE STREAM s (a NOTYPE)", 20, "Unknown type 'NOTYPE'"),
        ("CREATE STREAM s (a STRING)", 20, "The type STRING is unknown"),
        ("CREATE STREAM s (a INTEGER, a INTEGER)", 29, "A column named 'A'"),
        ("CREATE STREAM s (rowtime TIMESTAMP)", 18, "ROWTIME already"),
        ("CREATE STREAM s (a INTEGER", 20, "ends too early"),
        (f"CREATE STREAM {SOURCE} (a INTEGER)", 1, "is an input of the application"),
        ("CREATE PUMP p AS INSERT INTO nowhere SELECT STREAM 1", 1, "Object 'NOWHERE' not found"),
        ("ALTER PUMP nothing STOP", 1, "Object 'NOTHING' not found"),
        ("CREATE STREAM s (a INTEGER); /* open", 30, "does not end"),
    ],
)
def test_a_statement_is_refused_where_it_is_wrong(statement: str, column: int, text: str) -> None:
    refused = refusal(f"-- a program\n\n{statement}")
    assert text in refused.text
    assert (refused.line, refused.column) == (3, column)


def test_names_that_need_their_quotes_are_shown() -> None:
    sql = pumped("x VARCHAR(20)", f'SELECT STREAM company FROM {SOURCE}, "CompanyName" '
                 'WHERE "Ticker" = ticker_symbol')  # fmt: skip
    assert 'there is "Company", which needs its quotes' in refusal(sql).text
    lower = refusal(pumped("x VARCHAR(4)", 'SELECT STREAM 1 FROM "source_sql_stream_001"'))
    assert 'there is "SOURCE_SQL_STREAM_001"' in lower.text


def test_a_pump_names_columns_that_there_are_once() -> None:
    for columns, text in (("x, x", "assigned more than once"), ("x, y", "Unknown target column")):
        sql = pumped("x VARCHAR(4)", f"SELECT STREAM 'a', 'b' FROM {SOURCE}")
        refused = refusal(sql.replace(f'INTO "{OUTPUT}"', f'INTO "{OUTPUT}" ({columns})'))
        assert text in refused.text
        assert (refused.line, refused.column) == (2, 1)


def test_an_output_is_a_stream_of_the_code() -> None:
    sql = pumped("x VARCHAR(4)", f"SELECT STREAM ticker_symbol FROM {SOURCE}")
    refused = refusal(sql, (*TABLES, output("OTHER")))
    assert refused.text == "The code has no stream 'OTHER' for the output of this name."
    alone = refusal(f'CREATE STREAM "{OUTPUT}" (x INTEGER);')
    assert alone.text == "The code has no pump that fills a stream."


def test_streams_without_an_output_are_computed_too() -> None:
    """As on AWS, where they can be looked at; what fails there is in the error stream."""
    sql = pumped("x VARCHAR(4)", f"SELECT STREAM ticker_symbol FROM {SOURCE}")
    (sink,) = planned(sql, (source(),)).sinks
    assert sink.table.option("connector") == "blackhole"
    with pytest.raises(Refused, match="Column 'Y' not found"):
        planned(sql.replace("ticker_symbol", "y"), (source(),))


def test_a_pump_that_is_stopped_fills_nothing() -> None:
    two = (
        pumped("x VARCHAR(4)", f"SELECT STREAM ticker_symbol FROM {SOURCE}")
        + f'\nCREATE PUMP more AS INSERT INTO "{OUTPUT}" SELECT STREAM sector FROM {SOURCE};'
    )
    assert any(isinstance(node, plans.Union) for node in planned(two).nodes())
    stopped = planned(two + 'ALTER PUMP more STOP; ALTER PUMP "STREAM_PUMP" START;')
    assert not any(isinstance(node, plans.Union) for node in stopped.nodes())


def test_types_are_those_of_its_own() -> None:
    columns = (
        "a VARCHAR(4), b CHAR(2), c INTEGER, d BIGINT, e SMALLINT, f TINYINT, g REAL, h FLOAT, "
        "i DOUBLE, j DECIMAL(10, 2), k NUMERIC(5), l TIMESTAMP, m DATE, n TIME, o BOOLEAN, "
        "p VARBINARY(8)"
    )
    values = ", ".join(
        f"CAST(NULL AS {each.strip().partition(' ')[2]})" for each in _outside(columns)
    )
    (sink,) = planned(pumped(columns, f"SELECT STREAM {values} FROM {SOURCE}")).sinks
    names = [column.type.flink() for column in sink.columns]
    assert names == [
        "VARCHAR(4)", "CHAR(2)", "INT", "BIGINT", "SMALLINT", "TINYINT", "FLOAT", "DOUBLE",
        "DOUBLE", "DECIMAL(10, 2)", "DECIMAL(5, 0)", "TIMESTAMP(3)", "DATE", "TIME(0)",
        "BOOLEAN", "VARBINARY(8)",
    ]  # fmt: skip


def _outside(text: str) -> list[str]:
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
