"""A program's text as statements, each with its place."""

from millpond.engines.streams.sql.statements.model import (
    ComputedColumn,
    CreateFunction,
    CreateTable,
    CreateView,
    Fragment,
    Insert,
    MetadataColumn,
    PhysicalColumn,
    ResetOption,
    SetOption,
    Use,
    Watermark,
)
from millpond.engines.streams.sql.statements.parse import parse_statements
from millpond.engines.streams.sql.typed import Position


def one(sql):
    (statement,) = parse_statements(sql)
    return statement


def test_quotes_and_comments_hide_what_ends_a_statement():
    found = parse_statements(
        "-- a; b\nSET 'a' = 'it''s; x'; /* ; */ INSERT INTO t SELECT `a;b`, ';' FROM t -- end;\n;;"
    )
    assert found == [
        SetOption(Position(2, 1), "a", "it's; x"),
        Insert(
            Position(2, 31),
            ("t",),
            None,
            Fragment("SELECT `a;b`, ';' FROM t", Position(2, 45)),
            "INSERT INTO t SELECT `a;b`, ';' FROM t",
        ),
    ]


def test_a_table_with_all_that_it_may_have():
    table = one(
        """CREATE TEMPORARY TABLE IF NOT EXISTS c.d.t (
  id BIGINT NOT NULL COMMENT 'a; (b',
  `r w` ROW<a INT, b ARRAY<MAP<STRING, DECIMAL(10, 2)>>>,
  at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  shard STRING METADATA,
  twice AS id * (1 + 1) COMMENT 'x',
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND,
  CONSTRAINT pk PRIMARY KEY (id, ts) NOT ENFORCED
) COMMENT 'c' PARTITIONED BY (id) WITH ('connector' = 'print', 'x' = 'it''s')"""
    )
    assert isinstance(table, CreateTable)
    assert table.name == ("c", "d", "t")
    assert table.columns == (
        PhysicalColumn("id", Fragment("BIGINT NOT NULL", Position(2, 6)), Position(2, 3)),
        PhysicalColumn(
            "r w",
            Fragment("ROW<a INT, b ARRAY<MAP<STRING, DECIMAL(10, 2)>>>", Position(3, 9)),
            Position(3, 3),
        ),
        MetadataColumn(
            "at",
            Fragment("TIMESTAMP_LTZ(3)", Position(4, 6)),
            "timestamp",
            True,
            Position(4, 3),
        ),
        MetadataColumn("shard", Fragment("STRING", Position(5, 9)), "shard", False, Position(5, 3)),
        ComputedColumn("twice", Fragment("id * (1 + 1)", Position(6, 12)), Position(6, 3)),
        PhysicalColumn("ts", Fragment("TIMESTAMP(3)", Position(7, 6)), Position(7, 3)),
    )
    assert table.watermark == Watermark(
        "ts", Fragment("ts - INTERVAL '5' SECOND", Position(8, 23)), Position(8, 3)
    )
    assert (table.primary_key, table.partitioned_by) == (("id", "ts"), ("id",))
    assert table.options == (("connector", "print"), ("x", "it's"))
    assert (table.unless_exists, table.temporary, table.like) == (True, True, None)


def test_views_functions_and_what_is_used():
    view, function, use, use_catalog, reset = parse_statements(
        """CREATE VIEW v (a, b) COMMENT 'x' AS SELECT 1, 2;
CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS f AS 'pack.module.f' LANGUAGE PYTHON;
USE c.d; USE CATALOG c; RESET"""
    )
    assert view == CreateView(
        Position(1, 1), ("v",), ("a", "b"), Fragment("SELECT 1, 2", Position(1, 37)), False
    )
    assert function == CreateFunction(Position(2, 1), ("f",), "pack.module", "f", True)
    assert use == Use(Position(3, 1), "c", "d")
    assert use_catalog == Use(Position(3, 10), "c", None)
    assert reset == ResetOption(Position(3, 25), None)


def test_statement_sets_in_both_forms():
    for begin in ("EXECUTE STATEMENT SET BEGIN", "BEGIN STATEMENT SET;"):
        found = parse_statements(
            f"{begin}\nINSERT INTO a VALUES (1);\nINSERT INTO b (x, y) SELECT 2, 3; END;"
        )
        assert [(each.name, each.columns, each.at.line) for each in found] == [
            (("a",), None, 2),
            (("b",), ("x", "y"), 3),
        ]


def test_an_insert_of_a_bracketed_query_has_no_list_of_columns():
    insert = one("INSERT INTO t (SELECT 1)")
    assert (insert.columns, insert.query.text) == (None, "(SELECT 1)")
