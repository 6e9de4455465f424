"""A program's text to the plan that the runtime runs."""

from dataclasses import replace

from millpond.engines.streams.interface import Program, Refused
from millpond.engines.streams.plan import Plan, Project, PythonFunction, Sink
from millpond.engines.streams.runtime.settings import check_setting
from millpond.engines.streams.sql.planning.catalog import Catalog, LookUp, View
from millpond.engines.streams.sql.planning.fuse import fused
from millpond.engines.streams.sql.planning.insert import plan_insert
from millpond.engines.streams.sql.planning.planner import Planner, refuse
from millpond.engines.streams.sql.planning.prune import pruned
from millpond.engines.streams.sql.planning.queries import plan_query
from millpond.engines.streams.sql.planning.sources import check_sources
from millpond.engines.streams.sql.planning.tables import DeclaredTable, declare_table, given_table
from millpond.engines.streams.sql.statements.model import (
    CreateCatalog,
    CreateFunction,
    CreateTable,
    CreateView,
    Drop,
    Insert,
    ResetOption,
    SetOption,
    Statement,
    Use,
)
from millpond.engines.streams.sql.statements.parse import parse_statements
from millpond.engines.streams.sql.typed import Position


def plan_program(program: Program, catalog: LookUp | None = None) -> Plan:
    """Plan a program in its language. `catalog` answers for tables of its catalogs.

    The folders of its Python functions must be on the path already (`functions.loading`).

    Raises:
        Refused: the program is wrong, or not for this engine.
    """
    for key, text in program.settings.items():
        check_setting(key, text)
    if program.language == "kda":
        # A program has one language; the other's front end need not be read.
        from millpond.engines.streams.sql.kda import plan_kda  # noqa: PLC0415

        return plan_kda(program)
    flink = _Flink(program, catalog)
    for statement in parse_statements(program.sql):
        flink.run(statement)
    return flink.plan()


class _Flink:
    """The statements of Flink SQL, one after another."""

    def __init__(self, program: Program, look_up: LookUp | None) -> None:
        self._given = dict(program.settings)
        self._settings = dict(program.settings)
        self._catalog = Catalog(look_up)
        self._planner = Planner(self._catalog, plan_query, self._settings)
        self._sinks: list[Sink] = []
        for given in program.tables:
            self._catalog.declare((given.name,), given_table(given), False, Position(0, 0))

    def run(self, statement: Statement) -> None:
        match statement:
            case CreateTable():
                self._create_table(statement)
            case CreateView():
                self._create_view(statement)
            case CreateFunction():
                self._catalog.create_function(statement)
            case CreateCatalog():
                self._catalog.create_catalog(statement)
            case Use():
                self._catalog.use(statement)
            case Drop():
                self._catalog.drop(statement)
            case SetOption(key=key, value=value):
                self._set(statement.at, key, value)
            case ResetOption(key=None):
                self._settings.clear()
                self._settings.update(self._given)
            case ResetOption(key=key):
                self._settings.pop(str(key), None)
            case Insert():
                self._sinks.append(plan_insert(self._planner, statement))

    def _set(self, at: Position, key: str, value: str) -> None:
        try:
            check_setting(key, value)
        except Refused as refused:
            raise Refused(
                refused.text, at.line, at.column, needs_flink=refused.needs_flink
            ) from refused
        self._settings[key] = value

    def _create_table(self, statement: CreateTable) -> None:
        path = self._catalog.path(statement.name)
        if path[0] in self._catalog.catalogs and not statement.temporary:
            refuse(
                f"CREATE TABLE in the catalog '{path[0]}' is not supported; make it in Glue, "
                "or CREATE TEMPORARY TABLE.",
                statement.at,
                needs_flink=True,
            )
        liked = None
        if statement.like is not None:
            found = self._catalog.find(statement.like, statement.at)
            if not isinstance(found, DeclaredTable):
                refuse("LIKE takes a table.", statement.at)
            liked = found
        self._catalog.declare(
            statement.name, declare_table(statement, liked), statement.unless_exists, statement.at
        )

    def _create_view(self, statement: CreateView) -> None:
        view = View(statement.name[-1], statement.query, statement.columns)
        self._catalog.declare(statement.name, view, statement.unless_exists, statement.at)
        self._planner.table(statement.name, statement.at)

    def plan(self) -> Plan:
        if not self._sinks:
            raise Refused(
                "No operators defined in streaming topology: the program has no INSERT INTO."
            )
        check_sources(self._planner)
        plan = fused(pruned(Plan(tuple(self._sinks), (), dict(self._settings))))
        return replace(plan, functions=self._functions(plan))

    def _functions(self, plan: Plan) -> tuple[PythonFunction, ...]:
        called = {
            name for node in plan.nodes() if isinstance(node, Project) for name in node.functions
        }
        return tuple(
            function for function in self._catalog.typed.values() if function.name in called
        )
