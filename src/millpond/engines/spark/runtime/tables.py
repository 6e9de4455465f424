"""How the files of a Glue table are shown to Sail, which reads less of a table than Spark does.

Sail takes the format from the SerDe's name and read options from `option.*` table parameters; the
SerDe's own parameters, the skipped header and the like it passes over. Everything here is pure: a
table's JSON in, the JSON that makes Sail read the same rows out. See `views` for the tables that
only a view can show.
"""

from collections.abc import Mapping
from typing import Any

Table = dict[str, Any]

_CSV_SHOWN = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_JSON_SHOWN = "org.openx.data.jsonserde.JsonSerDe"

TEXT_SERDES = frozenset({"lazysimpleserde", "opencsvserde", "jsonserde"})
"""SerDes whose files name their columns themselves, or not at all."""


class CannotShow(Exception):
    """Sail would read something else than the table holds; the text says why."""


def serde_of(table: Table) -> tuple[str, Mapping[str, str]]:
    """The short name of the SerDe and its parameters."""
    serde = (table.get("StorageDescriptor") or {}).get("SerdeInfo") or {}
    library = str(serde.get("SerializationLibrary") or "")
    return library.rpartition(".")[2].lower(), serde.get("Parameters") or {}


def is_delimited(table: Table) -> bool:
    """Whether its files are Hive's delimited text."""
    return serde_of(table)[0] == "lazysimpleserde"


def show_files(table: Table) -> Table:
    """The table's files, under the options that its SerDe implies. Delimited text: all columns
    but the partition keys are strings.

    Raises:
        CannotShow: its layout has something that Sail cannot read.
    """
    storage = table.get("StorageDescriptor") or {}
    serde, settings = serde_of(table)
    parameters: Mapping[str, str] = table.get("Parameters") or {}
    if "SymlinkTextInputFormat" in str(storage.get("InputFormat")):
        raise CannotShow("tables of symbolic links (SymlinkTextInputFormat) cannot be read")
    if serde == "lazysimpleserde":
        options = _delimited_options(settings) | _header_option({**parameters, **settings})
        strings = [{**column, "Type": "string"} for column in storage.get("Columns") or ()]
        storage = {**storage, "Columns": strings}
        return _shown({**table, "StorageDescriptor": storage}, _CSV_SHOWN, options)
    if serde == "opencsvserde":
        options = {
            "delimiter": settings.get("separatorChar", ","),
            "quote": settings.get("quoteChar", '"'),
            "escape": settings.get("escapeChar", "\\"),
            "allowTruncatedRows": "true",
        }
        return _shown(table, _CSV_SHOWN, options | _header_option({**parameters, **settings}))
    if serde == "jsonserde":
        if mapped := sorted(name for name in settings if name.startswith("mapping.")):
            raise CannotShow(f"the JSON SerDe's {mapped[0]} is not supported")
        return _shown(table, _JSON_SHOWN, {})
    return table


def _shown(table: Table, library: str, options: Mapping[str, str]) -> Table:
    storage = dict(table["StorageDescriptor"])
    storage["SerdeInfo"] = {**(storage.get("SerdeInfo") or {}), "SerializationLibrary": library}
    parameters = table.get("Parameters") or {}
    compression = parameters.get("compressionType", "none").lower()
    if compression not in ("none", ""):
        options = {**options, "compression": compression}
    return {
        **table,
        "StorageDescriptor": storage,
        "Parameters": {**parameters, **{f"option.{name}": text for name, text in options.items()}},
    }


def _delimited_options(settings: Mapping[str, str]) -> dict[str, str]:
    delimiter = settings.get("field.delim") or settings.get("serialization.format") or "\x01"
    if delimiter.isdigit():
        delimiter = chr(int(delimiter))
    if len(delimiter) != 1:
        raise CannotShow("a field delimiter of several characters is not supported")
    return {
        "delimiter": delimiter,
        "quote": "",
        "escape": settings.get("escape.delim", ""),
        "allowTruncatedRows": "true",
    }


def _header_option(settings: Mapping[str, str]) -> dict[str, str]:
    skipped = settings.get("skip.header.line.count", "0")
    if skipped not in ("0", "1"):
        raise CannotShow(f"skip.header.line.count is {skipped}; one line at most can be skipped")
    if settings.get("skip.footer.line.count", "0") != "0":
        raise CannotShow("skip.footer.line.count is not supported")
    return {"header": "true"} if skipped == "1" else {}
