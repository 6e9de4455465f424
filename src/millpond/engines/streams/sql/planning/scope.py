"""What names stand for in an expression: columns of a relation, and the program's functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import PythonFunction
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.types import quoted

Functions = Callable[[str], PythonFunction | None]


def find(fields: Sequence[Field], parts: tuple[str, ...], at: Position) -> tuple[Field, int] | None:
    """The field that a name begins with, and how many of its parts name it.

    Raises:
        Refused: there is more than one.
    """
    if len(parts) > 1:
        table, name = parts[:2]
        found = [each for each in fields if each.table == table and each.name == name]
        if found:
            return _one(found, name, at), 2
        if any(each.table == table for each in fields):
            raise Refused(f"Column '{name}' not found in table '{table}'", at.line, at.column)
    found = [each for each in fields if each.name == parts[0]]
    return (_one(found, parts[0], at), 1) if found else None


def _one(found: list[Field], name: str, at: Position) -> Field:
    if len(found) > 1:
        raise Refused(f"Column '{name}' is ambiguous", at.line, at.column)
    return found[0]


class RelationScope:
    """The columns of a relation, and others that stand for parts of the query that are computed
    already (`extra`, by names that SQL cannot write)."""

    def __init__(
        self,
        relation: Relation,
        functions: Functions,
        *,
        extra: Mapping[str, Typed] | None = None,
        sides: Mapping[str, str] | None = None,
        ungrouped: Relation | None = None,
    ):
        """`sides` gives the alias (`l`, `r`) that a node's column is written with. `ungrouped` is
        what was grouped: its columns are refused as not being in GROUP BY."""
        self.relation = relation
        self._functions = functions
        self._extra = extra or {}
        self._sides = sides
        self._ungrouped = ungrouped

    def column(self, parts: tuple[str, ...], at: Position) -> Typed:
        if parts[0] in self._extra:
            return self._extra[parts[0]]
        found = find(self.relation.fields, parts, at)
        if found is None:
            self._refuse(parts, at)
        field, used = found
        sql = quoted(field.column)
        if self._sides is not None:
            sql = f"{self._sides[field.column]}.{sql}"
        typed = Typed(sql, field.type, processing=field.time == "processing")
        for name in parts[used:]:
            typed = _member(typed, name, at)
        return typed

    def _refuse(self, parts: tuple[str, ...], at: Position) -> NoReturn:
        if self._ungrouped and find(self._ungrouped.fields, parts, at):
            raise Refused(
                f"Expression '{'.'.join(parts)}' is not being grouped", at.line, at.column
            )
        if len(parts) > 1:
            raise Refused(f"Table '{parts[0]}' not found", at.line, at.column)
        raise Refused(f"Column '{parts[0]}' not found in any table", at.line, at.column)

    def function(self, name: str) -> PythonFunction | None:
        return self._functions(name)


def _member(typed: Typed, name: str, at: Position) -> Typed:
    kind = next((kind for each, kind in typed.type.fields if each == name), None)
    if typed.type.name != "ROW" or kind is None:
        raise Refused(f"Column '{name}' not found in any table", at.line, at.column)
    text = name.replace("'", "''")
    return Typed(f"struct_extract({typed.sql}, '{text}')", kind, typed.functions)
