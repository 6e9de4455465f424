"""Which format a table's SerDe asks for."""

import pytest

from millpond.engines.sql.interface import DelimitedText, JsonLines, Parquet, QuotedText
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model.formats import compression_of, format_of

HIVE = "org.apache.hadoop.hive"


def read(library, serde=None, parameters=None):
    table = {"DatabaseName": "d", "Name": "t", "Parameters": parameters or {}}
    serde_info = {"SerializationLibrary": library, "Parameters": serde or {}}
    return format_of(table, {"SerdeInfo": serde_info})


def test_delimited_text_has_hives_defaults():
    library = f"{HIVE}.serde2.lazy.LazySimpleSerDe"
    assert read(library) == DelimitedText()
    assert read(library, {"serialization.format": ","}).field == ","
    given = {
        "field.delim": "|",
        "colelction.delim": ";",
        "mapkey.delim": "=",
        "escape.delim": "\\",
        "serialization.null.format": "",
    }
    assert read(library, given, {"skip.header.line.count": "2"}) == DelimitedText(
        "|", ";", "=", "\\", "", 2
    )


def test_quoted_text_takes_its_three_characters():
    library = f"{HIVE}.serde2.OpenCSVSerde"
    assert read(library) == QuotedText()
    given = {"separatorChar": "\t", "quoteChar": "'", "escapeChar": "^"}
    assert read(library, given, {"skip.header.line.count": "1"}) == QuotedText("\t", "'", "^", 1)


@pytest.mark.parametrize(
    "library", ["org.openx.data.jsonserde.JsonSerDe", "org.apache.hive.hcatalog.data.JsonSerDe"]
)
def test_json_takes_mappings(library):
    given = {"mapping.a": "A b", "ignore.malformed.json": "TRUE"}
    assert read(library, given) == JsonLines({"a": "A b"}, True)


def test_parquet_and_what_cannot_be_read():
    assert read(f"{HIVE}.ql.io.parquet.serde.ParquetHiveSerDe") == Parquet()
    with pytest.raises(QueryFailed, match=r"d\.t is stored with .*OrcSerde"):
        read(f"{HIVE}.ql.io.orc.OrcSerde")
    with pytest.raises(QueryFailed, match="with no SerDe"):
        format_of({"DatabaseName": "d", "Name": "t"}, {})


@pytest.mark.parametrize(
    ("key", "compression"),
    [
        ("a.csv", ""),
        ("a.csv.gz", "gzip"),
        ("a.BZ2", "bzip2"),
        ("a.json.zst", "zstd"),
        ("gz", "gzip"),
    ],
)
def test_compression_is_told_by_a_texts_name(key, compression):
    assert compression_of(key, DelimitedText()) == compression
    assert compression_of(key, Parquet()) == ""
