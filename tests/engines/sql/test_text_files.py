"""Tables of text, as Hive's SerDes read them."""

import bz2
import gzip

import pytest
from sql_tables import Stored, Tables

from millpond.engines.sql.interface import (
    DelimitedText,
    JsonLines,
    QueryRefused,
    QuotedText,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
COMMAS = DelimitedText(field=",")


def rows(text: str) -> list[str]:
    """The lines of a result after its header."""
    return text.splitlines()[1:]


async def test_a_field_that_is_no_value_of_its_type_is_null(ask) -> None:
    content = b"1,x,1.5,true,2020-01-31,2020-01-31 10:11:12.5,9.99\nx,,1.5.5,yes,2020-02-30,now,a\n"
    tables = Tables().add(
        "t",
        "a bigint; b varchar; c double; d boolean; e date; f timestamp(3); g decimal(4,1)",
        [Stored(content, COMMAS)],
    )
    assert rows(await ask(tables, "SELECT * FROM t")) == [
        '"1","x","1.5","true","2020-01-31","2020-01-31 10:11:12.500","10.0"',
        ',"",,,,,',
    ]


@pytest.mark.parametrize("text", ["1.5", "1e3", "0x10", "1_000", "", " ", "9223372036854775808"])
async def test_a_bigint_in_text_is_digits_alone(ask, text: str) -> None:
    tables = Tables().add("t", "a bigint", [Stored(f"{text}\n".encode(), COMMAS)])
    assert rows(await ask(tables, "SELECT a FROM t")) == [""]


async def test_missing_fields_are_null_and_further_ones_are_left_out(ask) -> None:
    content = b"1,2,3,4\n5\n\n6,7"
    tables = Tables().add("t", "a varchar; b varchar", [Stored(content, COMMAS)])
    assert rows(await ask(tables, "SELECT * FROM t")) == ['"1","2"', '"5",', '"",', '"6","7"']


async def test_quotes_mean_nothing_to_lazy_simple_and_backslash_n_is_null(ask) -> None:
    content = b'"a,b",\\N\n'
    tables = Tables().add("t", "a varchar; b varchar; c varchar", [Stored(content, COMMAS)])
    assert rows(await ask(tables, "SELECT * FROM t")) == ['"""a","b""",']


async def test_an_escape_makes_a_separator_part_of_its_field(ask) -> None:
    content = b"a\\,b,c\\\\d,e\\nf\n"
    kind = DelimitedText(field=",", escape="\\")
    tables = Tables().add("t", "a varchar; b varchar; c varchar", [Stored(content, kind)])
    assert (await ask(tables, "SELECT a, b, length(c) FROM t")).splitlines()[1] == (
        '"a,b","c\\d","3"'
    )


async def test_lists_maps_and_structs_have_separators_of_their_own(ask) -> None:
    kind = DelimitedText(field="|", item=",", key=":")
    content = b"1,2,x|k:1,l:2|7,seven\n||\n\\N|\\N|\\N\n"
    tables = Tables().add(
        "t",
        "a array(integer); m map(varchar, integer); s row(x bigint, y varchar)",
        [Stored(content, kind)],
    )
    assert rows(await ask(tables, "SELECT * FROM t")) == [
        '"[1, 2, null]","{k=1, l=2}","{x=7, y=seven}"',
        '"[]","{}","{x=null, y=null}"',
        ",,",
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_header_lines_are_skipped_in_every_file(ask, end: bytes) -> None:
    kind = DelimitedText(field=",", skip_lines=1)
    files = [Stored(end.join([b"h", b"1", b"2", b""]), kind), Stored(end.join([b"h", b"3"]), kind)]
    tables = Tables().add("t", "a bigint", files)
    assert rows(await ask(tables, "SELECT a FROM t ORDER BY a")) == ['"1"', '"2"', '"3"']


async def test_line_ends_may_be_mixed_and_bytes_may_not_be_utf_8(ask) -> None:
    content = b"1,a\r\n2,b\n3,caf\xe9\r\n\n4,d"
    tables = Tables().add("t", "a bigint; b varchar", [Stored(content, COMMAS)])
    assert rows(await ask(tables, "SELECT * FROM t")) == [
        '"1","a"',
        '"2","b"',
        '"3","caf\ufffd"',
        ",",
        '"4","d"',
    ]


async def test_bytes_that_are_no_text_fail_the_query(ask) -> None:
    tables = Tables().add("t", "a varchar", [Stored("a\n".encode("utf-16"), COMMAS)])
    with pytest.raises(QueryRefused, match=r"HIVE_BAD_DATA.*NUL"):
        await ask(tables, "SELECT * FROM t")


@pytest.mark.parametrize(
    ("compression", "pack"), [("gzip", gzip.compress), ("bzip2", bz2.compress)]
)
async def test_compressed_files_are_read(ask, compression: str, pack) -> None:
    files = [Stored(pack(b"1\n2\n"), COMMAS, compression=compression)]
    tables = Tables().add("t", "a bigint", files)
    assert rows(await ask(tables, "SELECT sum(a) FROM t")) == ['"3"']


async def test_zstandard_files_are_read(ask) -> None:
    import pyarrow as pa

    packed = pa.Codec("zstd").compress(b"1\n2\n", asbytes=True)
    tables = Tables().add("t", "a bigint", [Stored(packed, COMMAS, compression="zstd")])
    assert rows(await ask(tables, "SELECT sum(a) FROM t")) == ['"3"']


async def test_a_damaged_compressed_file_fails_the_query(ask) -> None:
    content = gzip.compress(b"1\n" * 1000)[:-20]
    tables = Tables().add("t", "a bigint", [Stored(content, COMMAS, compression="gzip")])
    with pytest.raises(QueryRefused, match="HIVE_CURSOR_ERROR"):
        await ask(tables, "SELECT * FROM t")


async def test_quoted_values_hold_separators_quotes_and_line_breaks(ask) -> None:
    content = b'1,"a,b","say ""hi"""\n2,"two\nlines",plain\n3,,""\n'
    tables = Tables().add("t", "a bigint; b varchar; c varchar", [Stored(content, QuotedText())])
    assert await ask(tables, "SELECT * FROM t") == (
        '"a","b","c"\n"1","a,b","say ""hi"""\n"2","two\nlines","plain"\n"3","",""\n'
    )


async def test_quoted_values_may_be_escaped_and_rows_ragged(ask) -> None:
    content = b'1,"a\\"b\\\\c"\n\n2\n3,x,y\n'
    tables = Tables().add("t", "a varchar; b varchar", [Stored(content, QuotedText())])
    assert rows(await ask(tables, "SELECT * FROM t")) == [
        '"1","a""b\\c"',
        '"",',
        '"2",',
        '"3","x"',
    ]


async def test_other_separators_and_quotes_are_taken(ask) -> None:
    kind = QuotedText(separator=";", quote="'", skip_lines=1)
    tables = Tables().add("t", "a bigint; b varchar", [Stored(b"x;y\n1;'a;b'\n2;'it''s'\n", kind)])
    assert rows(await ask(tables, "SELECT * FROM t ORDER BY a")) == ['"1","a;b"', '"2","it\'s"']


@pytest.mark.parametrize("quote", [b"", b'"'])
async def test_a_quoted_value_that_is_not_of_its_type_fails_the_query(ask, quote: bytes) -> None:
    content = b"1\n" + quote + b"abc" + quote + b"\n"
    tables = Tables().add("t", "a bigint", [Stored(content, QuotedText())])
    with pytest.raises(QueryRefused) as caught:
        await ask(tables, "SELECT a FROM t")
    assert caught.value.text == (
        "HIVE_BAD_DATA: Error parsing field value 'abc' for field 0: For input string: \"abc\""
    )
    assert rows(await ask(tables, "SELECT count(*) FROM t")) == ['"2"']


async def test_an_empty_quoted_value_is_null_where_the_column_is_no_text(ask) -> None:
    content = b'1,x,1.5\n"",,""\n3,"",\n'
    tables = Tables().add("t", "a bigint; b varchar; c double", [Stored(content, QuotedText())])
    assert rows(await ask(tables, "SELECT * FROM t ORDER BY a")) == [
        '"1","x","1.5"',
        '"3","",',
        ',"",',
    ]


async def test_open_csv_takes_days_and_milliseconds_for_dates_and_times(ask) -> None:
    content = b"18262,1577836800000\n2020-01-01,2020-01-01 00:00:00\n"
    tables = Tables().add("t", "d date; t timestamp(3)", [Stored(content, QuotedText())])
    same = '"2020-01-01","2020-01-01 00:00:00.000"'
    assert rows(await ask(tables, "SELECT * FROM t")) == [same, same]


async def test_json_members_are_found_without_case(ask) -> None:
    content = (
        b'{"UserId": 1, "name": "x", "Tags": ["a", null], "Pos": {"Lat": 1.5, "extra": 0},'
        b' "attrs": {"K": 1}}\n{"userid": 2, "name": null}\n\n'
    )
    tables = Tables().add(
        "t",
        "userid bigint; name varchar; tags array(varchar); pos row(lat double, lon double);"
        " attrs map(varchar, integer)",
        [Stored(content, JsonLines())],
    )
    assert rows(await ask(tables, "SELECT * FROM t")) == [
        '"1","x","[a, null]","{lat=1.5, lon=null}","{K=1}"',
        '"2",,,,',
        ",,,,",
    ]


async def test_json_columns_may_be_mapped_and_objects_read_as_text(ask) -> None:
    kind = JsonLines(paths={"stamp": "ts"})
    content = b'{"ts": "2020-01-01 00:00:00", "doc": {"a": [1, 2]}, "n": "7"}\n'
    tables = Tables().add("t", "stamp timestamp(3); doc varchar; n bigint", [Stored(content, kind)])
    assert rows(await ask(tables, "SELECT * FROM t")) == [
        '"2020-01-01 00:00:00.000","{""a"":[1,2]}","7"'
    ]


async def test_a_line_that_is_no_object_fails_the_query_unless_that_is_ignored(ask) -> None:
    content = b'{"a": 1}\nnope\n[1]\n'
    strict = Tables().add("t", "a bigint", [Stored(content, JsonLines())])
    with pytest.raises(QueryRefused, match="HIVE_CURSOR_ERROR: Row is not a valid JSON Object"):
        await ask(strict, "SELECT a FROM t")
    lenient = Tables().add("t", "a bigint", [Stored(content, JsonLines(ignores_malformed=True))])
    assert rows(await ask(lenient, "SELECT a FROM t")) == ['"1"', "", ""]
