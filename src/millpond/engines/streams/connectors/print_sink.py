"""The `print` connector: shows rows as Flink prints them, `+I[1, abc, 2026-11-21T12:13:14]`.

Rows of a result that changes are shown as `+U` (this is the row of its key now) and `-D` (there is
none any more).

Sources: PrintTableSinkFactory and RowUtils.deepToString of Apache Flink 2.x.
"""

from datetime import UTC, datetime, time
from typing import Any

import pyarrow as pa

from millpond.engines.streams.connectors.interface import World
from millpond.engines.streams.formats.printed import java_double
from millpond.engines.streams.plan import KIND, Table
from millpond.engines.streams.types import DataType


class PrintSink:
    """Shows each row that is written as a line."""

    def __init__(self, table: Table, world: World) -> None:
        identifier = table.option("print-identifier")
        self._front = f"{identifier}> " if identifier else ""
        self._columns = table.columns
        self._printed = world.printed
        self._traffic = world.traffic

    async def open(self, committed: Any) -> None:
        """Nothing to make ready."""

    async def write(self, rows: pa.Table) -> None:
        shown = [_shown(rows.column(each.name), each.type) for each in self._columns]
        kinds = rows.column(KIND).to_pylist() if KIND in rows.column_names else None
        for at, values in enumerate(zip(*shown, strict=True)):
            kind = "+I" if kinds is None else "-D" if kinds[at] else "+U"
            line = f"{self._front}{kind}[{', '.join(values)}]"
            self._printed(line)
            self._traffic.bytes += len(line)
        self._traffic.records += rows.num_rows

    async def prepare(self, checkpoint: int) -> Any:
        return None

    async def commit(self, checkpoint: int, prepared: Any) -> None:
        """Nothing is left to be done."""

    async def close(self) -> None:
        """Nothing is held."""


def _shown(column: Any, kind: DataType) -> list[str]:
    if kind.name == "FLOAT":
        column = column.cast(pa.string()).cast(pa.float64())
    return [_text(value, kind) for value in column.to_pylist()]


def _text(value: Any, kind: DataType) -> str:
    if value is None:
        return "null"
    match kind.name:
        case "BOOLEAN":
            return "true" if value else "false"
        case "FLOAT" | "DOUBLE":
            return java_double(value)
        case "DECIMAL":
            return f"{value:f}"
        case "BYTES" | "BINARY" | "VARBINARY":
            return f"[{', '.join(str(b - 256 if b > 127 else b) for b in value)}]"
        case "TIME":
            return _time(value)
        case "TIMESTAMP":
            return f"{value:%Y-%m-%d}T{_time(value.time())}"
        case "TIMESTAMP_LTZ":
            return _instant(value)
        case "ARRAY":
            return f"[{', '.join(_text(each, kind.fields[0][1]) for each in value)}]"
        case "MAP" | "MULTISET":
            key, inner = kind.fields[0][1], kind.fields[-1][1]
            return f"{{{', '.join(f'{_text(k, key)}={_text(v, inner)}' for k, v in value)}}}"
        case "ROW":
            return f"+I[{', '.join(_text(value[name], inner) for name, inner in kind.fields)}]"
    return str(value)


def _time(value: time) -> str:
    """As java.time.LocalTime shows itself: no seconds that are zero, and 3 or 6 digits after."""
    text = f"{value:%H:%M}"
    if value.second or value.microsecond:
        text += f":{value.second:02}{_fraction(value.microsecond)}"
    return text


def _instant(value: datetime) -> str:
    moment = value.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{_fraction(moment.microsecond)}Z"


def _fraction(micros: int) -> str:
    if not micros:
        return ""
    return f".{micros:06}" if micros % 1000 else f".{micros // 1000:03}"
