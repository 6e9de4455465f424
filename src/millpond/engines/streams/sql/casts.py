"""Values as another type: CAST, TRY_CAST, and what is cast without a word.

A cast to a shorter type cuts as Flink does: numbers towards zero, strings and times at their
length; a number that does not fit a DECIMAL becomes NULL. What Flink would wrap around (a BIGINT
that does not fit an INT) is an error here.

Source: Apache Flink 2.x, Data Types, CAST; CastRuleProvider and its rules.
"""

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.sql.types import (
    BINARIES,
    INTEGERS,
    NUMBERS,
    STRINGS,
    TIMES,
    bare,
    same,
)
from millpond.engines.streams.sql.values import made, text_literal
from millpond.engines.streams.types import BYTES, STRING, DataType, quoted

_TIMESTAMP = r"\d{1,4}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?)?"
"""As Flink reads one: with a space, whole seconds and no zone."""


def cast(value: Typed, target: DataType, at: Position, *, safe: bool = False) -> Typed:
    """The value as `target`. A value that cannot be converted fails the row; with `safe`, gives
    NULL.

    Raises:
        Refused: there is no such cast.
    """
    target = bare(target)
    source = bare(value.type)
    if source == target:
        return value
    word = "TRY_CAST" if safe else "CAST"
    sql = _cast(value.sql, source, target, word)
    if sql is None:
        raise Refused(
            f"Cast function cannot convert value of type {source.flink()} to type {target.flink()}",
            at.line,
            at.column,
        )
    return made(sql, target, [value])


def cast_to_fit(value: Typed, target: DataType) -> Typed:
    """A value as a type that holds it (a common type of several, or a column's that it is
    `assignable` to). Text and bytes are not cut, as Flink does not cut them without a CAST."""
    if same(value.type, target):
        return value
    for family in (STRINGS, BINARIES):
        if value.type.name in family and target.name in family:
            return made(value.sql, bare(target), [value])
    return cast(value, target, Position(0, 0))


def _written(text: str, form: str, sql: str) -> str:
    """The text if it has this form; else one that no cast reads, and tells what it was."""
    return f"CASE WHEN regexp_full_match({text}, '{form}') THEN {text} ELSE '? ' || {sql} END"


def _cast(sql: str, source: DataType, target: DataType, word: str) -> str | None:
    if source.name == "NULL":
        return f"CAST({sql} AS {target.duckdb()})"
    if target.name in STRINGS:
        return _to_string(sql, source, target, word)
    if target.name in BINARIES:
        return _to_binary(sql, source, target)
    if target.name in NUMBERS:
        return _to_number(sql, source, target, word)
    if target.name == "BOOLEAN":
        if source.name in STRINGS:
            return f"{word}(trim({sql}) AS BOOLEAN)"
        return f"CAST({sql} AS BOOLEAN)" if source.name in NUMBERS else None
    if target.name in TIMES:
        return _to_time(sql, source, target, word)
    return _to_nested(sql, source, target, word)


def _to_number(sql: str, source: DataType, target: DataType, word: str) -> str | None:
    kind = target.duckdb()
    if source.name in STRINGS:
        if target.name in INTEGERS:
            whole = f"regexp_replace(trim({sql}), '^([+-]?)(\\d*)\\.\\d*$', '\\10\\2')"
            return f"{word}({_written(whole, '[+-]?[0-9]+', sql)} AS {kind})"
        return f"{word}(trim({sql}) AS {kind})"
    if source.name == "BOOLEAN":
        return f"CAST({sql} AS {kind})"
    if source.name not in NUMBERS:
        return None
    if target.name in INTEGERS and source.name not in INTEGERS:
        return f"{word}(trunc({sql}) AS {kind})"
    if target.name == "DECIMAL":
        return f"TRY_CAST({sql} AS {kind})"
    return f"{word}({sql} AS {kind})"


def _to_string(sql: str, source: DataType, target: DataType, word: str) -> str | None:
    text = as_text(sql, source)
    if text is None:
        return None
    if source.name in BINARIES:
        text = f"TRY({text})" if word == "TRY_CAST" else text
    if target.name == "STRING" or (
        source.name == "VARCHAR"
        and target.name == "VARCHAR"
        and source.parameters[0] <= target.parameters[0]
    ):
        return text
    length = target.parameters[0]
    if target.name == "CHAR":
        return f"rpad({text}, {length}, ' ')"
    return f"left({text}, {length})"


def as_text(sql: str, source: DataType) -> str | None:
    """A value as Flink writes it; None for types that it does not write here."""
    match source.name:
        case "STRING" | "VARCHAR" | "CHAR":
            return sql
        case "BOOLEAN":
            return f"upper(CAST({sql} AS VARCHAR))"
        case "TINYINT" | "SMALLINT" | "INT" | "BIGINT" | "DECIMAL":
            return f"CAST({sql} AS VARCHAR)"
        case "FLOAT" | "DOUBLE":
            return _java_number(sql)
        case "BYTES" | "BINARY" | "VARBINARY":
            return f"decode({sql})"
        case "DATE":
            return f"strftime({sql}, '%Y-%m-%d')"
        case "TIME":
            fraction = source.parameters[0]
            clock = f"strftime(DATE '1970-01-01' + {sql}, '%H:%M:%S.%f')"
            return f"left({clock}, {9 + fraction if fraction else 8})"
        case "TIMESTAMP":
            return _time_text(sql, source.parameters[0])
        case "TIMESTAMP_LTZ":
            return _time_text(f"({sql} AT TIME ZONE 'UTC')", source.parameters[0])
    return _nested_text(sql, source)


def _nested_text(sql: str, source: DataType) -> str | None:
    """`[1, NULL]`, `{a=1}`, `(Oslo, 59.9)`."""
    parts = [_part_text(kind, kind_sql) for kind_sql, kind in _parts(sql, source)]
    if not parts or None in parts:
        return None
    texts = [part for part in parts if part is not None]
    if source.name == "ROW":
        inner = " || ', ' || ".join(texts)
        return f"CASE WHEN {sql} IS NOT NULL THEN '(' || {inner} || ')' END"
    if source.name == "MAP":
        listed = f"list_transform(map_entries({sql}), lambda e: {texts[0]} || '=' || {texts[1]})"
        return f"('{{' || array_to_string({listed}, ', ') || '}}')"
    return f"('[' || array_to_string(list_transform({sql}, lambda e: {texts[0]}), ', ') || ']')"


def _parts(sql: str, source: DataType) -> list[tuple[str, DataType]]:
    match source.name:
        case "ROW":
            return [
                (f"struct_extract({sql}, {text_literal(name)})", kind)
                for name, kind in source.fields
            ]
        case "MAP":
            return [("e.key", source.fields[0][1]), ("e.value", source.fields[1][1])]
        case "ARRAY":
            return [("e", source.fields[0][1])]
    return []


def _part_text(kind: DataType, sql: str) -> str | None:
    text = as_text(sql, kind)
    return f"coalesce({text}, 'NULL')" if text else None


def _time_text(sql: str, precision: int) -> str:
    if not precision:
        return f"strftime({sql}, '%Y-%m-%d %H:%M:%S')"
    return f"left(strftime({sql}, '%Y-%m-%d %H:%M:%S.%f'), {20 + precision})"


def _java_number(sql: str) -> str:
    """As Java writes it: 1.0E10 and 1.0E-4, not 10000000000.0 and 0.0001."""
    digits = "rtrim(replace(split_part(t, 'e', 1), '.', ''), '0')"
    whole = "length(split_part(t, '.', 1))"
    fraction = "split_part(t, '.', 2)"
    small = f"ltrim({fraction}, '0')"
    places = "(length(split_part(t, '.', 2)) - length(ltrim(split_part(t, '.', 2), '0')) + 1)"
    mantissa = "left({0}, 1) || '.' || CASE WHEN length({0}) > 1 THEN substr({0}, 2) ELSE '0' END"
    exponent = "CAST(CAST(split_part(t, 'e', 2) AS INTEGER) AS VARCHAR)"
    text = (
        "list_transform([CAST(abs(v) AS VARCHAR)], lambda t: "
        "CASE WHEN v < 0 THEN '-' ELSE '' END || "
        f"CASE WHEN contains(t, 'e') THEN {mantissa.format(digits)} || 'E' || {exponent} "
        f"WHEN abs(v) >= 1e7 THEN {mantissa.format(digits)} || 'E' || ({whole} - 1) "
        f"ELSE {mantissa.format(small)} || 'E-' || {places} END)[1]"
    )
    return (
        f"list_transform([{sql}], lambda v: CASE WHEN isnan(v) THEN 'NaN' "
        "WHEN isinf(v) THEN CASE WHEN v < 0 THEN '-Infinity' ELSE 'Infinity' END "
        "WHEN v = 0 OR (abs(v) >= 1e-3 AND abs(v) < 1e7) THEN CAST(v AS VARCHAR) "
        f"ELSE {text} END)[1]"
    )


def _to_binary(sql: str, source: DataType, target: DataType) -> str | None:
    if source.name in STRINGS:
        sql = f"encode({sql})"
    elif source.name not in BINARIES:
        return None
    if target == BYTES:
        return sql
    length = target.parameters[0]
    if target.name == "BINARY":
        return f"unhex(rpad(left(hex({sql}), {2 * length}), {2 * length}, '0'))"
    return f"unhex(left(hex({sql}), {2 * length}))"


def _to_time(sql: str, source: DataType, target: DataType, word: str) -> str | None:
    if source.name in STRINGS:
        if target.name == "DATE":
            return f"CAST({word}(trim({sql}) AS TIMESTAMP) AS DATE)"
        if target.name == "TIME":
            return _time_of(f"(DATE '1970-01-01' + {word}(trim({sql}) AS TIME))", target)
        text = _written(f"trim({sql})", _TIMESTAMP, sql)
        read = shortened(f"{word}({text} AS TIMESTAMP)", target.parameters[0])
        return f"({read} AT TIME ZONE 'UTC')" if target.name == "TIMESTAMP_LTZ" else read
    if source.name not in TIMES:
        return None
    if source.name == "TIMESTAMP_LTZ" and target.name != "TIMESTAMP_LTZ":
        return _to_time(f"({sql} AT TIME ZONE 'UTC')", _plain(source), target, word)
    match target.name:
        case "DATE":
            return f"CAST({sql} AS DATE)" if source.name == "TIMESTAMP" else None
        case "TIME":
            if source.name == "TIME":
                return _time_of(f"(DATE '1970-01-01' + {sql})", target)
            return _time_of(sql, target) if source.name == "TIMESTAMP" else None
        case "TIMESTAMP":
            if source.name == "TIME":
                return None
            if source.name == "DATE":
                return f"CAST({sql} AS TIMESTAMP)"
            return _shorter(sql, source, target)
    if source.name == "TIMESTAMP_LTZ":
        return _shorter(sql, source, target)
    plain = _to_time(sql, source, _plain(target), word) if source.name != "TIME" else None
    return f"({plain} AT TIME ZONE 'UTC')" if plain else None


def _time_of(sql: str, target: DataType) -> str:
    return f"CAST({shortened(sql, target.parameters[0])} AS TIME)"


def _plain(kind: DataType) -> DataType:
    return DataType("TIMESTAMP", kind.parameters)


def _shorter(sql: str, source: DataType, target: DataType) -> str:
    if source.parameters[0] <= target.parameters[0]:
        return sql
    return shortened(sql, target.parameters[0])


def shortened(sql: str, precision: int) -> str:
    """A timestamp without what is behind `precision` digits of its seconds."""
    match precision:
        case 6:
            return sql
        case 3:
            return f"date_trunc('millisecond', {sql})"
        case 0:
            return f"date_trunc('second', {sql})"
    step = 10 ** (6 - precision)
    return f"time_bucket(INTERVAL ({step}) MICROSECONDS, {sql})"


def _to_nested(sql: str, source: DataType, target: DataType, word: str) -> str | None:
    if source.name != target.name or len(source.fields) != len(target.fields):
        return None
    if source.name in ("ARRAY", "MULTISET"):
        element = _cast("e", source.fields[0][1], target.fields[0][1], word)
        return f"list_transform({sql}, lambda e: {element})" if element else None
    if source.name == "ROW":
        parts = []
        for (name, kind), (new, wanted) in zip(source.fields, target.fields, strict=True):
            reached = f"struct_extract({sql}, {text_literal(name)})"
            part = reached if same(kind, wanted) else _cast(reached, kind, wanted, word)
            if part is None:
                return None
            parts.append(f"{quoted(new)} := {part}")
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"
    if source.name == "MAP":
        return f"{word}({sql} AS {target.duckdb()})"
    return None


def text_of(value: Typed, at: Position) -> Typed:
    """The value as a STRING, as CONCAT and the like take it."""
    return cast(value, STRING, at)
