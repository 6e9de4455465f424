"""What a function of the table is, and the call that it translates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.casts import cast_to_fit
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.sql.types import (
    BINARIES,
    INTEGERS,
    NUMBERS,
    STRINGS,
    TIMES,
    common_type,
)
from millpond.engines.streams.sql.values import filled
from millpond.engines.streams.types import BIGINT, BOOLEAN, BYTES, DOUBLE, INT, STRING, DataType

_FAMILIES: dict[str, tuple[str, tuple[str, ...], DataType]] = {
    "s": ("a string", STRINGS, STRING),
    "n": ("a number", NUMBERS, INT),
    "f": ("a number", NUMBERS, DOUBLE),
    "i": ("a whole number", INTEGERS, INT),
    "l": ("a whole number", INTEGERS, BIGINT),
    "b": ("a BOOLEAN", ("BOOLEAN",), BOOLEAN),
    "B": ("BYTES", BINARIES, BYTES),
    "t": ("a date or time", TIMES, DataType("TIMESTAMP", (3,))),
    "p": (
        "a date or timestamp",
        ("DATE", "TIMESTAMP", "TIMESTAMP_LTZ"),
        DataType("TIMESTAMP", (3,)),
    ),
    "a": ("an ARRAY", ("ARRAY",), DataType("ARRAY", fields=(("", STRING),))),
    "m": ("a MAP", ("MAP",), DataType("MAP", fields=(("", STRING), ("", STRING)))),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function: its name as the table has it, its arguments translated and as they
    were written, and where it stands."""

    name: str
    arguments: tuple[Typed, ...]
    nodes: tuple[exp.Expr, ...]
    at: Position

    def refused(self, text: str, *, needs_flink: bool = False) -> Refused:
        return Refused(
            f"{self.name}: {text}", self.at.line, self.at.column, needs_flink=needs_flink
        )

    def wrong_arguments(self) -> Refused:
        """The refusal of a call that no signature fits."""
        shown = ", ".join(f"<{argument.type.flink()}>" for argument in self.arguments)
        return Refused(
            f"Invalid function call: {self.name}({shown}) fits no signature of {self.name}",
            self.at.line,
            self.at.column,
        )

    def count(self, least: int, most: int | None = None) -> int:
        """How many arguments there are.

        Raises:
            Refused: fewer than `least` or more than `most`.
        """
        given = len(self.arguments)
        if not least <= given <= (least if most is None else most):
            raise self.wrong_arguments()
        return given

    def take(self, index: int, family: str) -> Typed:
        """An argument of a family: `s`tring, `n`umber, `f`: number as a DOUBLE, `i`nteger,
        `l`: integer as a BIGINT, `b`oolean, `B`ytes, `t`ime, `p`oint of time, `a`rray, `m`ap.

        Raises:
            Refused: it is of another type.
        """
        _, names, default = _FAMILIES[family]
        argument = self.arguments[index]
        if argument.type.name == "NULL":
            return cast_to_fit(argument, default)
        if argument.type.name not in names:
            raise self.wrong_arguments()
        if family in "fl":
            return cast_to_fit(argument, default)
        return argument

    def constant(self, index: int) -> str | None:
        """What a literal argument says; None if it is no literal."""
        node = self.nodes[index] if index < len(self.nodes) else None
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
            return f"-{node.this.name}"
        return str(node.name) if isinstance(node, exp.Literal) else None

    def common(self, arguments: Sequence[Typed]) -> tuple[list[Typed], DataType]:
        """The arguments as the type that they have in common.

        Raises:
            Refused: they have none.
        """
        kind = common_type([argument.type for argument in arguments])
        if kind is None:
            raise self.wrong_arguments()
        return [cast_to_fit(argument, kind) for argument in arguments], kind


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is supported: its calls as people write them, and how it is translated."""

    name: str
    kind: str
    signatures: tuple[str, ...]
    translate: Callable[[Call], Typed]


def plain(
    kind: str, signature: str, families: str, result: DataType, template: str, *more: str
) -> Function:
    """A function whose arguments are of one family each, in `template` as `$0`, `$1` …; those after
    a `?` may be left out, and `more` are the templates without them, the shortest first."""
    name = signature.partition("(")[0]
    required, _, optional = families.partition("?")
    templates = [*more, template]
    least = len(required)
    most = least + len(optional)

    def translate(call: Call) -> Typed:
        given = call.count(least, most)
        parts = [
            call.take(index, family) for index, family in enumerate((required + optional)[:given])
        ]
        return filled(templates[given - least], result, *parts)

    return Function(name, kind, (signature,), translate)
