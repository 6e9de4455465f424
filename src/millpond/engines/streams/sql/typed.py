"""What the translation of expressions and the planner say to each other."""

from dataclasses import dataclass
from typing import Protocol

from millpond.engines.streams.plan import PythonFunction
from millpond.engines.streams.types import DataType


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the program's text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Typed:
    """A translated expression: DuckDB's SQL, its type, and the Python functions that it calls.
    `processing`: it is PROCTIME(), or a column that is one."""

    sql: str
    type: DataType
    functions: frozenset[str] = frozenset()
    processing: bool = False


class Scope(Protocol):
    """What names stand for where an expression stands."""

    def column(self, parts: tuple[str, ...], at: Position) -> Typed:
        """The column (or field of a ROW column) of a possibly qualified name.

        Raises:
            Refused: there is none, or more than one; with the place.
        """
        ...

    def function(self, name: str) -> PythonFunction | None:
        """The user's function of this name (in any case); None if there is none."""
        ...
