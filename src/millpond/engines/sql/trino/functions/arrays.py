"""Array functions, with and without lambdas.

Source: trino.io/docs/current/functions/{array,lambda}.html.
"""

from millpond.engines.sql.trino.convert import let, text_of
from millpond.engines.sql.trino.functions.registry import scalar
from millpond.engines.sql.trino.functions.texts import joined
from millpond.engines.sql.trino.lambdas import Lambda
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import array, quote_name, row

scalar("all_match", "(array(T), function(T, boolean)) -> boolean",
       "t_all(list_transform({0}, {1}))")  # fmt: skip
scalar("any_match", "(array(T), function(T, boolean)) -> boolean",
       "t_any(list_transform({0}, {1}))")  # fmt: skip
scalar("none_match", "(array(T), function(T, boolean)) -> boolean",
       "(NOT t_any(list_transform({0}, {1})))")  # fmt: skip
scalar("array_distinct", "(array(T)) -> =0", "t_distinct({0})")
scalar("array_except", "(array(T), array(T)) -> array(T)", "t_except({0}, {1})")
scalar("array_intersect", "(array(T), array(T)) -> array(T)", "t_intersect({0}, {1})")
scalar("array_union", "(array(T), array(T)) -> array(T)", "t_union({0}, {1})")
scalar("arrays_overlap", "(array(T), array(T)) -> boolean", "t_overlap({0}, {1})")


def _texts(items: Typed) -> str:
    name = "e_join"
    return f"list_transform({items.sql}, lambda {name}: {text_of(name, items.type.element)})"


scalar("array_join", "(array(T), varchar) -> varchar", lambda a, by: joined(_texts(a), by))
scalar(
    "array_join",
    "(array(T), varchar, varchar) -> varchar",
    lambda a, by, null: joined(
        f"list_transform({_texts(a)}, lambda j_join: coalesce(j_join, {null.sql}))", by
    ),
)
scalar("array_max", "(array(T)) -> T", "t_list_max({0})")
scalar("array_min", "(array(T)) -> T", "t_list_min({0})")
scalar("array_position", "(array(T), T) -> bigint",
       "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE"
       " coalesce(CAST(list_position({0}, {1}) AS BIGINT), 0) END")  # fmt: skip
scalar("array_remove", "(array(T), T) -> array(T)",
       lambda a, x: let(x.sql, lambda v: f"list_filter({a.sql}, lambda e_rm:"
                        f" e_rm IS NULL OR e_rm <> {v})"))  # fmt: skip
scalar("array_sort", "(array(T)) -> =0", "list_sort({0}, 'ASC', 'NULLS LAST')")


def _sort_with(items: Typed, compare: Lambda) -> str:
    """Each element goes behind those that the comparison puts before it, and ties stay in order."""
    one, other, packed = (compare.fresh() for _ in range(3))

    def over(a: str) -> str:
        result = compare.body(f"{a}[{other}]", f"{a}[{one}]").sql
        before = (
            f"len(list_filter(range(1, len({a}) + 1), lambda {other}:"
            f" {other} <> {one} AND ({result} < 0 OR ({result} = 0 AND {other} < {one}))))"
        )
        placed = (
            f"list_transform(range(1, len({a}) + 1), lambda {one}:"
            f" struct_pack(p := {before}, e := {a}[{one}]))"
        )
        return f"list_transform(list_sort({placed}), lambda {packed}: {packed}.e)"

    return let(items.sql, over)


scalar("array_sort", "(array(T), function(T, T, integer)) -> =0", _sort_with)
scalar("cardinality", "(array(T)) -> bigint", "CAST(len({0}) AS BIGINT)")
scalar("concat", "(array(T), array(T)...) -> array(T)",
       lambda *parts: "(" + " || ".join(part.sql for part in parts) + ")")  # fmt: skip
scalar("concat", "(array(T), T) -> array(T)", "list_append({0}, {1})")
scalar("concat", "(T, array(T)) -> array(T)", "list_prepend({0}, {1})")
scalar("array_histogram", "(array(T)) -> map(T, bigint)", "t_list_histogram({0})")
scalar("euclidean_distance", "(array(double), array(double)) -> double",
       "list_distance({0}, {1})")  # fmt: skip
scalar("dot_product", "(array(double), array(double)) -> double", "list_dot_product({0}, {1})")
scalar("contains", "(array(T), T) -> boolean", "t_contains({0}, {1})")
scalar("contains_sequence", "(array(T), array(T)) -> boolean", "t_contains_sequence({0}, {1})")
scalar("element_at", "(array(T), bigint) -> T", "t_element({0}, {1})")
scalar("filter", "(array(T), function(T, boolean)) -> =0", "list_filter({0}, {1})")
scalar("flatten", "(array(array(T))) -> array(T)", "flatten({0})")
scalar("ngrams", "(array(T), bigint) -> array(array(T))", "t_ngrams({0}, {1})")


def _reduce(items: Typed, start: Typed, step: Lambda, end: Lambda) -> Typed:
    """The state and the elements travel as one STRUCT, since DuckDB reduces to the list's type."""
    state, element = step.parameters
    one, left, right, last = (step.fresh() for _ in range(4))
    no_element = f"CAST(NULL AS {element.duck})"
    packed = f"struct_pack(s := CAST(NULL AS {state.duck}), e := {one})"
    stepped = step.body(f"{left}.s", f"{right}.e").sql
    reduced = (
        f"list_reduce(list_transform({items.sql}, lambda {one}: {packed}), lambda {left}, {right}:"
        f" struct_pack(s := {stepped}, e := {no_element}),"
        f" struct_pack(s := {start.sql}, e := {no_element})).s"
    )
    ended = end.body(last)
    whole = f"list_transform([{reduced}], lambda {last}: {ended.sql})[1]"
    return Typed(f"CASE WHEN {items.sql} IS NULL THEN NULL ELSE {whole} END", ended.type)


scalar("reduce", "(array(T), S, function(S, T, S), function(S, R)) -> R", _reduce)
scalar("repeat", "(T, bigint) -> array(T)", "list_resize([{0}], {1}, {0})")
scalar("sequence", "(bigint, bigint) -> array(bigint)", "t_sequence_of({0}, {1})")
scalar("sequence", "(bigint, bigint, bigint) -> array(bigint)", "t_sequence({0}, {1}, {2})")
scalar("sequence", "(date, date) -> array(date)",
       "CAST(t_steps(CAST({0} AS TIMESTAMP), CAST({1} AS TIMESTAMP),"
       " CASE WHEN {0} <= {1} THEN 86400000 ELSE -86400000 END) AS DATE[])")  # fmt: skip
scalar("sequence", "(date, date, days) -> array(date)",
       "CAST(t_steps(CAST({0} AS TIMESTAMP), CAST({1} AS TIMESTAMP), {2}) AS DATE[])")  # fmt: skip
scalar("sequence", "(date, date, months) -> array(date)",
       "CAST(t_month_steps({0}, {1}, {2}) AS DATE[])")  # fmt: skip
scalar("sequence", "(timestamp, timestamp, days) -> array(=0)", "t_steps({0}, {1}, {2})")
scalar("sequence", "(timestamp, timestamp, months) -> array(=0)",
       "t_month_steps({0}, {1}, {2})")  # fmt: skip
scalar("shuffle", "(array(T)) -> =0",
       "list_transform(list_sort(list_transform({0}, lambda e_sh: struct_pack(r := random(),"
       " e := e_sh))), lambda e_st: e_st.e)", volatile=True)  # fmt: skip
scalar("slice", "(array(T), bigint, bigint) -> =0", "t_slice({0}, {1}, {2})")
scalar("transform", "(array(T), function(T, R)) -> array(R)", "list_transform({0}, {1})")
scalar("trim_array", "(array(T), bigint) -> =0", "t_trim_list({0}, {1})")


def _zip(*arrays: Typed) -> Typed:
    longest = f"greatest({', '.join(f'len({one.sql})' for one in arrays)})"
    kind = row([(None, one.type.element) for one in arrays])
    fields = ", ".join(
        f"{quote_name(name)} := {one.sql}[i_zip]"
        for name, one in zip(kind.field_names, arrays, strict=True)
    )
    made = f"list_transform(range(1, {longest} + 1), lambda i_zip: struct_pack({fields}))"
    tests = " OR ".join(f"{one.sql} IS NULL" for one in arrays)
    return Typed(f"CASE WHEN {tests} THEN NULL ELSE {made} END", array(kind))


for _count in range(2, 6):
    _letters = "ABCDE"[:_count]
    scalar("zip", f"({', '.join(f'array({one})' for one in _letters)}) -> array(A)", _zip)


def _zip_with(left: Typed, right: Typed, combine: Lambda) -> str:
    def over(a: str, b: str) -> str:
        place = combine.fresh()
        body = combine.body(f"{a}[{place}]", f"{b}[{place}]")
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL ELSE list_transform("
            f"range(1, greatest(len({a}), len({b})) + 1), lambda {place}: {body.sql}) END"
        )

    return let(left.sql, lambda a: let(right.sql, lambda b: over(a, b)))


scalar("zip_with", "(array(T), array(U), function(T, U, R)) -> array(R)", _zip_with)
