"""How the two JSON deserializers of Firehose read keys and values.

Source: Firehose API reference, OpenXJsonSerDe and HiveJsonSerDe.
"""

from collections.abc import Callable, Mapping

from millpond.services.firehose.convert.joda import BadPattern
from millpond.services.firehose.convert.reading import Serde
from millpond.services.firehose.convert.timestamps import hive_reader, read_openx
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import Deserializer, OpenXJsonSerDe


def check(deserializer: Deserializer | None) -> None:
    """Return if records can be read so.

    Raises:
        InvalidArgument: not exactly one deserializer is given, or a format of timestamps cannot be
            read by.
    """
    openx = deserializer.open_x_json_ser_de if deserializer else None
    hive = deserializer.hive_json_ser_de if deserializer else None
    if (openx is None) == (hive is None):
        raise InvalidArgument("Deserializer must be one of OpenXJsonSerDe and HiveJsonSerDe.")
    if hive is not None:
        try:
            hive_reader(hive.timestamp_formats)
        except BadPattern as error:
            raise InvalidArgument(f"TimestampFormats: {error}") from None


def serde_of(deserializer: Deserializer) -> Serde:
    """How values are read."""
    openx, hive = deserializer.open_x_json_ser_de, deserializer.hive_json_ser_de
    if openx is not None:
        return Serde(
            is_lenient=True,
            read_time=read_openx,
            key=_key(openx),
            map_key=None if openx.case_insensitive is False else str.lower,
        )
    assert hive is not None
    return Serde(is_lenient=False, read_time=hive_reader(hive.timestamp_formats), key=str.lower)


def key_mappings(deserializer: Deserializer) -> Mapping[str, str]:
    """The JSON keys of columns that have another name."""
    openx = deserializer.open_x_json_ser_de
    mappings = openx.column_to_json_key_mappings if openx else None
    return {column.lower(): key for column, key in (mappings or {}).items()}


def _key(openx: OpenXJsonSerDe) -> Callable[[str], str] | None:
    is_lowered = openx.case_insensitive is not False
    if openx.convert_dots_in_json_keys_to_underscores:
        if is_lowered:
            return lambda name: name.lower().replace(".", "_")
        return lambda name: name.replace(".", "_")
    return str.lower if is_lowered else None
