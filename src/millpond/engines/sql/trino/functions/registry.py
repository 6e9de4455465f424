"""Where functions are registered: their signatures, and how each is said in DuckDB.

What a function emits is a template with `{0}`, `{1}`, … for its arguments, or a Python function of
them. In an aggregate's template « and » enclose each aggregate call, so that DISTINCT, ORDER BY,
FILTER and OVER can be put where DuckDB wants them.
"""

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.signatures import Pattern, Signature, parse_signature
from millpond.engines.sql.trino.types import AGGREGATE_END, AGGREGATE_START, Type

Emit = str | Callable[..., str | Typed]
Result = Callable[[Sequence[Type]], Type]


class Kind(enum.Enum):
    SCALAR = "scalar"
    AGGREGATE = "aggregate"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Overload:
    signature: Signature
    emit: Emit
    result: Result | None
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    kind: Kind
    overloads: list[Overload] = field(default_factory=list)
    takes_order: bool = False
    """An aggregate whose answer depends on the order of its input."""
    takes_nulls: bool = False
    """A window function that may be told to ignore nulls."""
    is_volatile: bool = False


_FUNCTIONS: dict[str, Function] = {}


def find(name: str) -> Function | None:
    return _FUNCTIONS.get(name.lower())


def names() -> Iterator[tuple[str, Kind]]:
    """Every function of Trino's, for the documentation."""
    for name in sorted(_FUNCTIONS):
        if not name.startswith("$"):
            yield name, _FUNCTIONS[name].kind


def scalar(
    names: str, signature: str, emit: Emit, result: Result | None = None, *, volatile: bool = False
) -> None:
    """Register a scalar function under each of its names (`pow power`)."""
    _register(names, Kind.SCALAR, signature, emit, result, is_volatile=volatile)


def aggregate(
    names: str, signature: str, emit: Emit, result: Result | None = None, *, ordered: bool = False
) -> None:
    _register(names, Kind.AGGREGATE, signature, emit, result, takes_order=ordered)


def window(
    names: str, signature: str, emit: Emit, result: Result | None = None, *, nulls: bool = False
) -> None:
    _register(names, Kind.WINDOW, signature, emit, result, takes_nulls=nulls)


def _register(
    names: str, kind: Kind, signature: str, emit: Emit, result: Result | None, **flags: Any
) -> None:
    for name in names.split():
        function = _FUNCTIONS.setdefault(name, Function(name, kind, **flags))
        assert function.kind is kind
        parsed = parse_signature(signature)
        if isinstance(emit, str):
            emit = emit.replace("«", AGGREGATE_START).replace("»", AGGREGATE_END)
        shown = ", ".join(_show(pattern) for pattern in parsed.parameters)
        function.overloads.append(Overload(parsed, emit, result, f"{name}({shown})"))


def _show(pattern: Pattern) -> str:
    if not pattern.arguments:
        return pattern.name
    return f"{pattern.name}({', '.join(map(_show, pattern.arguments))})"


def constant_of(argument: Typed, what: str) -> Any:
    """The value of an argument that must be a literal.

    Raises:
        StatementError: NOT_SUPPORTED, it is an expression.
    """
    if not argument.is_constant:
        raise StatementError("NOT_SUPPORTED", f"{what} that is not a literal is not supported")
    return argument.value


def invalid_argument(message: str) -> StatementError:
    return StatementError("INVALID_FUNCTION_ARGUMENT", message)
