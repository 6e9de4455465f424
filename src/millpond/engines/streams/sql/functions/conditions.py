"""Functions that choose, and those that tell about types."""

from millpond.engines.streams.sql.casts import cast_to_fit
from millpond.engines.streams.sql.functions.calls import Call, Function, plain
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.values import filled, made
from millpond.engines.streams.types import BOOLEAN

_KIND = "Conditional functions"


def _coalesce(call: Call) -> Typed:
    call.count(1, 1000)
    values, kind = call.common(call.arguments)
    return made(f"coalesce({', '.join(value.sql for value in values)})", kind, values)


def _if(call: Call) -> Typed:
    call.count(3)
    condition = call.take(0, "b")
    (left, right), kind = call.common(call.arguments[1:])
    return filled("(CASE WHEN $0 THEN $1 ELSE $2 END)", kind, condition, left, right)


def _ifnull(call: Call) -> Typed:
    call.count(2)
    values, kind = call.common(call.arguments)
    return filled("coalesce($0, $1)", kind, *values)


def _nullif(call: Call) -> Typed:
    call.count(2)
    (left, right), kind = call.common(call.arguments)
    first = call.arguments[0]
    if first.type.name == "NULL":
        return cast_to_fit(first, kind)
    return filled("(CASE WHEN $1 = $2 THEN NULL ELSE $0 END)", first.type, first, left, right)


def _extreme(word: str) -> Function:
    def translate(call: Call) -> Typed:
        call.count(1, 1000)
        values, kind = call.common(call.arguments)
        if kind.fields:
            raise call.wrong_arguments()
        nulls = " OR ".join(f"{value.sql} IS NULL" for value in values)
        listed = ", ".join(value.sql for value in values)
        return made(
            f"(CASE WHEN {nulls} THEN NULL ELSE {word.lower()}({listed}) END)", kind, values
        )

    return Function(word, _KIND, (f"{word}(value, …)",), translate)


def _looks_like(word: str, pattern: str) -> Function:
    template = f"coalesce(regexp_full_match($0, '{pattern}'), FALSE)"
    return plain(_KIND, f"{word}(string)", "s", BOOLEAN, template)


CONDITIONS = (
    Function("COALESCE", _KIND, ("COALESCE(value, …)",), _coalesce),
    Function("IF", _KIND, ("IF(condition, value, value)",), _if),
    Function("IFNULL", _KIND, ("IFNULL(value, value)",), _ifnull),
    Function("NULLIF", _KIND, ("NULLIF(value, value)",), _nullif),
    _extreme("GREATEST"),
    _extreme("LEAST"),
    _looks_like("IS_ALPHA", r"\p{L}+"),
    _looks_like("IS_DIGIT", r"\p{Nd}+"),
    _looks_like("IS_DECIMAL", r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"),
)
