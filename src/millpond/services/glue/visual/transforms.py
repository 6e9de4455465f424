"""Transforms of one frame or two: fields, rows, joins, sums.

Source: AWS Glue developer guide, "PySpark transforms reference", and what Glue Studio generates.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millpond.services.glue.visual.filters import condition, uses_patterns
from millpond.services.glue.visual.graph import Node
from millpond.services.glue.visual.layout import Source, call, literal
from millpond.services.glue.visual.names import path
from millpond.services.glue.visual.writing import Writing

DYNAMIC_FRAME = "from awsglue.dynamicframe import DynamicFrame"


def paths(node: Node, member: str, given: Sequence[Sequence[str]] | None) -> list[str]:
    """The paths of a member, none of which is empty."""
    found = []
    for each in given or ():
        if not each or not all(each):
            raise node.refusal(f"{member} has an empty path.")
        found.append(path(each))
    return found


def some_paths(node: Node, member: str, given: Sequence[Sequence[str]] | None) -> list[str]:
    """The paths of a member that has one at least."""
    found = paths(node, member, given)
    if not found:
        raise node.refusal(f"{member} has no path.")
    return found


def _apply(node: Node, writing: Writing, transform: str, **named: object) -> None:
    writing.assign(
        node,
        call(
            f"{transform}.apply",
            frame=Source(writing.frame(node)),
            **named,
            transformation_ctx=writing.variable(node),
        ),
    )


def from_frame(node: Node, writing: Writing, frame: object) -> None:
    """Make a DynamicFrame of a DataFrame."""
    writing.imports.add(DYNAMIC_FRAME)
    context = Source("glueContext")
    writing.assign(node, call("DynamicFrame.fromDF", frame, context, writing.variable(node)))


def _apply_mapping(node: Node, writing: Writing) -> None:
    mappings = _mappings(node, node.body.mapping, ())
    if not mappings:
        raise node.refusal("Mapping keeps no field.")
    targets = [target for _, _, target, _ in mappings]
    twice = next((each for each in targets if targets.count(each) > 1), None)
    if twice:
        raise node.refusal(f"Mapping has the target '{twice}' twice.")
    _apply(node, writing, "ApplyMapping", mappings=mappings)


def _mappings(
    node: Node, given: Sequence[Any], above: tuple[str, ...]
) -> list[tuple[str, str, str, str]]:
    """The mappings of fields that are no structures, with the path of both sides."""
    found = []
    for each in given:
        if each.dropped:
            continue
        source, target = each.from_path or [], (*above, each.to_key or "")
        if not source or not all(source) or not target[-1]:
            raise node.refusal("a mapping of Mapping has no FromPath or no ToKey.")
        if each.children:
            found += _mappings(node, each.children, target)
            continue
        if not each.from_type or not each.to_type:
            raise node.refusal(f"the mapping of '{path(source)}' has no FromType or no ToType.")
        found.append((path(source), each.from_type, path(target), each.to_type))
    return found


def _select_fields(node: Node, writing: Writing) -> None:
    _apply(node, writing, "SelectFields", paths=some_paths(node, "Paths", node.body.paths))


def _drop_fields(node: Node, writing: Writing) -> None:
    _apply(node, writing, "DropFields", paths=some_paths(node, "Paths", node.body.paths))


def _rename_field(node: Node, writing: Writing) -> None:
    old = some_paths(node, "SourcePath", [node.body.source_path])[0]
    new = some_paths(node, "TargetPath", [node.body.target_path])[0]
    _apply(node, writing, "RenameField", old_name=old, new_name=new)


def _filter(node: Node, writing: Writing) -> None:
    body = node.body
    if uses_patterns(body.filters):
        writing.imports.add("import re")
    kept = condition(writing.graph, node, body.filters, body.logical_operator)
    _apply(node, writing, "Filter", f=kept)


def _join(node: Node, writing: Writing) -> None:
    body = node.body
    keys = {each.from_: paths(node, "Columns", each.keys) for each in body.columns}
    if set(keys) != set(node.inputs):
        raise node.refusal("Columns has to have keys of both inputs, by their identifiers in From.")
    left, right = (keys[name] for name in node.inputs)
    if not left or len(left) != len(right):
        raise node.refusal(
            f"the keys do not pair up: {len(left)} of '{node.inputs[0]}', "
            f"{len(right)} of '{node.inputs[1]}'."
        )
    frames = writing.frame(node, 0), writing.frame(node, 1)
    if body.join_type == "equijoin":
        writing.assign(
            node,
            call(
                "Join.apply",
                frame1=Source(frames[0]),
                frame2=Source(frames[1]),
                keys1=left,
                keys2=right,
                transformation_ctx=writing.variable(node),
            ),
        )
        return
    tables = [writing.fresh(f"{frame}DF") for frame in frames]
    for table, frame in zip(tables, frames, strict=True):
        writing.let(node, table, Source(f"{frame}.toDF()"))
    tests = [
        Source(f"{tables[0]}[{literal(a)}] == {tables[1]}[{literal(b)}]")
        for a, b in zip(left, right, strict=True)
    ]
    on = tests[0] if len(tests) == 1 else tests
    joined = call(f"{tables[0]}.join", Source(tables[1]), on, body.join_type)
    from_frame(node, writing, joined)


def _union(node: Node, writing: Writing) -> None:
    writing.imports.add(DYNAMIC_FRAME)
    writing.helpers.add("sparkUnion")
    mapping = {f"source{i + 1}": Source(writing.frame(node, i)) for i in range(2)}
    writing.assign(
        node,
        call(
            "sparkUnion",
            Source("glueContext"),
            unionType=node.body.union_type,
            mapping=mapping,
            transformation_ctx=writing.variable(node),
        ),
    )


def _merge(node: Node, writing: Writing) -> None:
    body = node.body
    if body.source not in node.inputs:
        raise node.refusal(f"Source '{body.source}' is not one of its inputs.")
    base = node.inputs.index(body.source)
    writing.assign(
        node,
        call(
            f"{writing.frame(node, base)}.mergeDynamicFrame",
            stage_dynamic_frame=Source(writing.frame(node, 1 - base)),
            primary_keys=some_paths(node, "PrimaryKeys", body.primary_keys),
            transformation_ctx=writing.variable(node),
        ),
    )


def _aggregate(node: Node, writing: Writing) -> None:
    body = node.body
    writing.imports |= {DYNAMIC_FRAME, "from pyspark.sql import functions as SqlFuncs"}
    writing.helpers.add("sparkAggregate")
    columns = some_paths(node, "Aggs", [each.column for each in body.aggs])
    aggregates = [[column, each.agg_func] for column, each in zip(columns, body.aggs, strict=True)]
    writing.assign(
        node,
        call(
            "sparkAggregate",
            Source("glueContext"),
            parentFrame=Source(writing.frame(node)),
            groups=paths(node, "Groups", body.groups),
            aggs=aggregates,
            transformation_ctx=writing.variable(node),
        ),
    )


def _drop_duplicates(node: Node, writing: Writing) -> None:
    columns = paths(node, "Columns", node.body.columns)
    function = f"{writing.frame(node)}.toDF().dropDuplicates"
    from_frame(node, writing, call(function, columns) if columns else call(function))


def _drop_null_fields(node: Node, writing: Writing) -> None:
    body = node.body
    texts: set[str] = set()
    numbers: set[int] = set()
    boxes = body.null_check_box_list
    if boxes is not None:
        texts |= {""} if boxes.is_empty else set()
        texts |= {"null"} if boxes.is_null_string else set()
        numbers |= {-1} if boxes.is_neg_one else set()
    for each in body.null_text_list or ():
        kind = each.datatype.id.lower()
        if kind in ("string", "char", "varchar"):
            texts.add(each.value)
        elif kind in ("int", "integer", "long", "bigint", "short", "byte"):
            try:
                numbers.add(int(each.value))
            except ValueError:
                raise node.refusal(f"NullTextList: '{each.value}' is no {kind}.") from None
        else:
            raise node.refusal(
                f"NullTextList: values of the type {each.datatype.id} are not implemented; "
                "there are string and integer."
            )
    writing.imports |= {DYNAMIC_FRAME, "from pyspark.sql import functions as SqlFuncs"}
    writing.imports.add("from pyspark.sql.types import IntegralType, StringType, StructType")
    writing.helpers.add("drop_nulls")
    writing.assign(
        node,
        call(
            "drop_nulls",
            Source("glueContext"),
            frame=Source(writing.frame(node)),
            nullStringSet=frozenset(texts) or Source("set()"),
            nullIntegerSet=frozenset(numbers) or Source("set()"),
            transformation_ctx=writing.variable(node),
        ),
    )


def _fill_missing_values(node: Node, writing: Writing) -> None:
    body = node.body
    if not body.imputed_path.strip():
        raise node.refusal("ImputedPath is empty.")
    writing.imports.add("from awsglueml.transforms import FillMissingValues")
    named = {"missing_values_column": body.imputed_path}
    if body.filled_path:
        named["output_column"] = body.filled_path
    _apply(node, writing, "FillMissingValues", **named)


def _spigot(node: Node, writing: Writing) -> None:
    body = node.body
    if not body.path.startswith(("s3://", "s3a://", "s3n://")):
        raise node.refusal(f"'{body.path}' is not a path in S3, such as s3://bucket/folder/.")
    options: dict[str, object] = {}
    if body.topk is not None:
        options["topk"] = body.topk
    if body.prob is not None:
        options["prob"] = body.prob
    _apply(node, writing, "Spigot", path=body.path, options=options)


TRANSFORMS: Mapping[str, Callable[[Node, Writing], None]] = {
    "ApplyMapping": _apply_mapping,
    "SelectFields": _select_fields,
    "DropFields": _drop_fields,
    "RenameField": _rename_field,
    "Filter": _filter,
    "Join": _join,
    "Union": _union,
    "Merge": _merge,
    "Aggregate": _aggregate,
    "DropDuplicates": _drop_duplicates,
    "DropNullFields": _drop_null_fields,
    "FillMissingValues": _fill_missing_values,
    "Spigot": _spigot,
}
