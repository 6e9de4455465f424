"""Avro's schema of a table, as Flink derives it, and its values.

Logical types change nothing of how values are written, so the schema that is worked with has none:
`plain`, beside the one for people and other programs.

Source: AvroSchemaConverter of Apache Flink 2.x.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from millpond.engines.streams.formats import texts
from millpond.engines.streams.types import Column, DataType

_NAME = "org.apache.flink.avro.generated.record"
_EPOCH = datetime(1970, 1, 1)
_EPOCH_DAY = _EPOCH.toordinal()
_INTS = ("TINYINT", "SMALLINT", "INT")


def schema_of_table(columns: Sequence[Column], *, legacy: bool, plain: bool = False) -> Any:
    """The schema of a record of these columns, as JSON's values. `legacy`: TIMESTAMP is written as
    Avro's instant. `plain`: without logical types."""
    fields = [(column.name, column.type) for column in columns]
    return _record(fields, _NAME, legacy=legacy, plain=plain)


def _record(
    fields: Sequence[tuple[str, DataType]], name: str, *, legacy: bool, plain: bool
) -> dict[str, Any]:
    made = []
    for field, kind in fields:
        schema = _schema(kind, f"{name}_{field}", legacy=legacy, plain=plain)
        made.append({"name": field, "type": schema, **({"default": None} if kind.nullable else {})})
    return {"type": "record", "name": name, "fields": made}


def _schema(kind: DataType, name: str, *, legacy: bool, plain: bool) -> Any:
    inner = _not_null(kind, name, legacy=legacy, plain=plain)
    return ["null", inner] if kind.nullable else inner


def _not_null(kind: DataType, name: str, *, legacy: bool, plain: bool) -> Any:
    if kind.name == "ROW":
        return _record(kind.fields, name, legacy=legacy, plain=plain)
    if kind.name == "ARRAY":
        items = _schema(kind.fields[0][1], name, legacy=legacy, plain=plain)
        return {"type": "array", "items": items}
    if kind.name == "MAP":
        return {
            "type": "map",
            "values": _schema(kind.fields[1][1], name, legacy=legacy, plain=plain),
        }
    if kind.name == "MULTISET":
        return {"type": "map", "values": "int"}
    base = _base(kind)
    logical = None if plain else _logical(kind, legacy)
    return base if logical is None else {"type": base, **logical}


def _base(kind: DataType) -> str:
    if kind.name in texts.TEXTS:
        return "string"
    if kind.name in texts.BINARIES or kind.name == "DECIMAL":
        return "bytes"
    if kind.name in _INTS or kind.name in ("DATE", "TIME"):
        return "int"
    if kind.name == "BIGINT" or kind.is_time:
        return "long"
    return kind.name.lower()


def _logical(kind: DataType, legacy: bool) -> dict[str, Any] | None:
    if kind.name == "DECIMAL":
        precision, scale = kind.parameters
        return {"logicalType": "decimal", "precision": precision, "scale": scale}
    if kind.name == "DATE":
        return {"logicalType": "date"}
    if kind.name == "TIME":
        return {"logicalType": "time-millis"}
    if kind.is_time:
        local = "local-" if kind.name == "TIMESTAMP" and not legacy else ""
        return {"logicalType": f"{local}timestamp-{'micros' if in_micros(kind) else 'millis'}"}
    return None


def in_micros(kind: DataType) -> bool:
    """Whether a time of this type is written in microseconds, not milliseconds."""
    return (kind.parameters[0] if kind.parameters else 6) > 3


def writer_of(kind: DataType) -> Callable[[Any], Any] | None:
    """What turns a value into what the plain schema holds; None: nothing needs to."""
    convert = _conversion(kind, writing=True)
    return None if convert is None else _unless_none(convert)


def reader_of(kind: DataType) -> Callable[[Any], Any] | None:
    """What turns what the plain schema holds into a value; None: nothing needs to."""
    convert = _conversion(kind, writing=False)
    return None if convert is None else _unless_none(convert)


def _unless_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _conversion(kind: DataType, *, writing: bool) -> Callable[[Any], Any] | None:
    name = kind.name
    if name == "DECIMAL":
        scale = kind.parameters[1]
        return (lambda v: _unscaled(v, scale)) if writing else (lambda v: _scaled(v, scale))
    if name == "DATE":
        if writing:
            return lambda value: value.toordinal() - _EPOCH_DAY
        return lambda value: date.fromordinal(value + _EPOCH_DAY)
    if name == "TIME":
        return _millis_of_day if writing else _time_of_day
    if kind.is_time:
        unit = timedelta(microseconds=1 if in_micros(kind) else 1000)
        if writing:
            return lambda value: (value.replace(tzinfo=None) - _EPOCH) // unit
        zone = UTC if name == "TIMESTAMP_LTZ" else None
        return lambda value: (_EPOCH + value * unit).replace(tzinfo=zone)
    if not kind.fields:
        return None
    inner = [
        (field, (writer_of if writing else reader_of)(each) or _same) for field, each in kind.fields
    ]
    if name == "ROW":
        return lambda value: {field: convert(value[field]) for field, convert in inner}
    convert = inner[-1][1]
    if name == "ARRAY":
        return lambda value: [convert(each) for each in value]
    if writing:
        return lambda value: {key: convert(each) for key, each in value}
    return lambda value: [(key, convert(each)) for key, each in value.items()]


def _same(value: Any) -> Any:
    return value


def _unscaled(value: Decimal, scale: int) -> bytes:
    number = int(value.scaleb(scale))
    return number.to_bytes((number + (number < 0)).bit_length() // 8 + 1, "big", signed=True)


def _scaled(data: bytes, scale: int) -> Decimal:
    if len(data) > 32:
        raise ValueError("a decimal has too many digits")
    return Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-scale)


def _millis_of_day(value: time) -> int:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return seconds * 1000 + value.microsecond // 1000


def _time_of_day(millis: int) -> time:
    return (datetime.min + timedelta(milliseconds=millis % 86_400_000)).time()
