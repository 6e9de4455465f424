"""Functions of numbers."""

from sqlglot import exp

from millpond.engines.streams.sql.casts import cast_to_fit
from millpond.engines.streams.sql.functions.calls import Call, Function, plain
from millpond.engines.streams.sql.operators import arithmetic
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import INTEGERS, bare, decimal_of
from millpond.engines.streams.sql.values import filled, scaled, unscaled
from millpond.engines.streams.types import BIGINT, DOUBLE, INT, STRING, DataType

_KIND = "Arithmetic functions"
_DIGITS_KEPT = tuple(map(str, range(16)))


def whole_number(call: Call, word: str) -> Typed:
    """CEIL or FLOOR of a number: as its type, a DECIMAL without a scale."""
    call.count(1)
    value = call.take(0, "n")
    if value.type.name in INTEGERS:
        return value
    if value.type.name == "DECIMAL":
        precision = value.type.parameters[0]
        kind = DataType("DECIMAL", (precision, 0))
        return filled(f"CAST({word}($0) AS {kind.duckdb()})", kind, value)
    return filled(f"{word}($0)", bare(value.type), value)


def _sign(call: Call) -> Typed:
    call.count(1)
    value = call.take(0, "n")
    return filled(f"CAST(sign($0) AS {value.type.duckdb()})", bare(value.type), value)


def _round(call: Call) -> Typed:
    """Half away from zero, of a DOUBLE as it is written (1.005 is not a bit less); a DECIMAL gets
    the scale that it is rounded to."""
    given = call.count(1, 2)
    value = call.take(0, "n")
    digits = call.take(1, "i") if given == 2 else Typed("0", INT)
    if value.type.name == "DOUBLE" and (call.constant(1) or "0") in _DIGITS_KEPT:
        return filled(
            "coalesce(CAST(round(TRY_CAST(CAST($0 AS VARCHAR) AS DECIMAL(38, 16)), $1) AS DOUBLE),"
            " round($0, CAST($1 AS INTEGER)))", DOUBLE, value, digits,
        )  # fmt: skip
    if value.type.name != "DECIMAL":
        return filled(f"CAST(round($0, CAST($1 AS INTEGER)) AS {value.type.duckdb()})",
                      bare(value.type), value, digits)  # fmt: skip
    return _to_scale(call, value, "round", given)


def _truncate(call: Call) -> Typed:
    given = call.count(1, 2)
    value = call.take(0, "n")
    if value.type.name == "DECIMAL":
        return _to_scale(call, value, "trunc", given)
    digits = call.take(1, "i") if given == 2 else Typed("0", INT)
    if value.type.name in INTEGERS:
        power = "CAST(pow(10, greatest(-$1, 0)) AS BIGINT)"
        return filled(f"CAST(($0 // {power}) * {power} AS {value.type.duckdb()})",
                      bare(value.type), value, digits)  # fmt: skip
    return filled(f"CAST(trunc($0 * pow(10, $1)) / pow(10, $1) AS {value.type.duckdb()})",
                  bare(value.type), value, digits)  # fmt: skip


def _to_scale(call: Call, value: Typed, word: str, given: int) -> Typed:
    """A DECIMAL with fewer digits behind (or, below 0, before) its point."""
    text = call.constant(1) if given == 2 else "0"
    if text is None or not text.lstrip("-").isdigit():
        raise call.refused("how many digits to keep of a DECIMAL must be written out")
    precision, scale = decimal_of(value.type)
    digits = int(text)
    if digits >= scale:
        return value
    kept = max(digits, 0)
    kind = DataType("DECIMAL", (min(38, 1 + precision - scale + kept), kept))
    if word == "round":
        return filled(f"CAST(round($0, {digits}) AS {kind.duckdb()})", kind, value)
    power = f"CAST(1{'0' * (scale - digits)} AS HUGEINT)"
    whole = f"({unscaled('$0')} // {power})"
    if digits < 0:
        whole = f"({whole} * 1{'0' * -digits})"
    return filled(scaled(whole, kept, kind), kind, value)


def _mod(call: Call) -> Typed:
    call.count(2)
    return arithmetic(exp.Mod, call.take(0, "n"), call.take(1, "n"), call.at)


def _log(call: Call) -> Typed:
    if call.count(1, 2) == 1:
        return filled("ln($0)", DOUBLE, call.take(0, "f"))
    return filled("(ln($1) / ln($0))", DOUBLE, call.take(0, "f"), call.take(1, "f"))


def _rand(call: Call) -> Typed:
    call.count(0)
    return Typed("random()", DOUBLE)


def _rand_integer(call: Call) -> Typed:
    call.count(1)
    return filled("CAST(floor(random() * $0) AS INTEGER)", INT, call.take(0, "i"))


def _uuid(call: Call) -> Typed:
    call.count(0)
    return Typed("CAST(uuid() AS VARCHAR)", STRING)


def _constant(name: str, sql: str) -> Function:
    def translate(call: Call) -> Typed:
        call.count(0)
        return Typed(sql, DOUBLE)

    return Function(name, _KIND, (f"{name}()",), translate)


def _hex(call: Call) -> Typed:
    call.count(1)
    argument = call.arguments[0]
    if argument.type.name in (*INTEGERS, "NULL"):
        value = cast_to_fit(call.take(0, "i"), BIGINT)
        return filled("printf('%X', $0)", STRING, value)
    return filled("hex(encode($0))", STRING, call.take(0, "s"))


def _absolute(call: Call) -> Typed:
    call.count(1)
    value = call.take(0, "n")
    return filled("abs($0)", bare(value.type), value)


def _double(name: str, template: str) -> Function:
    return plain(_KIND, f"{name}(number)", "f", DOUBLE, template)


def _logarithm(word: str) -> str:
    """As Java has it: of 0 -Infinity, of less NaN."""
    return (
        "(CASE WHEN $0 < 0 THEN CAST('NaN' AS DOUBLE) "
        f"WHEN $0 = 0 THEN CAST('-Infinity' AS DOUBLE) ELSE {word}($0) END)"
    )


MATHS = (
    Function("ABS", _KIND, ("ABS(number)",), _absolute),
    Function("SIGN", _KIND, ("SIGN(number)",), _sign),
    Function("ROUND", _KIND, ("ROUND(number [, digits])",), _round),
    Function("TRUNCATE", _KIND, ("TRUNCATE(number [, digits])",), _truncate),
    Function("MOD", _KIND, ("MOD(number, number)",), _mod),
    plain(_KIND, "POWER(number, number)", "ff", DOUBLE, "power($0, $1)"),
    Function("LOG", _KIND, ("LOG([base,] number)",), _log),
    _double("SQRT", "(CASE WHEN $0 < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt($0) END)"),
    _double("LN", _logarithm("ln")),
    _double("LOG10", _logarithm("log10")),
    _double("LOG2", "log2($0)"),
    _double("EXP", "exp($0)"),
    _double("SIN", "sin($0)"),
    _double("COS", "cos($0)"),
    _double("TAN", "tan($0)"),
    _double("COT", "(1 / tan($0))"),
    _double("ASIN", "(CASE WHEN abs($0) > 1 THEN CAST('NaN' AS DOUBLE) ELSE asin($0) END)"),
    _double("ACOS", "(CASE WHEN abs($0) > 1 THEN CAST('NaN' AS DOUBLE) ELSE acos($0) END)"),
    _double("ATAN", "atan($0)"),
    _double("SINH", "sinh($0)"),
    _double("COSH", "cosh($0)"),
    _double("TANH", "tanh($0)"),
    _double("DEGREES", "degrees($0)"),
    _double("RADIANS", "radians($0)"),
    plain(_KIND, "ATAN2(number, number)", "ff", DOUBLE, "atan2($0, $1)"),
    _constant("PI", "pi()"),
    _constant("E", "exp(CAST(1 AS DOUBLE))"),
    Function("RAND", _KIND, ("RAND()",), _rand),
    Function("RAND_INTEGER", _KIND, ("RAND_INTEGER(bound)",), _rand_integer),
    Function("UUID", _KIND, ("UUID()",), _uuid),
    plain(_KIND, "BIN(whole number)", "l", STRING, "bin($0)"),
    Function("HEX", _KIND, ("HEX(whole number or string)",), _hex),
)
