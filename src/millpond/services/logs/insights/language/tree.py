"""The tree of a query: its commands in their order, and the expressions in them.

`start` and `end` are characters of the query's text.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number or a truth."""

    value: str | float | bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its path: names, and places in lists."""

    path: tuple[str | int, ...]
    start: int
    end: int

    @property
    def name(self) -> str:
        return ".".join(map(str, self.path))


@dataclass(frozen=True, slots=True)
class Member:
    """A member of what an expression (a map or a list) is."""

    of: "Expression"
    path: tuple[str | int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time: `5m`."""

    count: int
    unit: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments; `count(*)` has the argument None."""

    name: str
    arguments: Sequence["Expression | None"]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`not x` or `-x`."""

    operator: str
    operand: "Expression"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them: arithmetic, a comparison, `and` or `or`."""

    operator: str
    left: "Expression"
    right: "Expression"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Like:
    """Whether a text holds another, or (`is_regex`) a match of a regular expression."""

    operand: "Expression"
    pattern: str
    is_regex: bool
    negated: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class In:
    """Whether a value is one of some."""

    operand: "Expression"
    items: Sequence["Expression"]
    negated: bool
    start: int
    end: int


Expression = Literal | Field | Member | Period | Call | Unary | Binary | Like | In


@dataclass(frozen=True, slots=True)
class Named:
    """An expression and what its values are called: its alias, or its own text."""

    name: str
    value: Expression
    has_alias: bool


@dataclass(frozen=True, slots=True)
class Fields:
    items: Sequence[Named]


@dataclass(frozen=True, slots=True)
class Display:
    items: Sequence[Named]


@dataclass(frozen=True, slots=True)
class Filter:
    test: Expression


@dataclass(frozen=True, slots=True)
class Parse:
    """`pattern` is a glob with `*`, or (`is_regex`) a regular expression with named groups."""

    source: Expression
    pattern: str
    is_regex: bool
    names: Sequence[str]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stats:
    values: Sequence[Named]
    keys: Sequence[Named]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sort:
    """Expressions to sort by, and whether each goes downward."""

    items: Sequence[tuple[Expression, bool]]


@dataclass(frozen=True, slots=True)
class Limit:
    count: int


@dataclass(frozen=True, slots=True)
class Dedup:
    fields: Sequence[Expression]


@dataclass(frozen=True, slots=True)
class Unnest:
    value: Expression
    name: str
    start: int
    end: int


Command = Fields | Display | Filter | Parse | Stats | Sort | Limit | Dedup | Unnest
