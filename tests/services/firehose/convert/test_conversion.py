"""Real files, read back with pyarrow."""

import asyncio
import json
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from millpond.services.firehose.convert import conversion
from millpond.services.firehose.delivery.interface import NotNow
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import (
    HiveJsonSerDe,
    OpenXJsonSerDe,
    OrcSerDe,
    ParquetSerDe,
    Serializer,
)

EVERY_TYPE = {
    "b": "boolean",
    "ti": "tinyint",
    "si": "smallint",
    "i": "int",
    "bi": "bigint",
    "f": "float",
    "d": "double",
    "dec": "decimal(10,2)",
    "s": "string",
    "v": "varchar(20)",
    "bin": "binary",
    "da": "date",
    "ts": "timestamp",
    "arr": "array<int>",
    "m": "map<string,bigint>",
    "st": "struct<X:int,y:array<struct<z:date>>>",
}
FULL = {
    "B": True,
    "TI": -128,
    "si": 32767,
    "i": "12",
    "bi": 9223372036854775807,
    "f": 1.5,
    "d": 3,
    "dec": 12.345,
    "s": {"any": [1, "thing"]},
    "v": 1,
    "bin": "ß",
    "da": "2024-02-29",
    "ts": "2024-02-29T12:13:14.5Z",
    "arr": [1, None, "3"],
    "m": {"A": 1, "b": None},
    "st": {"x": 1, "Y": [{"Z": "2024-01-01"}]},
    "unknown": "left out",
}
READ = {
    "b": True,
    "ti": -128,
    "si": 32767,
    "i": 12,
    "bi": 9223372036854775807,
    "f": 1.5,
    "d": 3.0,
    "dec": Decimal("12.35"),
    "s": '{"any":[1,"thing"]}',
    "v": "1",
    "bin": "ß".encode(),
    "da": date(2024, 2, 29),
    "ts": datetime(2024, 2, 29, 12, 13, 14, 500_000),
    "arr": [1, None, 3],
    "m": [("a", 1), ("b", None)],
    "st": {"x": 1, "y": [{"z": date(2024, 1, 1)}]},
}


def read_parquet(target: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(target, coerce_int96_timestamp_unit="us").to_pylist())


@pytest.mark.parametrize("format_", ["parquet", "orc"])
async def test_every_type_is_read_back(
    conversion_of: Any, runs_of: Any, target: Path, format_: str
) -> None:
    serializer = Serializer(
        parquet_ser_de=ParquetSerDe() if format_ == "parquet" else None,
        orc_ser_de=OrcSerDe() if format_ == "orc" else None,
    )
    one = conversion_of(EVERY_TYPE, serializer=serializer)
    done = await one.convert(runs_of(json.dumps(FULL).encode(), b"{}"), target)
    assert (done.rows, done.extension, list(done.failures)) == (2, f".{format_}", [])
    rows = read_parquet(target) if format_ == "parquet" else orc.read_table(target).to_pylist()
    assert rows == [READ, dict.fromkeys(EVERY_TYPE)]


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("int", '{"c": "twelve"}', "MalformedData"),
        ("int", '{"c": 2147483648}', "MalformedData"),
        ("int", '{"c": true}', "MalformedData"),
        ("int", '{"c": 1.5}', "MalformedData"),
        ("double", '{"c": []}', "MalformedData"),
        ("boolean", '{"c": 1}', "MalformedData"),
        ("decimal(3,1)", '{"c": 100}', "MalformedData"),
        ("decimal(3,1)", '{"c": "NaN"}', "MalformedData"),
        ("decimal(3,1)", '{"c": 1e999999999}', "MalformedData"),
        ("struct<a:decimal(3,1),b:int>", '{"c": {"b": 1e999999999}}', "MalformedData"),
        ("struct<a:decimal(3,1),b:timestamp>", '{"c": {"b": 1e999999999}}', "MalformedData"),
        ("int", '{"c": 1e400}', "ParseError"),
        ("date", '{"c": "2024-02-30"}', "MalformedData"),
        ("timestamp", '{"c": "yesterday"}', "MalformedData"),
        ("timestamp", '{"c": 99999999999999999999}', "MalformedData"),
        ("array<int>", '{"c": {"a": 1}}', "MalformedData"),
        ("array<int>", '{"c": ["x"]}', "MalformedData"),
        ("map<string,int>", '{"c": {"a": "x"}}', "MalformedData"),
        ("struct<a:int>", '{"c": {"a": "x"}}', "MalformedData"),
        ("string", '{"c": ', "ParseError"),
        ("string", "", "ParseError"),
        ("string", '{"c": "\ud800"}', "ParseError"),
        ("string", "[1]", "MalformedData"),
        ("string", '{"c": 1}[2]', "MalformedData"),
        ("string", "[" * 5000, "ParseError"),
    ],
)
async def test_a_record_that_does_not_fit_fails_alone(
    conversion_of: Any, runs_of: Any, target: Path, kind: str, value: str, code: str
) -> None:
    bad = value.encode(errors="surrogatepass")
    one = conversion_of({"n": "int", "c": kind})
    runs = runs_of(b'{"n":1}', bad, b'{"n":2}', size=2)
    done = await one.convert(runs, target)
    assert [row["n"] for row in read_parquet(target)] == [1, 2]
    assert done.rows == 2
    (failure,) = done.failures
    assert failure.code == f"DataFormatConversion.{code}"
    assert (failure.kind, failure.raw) == ("format-conversion-failed", bad)
    assert failure.more["sequenceNumber"] == "1"
    assert failure.more["dataCatalogTable"] == {
        "catalogId": "000000000000",
        "databaseName": "lake",
        "tableName": "clicks",
        "region": "us-east-1",
        "versionId": "LATEST",
        "catalogArn": "arn:aws:glue:us-east-1:000000000000:catalog",
    }


async def test_an_object_of_failures_alone_is_not_written(
    conversion_of: Any, runs_of: Any, target: Path
) -> None:
    done = await conversion_of({"n": "int"}).convert(runs_of(b"{", b'{"n":"x"}'), target)
    assert (done.rows, len(done.failures), target.exists()) == (0, 2, False)


async def test_a_record_may_hold_several_objects(
    conversion_of: Any, runs_of: Any, target: Path
) -> None:
    runs = runs_of(b'{"n":1}{"n":2}\n', b'{"n":3}\n{"n":"x"}', b'{\n"n":4}\n')
    done = await conversion_of({"n": "int"}).convert(runs, target)
    assert [row["n"] for row in read_parquet(target)] == [1, 2, 4]
    assert [failure.raw for failure in done.failures] == [b'{"n":3}\n{"n":"x"}']


async def test_decimals_keep_all_their_digits(
    conversion_of: Any, runs_of: Any, target: Path
) -> None:
    text = "1234567890123456789012345678.0123456789"
    one = conversion_of({"d": "decimal(38,10)", "f": "double", "s": "string", "i": "int"})
    await one.convert(runs_of(f'{{"d":{text},"f":1.25,"s":{text},"i":2.0}}'.encode()), target)
    assert read_parquet(target) == [{"d": Decimal(text), "f": 1.25, "s": text, "i": 2}]


async def test_keys_follow_the_openx_options(
    conversion_of: Any, runs_of: Any, target: Path
) -> None:
    openx = OpenXJsonSerDe(
        case_insensitive=False,
        convert_dots_in_json_keys_to_underscores=True,
        column_to_json_key_mappings={"ts": "Timestamp"},
    )
    columns = {"a_b": "int", "ts": "int", "x": "int", "m": "map<string,int>"}
    one = conversion_of(columns, openx=openx)
    await one.convert(runs_of(b'{"a.b":1,"Timestamp":2,"X":3,"ts":4,"m":{"A.b":5}}'), target)
    assert read_parquet(target) == [{"a_b": 1, "ts": 2, "x": None, "m": [("A.b", 5)]}]


async def test_the_hive_serde_reads_times_by_patterns_and_no_numbers_from_text(
    conversion_of: Any, runs_of: Any, target: Path
) -> None:
    hive = HiveJsonSerDe(timestamp_formats=["dd/MMM/yyyy:HH:mm:ss Z", "millis"])
    one = conversion_of({"ts": "timestamp", "n": "int"}, hive=hive)
    done = await one.convert(
        runs_of(
            b'{"ts":"29/Feb/2024:12:00:00 +0200","n":1}',
            b'{"TS":1709200800001}',
            b'{"n":"1"}',
            b'{"ts":"2024-02-29 12:00:00"}',
        ),
        target,
    )
    assert [row["ts"] for row in read_parquet(target)] == [
        datetime(2024, 2, 29, 10),
        datetime(2024, 2, 29, 10, 0, 0, 1000),
    ]
    assert len(done.failures) == 2


async def test_the_latest_version_of_the_table_is_followed(
    conversion_of: Any, catalog: Any, runs_of: Any, tmp_path: Path
) -> None:
    one = conversion_of({"n": "int"})
    await one.convert(runs_of(b'{"n":1,"m":2}'), tmp_path / "1")
    catalog.versions["LATEST"] = {"n": "int", "m": "int"}
    await one.convert(runs_of(b'{"n":1,"m":2}'), tmp_path / "2")
    assert pq.read_table(tmp_path / "1").column_names == ["n"]
    assert pq.read_table(tmp_path / "2").column_names == ["n", "m"]


async def test_a_version_can_be_named(
    conversion_of: Any, catalog: Any, runs_of: Any, target: Path
) -> None:
    one = conversion_of({"n": "int"}, version_id="3")
    catalog.versions["3"] = {"m": "int"}
    done = await one.convert(runs_of(b'{"n":1,"m":2}'), target)
    assert read_parquet(target) == [{"m": 2}] and done.rows == 1
    assert catalog.calls == [
        ("GetTableVersion", {"DatabaseName": "lake", "TableName": "clicks", "VersionId": "3"})
    ]


@pytest.mark.parametrize("columns", [{}, {"u": "uniontype<int>"}, {"u": "array<int"}])
async def test_a_schema_that_cannot_be_used_is_waited_for(
    conversion_of: Any, runs_of: Any, target: Path, columns: dict[str, str]
) -> None:
    with pytest.raises(NotNow) as waiting:
        await conversion_of(columns).convert(runs_of(b"{}"), target)
    assert waiting.value.code == "DataFormatConversion.InvalidSchema"


async def test_a_missing_table_is_waited_for(
    conversion_of: Any, runs_of: Any, target: Path
) -> None:
    with pytest.raises(NotNow, match="EntityNotFoundException"):
        await conversion_of({"n": "int"}, version_id="9").convert(runs_of(b"{}"), target)


@pytest.mark.parametrize("compression", ["UNCOMPRESSED", "SNAPPY", "GZIP"])
@pytest.mark.parametrize("version", ["V1", "V2"])
async def test_parquet_options_are_honoured(
    conversion_of: Any, runs_of: Any, target: Path, compression: Any, version: Any
) -> None:
    serde = ParquetSerDe(
        compression=compression,
        writer_version=version,
        enable_dictionary_compression=False,
        page_size_bytes=65536,
    )
    one = conversion_of({"s": "string"}, serializer=Serializer(parquet_ser_de=serde))
    await one.convert(runs_of(*[b'{"s":"same"}'] * 100), target)
    file = pq.ParquetFile(target)
    column = file.metadata.row_group(0).column(0)
    assert column.compression == compression
    assert not column.has_dictionary_page
    assert file.metadata.format_version == ("1.0" if version == "V1" else "2.6")
    assert file.read().num_rows == 100


async def test_orc_options_are_honoured(conversion_of: Any, runs_of: Any, target: Path) -> None:
    serde = OrcSerDe(
        compression="ZLIB",
        stripe_size_bytes=8 << 20,
        row_index_stride=1000,
        bloom_filter_columns=["S"],
        dictionary_key_threshold=1,
        format_version="V0_11",
    )
    columns = {"a": "struct<x:int,y:int>", "s": "string"}
    with_filter = conversion_of(columns, serializer=Serializer(orc_ser_de=serde))
    records = [json.dumps({"s": f"name {n}"}).encode() for n in range(5000)]
    await with_filter.convert(runs_of(*records), target)
    file = orc.ORCFile(target)
    assert (file.compression, str(file.file_version), file.nrows) == ("ZLIB", "0.11", 5000)
    assert file.row_index_stride == 1000
    serde.bloom_filter_columns = None
    plain = target.with_name("plain")
    without = conversion_of(columns, serializer=Serializer(orc_ser_de=serde))
    await without.convert(runs_of(*records), plain)
    assert target.stat().st_size > plain.stat().st_size


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"serializer": Serializer()}, "one of ParquetSerDe and OrcSerDe"),
        (
            {"serializer": Serializer(parquet_ser_de=ParquetSerDe(max_padding_bytes=1))},
            "MaxPaddingBytes",
        ),
        ({"serializer": Serializer(orc_ser_de=OrcSerDe(enable_padding=True))}, "EnablePadding"),
        ({"openx": OpenXJsonSerDe(), "hive": HiveJsonSerDe()}, "one of OpenXJsonSerDe"),
        ({"hive": HiveJsonSerDe(timestamp_formats=["yyyy-ww"])}, "letter w"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    conversion_of: Any, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        conversion_of({"n": "int"}, **options)


async def test_rows_are_written_group_by_group(
    conversion_of: Any, runs_of: Any, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "ROW_GROUP_SIZE_BYTES", 1000)
    one = conversion_of({"n": "bigint"})
    runs = runs_of(*[b'{"n":1}'] * 1000, size=100)
    await one.convert(runs, target)
    file = pq.ParquetFile(target)
    assert file.num_row_groups == 5
    assert file.read().equals(pa.table({"n": pa.array([1] * 1000, pa.int64())}))


async def test_fifty_thousand_records_a_second_while_the_loop_goes_on(
    conversion_of: Any, runs_of: Any, target: Path
) -> None:
    record = {"id": 1, "name": "customer", "amount": 12.5, "at": "2024-05-06 07:08:09", "ok": True}
    columns = {
        "id": "bigint",
        "name": "string",
        "amount": "double",
        "at": "timestamp",
        "ok": "boolean",
    }
    one = conversion_of(columns)
    await one.convert(runs_of(b"{}"), target.with_name("warm"))
    runs = runs_of(*[json.dumps(record | {"id": n}).encode() for n in range(50_000)], size=5000)
    stalls: list[float] = []

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            stalls.append(time.perf_counter() - before)

    watching = asyncio.create_task(watch())
    started = time.process_time()
    done = await one.convert(runs, target)
    spent = time.process_time() - started
    watching.cancel()
    assert done.rows == 50_000
    assert spent < 1, f"{50_000 / spent:.0f} records/s"
    assert sorted(stalls)[len(stalls) // 2] < 0.05
    print(f"{50_000 / spent:.0f} records/s, longest stall {max(stalls) * 1000:.1f} ms")
