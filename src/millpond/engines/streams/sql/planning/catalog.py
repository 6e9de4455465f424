"""What a program has declared so far, by name: tables, views, functions, catalogs, settings.

Names are relative to the current catalog and database, as in Flink; they are told apart by case,
functions' names are not. A table of another catalog (Glue) is looked up when it is first used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from millpond.engines.streams.functions.faults import FunctionFault
from millpond.engines.streams.functions.loading import function_type
from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import PythonFunction, Table
from millpond.engines.streams.sql.planning.tables import DeclaredTable, plain_table
from millpond.engines.streams.sql.statements.model import (
    CreateCatalog,
    CreateFunction,
    Drop,
    Fragment,
    Name,
    Use,
)
from millpond.engines.streams.sql.typed import Position

LookUp = Callable[[Mapping[str, str], str, str], Table | None]
"""The table of a catalog (its WITH options), a database and a name; None if there is none."""

DEFAULT_CATALOG = "default_catalog"
DEFAULT_DATABASE = "default_database"
ERROR_STREAM = "error_stream"
_CATALOG_TYPES = ("iceberg", "glue", "hive")

Path = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class View:
    """A query by name; `columns` rename its own."""

    name: str
    query: Fragment
    columns: tuple[str, ...]


@dataclass
class Catalog:
    """`look_up` reads tables of catalogs; None where that cannot be done."""

    look_up: LookUp | None = None
    catalogs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    objects: dict[Path, DeclaredTable | View] = field(default_factory=dict)
    functions: dict[str, PythonFunction] = field(default_factory=dict)
    function_places: dict[str, Position] = field(default_factory=dict)
    current: tuple[str, str] = (DEFAULT_CATALOG, DEFAULT_DATABASE)
    typed: dict[str, PythonFunction] = field(default_factory=dict)
    """The functions that queries call, with the types that they give."""

    def path(self, name: Name) -> Path:
        """A name in full."""
        match name:
            case (table,):
                return (*self.current, table)
            case (database, table):
                return (self.current[0], database, table)
        return (name[-3], name[-2], name[-1])

    def declare(
        self, name: Name, made: DeclaredTable | View, unless_exists: bool, at: Position
    ) -> None:
        """Remember a table or view.

        Raises:
            Refused: the name is taken, or in no known catalog.
        """
        path = self.path(name)
        self._require_database(path, at)
        if path in self.objects:
            if unless_exists:
                return
            _refuse(f"Table (or view) {_identifier(path)} already exists", at)
        self.objects[path] = made

    def _require_database(self, path: Path, at: Position) -> None:
        catalog, database, _ = path
        if catalog == DEFAULT_CATALOG:
            if database != DEFAULT_DATABASE:
                _refuse(f"Database {database} does not exist in Catalog {catalog}.", at)
        elif catalog not in self.catalogs:
            _refuse(f"A catalog with name [{catalog}] does not exist.", at)

    def find(self, name: Name, at: Position) -> DeclaredTable | View | None:
        """What a name stands for; None for the error stream.

        Raises:
            Refused: there is no such thing.
        """
        path = self.path(name)
        if path in self.objects:
            return self.objects[path]
        if path[0] in self.catalogs:
            found = self._from_catalog(path, at)
            if found:
                self.objects[path] = found
                return found
        elif path[2] == ERROR_STREAM and path[:2] == (DEFAULT_CATALOG, DEFAULT_DATABASE):
            return None
        return _refuse(f"Object '{'.'.join(name)}' not found", at)

    def _from_catalog(self, path: Path, at: Position) -> DeclaredTable | None:
        if self.look_up is None:
            _refuse(f"Tables of the catalog '{path[0]}' cannot be looked up here.", at)
        try:
            table = self.look_up(self.catalogs[path[0]], path[1], path[2])
        except Refused as refused:
            if refused.line:
                raise
            raise Refused(
                refused.text, at.line, at.column, needs_flink=refused.needs_flink
            ) from refused
        return plain_table(table, at) if table else None

    def create_catalog(self, statement: CreateCatalog) -> None:
        name = statement.name
        if name in self.catalogs or name == DEFAULT_CATALOG:
            if statement.unless_exists:
                return
            _refuse(f"Catalog {name} already exists.", statement.at)
        options = dict(statement.options)
        kind = options.get("type")
        if kind not in _CATALOG_TYPES:
            raise Refused(
                f"CREATE CATALOG {name}: the type '{kind or ''}' is not supported; known are "
                f"{', '.join(_CATALOG_TYPES)}, each over the Glue Data Catalog.",
                statement.at.line,
                statement.at.column,
                needs_flink=kind is not None,
            )
        self.catalogs[name] = options

    def use(self, statement: Use) -> None:
        catalog = statement.catalog or self.current[0]
        if catalog != DEFAULT_CATALOG and catalog not in self.catalogs:
            _refuse(f"A catalog with name [{catalog}] does not exist.", statement.at)
        if catalog == DEFAULT_CATALOG:
            database = statement.database or DEFAULT_DATABASE
            if database != DEFAULT_DATABASE:
                _refuse(
                    f"A database with name [{database}] does not exist in the catalog: "
                    f"[{catalog}].",
                    statement.at,
                )
        else:
            options = self.catalogs[catalog]
            database = statement.database or options.get("default-database", "default")
        self.current = (catalog, database)

    def create_function(self, statement: CreateFunction) -> None:
        name = statement.name[-1]
        if name.upper() in self.functions:
            if statement.unless_exists:
                return
            _refuse(f"Function {name} already exists.", statement.at)
        self.functions[name.upper()] = PythonFunction(name, statement.module, statement.attribute)
        self.function_places[name.upper()] = statement.at

    def function(self, name: str) -> PythonFunction | None:
        """A function of the program, with the type that its file says it gives; it is imported for
        that when it is first asked for.

        Raises:
            Refused: it cannot be imported, or says nowhere what it gives.
        """
        key = name.upper()
        function = self.functions.get(key)
        if function is None:
            return None
        if key not in self.typed:
            try:
                self.typed[key] = replace(function, result=function_type(function))
            except FunctionFault as fault:
                at = self.function_places[key]
                raise Refused(str(fault), at.line, at.column) from fault
        return self.typed[key]

    def drop(self, statement: Drop) -> None:
        name = statement.name
        gone: object
        match statement.kind:
            case "CATALOG":
                gone = self.catalogs.pop(name[-1], None)
            case "FUNCTION":
                gone = self.functions.pop(name[-1].upper(), None)
            case _:
                gone = self.objects.pop(self.path(name), None)
        if gone is None and not statement.if_exists:
            _refuse(
                f"{statement.kind.capitalize()} with identifier '{'.'.join(name)}' does not exist.",
                statement.at,
            )


def _identifier(path: Path) -> str:
    return ".".join(f"`{part}`" for part in path)


def _refuse(text: str, at: Position) -> NoReturn:
    raise Refused(text, at.line, at.column)
