"""Text to values: DuckDB expressions that read a column out of a line, as Hive's SerDes do.

`{line}` is the line, `{fields}` the list of its fields. What cannot be read is NULL for
LazySimpleSerDe, and fails the query for OpenCSV and JSON.

Source: Hive LazySimpleSerDe, OpenCSVSerde, JsonSerDe; Athena User Guide, "SerDe reference".
"""

from itertools import count

from millpond.engines.sql.interface import DelimitedText
from millpond.engines.sql.trino.convert import from_json
from millpond.engines.sql.trino.errors import not_supported
from millpond.engines.sql.trino.types import INTEGERS, VARCHAR, Type, quote_name, quote_text

_numbers = count()
_SEPARATORS = ("\x04", "\x05", "\x06", "\x07", "\x08")


def split_line(line: str, kind: DelimitedText) -> str:
    """The fields of a line: a VARCHAR[]. An escaped separator is part of its field."""
    if not kind.escape:
        return f"string_split({line}, {quote_text(kind.field)})"
    escape = quote_text(kind.escape)
    hidden = f"replace({line}, {escape} || {escape}, chr(57344))"
    hidden = f"replace({hidden}, {escape} || {quote_text(kind.field)}, chr(57345))"
    return f"string_split({hidden}, {quote_text(kind.field)})"


def delimited_value(field: str, kind: Type, text: DelimitedText) -> str:
    """The value of a field (or NULL) of LazySimpleSerDe's. A field that is not there is NULL."""
    field = f"nullif({field}, {quote_text(text.null)})"
    separators = (text.item, text.key, *_SEPARATORS)
    return _delimited(field, kind, text, separators)


def _plain(field: str, text: DelimitedText) -> str:
    """A field with what `split_line` hid put back."""
    if not text.escape:
        return field
    shown = f"replace({field}, chr(57345), {quote_text(text.field)})"
    for letter, code in (("n", 10), ("r", 13)):
        shown = f"replace({shown}, {quote_text(text.escape + letter)}, chr({code}))"
    shown = f"replace({shown}, {quote_text(text.escape)}, '')"
    return f"replace({shown}, chr(57344), {quote_text(text.escape)})"


def _delimited(field: str, kind: Type, text: DelimitedText, separators: tuple[str, ...]) -> str:
    if kind.arguments and len(separators) < 2:
        raise not_supported("A column type that nests so deeply in a text file")
    name = f"d{next(_numbers)}"
    match kind.name:
        case "array":
            items = f"string_split({field}, {quote_text(separators[0])})"
            inner = _delimited(_or_null(name, text), kind.element, text, separators[1:])
            made = f"list_transform({items}, lambda {name}: {inner})"
            return f"CASE WHEN {field} = '' THEN CAST([] AS {kind.duck}) ELSE {made} END"
        case "map":
            return _delimited_map(field, kind, text, separators, name)
        case "row":
            parts = ", ".join(
                f"{quote_name(one)} := "
                + _delimited(_or_null(f"{name}[{place}]", text), inner, text, separators[1:])
                for place, (one, inner) in enumerate(
                    zip(kind.field_names, kind.arguments, strict=True), 1
                )
            )
            split = f"string_split({field}, {quote_text(separators[0])})"
            made = f"list_transform([{split}], lambda {name}: struct_pack({parts}))[1]"
            return f"CASE WHEN {field} IS NULL THEN NULL ELSE {made} END"
    return lenient_value(_plain(field, text), kind)


def _or_null(item: str, text: DelimitedText) -> str:
    return f"nullif({item}, {quote_text(text.null)})"


def _delimited_map(
    field: str, kind: Type, text: DelimitedText, separators: tuple[str, ...], name: str
) -> str:
    key, value = kind.arguments
    by = quote_text(separators[1])
    pairs = f"string_split({field}, {quote_text(separators[0])})"
    keys = _delimited(f"split_part({name}, {by}, 1)", key, text, separators[2:] or separators)
    rest = f"CASE WHEN contains({name}, {by}) THEN {name}[strpos({name}, {by}) + length({by}):] END"
    values = _delimited(_or_null(rest, text), value, text, separators[2:] or separators)
    return (
        f"CASE WHEN {field} IS NULL THEN NULL WHEN {field} = '' THEN CAST(MAP {{}} AS {kind.duck})"
        f" ELSE t_map_first(list_transform({pairs}, lambda {name}: {keys}),"
        f" list_transform({pairs}, lambda {name}: {values})) END"
    )


def lenient_value(field: str, kind: Type) -> str:
    """A text as a value of a plain type; NULL where it is none."""
    match kind.name:
        case "varchar":
            return f"left({field}, {kind.precision})" if kind != VARCHAR else field
        case "char":
            return f"rtrim(left({field}, {kind.precision}), ' ')"
        case "boolean":
            return f"CASE lower({field}) WHEN 'true' THEN true WHEN 'false' THEN false END"
        case "real" | "double":
            return f"CASE WHEN t_is_float({field}) THEN TRY_CAST({field} AS {kind.duck}) END"
        case "decimal":
            return f"CASE WHEN t_is_decimal({field}) THEN TRY_CAST({field} AS {kind.duck}) END"
        case "date":
            return f"CASE WHEN t_is_date({field}) THEN TRY_CAST(t_trim({field}) AS DATE) END"
        case "timestamp":
            return (
                f"CASE WHEN t_is_timestamp({field})"
                f" THEN t_round_us(TRY_CAST(t_full_timestamp({field}) AS TIMESTAMP), 3) END"
            )
        case "varbinary":
            return f"coalesce(TRY(from_base64({field})), encode({field}))"
        case name if name in INTEGERS:
            return f"CASE WHEN t_is_whole({field}) THEN TRY_CAST({field} AS {kind.duck}) END"
    raise not_supported(f"A column of type {kind} in a text file")


def strict_value(field: str, kind: Type, place: int) -> str:
    """A text as OpenCSVSerde reads it: what is not of its type is HIVE_BAD_DATA, an empty one NULL.

    Dates may be days and timestamps milliseconds since 1970.
    """
    if kind.name in ("varchar", "char"):
        return lenient_value(field, kind)
    match kind.name:
        case "date":
            days = f"TRY_CAST(DATE '1970-01-01' + TRY_CAST({field} AS INTEGER) AS DATE)"
            made = (
                f"CASE WHEN t_is_whole({field}) THEN {days} ELSE {lenient_value(field, kind)} END"
            )
        case "timestamp":
            at = f"epoch_ms(TRY_CAST({field} AS BIGINT))"
            made = f"CASE WHEN t_is_whole({field}) THEN {at} ELSE {lenient_value(field, kind)} END"
        case _:
            made = lenient_value(field, kind)
    wrong = (
        f"t_fail('HIVE_BAD_DATA', 'Error parsing field value ''' || {field} || ''' for field"
        f" {place}: For input string: \"' || {field} || '\"')"
    )
    value = f"coalesce({made}, CAST({wrong} AS {kind.duck}))"
    return f"CASE WHEN {field} IS NULL OR {field} = '' THEN NULL ELSE {value} END"


def json_value(member: str, kind: Type) -> str:
    """A member of a line's object (JSON text or NULL) as a value of a column."""
    if kind.name == "varchar" and kind == VARCHAR:
        text = f"json_extract_string({member}, '$')"
        return f"CASE json_type({member}) WHEN 'NULL' THEN NULL ELSE {text} END"
    if kind.name == "varbinary":
        return f"from_base64(json_extract_string({member}, '$'))"
    return from_json(member, kind)


def key_shape(kind: Type) -> object:
    """Where a value of a type has the names of fields: what `p_lower_keys` follows."""
    match kind.name:
        case "row":
            return {
                name: key_shape(inner)
                for name, inner in zip(kind.field_names, kind.arguments, strict=True)
            }
        case "array":
            return [key_shape(kind.element)]
        case "map":
            return {"*": key_shape(kind.arguments[1])}
    return None
