"""Computing columns and leaving out rows: where a `Project` is made, and what it keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from millpond.engines.streams.plan import KIND, Node, Project
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.types import Column, DataType, quoted

KIND_COLUMN = Column(KIND, DataType("TINYINT"))


@dataclass(frozen=True, slots=True)
class Output:
    """A column to give: a field as it is, or something computed."""

    name: str
    value: Field | Typed


def hidden_columns(relation: Relation) -> list[str]:
    """Columns of the node that must stay whatever is selected: what changes are told by, what
    waiting windows and ranks are made from."""
    node = relation.node
    kept = list(node.upsert_keys or ())
    if relation.assigned:
        kept += [relation.assigned.window.time, *relation.assigned.keys]
    if relation.ranking:
        kept += [each.column for each in relation.ranking.keys]
        kept += [each.column for each in relation.ranking.order]
    return [name for name in dict.fromkeys(kept) if name in node.names]


def project(
    relation: Relation, outputs: Sequence[Output], where: str, condition: Typed | None = None
) -> Relation:
    """The rows with these columns, for which the condition is true.

    Plain columns alone need no node. Rows that replace others and no longer fulfil the condition
    are told to be gone.
    """
    fields = [
        replace(output.value, name=output.name, table=None)
        if isinstance(output.value, Field)
        else None
        for output in outputs
    ]
    if condition is None and None not in fields:
        return replace(relation, fields=tuple(each for each in fields if each))
    node = relation.node
    kept = [each.column for each in fields if each and each.column in node.names]
    kept = list(dict.fromkeys([*kept, *hidden_columns(relation)]))
    columns = [relation.column(name) for name in kept]
    expressions = [quoted(name) for name in kept]
    processing: list[str] = []
    functions: set[str] = set(condition.functions) if condition else set()
    taken = {*kept, KIND}
    for place, output in enumerate(outputs):
        typed = output.value
        if isinstance(typed, Field):
            continue
        name = free_name(output.name, taken)
        taken.add(name)
        columns.append(Column(name, typed.type))
        expressions.append(typed.sql)
        functions |= typed.functions
        if typed.processing:
            processing.append(name)
        fields[place] = Field(
            output.name, name, typed.type, time="processing" if typed.processing else None
        )
    text = condition.sql if condition else None
    if node.upsert_keys is not None:
        columns.append(KIND_COLUMN)
        expressions.append(_kind(text))
        text = None
    made = Project(
        tuple(columns),
        node,
        tuple(expressions),
        text,
        functions=tuple(sorted(functions)),
        processing=tuple(processing),
        rowtime=node.rowtime if node.rowtime in kept else None,
        upsert_keys=node.upsert_keys,
        where=where,
    )
    return replace(relation, node=made, fields=tuple(each for each in fields if each))


def _kind(condition: str | None) -> str:
    if condition is None:
        return quoted(KIND)
    return f"CAST(CASE WHEN {condition} THEN {quoted(KIND)} ELSE 1 END AS TINYINT)"


def keep_rows(relation: Relation, condition: Typed, where: str) -> Relation:
    """The same columns for the rows that fulfil a condition."""
    outputs = [Output(each.name, each) for each in relation.fields]
    found = project(relation, outputs, where, condition)
    fields = tuple(
        replace(new, table=old.table)
        for new, old in zip(found.fields, relation.fields, strict=True)
    )
    return replace(found, fields=fields)


def renamed(node: Node, names: Sequence[tuple[str, str]], where: str) -> Project:
    """Columns of a node (`(old, new)`) and no others."""
    types = {column.name: column.type for column in node.columns}
    rowtime = next((new for old, new in names if old == node.rowtime), None)
    return Project(
        tuple(Column(new, types[old]) for old, new in names),
        node,
        tuple(quoted(old) for old, _ in names),
        rowtime=rowtime,
        where=where,
    )


def apart(relation: Relation, taken: Iterable[str], where: str) -> Relation:
    """The relation with no node column named like one of `taken`."""
    taken = set(taken)
    clashing = [name for name in relation.node.names if name in taken]
    if not clashing:
        return relation
    used = taken | set(relation.node.names)
    new: dict[str, str] = {}
    for name in relation.node.names:
        new[name] = free_name(name, used) if name in taken else name
        used.add(new[name])
    node = renamed(relation.node, list(new.items()), where)
    fields = tuple(
        replace(each, column=new.get(each.column, each.column)) for each in relation.fields
    )
    return replace(relation, node=node, fields=fields)
