"""Functions of one event.

Source: CloudWatch Logs user guide, "Boolean, comparison, numeric, datetime, and other functions".
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from millpond.services.logs.insights.compiling.periods import ceiling_of, floor_of
from millpond.services.logs.insights.compiling.values import (
    Kind,
    Value,
    json_of,
    number_of,
    quoted,
    text_of,
    time_of,
    truth_of,
)
from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.language.tree import Call, Expression, Literal

Compile = Callable[[Expression], Value]
_BLANKS = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes, and what it is in SQL."""

    least: int
    most: int
    emit: Callable[[Sequence[Value]], Value]


def _text(emit: Callable[..., str]) -> Callable[[Sequence[Value]], Value]:
    return lambda values: Value(emit(*map(text_of, values)), Kind.TEXT)


def _number(emit: Callable[..., str]) -> Callable[[Sequence[Value]], Value]:
    return lambda values: Value(emit(*map(number_of, values)), Kind.NUMBER)


def _truth(emit: Callable[..., str]) -> Callable[[Sequence[Value]], Value]:
    return lambda values: Value(f"({emit(*map(text_of, values))})", Kind.TRUTH)


def _extreme(name: str) -> Callable[..., str]:
    return lambda *numbers: numbers[0] if len(numbers) == 1 else f"{name}({', '.join(numbers)})"


def _trim(name: str) -> Callable[..., str]:
    def emit(text: str, characters: str = _BLANKS) -> str:
        return f"{name}({text}, {characters})"

    return emit


def _substr(values: Sequence[Value]) -> Value:
    """The first character is that of place 0."""
    text, start = text_of(values[0]), f"CAST({number_of(values[1])} AS bigint)"
    size = f", CAST({number_of(values[2])} AS bigint)" if len(values) > 2 else ""
    return Value(f"substr({text}, greatest({start}, 0) + 1{size})", Kind.TEXT)


def _concat(*texts: str) -> str:
    return "(" + " || ".join(f"coalesce({text}, '')" for text in texts) + ")"


def _coalesce(values: Sequence[Value]) -> Value:
    kinds = {value.kind for value in values}
    if len(kinds) == 1 and kinds <= {Kind.NUMBER, Kind.TIME}:
        return Value(f"coalesce({', '.join(one.sql for one in values)}, NULL)", kinds.pop())
    return Value(f"coalesce({', '.join(map(text_of, values))}, NULL)", Kind.TEXT)


def _choice(branches: Sequence[tuple[str, Value]], otherwise: Value | None) -> Value:
    results = [value for _, value in branches] + ([otherwise] if otherwise else [])
    numeric = all(value.kind is Kind.NUMBER for value in results)
    shown = number_of if numeric else text_of
    whens = " ".join(f"WHEN {test} THEN {shown(value)}" for test, value in branches)
    ending = f" ELSE {shown(otherwise)}" if otherwise else ""
    return Value(f"CASE {whens}{ending} END", Kind.NUMBER if numeric else Kind.TEXT)


def _if(values: Sequence[Value]) -> Value:
    return _choice([(truth_of(values[0]), values[1])], values[2])


def _case(values: Sequence[Value]) -> Value:
    """Tests and results in turn; one left over is for all else."""
    pairs = [
        (truth_of(test), value) for test, value in zip(values[::2], values[1::2], strict=False)
    ]
    return _choice(pairs, values[-1] if len(values) % 2 else None)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, 1, _number(lambda x: f"abs({x})")),
    "ceil": Function(1, 1, _number(lambda x: f"ceil({x})")),
    "floor": Function(1, 1, _number(lambda x: f"floor({x})")),
    "greatest": Function(1, 50, _number(_extreme("greatest"))),
    "least": Function(1, 50, _number(_extreme("least"))),
    "log": Function(1, 1, _number(lambda x: f"CASE WHEN {x} > 0e0 THEN ln({x}) END")),
    "sqrt": Function(1, 1, _number(lambda x: f"CASE WHEN {x} >= 0e0 THEN sqrt({x}) END")),
    "frommillis": Function(1, 1, lambda values: Value(time_of(values[0]), Kind.TIME)),
    "tomillis": Function(
        1, 1, lambda values: Value(f"CAST({time_of(values[0])} AS double)", Kind.NUMBER)
    ),
    "coalesce": Function(1, 50, _coalesce),
    "if": Function(3, 3, _if),
    "case": Function(2, 51, _case),
    "isempty": Function(1, 1, _truth(lambda x: f"coalesce({x}, '') = ''")),
    "isblank": Function(1, 1, _truth(lambda x: f"trim(coalesce({x}, ''), {_BLANKS}) = ''")),
    "concat": Function(1, 50, _text(_concat)),
    "ltrim": Function(1, 2, _text(_trim("ltrim"))),
    "rtrim": Function(1, 2, _text(_trim("rtrim"))),
    "trim": Function(1, 2, _text(_trim("trim"))),
    "strlen": Function(
        1, 1, lambda values: Value(f"CAST(length({text_of(values[0])}) AS double)", Kind.NUMBER)
    ),
    "toupper": Function(1, 1, _text(lambda x: f"upper({x})")),
    "tolower": Function(1, 1, _text(lambda x: f"lower({x})")),
    "substr": Function(2, 3, _substr),
    "replace": Function(3, 3, _text(lambda x, a, b: f"replace({x}, {a}, {b})")),
    "strcontains": Function(2, 2, _truth(lambda x, y: f"strpos({x}, {y}) > 0")),
    "jsonparse": Function(1, 1, lambda values: Value(json_of(values[0]), Kind.JSON)),
    "jsonstringify": Function(1, 1, lambda values: Value(json_of(values[0]), Kind.TEXT)),
    "isvalidip": Function(1, 1, _truth(lambda x: f'"$ip_version"({x}) > 0')),
    "isvalidipv4": Function(1, 1, _truth(lambda x: f'"$ip_version"({x}) = 4')),
    "isvalidipv6": Function(1, 1, _truth(lambda x: f'"$ip_version"({x}) = 6')),
}
SUBNETS = {"isipinsubnet": (4, 6), "isipv4insubnet": (4,), "isipv6insubnet": (6,)}


def call(node: Call, compiled: Compile, now_ms: int) -> Value:
    """A call of a function.

    Raises:
        Malformed: there is no such function, or it takes other arguments.
    """
    name = node.name.lower()
    arguments = [one for one in node.arguments if one is not None]
    if len(arguments) != len(node.arguments):
        raise Malformed(f"The function {node.name} takes no *.", node.start, node.end)
    match name:
        case "ispresent":
            _check(node, 1, 1)
            return Value(f"({text_of(compiled(arguments[0]))} IS NOT NULL)", Kind.TRUTH)
        case "now":
            _check(node, 0, 0)
            return Value(f"{now_ms // 1000}e0", Kind.NUMBER)
        case "bin":
            _check(node, 1, 1)
            return Value(floor_of('r."timestamp"', arguments[0], node.start, node.end), Kind.TIME)
        case "datefloor" | "dateceil":
            _check(node, 2, 2)
            rounded = floor_of if name == "datefloor" else ceiling_of
            time = time_of(compiled(arguments[0]))
            return Value(rounded(time, arguments[1], node.start, node.end), Kind.TIME)
        case _ if name in SUBNETS:
            _check(node, 2, 2)
            return _in_subnet(node, text_of(compiled(arguments[0])), arguments[1], SUBNETS[name])
    function = FUNCTIONS.get(name)
    if function is None:
        raise Malformed(f"The function {node.name} is not known.", node.start, node.end)
    _check(node, function.least, function.most)
    return function.emit([compiled(one) for one in arguments])


def _check(node: Call, least: int, most: int) -> None:
    if not least <= len(node.arguments) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        raise Malformed(
            f"Invalid arguments for function: {node.name} takes {count} of them.",
            node.start,
            node.end,
        )


def _in_subnet(node: Call, address: str, subnet: Expression, families: Sequence[int]) -> Value:
    if not isinstance(subnet, Literal) or not isinstance(subnet.value, str):
        raise Malformed('A subnet is a text such as "10.0.0.0/8".', subnet.start, subnet.end)
    try:
        network = ipaddress.ip_network(subnet.value, strict=False)
    except ValueError:
        network = None
    if network is None or network.version not in families:
        raise Malformed(f"{subnet.value} is no subnet for {node.name}.", subnet.start, subnet.end)
    return Value(f'coalesce("$in_subnet"({address}, {quoted(str(network))}), false)', Kind.TRUTH)
