"""What is refused: its words, its place (from the query on), and whether Flink would run it."""

import pytest
from program_runs import TABLES, planned, query_plan, query_refusal, refusal

FLINK = True
WRONG = False
TVF = "TABLE(TUMBLE(TABLE tx, DESCRIPTOR({}), INTERVAL '1' {}))"
RANKED = "SELECT card FROM (SELECT *, {} AS rn FROM {}) WHERE rn <= 3"
CHANGES = (
    "Table sink 'default_catalog.default_database.o' doesn't support consuming update changes "
    "which is produced by node {}"
)
NO_BOUNDS = (
    "A {} JOIN without bounds of time is not supported: its result would change. Add a condition "
    "on the time attributes of both sides."
)
NOT_TIME = "OVER windows' ordering in stream mode must be defined on a time attribute."

NAMES = [
    ("SELECT nope FROM tx", "Column 'nope' not found in any table", 1, 8),
    ("SELECT t.nope FROM tx t", "Column 'nope' not found in table 't'", 1, 8),
    ("SELECT x.card\nFROM tx t", "Table 'x' not found", 1, 8),
    ("SELECT card\nFROM nowhere", "Object 'nowhere' not found", 2, 6),
    (
        "SELECT a.card FROM tx a\nJOIN alerts b ON a.card = b.card AND why = 'x' AND ts > b.ts",
        "Column 'ts' is ambiguous",
        2,
        52,
    ),
    ("SELECT F(card) FROM tx", "No match found for function signature F(<STRING>)", 1, 8),
    ("SELECT card FROM tx, tx", "Duplicate relation name 'tx' in FROM clause", 1, 22),
    ("SELECT card FRO tx", 'SQL parse failed. Encountered "tx"', 1, 17),
]

GROUPS = [
    ("SELECT card, COUNT(*) FROM tx", "Expression 'card' is not being grouped", 1, 8),
    ("SELECT n, card FROM tx GROUP BY n", "Expression 'card' is not being grouped", 1, 11),
    (
        "SELECT card FROM tx\nWHERE COUNT(*) > 1",
        "Aggregate expression is illegal in WHERE clause",
        2,
        7,
    ),
    ("SELECT SUM(COUNT(*)) FROM tx", "Aggregate expressions cannot be nested", 1, 12),
    (
        "SELECT SUM(card) FROM tx",
        "Invalid function call: SUM(<STRING>) fits no signature of SUM",
        1,
        8,
    ),
    (
        "SELECT TUMBLE_START(ts, INTERVAL '1' MINUTE) FROM tx GROUP BY card",
        "Group window function 'TUMBLE_START' is not in GROUP BY",
        1,
        8,
    ),
    (
        "SELECT TUMBLE_END(ts, INTERVAL '1' DAY) FROM tx GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)",
        "Call to auxiliary group function 'TUMBLE_END' must have matching call to group function "
        "'TUMBLE' in GROUP BY clause",
        1,
        8,
    ),
]

TIMES = [
    (
        f"SELECT card FROM {TVF.format('amount', 'DAY')}",
        "The window function TUMBLE requires the timecol to be a time attribute, but 'amount' is "
        "DOUBLE.",
        1,
        52,
    ),
    (
        "SELECT card FROM TABLE(TUMBLE(TABLE moved, DESCRIPTOR(ts), INTERVAL '1' DAY))",
        "The window function requires the timecol is a time attribute type, but is TIMESTAMP(3).",
        1,
        55,
    ),
    (
        f"SELECT card FROM {TVF.format('ts', 'MONTH')}",
        "An INTERVAL here is of days to seconds, in whole milliseconds",
        1,
        57,
    ),
    (
        "SELECT card FROM TABLE(\n"
        "HOP(TABLE tx, DESCRIPTOR(ts), INTERVAL '3' DAY, INTERVAL '10' DAY))",
        "HOP table function based aggregate requires size must be an integral multiple of slide, "
        "but got size 864000000 ms and slide 259200000 ms",
        2,
        1,
    ),
    ("SELECT SUM(n) OVER (PARTITION BY card ORDER BY n) FROM tx", NOT_TIME, 1, 48),
    (
        "SELECT SUM(n) OVER (ORDER BY ts DESC) FROM tx",
        "The window can only be ordered in ASCENDING mode.",
        1,
        30,
    ),
    ("SELECT card, ROW_NUMBER() OVER (ORDER BY n) FROM tx", NOT_TIME, 1, 14),
    (
        RANKED.format(
            "RANK() OVER (PARTITION BY window_start, window_end ORDER BY n)",
            TVF.format("ts", "MINUTE"),
        ),
        "RANK() on streaming table is not supported currently.",
        1,
        29,
    ),
    (
        RANKED.format(
            "ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n)",
            TVF.format("pt", "MINUTE"),
        ),
        "Processing time Window TopN is not supported yet.",
        1,
        29,
    ),
]

NEED_FLINK = [
    (
        "SELECT card FROM tx\nORDER BY ts",
        "ORDER BY over a stream without end is not supported.",
        2,
        10,
    ),
    ("SELECT card FROM tx LIMIT 3", "LIMIT over a stream without end is not supported.", 1, 27),
    (
        "SELECT card FROM tx UNION SELECT card FROM tx",
        "UNION is not supported; UNION ALL is.",
        1,
        34,
    ),
    ("SELECT card FROM tx INTERSECT SELECT card FROM tx", "INTERSECT is not supported.", 1, 38),
    (
        "SELECT card FROM tx WHERE card IN (SELECT card FROM alerts)",
        "A subquery in a condition is supported for the same windows only (its WHERE compares "
        "window_start and window_end with the outer ones); write a join.",
        1,
        43,
    ),
    (
        "SELECT (SELECT MAX(card) FROM alerts) FROM tx",
        "A subquery in the list of SELECT is not supported; write a join.",
        1,
        16,
    ),
    (
        "SELECT t.card FROM tx t LEFT JOIN alerts a ON t.card = a.card",
        NO_BOUNDS.format("LEFT"),
        1,
        47,
    ),
    (
        "SELECT t.card FROM tx t FULL JOIN alerts a ON t.card = a.card",
        NO_BOUNDS.format("FULL"),
        1,
        47,
    ),
    (
        "SELECT COUNT(*) FROM tx t LEFT JOIN alerts a ON FALSE",
        NO_BOUNDS.format("LEFT"),
        1,
        37,
    ),
    (
        "SELECT card FROM tx WHERE NOT card IN (SELECT 'x')",
        "A subquery in a condition is supported for the same windows only (its WHERE compares "
        "window_start and window_end with the outer ones); write a join.",
        1,
        47,
    ),
    (
        "SELECT t.card FROM tx t CROSS JOIN alerts a",
        "A join without a condition of equality is not supported.",
        1,
        36,
    ),
    (
        RANKED.format("ROW_NUMBER() OVER (PARTITION BY card ORDER BY amount)", "tx"),
        "Top-N without a window is not supported; PARTITION BY window_start, window_end, or "
        "ORDER BY a time attribute WHERE the row number is 1.",
        1,
        29,
    ),
    (
        "SELECT card FROM tx MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts PATTERN (A) "
        "DEFINE A AS A.n > 1)",
        "MATCH_RECOGNIZE is not supported",
        1,
        21,
    ),
    (
        "SELECT card FROM tx GROUP BY GROUPING SETS ((card), (n))",
        "GROUPING SETS is not supported.",
        1,
        46,
    ),
    (
        "SELECT t.card FROM tx t JOIN owners FOR SYSTEM_TIME AS OF t.ts AS o ON t.card = o.card",
        "FOR SYSTEM_TIME AS OF takes a processing-time attribute of the left side; temporal joins "
        "in event time are not supported.",
        1,
        59,
    ),
    (
        "SELECT card FROM (SELECT card, COUNT(*) FROM tx GROUP BY card) GROUP BY card",
        "GROUP BY over a result that changes is not supported.",
        1,
        73,
    ),
    (
        "SELECT a.card FROM alerts a JOIN (tx b JOIN tx c ON b.card = c.card) ON a.card = b.card",
        "A join in brackets is not supported.",
        1,
        35,
    ),
    ("SELECT card FROM tx NATURAL JOIN alerts", "NATURAL JOIN is not supported.", 1, 34),
]

MOVED = TABLES + "CREATE VIEW moved AS SELECT card, ts + INTERVAL '1' DAY AS ts FROM tx;\n"


@pytest.mark.parametrize(("query", "text", "line", "column"), [*NAMES, *GROUPS, *TIMES])
def test_a_wrong_query_is_refused_at_its_place(query, text, line, column):
    assert query_refusal(query, tables=MOVED) == (text, line, column, WRONG)


@pytest.mark.parametrize(("query", "text", "line", "column"), NEED_FLINK)
def test_what_needs_flink_is_refused_by_name(query, text, line, column):
    assert query_refusal(query) == (text, line, column, FLINK)


def test_types_that_a_sink_does_not_take():
    name = "default_catalog.default_database.o"
    head = f"Column types of query result and sink for '{name}' do not match."
    text, *_ = query_refusal("SELECT amount FROM tx", "card STRING")
    assert text == (
        f"{head}\nCause: Incompatible types for sink column 'card' at position 0.\n\n"
        "Query schema: [amount: DOUBLE]\nSink schema:  [card: STRING]"
    )
    text, *_ = query_refusal("SELECT card, n FROM tx", "card STRING")
    assert text == (
        f"{head}\nCause: Different number of columns.\n\n"
        "Query schema: [card: STRING, n: INT]\nSink schema:  [card: STRING]"
    )


def test_changes_go_only_to_sinks_that_hold_them():
    grouped = "SELECT card, COUNT(*) FROM tx GROUP BY card"
    text, *_ = query_refusal(grouped, "card STRING, c BIGINT")
    assert text == (
        CHANGES.format("GroupAggregate")
        + ": it has no PRIMARY KEY; declare PRIMARY KEY (card) NOT ENFORCED"
    )
    text, *_ = query_refusal(grouped, "card STRING, c BIGINT, PRIMARY KEY (c) NOT ENFORCED")
    assert text == (
        CHANGES.format("GroupAggregate")
        + ": its PRIMARY KEY (c) is not the key of the result (card)"
    )
    text, *_ = query_refusal("SELECT COUNT(*) FROM tx", "c BIGINT, PRIMARY KEY (c) NOT ENFORCED")
    assert text == CHANGES.format("GroupAggregate") + ": the result is one row without a key"
    text, *_ = query_refusal("SELECT COUNT(*) FROM tx GROUP BY card", "c BIGINT")
    assert text == (
        CHANGES.format("GroupAggregate") + ": the result's key (card) is not among its columns"
    )
    firehose = f"""{TABLES}CREATE TABLE o (card STRING, c BIGINT, PRIMARY KEY (card) NOT ENFORCED)
        WITH ('connector' = 'firehose', 'delivery-stream' = 's', 'format' = 'json',
        'aws.region' = 'eu-west-1');
        INSERT INTO o {grouped};"""
    assert refusal(firehose).text == CHANGES.format("GroupAggregate")
    columns = "card STRING, c BIGINT, PRIMARY KEY (card) NOT ENFORCED"
    assert query_plan(grouped, columns).sinks[0].upsert_keys == ("card",)


STATEMENTS = [
    (
        "SELECT 1",
        "A query alone has nowhere to put its rows; write INSERT INTO a table SELECT ….",
        WRONG,
    ),
    ("DROP DATABASE d", "DROP DATABASE is not supported.", FLINK),
    ("CREATE DATABASE d", "CREATE DATABASE is not supported.", FLINK),
    ("CREATE MODEL m", "CREATE MODEL is not supported.", FLINK),
    ("ALTER TABLE t RENAME TO u", "ALTER TABLE is not supported.", FLINK),
    ("EXPLAIN SELECT 1", "EXPLAIN SELECT is not supported.", FLINK),
    ("SHOW TABLES", "SHOW TABLES is not supported.", FLINK),
    ("FROBNICATE x", 'Non-query expression encountered: "FROBNICATE".', WRONG),
    (
        "CREATE FUNCTION f AS 'com.example.F'",
        "CREATE FUNCTION … LANGUAGE JAVA is not supported; a function is LANGUAGE PYTHON.",
        FLINK,
    ),
    (
        "CREATE FUNCTION f AS 'com.example.F' LANGUAGE SCALA",
        "CREATE FUNCTION … LANGUAGE SCALA is not supported; a function is LANGUAGE PYTHON.",
        FLINK,
    ),
    (
        "INSERT OVERWRITE t SELECT 1",
        "INSERT OVERWRITE requires that the underlying table runs in batch mode; it is not "
        "supported in streaming mode.",
        WRONG,
    ),
    (
        "CREATE CATALOG c WITH ('type' = 'jdbc')",
        "CREATE CATALOG c: the type 'jdbc' is not supported; known are iceberg, glue, hive, each "
        "over the Glue Data Catalog.",
        FLINK,
    ),
    ("USE CATALOG c", "A catalog with name [c] does not exist.", WRONG),
    ("DROP TABLE nowhere", "Table with identifier 'nowhere' does not exist.", WRONG),
    (
        "CREATE TABLE tx (a INT)",
        "Table (or view) `default_catalog`.`default_database`.`tx` already exists",
        WRONG,
    ),
]


@pytest.mark.parametrize(("statement", "text", "needs_flink"), STATEMENTS)
def test_a_statement_is_refused_at_its_first_word(statement, text, needs_flink):
    refused = refusal(f"{TABLES}\n  {statement};")
    assert (refused.text, refused.needs_flink) == (text, needs_flink)
    assert (refused.line, refused.column) == (TABLES.count("\n") + 2, 3)


DECLARATIONS = [
    ("a NOTYPE", "Unknown type 'NOTYPE'", 2, 3),
    ("a INT, a INT", "A column named 'a' already exists in the base table.", 2, 8),
    (
        "a INT, WATERMARK FOR a AS a",
        "Invalid data type of time field for watermark definition. The field must be of type "
        "TIMESTAMP(p) or TIMESTAMP_LTZ(p), the supported precision 'p' is from 0 to 3, but the "
        "time field type is INT",
        2,
        8,
    ),
    ("a INT, b AS nope + 1", "Column 'nope' not found in any table", 2, 13),
    (
        "a INT, PRIMARY KEY (a)",
        "Flink doesn't support ENFORCED mode for PRIMARY KEY constraint. ENFORCED/NOT ENFORCED "
        "controls if the constraint checks are performed on the incoming/outgoing data. Flink does "
        "not own the data therefore the only supported mode is the NOT ENFORCED mode",
        2,
        8,
    ),
    ("a INT b INT", 'SQL parse failed. Encountered "b"', 2, 7),
]


@pytest.mark.parametrize(("columns", "text", "line", "column"), DECLARATIONS)
def test_a_declaration_is_refused_at_its_place(columns, text, line, column):
    refused = refusal(
        f"CREATE TABLE t (\n{columns}) WITH ('connector' = 'datagen');\n"
        "CREATE TABLE o (a INT) WITH ('connector' = 'print'); INSERT INTO o SELECT a FROM t"
    )
    assert (refused.text, refused.line, refused.column) == (text, line, column)


def test_sessions_have_no_allowed_lateness():
    late = f"SET 'table.exec.emit.allow-lateness' = '1 min';{TABLES}"
    query = "SELECT COUNT(*) FROM tx GROUP BY card, SESSION(ts, INTERVAL '1' MINUTE)"
    assert query_refusal(query, "c BIGINT", late) == (
        "Allowed lateness of session windows is not supported.",
        1,
        8,
        FLINK,
    )


def test_quotes_and_comments_have_ends():
    for sql, text in (
        ("SELECT 'a", "A string literal begins with ' and has no end."),
        ("SELECT `a", "An identifier begins with ` and has no end."),
        ("SELECT /* a", "A comment begins with /* and has no end."),
    ):
        refused = refusal(sql)
        assert (refused.text, refused.line, refused.column) == (text, 1, 8)


def test_a_program_without_an_insert_does_nothing():
    text = "No operators defined in streaming topology: the program has no INSERT INTO."
    assert refusal(TABLES).text == text


def test_a_table_that_its_connector_cannot_read_is_refused_where_it_is_declared():
    refused = refusal(
        "CREATE TABLE o (a INT) WITH ('connector' = 'print');\n"
        "  CREATE TABLE t (a INT) WITH ('connector' = 'jdbc');\nINSERT INTO o SELECT a FROM t"
    )
    assert refused.text.startswith("Table 't': Could not find any factory for identifier 'jdbc'")
    assert (refused.line, refused.column, refused.needs_flink) == (2, 3, True)


def test_a_table_that_nothing_reads_is_not_looked_at():
    planned(
        "CREATE TABLE t (a INT) WITH ('connector' = 'jdbc');"
        "CREATE TABLE o (a INT) WITH ('connector' = 'print'); INSERT INTO o SELECT 1"
    )


@pytest.mark.parametrize(
    "insert",
    [
        "INSERT INTO o SELECT card FROM tx /*+ OPTIONS('seed'='1') */",
        "INSERT INTO o /*+ OPTIONS('print-identifier'='x') */ SELECT card FROM tx",
    ],
)
def test_a_hint_is_refused_wherever_it_stands(insert):
    declared = f"{TABLES}CREATE TABLE o (card STRING) WITH ('connector' = 'print');"
    refused = refusal(f"{declared}{insert};")
    assert "hint" in refused.text
    assert refused.needs_flink


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("table.exec.state.ttl", "a while"),
        ("table.exec.source.idle-timeout", "5 fortnights"),
        ("table.exec.emit.allow-lateness", "-1"),
        ("table.local-time-zone", "Mars/Olympus"),
    ],
)
def test_a_setting_that_acts_has_a_value_that_can_be(key, value):
    refused = refusal(f"SET 'other' = 'x';\n  SET '{key}' = '{value}';")
    assert key in refused.text
    assert (refused.line, refused.column) == (2, 3)
    assert key in refusal("INSERT INTO o SELECT 1;", settings={key: value}).text
