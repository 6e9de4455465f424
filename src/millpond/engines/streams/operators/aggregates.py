"""How aggregates are computed in parts: rows -> partial, partials -> merged, merged -> result.

Each aggregate keeps a few columns of state. They are computed over rows (`partial`), then over
columns of such state (`merge`, as often as one likes), and the result comes from them (`final`).
Rows carry their order of arrival in the column `$order`, which FIRST_VALUE, LAST_VALUE, LISTAGG,
COLLECT and ARRAY_AGG go by. What is DISTINCT keeps the set of its values, but
APPROX_COUNT_DISTINCT the least `_SKETCH_SIZE` hashes (it is off by 2 % or so; exact below).

NULLs do not count, but in ARRAY_AGG. What sums and means give stands in aggregate_numbers.py.

Source: Apache Flink 2.x, System (Built-in) Functions, Aggregate Functions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators import aggregate_numbers as numbers
from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import DataType, quoted

ORDER: Final = "$order"
"""The column of rows that says in which order they came (BIGINT)."""

_SKETCH_SIZE: Final = 2048


@dataclass(frozen=True, slots=True)
class Part:
    """A column of state: its name and DuckDB type, and the SQL that gives it over rows and over
    columns of its name. `settle` is SQL over the merged column itself, to keep it small."""

    name: str
    type: str
    partial: str
    merge: str
    settle: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """An aggregate in parts. `final` is SQL over the state's columns."""

    parts: tuple[Part, ...]
    final: str
    ordered: bool = False
    """Whether the order of arrival is asked for."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call, as each function's rule sees it. `values` is its argument (a ROW of them if there
    are more), `rows` the condition on rows that count."""

    of: Aggregate
    kinds: tuple[DataType, ...]
    prefix: str

    @property
    def value(self) -> str:
        if len(self.of.arguments) == 1:
            return quoted(self.of.arguments[0])
        return f"row({', '.join(map(quoted, self.of.arguments))})"

    @property
    def type(self) -> str:
        if len(self.kinds) == 1:
            return self.kinds[0].duckdb()
        fields = (f"{quoted(f'f{at}')} {kind.duckdb()}" for at, kind in enumerate(self.kinds))
        return f"STRUCT({', '.join(fields)})"

    def filter(self, *, nulls: bool = False) -> str:
        """The FILTER that leaves rows that count."""
        conditions = [quoted(self.of.condition)] if self.of.condition else []
        if not nulls:
            conditions += [f"{quoted(name)} IS NOT NULL" for name in self.of.arguments]
        return f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""

    def column(self, suffix: str) -> str:
        return quoted(self.prefix + suffix)

    def part(self, suffix: str, kind: str, partial: str, merge: str, settle: str = "") -> Part:
        name = self.column(suffix)
        return Part(self.prefix + suffix, kind, partial, merge.format(name), settle.format(name))


def parts_of(aggregate: Aggregate, types: Mapping[str, DataType], prefix: str) -> Parts:
    """How `aggregate` over columns of these types is computed, in columns that begin with `prefix`.

    Raises:
        Refused: there is no such function.
    """
    rule = _RULES.get(aggregate.function.upper())
    if rule is None:
        raise Refused(f"The aggregate function {aggregate.function} is not supported.")
    return rule(_Call(aggregate, tuple(types[name] for name in aggregate.arguments), prefix))


def whole(aggregate: Aggregate, types: Mapping[str, DataType]) -> str:
    """The aggregate's result over rows at once, as SQL of a grouped query (rows carry `$order`)."""
    parts = parts_of(aggregate, types, "$")
    final = parts.final
    for part in parts.parts:
        final = final.replace(quoted(part.name), f"({part.partial})")
    return f"CAST({final} AS {aggregate.type.duckdb()})"


def _count(call: _Call) -> Parts:
    if call.of.distinct:
        part = _set(call)
        return Parts((part,), f"coalesce(len({quoted(part.name)}), 0)")
    counted = "count(*)" + call.filter()
    part = call.part("n", "BIGINT", counted, "sum({0})")
    return Parts((part,), f"coalesce({quoted(part.name)}, 0)")


def _sum(call: _Call) -> Parts:
    if call.of.distinct:
        part = _set(call)
        total = numbers.total(call.kinds[0], f"list_sum({quoted(part.name)})")
        return Parts((part,), numbers.as_integer(total, call.of.type))
    part = _sum_part(call)
    return Parts((part,), numbers.as_integer(quoted(part.name), call.of.type))


def _avg(call: _Call) -> Parts:
    if call.of.distinct:
        part = _set(call)
        name = quoted(part.name)
        return Parts(
            (part,),
            numbers.mean(
                call.kinds[0],
                call.of.type,
                numbers.total(call.kinds[0], f"list_sum({name})"),
                f"len({name})",
            ),
        )
    count = call.part("n", "BIGINT", "count(*)" + call.filter(), "sum({0})")
    total = _sum_part(call)
    return Parts(
        (total, count),
        numbers.mean(call.kinds[0], call.of.type, quoted(total.name), quoted(count.name)),
    )


def _least(call: _Call) -> Parts:
    return _extreme(call, "min")


def _greatest(call: _Call) -> Parts:
    return _extreme(call, "max")


def _extreme(call: _Call, function: str) -> Parts:
    partial = f"{function}({call.value})" + call.filter()
    part = call.part("v", call.type, partial, function + "({0})")
    return Parts((part,), quoted(part.name))


def _deviation(function: str) -> Callable[[_Call], Parts]:
    """STDDEV and VAR of population or sample: count, mean and sum of squared differences from it,
    put together as Chan, Golub and LeVeque do, which does not cancel."""
    over, root = {
        "var_pop": ("{n}", False),
        "var_samp": ("({n} - 1)", False),
        "stddev_pop": ("{n}", True),
        "stddev_samp": ("({n} - 1)", True),
    }[function]

    def rule(call: _Call) -> Parts:
        if call.of.distinct:
            part = _set(call)
            name = quoted(part.name)
            least = 2 if function.endswith("samp") else 1
            found = f"list_aggregate(CAST({name} AS DOUBLE[]), '{function}')"
            enough = f"CASE WHEN len({name}) >= {least} THEN {found} END"
            return Parts((part,), numbers.from_double(enough, call.of.type))
        value, rows = f"CAST({call.value} AS DOUBLE)", call.filter()
        one = (
            f"struct_pack(n := count(*){rows}, mean := avg({value}){rows}, "
            f"m2 := var_pop({value}){rows} * (count(*){rows}))"
        )
        kind = "STRUCT(n BIGINT, mean DOUBLE, m2 DOUBLE)[]"
        listed = f"CASE WHEN (count(*){rows}) > 0 THEN [{one}] ELSE [] END"
        total = "list_sum(list_transform({0}, lambda z: z.n))"
        mean = f"list_sum(list_transform({{0}}, lambda z: z.n * z.mean)) / {total}"
        shift = f"list_sum(list_transform({{0}}, lambda z: z.m2 + z.n * ((z.mean - {mean}) ** 2)))"
        settle = (
            f"CASE WHEN len({{0}}) > 1 THEN [struct_pack(n := CAST({total} AS BIGINT), "
            f"mean := {mean}, m2 := {shift})] ELSE {{0}} END"
        )
        part = call.part("d", kind, listed, "flatten(list({0}))", settle)
        item = f"{quoted(part.name)}[1]"
        divisor = over.format(n=f"{item}.n")
        found = f"CASE WHEN {divisor} > 0 THEN {item}.m2 / {divisor} END"
        return Parts(
            (part,), numbers.from_double(f"sqrt({found})" if root else found, call.of.type)
        )

    return rule


def _first(call: _Call) -> Parts:
    return _edge(call, "min")


def _last(call: _Call) -> Parts:
    return _edge(call, "max")


def _edge(call: _Call, function: str) -> Parts:
    """The first or last value that is not NULL, by arrival, or by a second argument."""
    name = quoted(call.of.arguments[0])
    has_order = len(call.of.arguments) > 1
    order = quoted(call.of.arguments[1]) if has_order else quoted(ORDER)
    order_type = call.kinds[1].duckdb() if has_order else "BIGINT"
    rows = call.filter()
    at = call.part("o", order_type, f"{function}({order})" + rows, function + "({0})")
    value = call.part(
        "v",
        call.kinds[0].duckdb(),
        f"arg_{function}({name}, {order})" + rows,
        f"arg_{function}({{0}}, {quoted(at.name)})",
    )
    return Parts((value, at), quoted(value.name), ordered=not has_order)


def _listed(call: _Call, *, nulls: bool = False) -> tuple[Part, str]:
    """The state that keeps values with their order, and SQL for the list of them by order."""
    value = quoted(call.of.arguments[0])
    one = f"struct_pack(o := {quoted(ORDER)}, v := {value})"
    kind = f"STRUCT(o BIGINT, v {call.kinds[0].duckdb()})[]"
    part = call.part("l", kind, f"list({one})" + call.filter(nulls=nulls), _FLAT)
    values = f"list_transform(list_sort({quoted(part.name)}), lambda z: z.v)"
    if call.of.distinct:
        places = f"lambda v, nth: list_position({values}, v) = nth"
        values = f"list_filter({values}, {places})"
    return part, values


def _listagg(call: _Call) -> Parts:
    part, values = _listed(
        _Call(_with_arguments(call.of, call.of.arguments[:1]), call.kinds[:1], call.prefix)
    )
    separator = call.of.options[0] if call.of.options else "','"
    return Parts((part,), f"array_to_string({values}, {separator})", ordered=True)


def _collect(call: _Call) -> Parts:
    part, values = _listed(call)
    return Parts((part,), f"coalesce({values}, [])", ordered=True)


def _array_agg(call: _Call) -> Parts:
    part, values = _listed(call, nulls="IGNORE NULLS" not in call.of.options)
    return Parts((part,), values, ordered=True)


def _approximate_count(call: _Call) -> Parts:
    least = f"list_sort(list_distinct({{}}))[1:{_SKETCH_SIZE}]"
    hashes = f"list(hash({call.value}))" + call.filter()
    part = call.part("h", "UBIGINT[]", least.format(hashes), least.format(_FLAT))
    name = quoted(part.name)
    share = f"({name}[{_SKETCH_SIZE}] / 18446744073709551616.0)"
    many = f"CAST(round({_SKETCH_SIZE - 1} / {share}) AS BIGINT)"
    return Parts(
        (part,),
        f"CASE WHEN len({name}) < {_SKETCH_SIZE} THEN len({name}) "
        f"WHEN {name} IS NULL THEN 0 ELSE {many} END",
    )


_FLAT: Final = "flatten(list({0}) FILTER (WHERE {0} IS NOT NULL))"


def _set(call: _Call) -> Part:
    """The set of values, as a list."""
    distinct = f"list(DISTINCT {call.value})" + call.filter()
    return call.part("s", call.type + "[]", distinct, f"list_distinct({_FLAT})")


def _sum_part(call: _Call) -> Part:
    kind = numbers.sum_type(call.kinds[0])
    value = f"CAST({call.value} AS DOUBLE)" if call.kinds[0].name == "FLOAT" else call.value
    total = numbers.total(call.kinds[0], f"sum({value})" + call.filter())
    return call.part("t", kind, total, numbers.total(call.kinds[0], "sum({0})"))


def _with_arguments(aggregate: Aggregate, arguments: tuple[str, ...]) -> Aggregate:
    return Aggregate(
        aggregate.name,
        aggregate.function,
        arguments,
        aggregate.type,
        aggregate.distinct,
        aggregate.condition,
        aggregate.options,
    )


_RULES: Final[dict[str, Callable[[_Call], Parts]]] = {
    "COUNT": _count,
    "SUM": _sum,
    "AVG": _avg,
    "MIN": _least,
    "MAX": _greatest,
    "STDDEV": _deviation("stddev_samp"),
    "STDDEV_SAMP": _deviation("stddev_samp"),
    "STDDEV_POP": _deviation("stddev_pop"),
    "VARIANCE": _deviation("var_samp"),
    "VAR_SAMP": _deviation("var_samp"),
    "VAR_POP": _deviation("var_pop"),
    "FIRST_VALUE": _first,
    "LAST_VALUE": _last,
    "LISTAGG": _listagg,
    "COLLECT": _collect,
    "ARRAY_AGG": _array_agg,
    "APPROX_COUNT_DISTINCT": _approximate_count,
}

FUNCTIONS: Final = frozenset(_RULES)
"""Flink's names of the aggregate functions that there are."""
