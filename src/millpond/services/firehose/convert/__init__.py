"""Record format conversion: JSON records become Parquet or ORC, by a Glue table's schema."""

import importlib.util

from millpond.services.firehose.convert import formats, serdes
from millpond.services.firehose.convert.conversion import Conversion
from millpond.services.firehose.delivery.interface import Converter, Delivery
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.shapes import DataFormatConversionConfiguration

__all__ = ["check", "converter"]


def check(conversion: DataFormatConversionConfiguration | None) -> None:
    """Return if the conversion can be done, or is not enabled.

    Raises:
        InvalidArgument: something is missing, or cannot be honoured; the text names it.
    """
    if conversion is None or conversion.enabled is False:
        return
    schema = conversion.schema_configuration
    source = conversion.input_format_configuration
    target = conversion.output_format_configuration
    if schema is None or source is None or target is None:
        raise InvalidArgument(
            "DataFormatConversionConfiguration needs SchemaConfiguration, "
            "InputFormatConfiguration and OutputFormatConfiguration."
        )
    for name, value in (
        ("RoleARN", schema.role_arn),
        ("DatabaseName", schema.database_name),
        ("TableName", schema.table_name),
    ):
        if not value:
            raise InvalidArgument(f"SchemaConfiguration needs {name}.")
    serdes.check(source.deserializer)
    formats.check(target.serializer)
    if importlib.util.find_spec("pyarrow") is None:
        raise InvalidArgument(
            "DataFormatConversionConfiguration needs pyarrow: install millpond[firehose]."
        )


def converter(
    needs: Needs, delivery: Delivery, conversion: DataFormatConversionConfiguration
) -> Converter:
    """The converter of a delivery stream whose configuration `check` has accepted."""
    return Conversion(needs, delivery, conversion)
