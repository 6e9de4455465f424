"""Tables as Sail is shown them, without Sail: names, options, layouts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.spark.runtime import tables, views
from millpond.engines.spark.runtime.tables import CannotShow
from millpond.engines.spark.runtime.views import Name, read_name

LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def table(serde, settings=None, parameters=None, keys=(), location="s3://b/t"):
    return {
        "DatabaseName": "db",
        "Name": "t",
        "Parameters": parameters or {},
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "n", "Type": "string"}],
            "Location": location,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": settings or {}},
        },
    }


def partition(values, location, serde=PARQUET):
    stored = table(serde, location=location)["StorageDescriptor"]
    return {"Values": values, "StorageDescriptor": stored}


@given(
    st.text(min_size=1, max_size=20).filter(lambda name: "#" not in name),
    st.none() | st.lists(st.text(max_size=10), max_size=3).map(tuple),
    st.booleans(),
)
def test_a_name_carries_what_it_asks_for(base, values, files):
    name = Name(base, values, files)
    assert read_name(str(name)) == name


@pytest.mark.parametrize("text", ["orders", "a#b", "t#partition#1", "t#partition#mfzq"])
def test_other_names_are_tables(text):
    assert read_name(text) == Name(text)


@pytest.mark.parametrize(
    ("settings", "delimiter"),
    [
        ({}, "\x01"),
        ({"serialization.format": "1"}, "\x01"),
        ({"field.delim": "\t"}, "\t"),
        ({"field.delim": "|", "serialization.format": ","}, "|"),
        ({"field.delim": "9"}, "\t"),
    ],
)
def test_delimiters_are_what_hive_takes_them_for(settings, delimiter):
    shown = tables.show_files(table(LAZY, settings))
    assert shown["Parameters"]["option.delimiter"] == delimiter
    assert [c["Type"] for c in shown["StorageDescriptor"]["Columns"]] == ["string", "string"]


def test_what_sail_reads_by_itself_is_left_alone():
    parquet = table(PARQUET)
    assert tables.show_files(parquet) == parquet


def test_symbolic_links_and_nested_text_are_refused():
    links = table(LAZY)
    links["StorageDescriptor"]["InputFormat"] = "o.a.h.hive.ql.io.SymlinkTextInputFormat"
    with pytest.raises(CannotShow, match="symbolic links"):
        tables.show_files(links)
    nested = table(LAZY)
    nested["StorageDescriptor"]["Columns"][0]["Type"] = "array<int>"
    with pytest.raises(CannotShow, match="array<int>"):
        views.show_columns(nested, Name("t"))


@pytest.mark.parametrize(
    ("values", "location", "lies"),
    [
        (["2024", "a"], "s3://b/t/y=2024/c=a", True),
        (["2024", "a"], "s3://b/t/y=2024/c=a/", True),
        (["2024", "a"], "s3a://b/t/y=2024/c=a", True),
        (["2024", "a b:c"], "s3://b/t/y=2024/c=a b%3Ac", True),
        (["2024", ""], "s3://b/t/y=2024/c=__HIVE_DEFAULT_PARTITION__", True),
        (["2024", "a"], "s3://b/t/2024/a", False),
        (["2024", "a"], "s3://b/t/y=2024/c=b", False),
        (["2024", "a"], "s3://other/t/y=2024/c=a", False),
    ],
)
def test_partitions_lie_as_hive_would_or_not(values, location, lies):
    partitioned = table(PARQUET, keys=("y", "c"))
    found = [partition(values, location)]
    assert views.lies_as_hive_would(partitioned, found) is lies


def test_a_partition_stored_unlike_its_table_is_read_by_itself():
    partitioned = table(PARQUET, keys=("y",))
    other = partition(["1"], "s3://b/t/y=1", LAZY)
    assert not views.lies_as_hive_would(partitioned, [other])
    alone = views.partition_as_table(partitioned, other)
    assert tables.is_delimited(alone)
    assert alone["PartitionKeys"] == []


def test_a_union_quotes_what_it_is_given():
    partitioned = table(PARQUET, keys=("y",))
    shown = views.show_union(partitioned, [partition(["it's \\"], "s3://x")])
    sql = shown["ViewDefinition"]["Representations"][0]["ViewOriginalText"]
    assert "CAST('it\\'s \\\\' AS string) AS `y`" in sql
    part = Name("t", ("it's \\",))
    assert sql.endswith(f"FROM `db`.`{part}`")
