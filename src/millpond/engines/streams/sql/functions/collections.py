"""ROW, ARRAY and MAP: making them, their elements, and functions of them."""

from millpond.engines.streams.sql.casts import cast_to_fit
from millpond.engines.streams.sql.functions.calls import Call, Function
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import INTEGERS, NULL, bare, common_type
from millpond.engines.streams.sql.values import filled, made
from millpond.engines.streams.types import BOOLEAN, INT, STRING, DataType, quoted

_KIND = "Collection functions"


def array_of(kind: DataType) -> DataType:
    return DataType("ARRAY", fields=(("", bare(kind)),))


def _row(call: Call) -> Typed:
    """Fields are called EXPR$0, EXPR$1 … as Flink calls them."""
    call.count(1, 1000)
    parts = [
        cast_to_fit(argument, STRING) if argument.type == NULL else argument
        for argument in call.arguments
    ]
    fields = tuple((f"EXPR${index}", bare(part.type)) for index, part in enumerate(parts))
    packed = ", ".join(
        f"{quoted(name)} := {part.sql}" for (name, _), part in zip(fields, parts, strict=True)
    )
    return made(f"struct_pack({packed})", DataType("ROW", fields=fields), parts)


def _array(call: Call) -> Typed:
    call.count(1, 100_000)
    values, kind = call.common(call.arguments)
    listed = ", ".join(value.sql for value in values)
    return made(f"[{listed}]", array_of(kind), values)


def _map(call: Call) -> Typed:
    given = call.count(2, 100_000)
    if given % 2:
        raise call.wrong_arguments()
    keys, key = call.common(call.arguments[::2])
    values, value = call.common(call.arguments[1::2])
    names = ", ".join(one.sql for one in keys)
    listed = ", ".join(one.sql for one in values)
    kind = DataType("MAP", fields=(("", key), ("", value)))
    return made(f"map([{names}], [{listed}])", kind, [*keys, *values])


def _element_at(call: Call) -> Typed:
    """`array[index]` from 1 on, `map[key]`; NULL where there is none."""
    call.count(2)
    whole, key = call.arguments
    if whole.type.name == "ARRAY" and key.type.name in (*INTEGERS, "NULL"):
        element = whole.type.fields[0][1]
        constant = call.constant(1)
        if constant is not None and int(constant) < 1:
            raise call.refused("the index of an array begins at 1")
        return filled("(CASE WHEN $1 > 0 THEN list_extract($0, CAST($1 AS BIGINT)) END)",
                      bare(element), whole, key)  # fmt: skip
    if whole.type.name == "MAP":
        wanted, value = whole.type.fields[0][1], whole.type.fields[1][1]
        if common_type([wanted, key.type]) is None:
            raise call.wrong_arguments()
        return filled(
            "map_extract_value($0, $1)", bare(value), whole, cast_to_fit(key, bare(wanted))
        )
    raise call.wrong_arguments()


def _cardinality(call: Call) -> Typed:
    call.count(1)
    whole = call.arguments[0]
    if whole.type.name in ("ARRAY", "MULTISET"):
        return filled("CAST(len($0) AS INTEGER)", INT, whole)
    return filled("CAST(cardinality($0) AS INTEGER)", INT, call.take(0, "m"))


def _element(call: Call) -> Typed:
    """The only element of an array."""
    call.count(1)
    whole = call.take(0, "a")
    many = "error('ELEMENT: the array has more than one element')"
    return filled(f"(CASE WHEN len($0) > 1 THEN {many} ELSE list_extract($0, 1) END)",
                  whole.type.fields[0][1], whole)  # fmt: skip


def _with_value(call: Call) -> tuple[Typed, Typed]:
    """An array and a value, as an array of a type that holds both."""
    whole = call.take(0, "a")
    value = call.arguments[1]
    kind = common_type([whole.type.fields[0][1], value.type])
    if kind is None:
        raise call.wrong_arguments()
    return cast_to_fit(whole, array_of(kind)), cast_to_fit(value, kind)


def _contains(call: Call) -> Typed:
    call.count(2)
    whole, value = _with_value(call)
    sql = (
        "(CASE WHEN $0 IS NULL THEN NULL "
        "WHEN $1 IS NULL THEN len(list_filter($0, lambda e: e IS NULL)) > 0 "
        "ELSE list_contains($0, $1) END)"
    )
    return filled(sql, BOOLEAN, whole, value)


def _position(call: Call) -> Typed:
    call.count(2)
    whole, value = _with_value(call)
    sql = (
        "(CASE WHEN $0 IS NULL OR $1 IS NULL THEN NULL "
        "ELSE CAST(coalesce(list_position($0, $1), 0) AS INTEGER) END)"
    )
    return filled(sql, INT, whole, value)


def _append(call: Call) -> Typed:
    call.count(2)
    whole, value = _with_value(call)
    sql = "(CASE WHEN $0 IS NULL THEN NULL ELSE list_append($0, $1) END)"
    return filled(sql, whole.type, whole, value)


def _prepend(call: Call) -> Typed:
    call.count(2)
    whole, value = _with_value(call)
    sql = "(CASE WHEN $0 IS NULL THEN NULL ELSE list_prepend($1, $0) END)"
    return filled(sql, whole.type, whole, value)


def _remove(call: Call) -> Typed:
    call.count(2)
    whole, value = _with_value(call)
    sql = "list_filter($0, lambda e: e IS DISTINCT FROM $1)"
    return filled(sql, whole.type, whole, value)


def _one(name: str, sql: str) -> Function:
    """A function of an array that gives such an array."""

    def translate(call: Call) -> Typed:
        call.count(1)
        whole = call.take(0, "a")
        return filled(sql, bare(whole.type), whole)

    return Function(name, _KIND, (f"{name}(array)",), translate)


def _extreme(name: str, word: str) -> Function:
    def translate(call: Call) -> Typed:
        call.count(1)
        whole = call.take(0, "a")
        return filled(f"{word}($0)", whole.type.fields[0][1], whole)

    return Function(name, _KIND, (f"{name}(array)",), translate)


def _concat(call: Call) -> Typed:
    call.count(1, 1000)
    for index in range(len(call.arguments)):
        call.take(index, "a")
    values, kind = call.common(call.arguments)
    return made("(" + " || ".join(value.sql for value in values) + ")", kind, values)


def _join(call: Call) -> Typed:
    given = call.count(2, 3)
    whole = call.take(0, "a")
    if whole.type.fields[0][1].name not in ("STRING", "VARCHAR", "CHAR"):
        raise call.wrong_arguments()
    separator = call.take(1, "s")
    kept = "list_filter($0, lambda e: e IS NOT NULL)"
    if given == 3:
        kept = "list_transform($0, lambda e: coalesce(e, $2))"
    parts = [whole, separator, *([call.take(2, "s")] if given == 3 else [])]
    joined = f"array_to_string({kept}, $1)"
    if call.constant(1) is None:
        joined = (
            f"(CASE WHEN len({kept}) = 0 THEN '' "
            f"ELSE list_reduce({kept}, lambda one, other: one || $1 || other) END)"
        )
    return filled(f"(CASE WHEN $1 IS NOT NULL THEN {joined} END)", STRING, *parts)


def _slice(call: Call) -> Typed:
    given = call.count(2, 3)
    whole, start = call.take(0, "a"), call.take(1, "i")
    first = "(CASE WHEN $1 = 0 THEN 1 WHEN $1 < 0 THEN greatest(len($0) + $1 + 1, 1) ELSE $1 END)"
    parts = [whole, start]
    last = "len($0)"
    if given == 3:
        parts.append(call.take(2, "i"))
        last = "(CASE WHEN $2 = 0 THEN 1 WHEN $2 < 0 THEN len($0) + $2 + 1 ELSE $2 END)"
    sql = f"(CASE WHEN {last} < {first} THEN [] ELSE list_slice($0, {first}, {last}) END)"
    nulls = " OR ".join(f"${index} IS NULL" for index in range(len(parts)))
    return filled(f"(CASE WHEN {nulls} THEN NULL ELSE {sql} END)", bare(whole.type), *parts)


def _map_part(name: str, sql: str, index: int) -> Function:
    def translate(call: Call) -> Typed:
        call.count(1)
        whole = call.take(0, "m")
        return filled(sql, array_of(whole.type.fields[index][1]), whole)

    return Function(name, _KIND, (f"{name}(map)",), translate)


def _map_from_arrays(call: Call) -> Typed:
    call.count(2)
    keys, values = call.take(0, "a"), call.take(1, "a")
    kind = DataType(
        "MAP", fields=(("", bare(keys.type.fields[0][1])), ("", bare(values.type.fields[0][1])))
    )
    return filled("map($0, $1)", kind, keys, values)


def _entries(call: Call) -> Typed:
    call.count(1)
    whole = call.take(0, "m")
    (_, key), (_, value) = whole.type.fields
    row = DataType("ROW", fields=(("key", bare(key)), ("value", bare(value))))
    return filled("map_entries($0)", array_of(row), whole)


COLLECTIONS = (
    Function("ROW", _KIND, ("ROW(value, …)",), _row),
    Function("ARRAY", _KIND, ("ARRAY[value, …]",), _array),
    Function("MAP", _KIND, ("MAP[key, value, …]",), _map),
    Function("[]", _KIND, ("array[index]", "map[key]"), _element_at),
    Function("CARDINALITY", _KIND, ("CARDINALITY(array or map)",), _cardinality),
    Function("ELEMENT", _KIND, ("ELEMENT(array)",), _element),
    Function("ARRAY_CONTAINS", _KIND, ("ARRAY_CONTAINS(array, value)",), _contains),
    Function("ARRAY_POSITION", _KIND, ("ARRAY_POSITION(array, value)",), _position),
    Function("ARRAY_APPEND", _KIND, ("ARRAY_APPEND(array, value)",), _append),
    Function("ARRAY_PREPEND", _KIND, ("ARRAY_PREPEND(array, value)",), _prepend),
    Function("ARRAY_REMOVE", _KIND, ("ARRAY_REMOVE(array, value)",), _remove),
    Function("ARRAY_CONCAT", _KIND, ("ARRAY_CONCAT(array, …)",), _concat),
    Function("ARRAY_JOIN", _KIND, ("ARRAY_JOIN(array, separator [, for NULL])",), _join),
    Function("ARRAY_SLICE", _KIND, ("ARRAY_SLICE(array, first [, last])",), _slice),
    _one("ARRAY_REVERSE", "list_reverse($0)"),
    _one(
        "ARRAY_DISTINCT",
        "list_transform(list_filter(list_transform($0, lambda e, i: {'v': e, 'i': i}), "
        "lambda p: coalesce(list_position($0, p.v), list_position(list_transform($0, "
        "lambda q: q IS NULL), TRUE)) = p.i), lambda p: p.v)",
    ),
    _extreme("ARRAY_MAX", "list_max"),
    _extreme("ARRAY_MIN", "list_min"),
    _map_part("MAP_KEYS", "map_keys($0)", 0),
    _map_part("MAP_VALUES", "map_values($0)", 1),
    Function("MAP_ENTRIES", _KIND, ("MAP_ENTRIES(map)",), _entries),
    Function("MAP_FROM_ARRAYS", _KIND, ("MAP_FROM_ARRAYS(array, array)",), _map_from_arrays),
)
