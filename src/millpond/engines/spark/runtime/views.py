"""Tables that are shown to Sail as a view over parts with made-up names.

* `t` over `t#files`, for files that spell the columns in their own way (Sail would show them under
  those names) and for delimited text, whose columns are strings there: as in Hive, what is not a
  value of its column's type is NULL, and so is the SerDe's own word for NULL.
* `t` over `t#partition#…` of all its partitions, whose names carry their values: for partitions
  elsewhere than in `key=value` folders under the table, or stored unlike it.

Pure: JSON of tables and partitions in, JSON of views out.
"""

import base64
import binascii
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from millpond.engines.spark.runtime.tables import CannotShow, Table, is_delimited, serde_of

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_PARTITION_MARK, _FILES_MARK = "#partition#", "#files"
_HIVE_ESCAPED = {*"\"#%'*/:=?\\{[]^", *map(chr, range(1, 32)), "\x7f"}
"""What Hive escapes in the folder of a partition (FileUtils.escapePathName)."""
_TEXT_TYPES = ("array", "map", "struct", "uniontype", "binary")
"""Types whose text in a delimited file is more than a value."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a table name asks for: a table, one partition of it, its files as they are."""

    table: str
    partition: tuple[str, ...] | None = None
    files: bool = False

    def __str__(self) -> str:
        name = self.table
        if self.partition is not None:
            packed = base64.b32encode(json.dumps(self.partition).encode()).decode()
            name += _PARTITION_MARK + packed.rstrip("=").lower()
        return name + _FILES_MARK if self.files else name


def read_name(text: str) -> Name:
    """What `str(Name)` made; any other text is the name of a table."""
    whole = text.removesuffix(_FILES_MARK)
    table, mark, packed = whole.partition(_PARTITION_MARK)
    if not mark:
        return Name(whole, files=whole != text)
    try:
        values = json.loads(base64.b32decode(packed.upper() + "=" * (-len(packed) % 8)))
    except (binascii.Error, ValueError):
        return Name(text)
    return Name(table, tuple(map(str, values)), whole != text)


def show_columns(table: Table, name: Name) -> Table:
    """The view `name`: the catalog's columns, by their names and types, over the table's files.

    Raises:
        CannotShow: a column of delimited text has a type without plain text.
    """
    delimited = is_delimited(table)
    null = serde_of(table)[1].get("serialization.null.format", "\\N")
    columns = []
    for column in table["StorageDescriptor"].get("Columns") or ():
        value, kind = _quoted(column["Name"]), str(column.get("Type") or "string").lower()
        if delimited:
            if kind.startswith(_TEXT_TYPES):
                raise CannotShow(f"delimited text of type {kind} is not supported")
            value = f"NULLIF({value}, {_literal(null)})"
            value = value if kind == "string" else f"TRY_CAST({value} AS {kind})"
        columns.append(f"{value} AS {_quoted(column['Name'])}")
    columns += [_quoted(key["Name"]) for key in table.get("PartitionKeys") or ()]
    inner = Name(name.table, name.partition, files=True)
    return _view(table, name, _select(columns, table, inner))


def lies_as_hive_would(table: Table, partitions: Sequence[Table]) -> bool:
    """Whether every partition is where listing `key=value` folders finds it, stored alike."""
    base = str(table["StorageDescriptor"].get("Location") or "").rstrip("/")
    keys = [str(key["Name"]) for key in table.get("PartitionKeys") or ()]
    return all(
        serde_of(partition) == serde_of(table)
        and _plain(partition["StorageDescriptor"].get("Location"))
        == _plain("/".join((base, *map(_folder, keys, partition["Values"]))))
        for partition in partitions
    )


def show_union(table: Table, partitions: Sequence[Table]) -> Table:
    """The view over all partitions of a table; there is one at least."""
    columns = [_quoted(column["Name"]) for column in table["StorageDescriptor"]["Columns"]]
    selects = []
    for partition in partitions:
        values = [
            f"CAST({'NULL' if value == NULL_PARTITION else _literal(value)} "
            f"AS {key.get('Type') or 'string'}) AS {_quoted(key['Name'])}"
            for key, value in zip(table["PartitionKeys"], partition["Values"], strict=True)
        ]
        part = Name(table["Name"], tuple(partition["Values"]))
        selects.append(_select(columns + values, table, part))
    return _view(table, Name(table["Name"]), " UNION ALL ".join(selects))


def partition_as_table(table: Table, partition: Table) -> Table:
    """One partition as a table without partition keys, with the table's columns."""
    stored = {name: found for name, found in partition["StorageDescriptor"].items() if found}
    storage = {**table["StorageDescriptor"], **stored}
    storage["Columns"] = table["StorageDescriptor"].get("Columns") or []
    return {**table, "PartitionKeys": [], "StorageDescriptor": storage}


def _view(table: Table, name: Name, sql: str) -> Table:
    columns = table["StorageDescriptor"].get("Columns") or []
    return {
        "Name": str(name),
        "DatabaseName": table["DatabaseName"],
        "TableType": "VIRTUAL_VIEW",
        "Parameters": table.get("Parameters") or {},
        "StorageDescriptor": {"Columns": [*columns, *(table.get("PartitionKeys") or ())]},
        "ViewOriginalText": sql,
        "ViewDefinition": {"Representations": [{"Dialect": "SPARK", "ViewOriginalText": sql}]},
    }


def _select(columns: Sequence[str], table: Mapping[str, Any], name: Name) -> str:
    source = f"{_quoted(table['DatabaseName'])}.{_quoted(str(name))}"
    return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 - all parts are quoted


def _folder(key: str, value: str) -> str:
    escaped = "".join(f"%{ord(c):02X}" if c in _HIVE_ESCAPED else c for c in value)
    return f"{key}={escaped or NULL_PARTITION}"


def _plain(location: object) -> str:
    """A location with its scheme and escapes levelled out."""
    scheme, _, rest = str(location or "").partition("://")
    scheme = "s3" if scheme in ("s3a", "s3n") else scheme
    return f"{scheme}://{urllib.parse.unquote(rest).rstrip('/')}"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
