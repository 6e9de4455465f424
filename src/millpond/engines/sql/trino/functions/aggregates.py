"""Aggregate functions. `{d}` stands for DISTINCT, `{o}` for ORDER BY.

Source: trino.io/docs/current/functions/aggregate.html.
"""

from collections.abc import Sequence

from millpond.engines.sql.trino.functions.registry import aggregate
from millpond.engines.sql.trino.operators import rescaled
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import AGGREGATE_END, AGGREGATE_START, Type, decimal


def _sum_decimal(kinds: Sequence[Type]) -> Type:
    return decimal(38, kinds[0].scale)


def _average_decimal(x: Typed, distinct: str) -> str:
    """sum / count, rounded half up to the scale of the input."""

    def call(name: str) -> str:
        return f"{AGGREGATE_START}{name}({distinct}{x.sql}){AGGREGATE_END}"

    total = f"CAST({call('sum')} * CAST({10**x.type.scale} AS DECIMAL(38,0)) AS HUGEINT)"
    mean = f"t_divide_round({total}, CAST({call('count')} AS HUGEINT))"
    return rescaled(f"CASE WHEN {call('count')} = 0 THEN NULL ELSE {mean} END", x.type)


aggregate("count", "() -> bigint", "«count(*)»")
aggregate("count", "(T) -> bigint", "«count({d}{0})»")
aggregate("count_if", "(boolean) -> bigint", "coalesce(«count({d}CASE WHEN {0} THEN 1 END)», 0)")
aggregate("sum", "(bigint) -> bigint", "CAST(«sum({d}{0})» AS BIGINT)")
aggregate("sum", "(double) -> double", "«sum({d}{0})»")
aggregate("sum", "(real) -> real", "CAST(«sum({d}{0})» AS FLOAT)")
aggregate("sum", "(decimal) -> decimal", "CAST(«sum({d}{0})» AS DECIMAL(38,{s0}))", _sum_decimal)
aggregate("sum", "(days) -> days", "CAST(«sum({d}{0})» AS BIGINT)")
aggregate("sum", "(months) -> months", "CAST(«sum({d}{0})» AS INTEGER)")
aggregate("avg", "(bigint) -> double", "«avg({d}{0})»")
aggregate("avg", "(double) -> double", "«avg({d}{0})»")
aggregate("avg", "(real) -> real", "CAST(«avg({d}{0})» AS FLOAT)")
aggregate("avg", "(decimal) -> =0", _average_decimal)
aggregate("avg", "(days) -> days", "CAST(round(«avg({d}{0})») AS BIGINT)")
aggregate("min", "(T) -> T", "«min({d}{0})»")
aggregate("max", "(T) -> T", "«max({d}{0})»")
aggregate("min", "(T, bigint) -> array(T)", "«min({d}{0}, {1})»")
aggregate("max", "(T, bigint) -> array(T)", "«max({d}{0}, {1})»")
aggregate("min_by", "(T, U) -> T", "«arg_min_null({d}{0}, {1})»")
aggregate("max_by", "(T, U) -> T", "«arg_max_null({d}{0}, {1})»")
aggregate("min_by", "(T, U, bigint) -> array(T)", "«arg_min({d}{0}, {1}, {2})»")
aggregate("max_by", "(T, U, bigint) -> array(T)", "«arg_max({d}{0}, {1}, {2})»")
aggregate("any_value arbitrary", "(T) -> T", "«any_value({d}{0})»")
aggregate("array_agg", "(T) -> array(T)", "«list({d}{0}{o})»", ordered=True)
aggregate("bool_and every", "(boolean) -> boolean", "«bool_and({d}{0})»")
aggregate("bool_or", "(boolean) -> boolean", "«bool_or({d}{0})»")
aggregate("listagg", "(varchar) -> varchar", "«string_agg({d}{0}, ''{o})»", ordered=True)
aggregate("listagg", "(varchar, varchar) -> varchar", "«string_agg({d}{0}, {1}{o})»", ordered=True)
aggregate("geometric_mean", "(double) -> double", "«geomean({d}{0})»")
aggregate("bitwise_and_agg", "(bigint) -> bigint", "«bit_and({d}{0})»")
aggregate("bitwise_or_agg", "(bigint) -> bigint", "«bit_or({d}{0})»")
aggregate("bitwise_xor_agg", "(bigint) -> bigint", "«bit_xor({d}{0})»")
aggregate("approx_distinct", "(T) -> bigint", "«approx_count_distinct({d}{0})»")
aggregate("approx_distinct", "(T, double) -> bigint", "«approx_count_distinct({d}{0})»")
for _kind in ("bigint", "double", "real"):
    aggregate("approx_percentile", f"({_kind}, double) -> {_kind}",
              "«quantile_disc({d}{0}, {1})»")  # fmt: skip
    aggregate("approx_percentile", f"({_kind}, array(double)) -> array({_kind})",
              "«quantile_disc({d}{0}, {1})»")  # fmt: skip
for _name, _duck in (
    ("stddev stddev_samp", "stddev_samp"), ("stddev_pop", "stddev_pop"),
    ("variance var_samp", "var_samp"), ("var_pop", "var_pop"), ("kurtosis", "kurtosis"),
):  # fmt: skip
    aggregate(_name, "(double) -> double", f"«{_duck}({{d}}{{0}})»")
aggregate(
    "skewness",
    "(double) -> double",
    "CASE WHEN «count({d}{0})» < 3 THEN NULL ELSE «skewness({d}{0})» * («count({d}{0})» - 2)"
    " / sqrt(CAST(«count({d}{0})» AS DOUBLE) * («count({d}{0})» - 1)) END",
)
for _name in (
    "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept",
    "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
):  # fmt: skip
    aggregate(_name, "(double, double) -> double", f"«{_name}({{d}}{{0}}, {{1}})»")
aggregate(
    "histogram",
    "(T) -> map(T, bigint)",
    "CAST(map_from_entries(map_entries(«histogram({d}{0})»)) AS MAP({t0}, BIGINT))",
)
aggregate(
    "map_agg",
    "(K, V) -> map(K, V)",
    "t_map_first(«list({0}{o}) FILTER (WHERE {0} IS NOT NULL)»,"
    " «list({1}{o}) FILTER (WHERE {0} IS NOT NULL)»)",
    ordered=True,
)
aggregate(
    "multimap_agg",
    "(K, V) -> map(K, array(V))",
    "t_multimap(«list({0}{o}) FILTER (WHERE {0} IS NOT NULL)»,"
    " «list({1}{o}) FILTER (WHERE {0} IS NOT NULL)»)",
    ordered=True,
)
aggregate(
    "map_union",
    "(map(K, V)) -> =0",
    "t_map_first(flatten(«list(map_keys({0})) FILTER (WHERE {0} IS NOT NULL)»),"
    " flatten(«list(map_values({0})) FILTER (WHERE {0} IS NOT NULL)»))",
)
