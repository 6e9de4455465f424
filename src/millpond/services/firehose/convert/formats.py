"""Writes tables as Parquet or ORC, as the serializer's options say.

Options that the writers here cannot honour are refused by name: padding of HDFS blocks. Block
sizes are only used for padding, so they change nothing.

Source: Firehose API reference, ParquetSerDe and OrcSerDe.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from millpond.services.firehose.convert.types import Column, Type
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import OrcSerDe, ParquetSerDe, Serializer

PAGE_SIZE_BYTES = 1 << 20
STRIPE_SIZE_BYTES = 64 << 20
ROW_INDEX_STRIDE = 10_000
_PARQUET_COMPRESSION: Mapping[str, Literal["none", "gzip", "snappy"]] = {
    "UNCOMPRESSED": "none",
    "GZIP": "gzip",
    "SNAPPY": "snappy",
}
_ORC_COMPRESSION: Mapping[str, Literal["UNCOMPRESSED", "ZLIB", "SNAPPY"]] = {
    "NONE": "UNCOMPRESSED",
    "ZLIB": "ZLIB",
    "SNAPPY": "SNAPPY",
}
_ORC_VERSION: Mapping[str, str] = {"V0_11": "0.11", "V0_12": "0.12"}


class Writer(Protocol):
    """An open file. Each table becomes a row group of a Parquet file."""

    def write(self, table: Any) -> None: ...

    def close(self) -> None: ...


def check(serializer: Serializer | None) -> None:
    """Return if files can be written so.

    Raises:
        InvalidArgument: not exactly one format is given, or an option cannot be honoured.
    """
    parquet = serializer.parquet_ser_de if serializer else None
    orc = serializer.orc_ser_de if serializer else None
    if (parquet is None) == (orc is None):
        raise InvalidArgument("Serializer must be one of ParquetSerDe and OrcSerDe.")
    if parquet is not None and parquet.max_padding_bytes:
        raise InvalidArgument("MaxPaddingBytes of ParquetSerDe is not implemented: give 0.")
    if orc is not None and orc.enable_padding:
        raise InvalidArgument("EnablePadding of OrcSerDe is not implemented: give false.")


def extension(serializer: Serializer) -> str:
    return ".parquet" if serializer.parquet_ser_de is not None else ".orc"


def open_writer(serializer: Serializer, columns: list[Column], schema: Any, target: Path) -> Writer:
    """A new file at `target`."""
    if serializer.parquet_ser_de is not None:
        return _parquet(serializer.parquet_ser_de, schema, target)
    assert serializer.orc_ser_de is not None
    return _orc(serializer.orc_ser_de, columns, target)


def _parquet(options: ParquetSerDe, schema: Any, target: Path) -> Writer:
    from pyarrow import parquet  # noqa: PLC0415 - most platforms never convert

    is_second = options.writer_version == "V2"
    writer: Writer = parquet.ParquetWriter(
        target,
        schema,
        version="2.6" if is_second else "1.0",
        data_page_version="2.0" if is_second else "1.0",
        compression=_PARQUET_COMPRESSION[options.compression or "SNAPPY"],
        use_dictionary=options.enable_dictionary_compression is not False,
        data_page_size=options.page_size_bytes or PAGE_SIZE_BYTES,
        use_deprecated_int96_timestamps=True,
    )
    return writer


def _orc(options: OrcSerDe, columns: list[Column], target: Path) -> Writer:
    from pyarrow import orc  # noqa: PLC0415 - most platforms never convert

    fpp = options.bloom_filter_false_positive_probability
    writer: Writer = orc.ORCWriter(
        str(target),
        file_version=_ORC_VERSION[options.format_version or "V0_12"],
        stripe_size=options.stripe_size_bytes or STRIPE_SIZE_BYTES,
        compression=_ORC_COMPRESSION[options.compression or "SNAPPY"],
        row_index_stride=options.row_index_stride or ROW_INDEX_STRIDE,
        dictionary_key_size_threshold=options.dictionary_key_threshold or 0.0,
        bloom_filter_columns=_orc_numbers(columns, options.bloom_filter_columns or []) or None,
        bloom_filter_fpp=0.05 if fpp is None else fpp,
    )
    return writer


def _orc_numbers(columns: list[Column], names: list[str]) -> list[int]:
    """ORC's numbers of the columns with these names: the root is 0, each type inside counts."""
    wanted = {name.lower() for name in names}
    numbers: list[int] = []
    number = 1
    for column in columns:
        if column.name in wanted:
            numbers.append(number)
        number += _types_in(column.type)
    return numbers


def _types_in(type_: Type) -> int:
    return 1 + sum(map(_types_in, type_.inner))
