"""Mathematical and bitwise functions; decimals keep the precision that Trino gives them.

Source: trino.io/docs/current/functions/{math,bitwise,decimal}.html, io.trino.operator.scalar.
"""

from collections.abc import Callable, Sequence

from millpond.engines.sql.trino.functions.registry import scalar
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import INTEGERS, Type, decimal


def _same(kinds: Sequence[Type]) -> Type:
    return kinds[0]


def _in_own_type(template: str) -> Callable[..., str]:
    """A function of a number whose answer is of the number's own type."""

    def emit(x: Typed, *rest: Typed) -> str:
        inner = template.format(x.sql, *(one.sql for one in rest))
        return f"CAST({inner} AS {x.type.duck})"

    return emit


def _rounded(kinds: Sequence[Type]) -> Type:
    """ceil, floor, round to whole numbers: a decimal loses its fraction and may gain a digit."""
    kind = kinds[0]
    if kind.name == "decimal":
        return decimal(kind.precision - kind.scale + min(1, kind.scale), 0)
    return kind


def _whole(function: str) -> Callable[..., str]:
    def emit(x: Typed) -> str:
        if x.type.name in INTEGERS:
            return x.sql
        return f"CAST({function}({x.sql}) AS {_rounded([x.type]).duck})"

    return emit


def _round_to(kinds: Sequence[Type]) -> Type:
    kind = kinds[0]
    return decimal(kind.precision + 1, kind.scale) if kind.name == "decimal" else kind


def _emit_round_to(x: Typed, digits: Typed) -> str:
    kind = _round_to([x.type])
    if kind.name == "decimal":
        shift = f"CAST(pow(10, {digits.sql}) AS DECIMAL(38,0))"
        scaled = f"CAST(CAST({x.sql} AS DECIMAL(38,{kind.scale})) AS DECIMAL(38,{kind.scale}))"
        up = f"round(CAST({scaled} AS DOUBLE) / {shift}, 0)"
        if digits.is_constant and isinstance(digits.value, int):
            return f"CAST(round({x.sql}, {digits.value}) AS {kind.duck})"
        return f"CAST({up} AS {kind.duck})"
    return f"CAST(round({x.sql}, {digits.sql}) AS {kind.duck})"


def _truncated(kinds: Sequence[Type]) -> Type:
    kind = kinds[0]
    if kind.name == "decimal":
        return decimal(max(1, kind.precision - kind.scale), 0)
    return kind


def _emit_truncate(x: Typed) -> str:
    return f"CAST(trunc({x.sql}) AS {_truncated([x.type]).duck})"


def _sign(kinds: Sequence[Type]) -> Type:
    return decimal(1, 0) if kinds[0].name == "decimal" else kinds[0]


scalar("abs", "(number) -> =0", _in_own_type("abs({0})"))
scalar("sign", "(number) -> =0", lambda x: f"CAST(sign({x.sql}) AS {_sign([x.type]).duck})", _sign)
scalar("ceil ceiling", "(number) -> =0", _whole("ceil"), _rounded)
scalar("floor", "(number) -> =0", _whole("floor"), _rounded)
scalar("round", "(number) -> =0", _whole("round"), _rounded)
scalar("round", "(number, integer) -> =0", _emit_round_to, _round_to)
scalar("truncate", "(number) -> =0", _emit_truncate, _truncated)
scalar("truncate", "(number, integer) -> =0", _in_own_type("trunc({0}, {1})"), _same)
scalar("mod", "(bigint, bigint) -> bigint", "({0} % {1})")
scalar("mod", "(integer, integer) -> integer", "({0} % {1})")
scalar("mod", "(double, double) -> double", "({0} % {1})")

for _name in (
    "acos", "asin", "atan", "cos", "cosh", "degrees", "exp", "ln", "log10", "log2",
    "radians", "sin", "sinh", "sqrt", "tan", "tanh",
):  # fmt: skip
    scalar(_name, "(double) -> double", f"{_name}({{0}})")
scalar(
    "cbrt",
    "(double) -> double",
    "CASE WHEN pow(round(cbrt({0})), 3) = {0} THEN round(cbrt({0})) ELSE cbrt({0}) END",
)
scalar("atan2", "(double, double) -> double", "atan2({0}, {1})")
scalar("log", "(double, double) -> double", "(ln({1}) / ln({0}))")
scalar("pow power", "(double, double) -> double", "pow({0}, {1})")
scalar("e", "() -> double", "exp(CAST(1 AS DOUBLE))")
scalar("pi", "() -> double", "pi()")
scalar("infinity", "() -> double", "CAST('Infinity' AS DOUBLE)")
scalar("nan", "() -> double", "CAST('NaN' AS DOUBLE)")
scalar("is_finite", "(double) -> boolean", "isfinite({0})")
scalar("is_infinite", "(double) -> boolean", "isinf({0})")
scalar("is_nan", "(double) -> boolean", "isnan({0})")
scalar("rand random", "() -> double", "random()", volatile=True)
scalar("rand random", "(bigint) -> bigint", "t_random_below({0})", volatile=True)
scalar(
    "rand random", "(bigint, bigint) -> bigint", "({0} + t_random_below({1} - {0}))", volatile=True
)
scalar(
    "width_bucket",
    "(double, double, double, bigint) -> bigint",
    "CAST(t_bucket({0}, {1}, {2}, {3}) AS BIGINT)",
)
scalar("width_bucket", "(double, array(double)) -> bigint", "CAST(t_bin({0}, {1}) AS BIGINT)")
scalar("to_base", "(bigint, bigint) -> varchar", "p_to_base({0}, t_radix({1}))")
scalar("from_base", "(varchar, bigint) -> bigint", "p_from_base({0}, t_radix({1}))")

scalar("bitwise_and", "(bigint, bigint) -> bigint", "({0} & {1})")
scalar("bitwise_or", "(bigint, bigint) -> bigint", "({0} | {1})")
scalar("bitwise_xor", "(bigint, bigint) -> bigint", "xor({0}, {1})")
scalar("bitwise_not", "(bigint) -> bigint", "(~{0})")
scalar(
    "bitwise_left_shift",
    "(bigint, bigint) -> bigint",
    "CASE WHEN {1} >= 64 THEN CAST(0 AS BIGINT) ELSE p_left_shift({0}, {1}) END",
)
scalar("bitwise_right_shift", "(bigint, bigint) -> bigint", "t_shift_right({0}, {1})")
scalar(
    "bitwise_right_shift_arithmetic",
    "(bigint, bigint) -> bigint",
    "({0} >> CASE WHEN {1} > 63 THEN 63 ELSE {1} END)",
)
scalar("bit_count", "(bigint, bigint) -> bigint", "p_bit_count({0}, {1})")
