"""Which format of the SQL engine a table's SerDe asks for, and how written files are named.

Source: Athena User Guide, "SerDe reference" and "Compression support".
"""

from collections.abc import Mapping
from typing import Any

from millpond.engines.sql.interface import DelimitedText, Format, JsonLines, Parquet, QuotedText
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.statements import formats as serdes

_COMPRESSIONS = {"gz": "gzip", "bz2": "bzip2", "zst": "zstd", "gzip": "gzip", "bzip2": "bzip2"}
_MAPPING = "mapping."


def format_of(table: Mapping[str, Any], storage: Mapping[str, Any]) -> Format:
    """How the files of a table (or of one of its partitions) are read.

    Raises:
        QueryFailed: by a SerDe that the engine does not have, named.
    """
    parameters: Mapping[str, str] = table.get("Parameters", {})
    serde: Mapping[str, Any] = storage.get("SerdeInfo", {})
    library: str = serde.get("SerializationLibrary", "")
    given: Mapping[str, str] = serde.get("Parameters", {})
    skip_lines = _count(parameters.get("skip.header.line.count", "0"))
    match library:
        case serdes.PARQUET:
            return Parquet()
        case serdes.LAZY_SIMPLE:
            return _delimited(given, skip_lines)
        case serdes.OPEN_CSV:
            return QuotedText(
                separator=given.get("separatorChar", ","),
                quote=given.get("quoteChar", '"'),
                escape=given.get("escapeChar", "\\"),
                skip_lines=skip_lines,
            )
        case serdes.JSON_OPENX | serdes.JSON_HIVE:
            return JsonLines(
                paths={
                    name.removeprefix(_MAPPING): value
                    for name, value in given.items()
                    if name.startswith(_MAPPING)
                },
                ignores_malformed=given.get("ignore.malformed.json", "").lower() == "true",
                skip_lines=skip_lines,
            )
    named = library or "no SerDe"
    raise QueryFailed(
        f"NOT_SUPPORTED: Table {table['DatabaseName']}.{table['Name']} is stored with {named}, "
        "which this service cannot read."
    )


def compression_of(key: str, written_as: Format) -> str:
    """The compression that a file's name tells; Parquet has its own inside."""
    if isinstance(written_as, Parquet):
        return ""
    return _COMPRESSIONS.get(key.rpartition(".")[2].lower(), "")


def _delimited(given: Mapping[str, str], skip_lines: int) -> DelimitedText:
    serialization = given.get("serialization.format", "1")
    return DelimitedText(
        field=given.get("field.delim", _delimiter(serialization)),
        item=given.get("colelction.delim", given.get("collection.delim", "\x02")),
        key=given.get("mapkey.delim", "\x03"),
        escape=given.get("escape.delim", ""),
        null=given.get("serialization.null.format", "\\N"),
        skip_lines=skip_lines,
    )


def _delimiter(text: str) -> str:
    """Hive gives a delimiter as itself or as the number of its character."""
    return chr(int(text)) if text.isdigit() else text


def _count(text: str) -> int:
    return int(text) if text.isdigit() else 0
