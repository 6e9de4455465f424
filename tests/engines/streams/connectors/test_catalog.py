"""Tables of the Glue Data Catalog as streaming SQL sees them."""

import pytest

from millpond.engines.streams.connectors.catalog import look_up_with
from millpond.engines.streams.connectors.hive_types import hive_type
from millpond.engines.streams.interface import Access, Refused


@pytest.mark.parametrize(
    ("text", "flink"),
    [
        ("bigint", "BIGINT"),
        ("decimal", "DECIMAL(10, 0)"),
        ("Decimal(12,3)", "DECIMAL(12, 3)"),
        ("varchar(20)", "VARCHAR(20)"),
        ("timestamp", "TIMESTAMP(6)"),
        ("array<string>", "ARRAY<STRING>"),
        (
            "map<string,struct<a:int,b:array<double>>>",
            "MAP<STRING, ROW<`a` INT, `b` ARRAY<DOUBLE>>>",
        ),
        ("struct<a b>", None),
        ("array<", None),
        ("uniontype<int,string>", None),
        ("int int", None),
        ("", None),
    ],
)
def test_hives_types_are_read(text, flink):
    kind = hive_type(text)
    assert (kind.flink() if kind else None) == flink


@pytest.fixture(scope="module")
def look_up(server):
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "lookups"})
    for name, serde, parameters in (
        ("events", "org.openx.data.jsonserde.JsonSerDe", {}),
        ("lines", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", {"field.delim": "|"}),
        ("orcs", "org.apache.hadoop.hive.ql.io.orc.OrcSerde", {}),
        ("heads", "org.apache.hadoop.hive.serde2.OpenCSVSerde", {"skip.header.line.count": "1"}),
    ):
        glue.create_table(
            DatabaseName="lookups",
            TableInput={
                "Name": name,
                "PartitionKeys": [{"Name": "day", "Type": "date"}],
                "StorageDescriptor": {
                    "Columns": [{"Name": "id", "Type": "bigint"}],
                    "Location": f"s3://lake/{name}/",
                    "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
                },
            },
        )
    access = Access(server.endpoint, server.region, server.access_key_id, server.secret_access_key)
    return look_up_with(access)


def test_a_table_of_files_is_one_of_the_filesystem(look_up):
    found = look_up({"type": "glue"}, "lookups", "events")
    assert [(column.name, column.type.flink()) for column in found.columns] == [
        ("id", "BIGINT"),
        ("day", "DATE"),
    ]
    assert found.partitioned_by == ("day",)
    assert dict(found.options) == {
        "connector": "filesystem",
        "path": "s3://lake/events/",
        "format": "json",
    }


def test_text_keeps_its_delimiter(look_up):
    options = dict(look_up({"type": "glue"}, "lookups", "lines").options)
    assert (options["format"], options["csv.field-delimiter"]) == ("csv", "|")


def test_what_cannot_be_read_is_refused_by_name(look_up):
    assert look_up({"type": "glue"}, "lookups", "nothing") is None
    with pytest.raises(Refused, match=r"lookups\.orcs: files of the SerDe .*OrcSerde cannot be"):
        look_up({"type": "glue"}, "lookups", "orcs")
    with pytest.raises(Refused, match=r"lookups\.heads: its files begin with header lines"):
        look_up({"type": "glue"}, "lookups", "heads")
