"""Declared tables: types and expressions of their columns read, and the `Source` that reads one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from millpond.engines.streams.interface import GivenTable, Refused
from millpond.engines.streams.plan import Metadata, Node, Project, Source, Table
from millpond.engines.streams.sql.dialect import parse_expression, parse_type
from millpond.engines.streams.sql.expressions import translate
from millpond.engines.streams.sql.planning.relation import Field, Relation
from millpond.engines.streams.sql.planning.scope import Functions, RelationScope
from millpond.engines.streams.sql.statements.model import (
    ComputedColumn,
    CreateTable,
    MetadataColumn,
    PhysicalColumn,
    Watermark,
)
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.types import Column, DataType, quoted


@dataclass(frozen=True, slots=True)
class DeclaredTable:
    """`order` names all columns as they were declared; `virtual` are metadata columns that cannot
    be written. `role` is that of a table given from outside."""

    table: Table
    order: tuple[str, ...]
    computed: tuple[ComputedColumn, ...]
    virtual: frozenset[str]
    watermark: Watermark | None
    at: Position
    role: str = ""

    @property
    def written(self) -> Table:
        """The table as a sink has it: without metadata that cannot be written."""
        metadata = tuple(
            each for each in self.table.metadata if each.column.name not in self.virtual
        )
        return replace(self.table, metadata=metadata)


def declare_table(statement: CreateTable, liked: DeclaredTable | None = None) -> DeclaredTable:
    """Read the types of CREATE TABLE; with LIKE, what the other table has comes first.

    Raises:
        Refused: a type is none, or a key or watermark names no column.
    """
    physical: list[Column] = list(liked.table.columns) if liked else []
    metadata: list[Metadata] = list(liked.table.metadata) if liked else []
    computed: list[ComputedColumn] = list(liked.computed) if liked else []
    order: list[str] = list(liked.order) if liked else []
    virtual = set(liked.virtual) if liked else set()
    options = dict(liked.table.options) if liked else {}
    options.update(statement.options)
    for column in statement.columns:
        if column.name in order:
            _refuse(f"A column named '{column.name}' already exists in the base table.", column.at)
        order.append(column.name)
        match column:
            case PhysicalColumn():
                kind = parse_type(column.type.text, column.type.at)
                physical.append(Column(column.name, kind))
            case MetadataColumn():
                kind = parse_type(column.type.text, column.type.at)
                metadata.append(Metadata(Column(column.name, kind), column.key))
                if column.virtual:
                    virtual.add(column.name)
            case ComputedColumn():
                computed.append(column)
    key = statement.primary_key or (liked.table.primary_key if liked else ())
    partitioned = statement.partitioned_by or (liked.table.partitioned_by if liked else ())
    names = [column.name for column in physical]
    for name in key:
        if name not in names:
            what = (
                f"Could not create a PRIMARY KEY with column '{name}'. A PRIMARY KEY constraint "
                "must be declared on physical columns."
                if name in order
                else f"Primary key column '{name}' is not defined in the schema at {_at(statement)}"
            )
            _refuse(what, statement.at)
    for name in partitioned:
        if name not in order:
            _refuse(f"Partition column '{name}' not defined in the table schema.", statement.at)
    table = Table(
        statement.name[-1],
        tuple(physical),
        tuple(metadata),
        tuple(sorted(options.items())),
        key,
        partitioned,
    )
    watermark = statement.watermark or (liked.watermark if liked else None)
    return DeclaredTable(
        table, tuple(order), tuple(computed), frozenset(virtual), watermark, statement.at
    )


def _at(statement: CreateTable) -> str:
    return f"line {statement.at.line}, column {statement.at.column}"


def plain_table(table: Table, at: Position, role: str = "") -> DeclaredTable:
    """A table that SQL did not declare: of a catalog, or given."""
    order = tuple(column.name for column in table.columns)
    order += tuple(each.column.name for each in table.metadata)
    return DeclaredTable(table, order, (), frozenset(), None, at, role)


def given_table(given: GivenTable) -> DeclaredTable:
    """A table that is connected from outside the text."""
    nowhere = Position(0, 0)
    columns = tuple(
        Column(each.name, parse_type(each.type, Position(1, 1))) for each in given.columns
    )
    paths = tuple((each.name, each.path) for each in given.columns if each.path)
    table = Table(given.name, columns, options=tuple(sorted(given.options.items())), paths=paths)
    return plain_table(table, nowhere, given.role)


def scan(declared: DeclaredTable, functions: Functions, where: str) -> Relation:
    """All columns of a table, in the order in which they were declared.

    Raises:
        Refused: a computed column or the watermark is wrong.
    """
    table = declared.table
    given = (*table.columns, *(each.column for each in table.metadata))
    fields = tuple(Field(column.name, column.name, column.type) for column in given)
    scope = RelationScope(Relation(Node(given), fields), functions)
    computed: dict[str, Typed] = {}
    for column in declared.computed:
        tree = parse_expression(column.expression.text, column.expression.at)
        computed[column.name] = translate(tree, scope)
    types: dict[str, DataType] = {column.name: column.type for column in given}
    types.update((name, typed.type) for name, typed in computed.items())
    columns = tuple(Column(name, types[name]) for name in declared.order)
    processing = tuple(name for name, typed in computed.items() if typed.processing)
    calling = {name: typed for name, typed in computed.items() if typed.functions}
    early = tuple(column for column in columns if column.name not in calling)
    watermark = _watermark(declared, early, calling, functions)
    rowtime = declared.watermark.column if declared.watermark else None
    node: Node = Source(
        early,
        table,
        tuple((name, typed.sql) for name, typed in computed.items() if name not in calling),
        watermark,
        processing,
        rowtime=rowtime,
        where=where,
    )
    if calling:
        expressions = tuple(
            calling[column.name].sql if column.name in calling else quoted(column.name)
            for column in columns
        )
        called = sorted({name for typed in calling.values() for name in typed.functions})
        node = Project(
            columns, node, expressions, functions=tuple(called), rowtime=rowtime, where=where
        )
    return Relation(node, _scanned(columns, rowtime, processing))


def _scanned(
    columns: tuple[Column, ...], rowtime: str | None, processing: tuple[str, ...]
) -> tuple[Field, ...]:
    return tuple(
        Field(
            column.name,
            column.name,
            column.type,
            time="rowtime"
            if column.name == rowtime
            else "processing"
            if column.name in processing
            else None,
        )
        for column in columns
    )


def _watermark(
    declared: DeclaredTable,
    columns: tuple[Column, ...],
    calling: Mapping[str, Typed],
    functions: Functions,
) -> str | None:
    mark = declared.watermark
    if mark is None:
        return None
    if mark.column in calling:
        _refuse(
            f"The rowtime attribute '{mark.column}' is computed by a Python function, which is not "
            "supported.",
            mark.at,
            needs_flink=True,
        )
    kind = next((column.type for column in columns if column.name == mark.column), None)
    if kind is None:
        _refuse(
            f"The rowtime attribute field '{mark.column}' is not defined in the table schema, at "
            f"line {mark.at.line}, column {mark.at.column}",
            mark.at,
        )
    if not kind.is_time or kind.parameters[0] > 3:
        _refuse(
            "Invalid data type of time field for watermark definition. The field must be of type "
            "TIMESTAMP(p) or TIMESTAMP_LTZ(p), the supported precision 'p' is from 0 to 3, but the "
            f"time field type is {kind.flink()}",
            mark.at,
        )
    fields = tuple(Field(column.name, column.name, column.type) for column in columns)
    scope = RelationScope(Relation(Node(columns), fields), functions)
    typed = translate(parse_expression(mark.expression.text, mark.expression.at), scope)
    if not typed.type.is_time:
        _refuse(
            "Invalid data type of expression for watermark definition. The field must be of type "
            "TIMESTAMP(p) or TIMESTAMP_LTZ(p), the supported precision 'p' is from 0 to 3, but the "
            f"watermark expression type is {typed.type.flink()}",
            mark.expression.at,
        )
    if typed.functions:
        _refuse(
            "Python functions in a watermark are not supported.",
            mark.expression.at,
            needs_flink=True,
        )
    return typed.sql


def _refuse(text: str, at: Position, *, needs_flink: bool = False) -> NoReturn:
    raise Refused(text, at.line, at.column, needs_flink=needs_flink)
