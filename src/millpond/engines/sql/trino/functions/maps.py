"""Map functions, with and without lambdas.

Source: trino.io/docs/current/functions/map.html.
"""

from millpond.engines.sql.trino.convert import let
from millpond.engines.sql.trino.functions.registry import scalar
from millpond.engines.sql.trino.lambdas import Lambda
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import UNKNOWN, array, map_of, quote_name, row

scalar("cardinality", "(map(K, V)) -> bigint", "CAST(cardinality({0}) AS BIGINT)")
scalar("element_at", "(map(K, V), K) -> V", "map_extract_value({0}, {1})")
scalar(
    "map",
    "() -> map(K, V)",
    lambda: Typed("CAST(MAP {} AS MAP(INTEGER, INTEGER))", map_of(UNKNOWN, UNKNOWN)),
)
scalar("map", "(array(K), array(V)) -> map(K, V)", "t_map({0}, {1})")
scalar("map_concat", "(map(K, V), map(K, V)) -> map(K, V)", "t_map_concat({0}, {1})")
scalar("map_concat", "(map(K, V), map(K, V), map(K, V)) -> map(K, V)",
       "t_map_concat(t_map_concat({0}, {1}), {2})")  # fmt: skip
scalar("map_keys", "(map(K, V)) -> array(K)", "map_keys({0})")
scalar("map_values", "(map(K, V)) -> array(V)", "map_values({0})")


def _entries(m: Typed) -> Typed:
    kind = row([(None, m.type.arguments[0]), (None, m.type.arguments[1])])
    key, value = map(quote_name, kind.field_names)
    made = f"struct_pack({key} := e_me.key, {value} := e_me.value)"
    return Typed(
        f"CASE WHEN {m.sql} IS NULL THEN NULL ELSE"
        f" list_transform(map_entries({m.sql}), lambda e_me: {made}) END",
        array(kind),
    )


def _sides(entries: Typed) -> tuple[str, str]:
    key, value = map(quote_name, entries.type.element.field_names)
    return (
        f"list_transform({entries.sql}, lambda e_mk: e_mk.{key})",
        f"list_transform({entries.sql}, lambda e_mv: e_mv.{value})",
    )


def _from_entries(entries: Typed) -> Typed:
    keys, values = _sides(entries)
    kind = map_of(*entries.type.element.arguments)
    return Typed(f"t_map({keys}, {values})", kind)


def _multimap_from_entries(entries: Typed) -> Typed:
    keys, values = _sides(entries)
    key, value = entries.type.element.arguments
    return Typed(f"t_multimap({keys}, {values})", map_of(key, array(value)))


scalar("map_entries", "(map(K, V)) -> array(row(K, V))", _entries)
scalar("map_from_entries", "(array(row(K, V))) -> map(K, V)", _from_entries)
scalar("multimap_from_entries", "(array(row(K, V))) -> map(K, V)", _multimap_from_entries)


def _over_entries(m: Typed, function: Lambda, template: str) -> str:
    """A template over `{m}`, the map, `{e}`, an entry's name, and `{body}`, the lambda of it."""
    entry = function.fresh()
    body = function.body(f"{entry}.key", f"{entry}.value").sql

    def over(v: str) -> str:
        made = template.replace("{m}", v).replace("{e}", entry).replace("{body}", body)
        return f"CASE WHEN {v} IS NULL THEN NULL ELSE {made} END"

    return let(m.sql, over)


def _filter(m: Typed, keep: Lambda) -> str:
    made = "map_from_entries(list_filter(map_entries({m}), lambda {e}: {body}))"
    return _over_entries(m, keep, made)


def _transform_keys(m: Typed, make: Lambda) -> str:
    made = "t_map(list_transform(map_entries({m}), lambda {e}: {body}), map_values({m}))"
    return _over_entries(m, make, made)


def _transform_values(m: Typed, make: Lambda) -> str:
    made = "map(map_keys({m}), list_transform(map_entries({m}), lambda {e}: {body}))"
    return _over_entries(m, make, made)


def _zip_with(left: Typed, right: Typed, combine: Lambda) -> str:
    key = combine.fresh()

    def over(a: str, b: str) -> str:
        keys = f"list_distinct(list_concat(map_keys({a}), map_keys({b})))"
        body = combine.body(
            key, f"map_extract_value({a}, {key})", f"map_extract_value({b}, {key})"
        ).sql
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL ELSE"
            f" map({keys}, list_transform({keys}, lambda {key}: {body})) END"
        )

    return let(left.sql, lambda a: let(right.sql, lambda b: over(a, b)))


scalar("map_filter", "(map(K, V), function(K, V, boolean)) -> =0", _filter)
scalar("transform_keys", "(map(K, V), function(K, V, R)) -> map(R, V)", _transform_keys)
scalar("transform_values", "(map(K, V), function(K, V, R)) -> map(K, R)", _transform_values)
scalar("map_zip_with", "(map(K, V), map(K, W), function(K, V, W, R)) -> map(K, R)", _zip_with)
