"""Query strings to statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.athena.statements import formats, model
from millpond.services.athena.statements.parse import parse, split_list
from millpond.services.athena.statements.refusal import StatementRefused


def test_an_external_table_with_everything():
    statement = parse(
        r"""
        CREATE EXTERNAL TABLE IF NOT EXISTS `Shop`.`Orders` ( -- a comment
          `Id` INT COMMENT 'the order''s id',
          amount decimal(10, 2),
          tags array<string>,
          lines array<struct<sku:string, n:int>>,
          extra map<string,double>
        )
        COMMENT 'orders'
        PARTITIONED BY (`day` date, region varchar(8))
        ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' ESCAPED BY '\\'
          COLLECTION ITEMS TERMINATED BY '|' MAP KEYS TERMINATED BY '\003' NULL DEFINED AS ''
        STORED AS TEXTFILE
        LOCATION 's3://shop/orders/'
        TBLPROPERTIES ('skip.header.line.count'='1', "classification"="csv");
        """
    )
    assert statement == model.CreateTable(
        name=("shop", "orders"),
        columns=[
            model.Column("id", "int", "the order's id"),
            model.Column("amount", "decimal(10,2)"),
            model.Column("tags", "array<string>"),
            model.Column("lines", "array<struct<sku:string,n:int>>"),
            model.Column("extra", "map<string,double>"),
        ],
        storage=model.Storage(
            formats.LAZY_SIMPLE,
            {
                "serialization.format": "\t",
                "field.delim": "\t",
                "escape.delim": "\\",
                "colelction.delim": "|",
                "mapkey.delim": "\x03",
                "serialization.null.format": "",
            },
            formats.TEXT_INPUT,
            formats.TEXT_OUTPUT,
        ),
        location="s3://shop/orders/",
        if_not_exists=True,
        partition_columns=[model.Column("day", "date"), model.Column("region", "varchar(8)")],
        comment="orders",
        properties={"skip.header.line.count": "1", "classification": "csv"},
    )


@pytest.mark.parametrize(
    ("clauses", "serde", "input_format"),
    [
        ("STORED AS PARQUET", formats.PARQUET, formats.PARQUET_INPUT),
        (f"ROW FORMAT SERDE '{formats.PARQUET}'", formats.PARQUET, formats.PARQUET_INPUT),
        (f"ROW FORMAT SERDE '{formats.OPEN_CSV}'", formats.OPEN_CSV, formats.TEXT_INPUT),
        (
            f"ROW FORMAT SERDE '{formats.JSON_OPENX}' STORED AS INPUTFORMAT 'a.In' "
            "OUTPUTFORMAT 'b'",
            formats.JSON_OPENX,
            "a.In",
        ),
        ("", formats.LAZY_SIMPLE, formats.TEXT_INPUT),
    ],
)
def test_storage_clauses_name_hives_classes(clauses, serde, input_format):
    statement = parse(f"CREATE EXTERNAL TABLE t (a int) {clauses} LOCATION 's3://b/'")
    assert (statement.storage.serde, statement.storage.input_format) == (serde, input_format)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  SELECT 1 ;", model.Query("SELECT 1")),
        (r"SELECT '\', ';' -- no escape", model.Query(r"SELECT '\', ';'")),
        ("SELECT 1; -- closed", model.Query("SELECT 1")),
        (" " * 60 + "SELECT 1", model.Query("SELECT 1")),
        ("(SELECT 1) UNION (SELECT 2)", model.Query("(SELECT 1) UNION (SELECT 2)")),
        ("create database if not exists d comment 'c'", model.CreateDatabase("d", True, "c")),
        ("DROP SCHEMA d CASCADE", model.DropDatabase("d", cascade=True)),
        ("drop table if exists `d`.`t`", model.DropTable(("d", "t"), if_exists=True)),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", model.CreateView((None, "v"), "SELECT 1", True)),
        (
            "CREATE TABLE t WITH (format = 'PARQUET', partitioned_by = ARRAY['a', 'b']) AS "
            "SELECT 1 AS a WITH NO DATA",
            model.CreateTableAs(
                (None, "t"),
                "SELECT 1 AS a",
                properties={"format": "PARQUET", "partitioned_by": ["a", "b"]},
                with_data=False,
            ),
        ),
        (
            "CREATE TABLE AwsDataCatalog.d.t AS SELECT 'with data'",
            model.CreateTableAs(("d", "t"), "SELECT 'with data'"),
        ),
        (
            "INSERT INTO d.t (a, b) SELECT 1, 2",
            model.InsertInto(("d", "t"), "SELECT 1, 2", ["a", "b"]),
        ),
        ("INSERT INTO t (SELECT 1)", model.InsertInto((None, "t"), "(SELECT 1)")),
        ("INSERT INTO t VALUES (1, ')')", model.InsertInto((None, "t"), "VALUES (1, ')')")),
        (
            "UNLOAD (SELECT (1), ')') TO 's3://b/x/' WITH (format = 'JSON')",
            model.Unload("SELECT (1), ')'", "s3://b/x/", {"format": "JSON"}),
        ),
        (
            "ALTER TABLE t ADD IF NOT EXISTS PARTITION (d='2024-01-01', n=3) LOCATION 's3://b/1/' "
            "PARTITION (d=DATE '2024-01-02', n=-4)",
            model.AddPartitions(
                (None, "t"),
                [
                    model.NewPartition({"d": "2024-01-01", "n": "3"}, "s3://b/1/"),
                    model.NewPartition({"d": "2024-01-02", "n": "-4"}),
                ],
                if_not_exists=True,
            ),
        ),
        (
            "ALTER TABLE t DROP PARTITION (d < '2024'), PARTITION (n = 1)",
            model.DropPartitions(
                (None, "t"),
                [[model.Comparison("d", "<", "2024")], [model.Comparison("n", "=", "1")]],
            ),
        ),
        (
            "ALTER TABLE t SET TBLPROPERTIES ('a' = 'b')",
            model.SetProperties((None, "t"), {"a": "b"}),
        ),
        (
            "ALTER TABLE t ADD COLUMNS (x struct<a:int>)",
            model.AddColumns((None, "t"), [model.Column("x", "struct<a:int>")]),
        ),
        ("DROP TABLE `d.t`;", model.DropTable(("d", "t"))),
        ("MSCK REPAIR TABLE d.t", model.RepairTable(("d", "t"))),
        ("show databases like 'a*'", model.ShowDatabases("a*")),
        ("SHOW TABLES IN d 'x*'", model.ShowTables("d", "x*")),
        ("SHOW COLUMNS IN t FROM d", model.ShowColumns(("d", "t"))),
        ("SHOW CREATE TABLE d.t", model.ShowCreateTable(("d", "t"))),
        ("SHOW TBLPROPERTIES t('k')", model.ShowTableProperties((None, "t"), "k")),
        ("DESCRIBE FORMATTED d.t", model.Describe(("d", "t"), formatted=True)),
        ("PREPARE p FROM SELECT ? + ?", model.Prepare("p", "SELECT ? + ?")),
        ("EXECUTE p USING f(1, 2), 'a,b'", model.Execute("p", ["f(1, 2)", "'a,b'"])),
        ("DEALLOCATE PREPARE p", model.Deallocate("p")),
        ("EXPLAIN SELECT 1", model.Explain("SELECT 1")),
    ],
)
def test_statements(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1:1: mismatched input '<EOF>'"),
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
        ("\n  CREATE EXTERNAL TABLE t (a bogus)", "line 2:30: mismatched input 'bogus'"),
        ("CREATE EXTERNAL TABLE t (a int)", "requires a LOCATION"),
        ("CREATE EXTERNAL TABLE t (a int, A int) LOCATION 's3://b/'", "Duplicate column name a"),
        ("DROP TABLE t u", "mismatched input 'u'. Expecting: <EOF>"),
        ("SHOW TABLES IN d 'unclosed", "mismatched input '''"),
        ("MERGE INTO t USING s ON true", "Iceberg"),
        ("CREATE TABLE t (a int)", "Iceberg"),
        ("DROP TABLE other.d.t", "Catalog 'other' does not exist"),
        ("CREATE EXTERNAL TABLE t (a " + "array<" * 60 + "int", "nest more than 50 deep"),
        ("ALTER TABLE t ADD PARTITION (d > '1')", "named with ="),
        ("EXPLAIN ANALYZE SELECT 1", "EXPLAIN ANALYZE is not supported"),
        ("ALTER TABLE t RENAME TO u", "ALTER TABLE RENAME is not supported"),
        ("ALTER TABLE t CHANGE a b int", "ALTER TABLE CHANGE COLUMN is not supported"),
    ],
)
def test_what_is_not_a_statement_is_refused_with_its_place(text, says):
    with pytest.raises(StatementRefused) as refused:
        parse(text)
    assert says in str(refused.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    for start in ("", "CREATE EXTERNAL TABLE t (", "ALTER TABLE t ", "EXECUTE p USING "):
        try:
            parse(start + text)
        except StatementRefused:
            continue


def test_lists_are_split_at_their_own_commas():
    assert split_list("1, f(a, b), ARRAY[1, 2], 'x,y'") == ["1", "f(a, b)", "ARRAY[1, 2]", "'x,y'"]
