"""The `Converter` of a delivery stream: JSON records in, a Parquet or ORC file out.

Records are read in runs; the rows of several runs become a row group, which bounds the memory.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millpond.services.firehose.convert import formats
from millpond.services.firehose.convert.schema import Schema, read_schema
from millpond.services.firehose.convert.serdes import key_mappings, serde_of
from millpond.services.firehose.delivery.interface import (
    FORMAT_CONVERSION_FAILED,
    Converted,
    Delivery,
    Failure,
    Record,
)
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.shapes import DataFormatConversionConfiguration, Serializer

if TYPE_CHECKING:
    from millpond.services.firehose.convert.columns import ColumnReader, Misfit

ROW_GROUP_SIZE_BYTES = 32 << 20
"""How much of a table, as Arrow has it in memory, makes a row group."""


class Conversion:
    """Made once for a version of a delivery stream's configuration."""

    def __init__(
        self, needs: Needs, delivery: Delivery, configured: DataFormatConversionConfiguration
    ) -> None:
        assert configured.schema_configuration is not None
        assert configured.input_format_configuration is not None
        assert configured.input_format_configuration.deserializer is not None
        assert configured.output_format_configuration is not None
        assert configured.output_format_configuration.serializer is not None
        self._needs = needs
        self._delivery = delivery
        self._schema = configured.schema_configuration
        self._deserializer = configured.input_format_configuration.deserializer
        self._serializer: Serializer = configured.output_format_configuration.serializer
        self._made: tuple[Schema, ColumnReader] | None = None

    async def convert(self, records: Iterable[Sequence[Record]], target: Path) -> Converted:
        schema = await read_schema(self._needs.call_aws, self._delivery, self._schema)
        return await asyncio.to_thread(self._convert, schema, records, target)

    async def close(self) -> None:
        self._made = None

    def _reader(self, schema: Schema) -> "ColumnReader":
        """The reader for a schema: the last one, as long as the table stays as it was."""
        from millpond.services.firehose.convert.columns import ColumnReader  # noqa: PLC0415

        if self._made is None or self._made[0] != schema:
            reader = ColumnReader(
                schema.columns, serde_of(self._deserializer), key_mappings(self._deserializer)
            )
            self._made = (schema, reader)
        return self._made[1]

    def _convert(
        self, schema: Schema, records: Iterable[Sequence[Record]], target: Path
    ) -> Converted:
        reader = self._reader(schema)
        writer: formats.Writer | None = None
        failures: list[Failure] = []
        group = _Group()
        count = 0
        try:
            for run in records:
                found = reader.read([record.data for record in run])
                failures += [
                    _failure(run[at], misfit, schema) for at, misfit in found.misfits.items()
                ]
                count += len(set(found.sources))
                group.add(found.table)
                if group.size_bytes >= ROW_GROUP_SIZE_BYTES:
                    writer = writer or self._open(schema, reader, target)
                    writer.write(group.take())
            if group.rows:
                writer = writer or self._open(schema, reader, target)
                writer.write(group.take())
        finally:
            if writer is not None:
                writer.close()
        return Converted(count, formats.extension(self._serializer), failures)

    def _open(self, schema: Schema, reader: "ColumnReader", target: Path) -> formats.Writer:
        return formats.open_writer(self._serializer, list(schema.columns), reader.schema, target)


class _Group:
    """The tables that become the next row group."""

    def __init__(self) -> None:
        self._tables: list[Any] = []
        self.size_bytes = 0
        self.rows = 0

    def add(self, table: Any) -> None:
        if table.num_rows:
            self._tables.append(table)
            self.size_bytes += table.nbytes
            self.rows += table.num_rows

    def take(self) -> Any:
        import pyarrow as pa  # noqa: PLC0415 - most platforms never convert

        table = pa.concat_tables(self._tables).combine_chunks()
        self._tables, self.size_bytes, self.rows = [], 0, 0
        return table


def _failure(record: Record, misfit: "Misfit", schema: Schema) -> Failure:
    more = {
        "sequenceNumber": record.sequence or None,
        "subSequenceNumber": record.subsequence if record.subsequence >= 0 else None,
        "dataCatalogTable": dict(schema.table),
    }
    return Failure(
        FORMAT_CONVERSION_FAILED,
        misfit.code,
        misfit.message,
        record.data,
        record.arrival_ms,
        more=more,
    )
