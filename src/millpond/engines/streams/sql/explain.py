"""A plan as JSON for people, in the form that Flink gives its own:

{"nodes": [{"id": 1, "type": "Source: tx", "contents": "…", "parallelism": 1,
            "predecessors": [{"id": …, "ship_strategy": "FORWARD" or "HASH", "side": "second"}]}]}
"""

import json
from typing import Any

from millpond.engines.streams import plan as plans
from millpond.engines.streams.plan import Node, Plan


def explain(plan: Plan) -> str:
    """The plan's nodes, inputs before those that read them."""
    numbers: dict[str, int] = {}
    nodes: list[dict[str, Any]] = []
    for node in plan.nodes():
        numbers[node.id] = len(numbers) + 1
        strategy = "HASH" if _keys(node) else "FORWARD"
        nodes.append(
            {
                "id": numbers[node.id],
                "type": _type(node),
                "pact": _pact(node),
                "contents": _contents(node),
                "parallelism": 1,
                "predecessors": [
                    {"id": numbers[each.id], "ship_strategy": strategy, "side": "second"}
                    for each in node.inputs
                ],
            }
        )
    return json.dumps({"nodes": nodes}, ensure_ascii=False)


def _pact(node: Node) -> str:
    if isinstance(node, plans.Source | plans.Errors):
        return "Data Source"
    return "Data Sink" if isinstance(node, plans.Sink) else "Operator"


def _type(node: Node) -> str:
    match node:
        case plans.Source(table=table):
            return f"Source: {table.name}"
        case plans.Sink(table=table):
            return f"Sink: {table.name}"
        case plans.LookupJoin(table=table):
            return f"LookupJoin: {table.name}"
        case plans.Join(lower_ms=int()):
            return "IntervalJoin"
    return type(node).__name__


def _keys(node: Node) -> tuple[str, ...]:
    match node:
        case plans.AggregateWindow() | plans.GroupAggregate() | plans.Over() | plans.Deduplicate():
            return node.keys
        case plans.Join(left_keys=keys):
            return keys
    return ()


def _contents(node: Node) -> str:
    parts = [f"select=[{', '.join(_selected(node))}]"]
    match node:
        case plans.Source(watermark=str(watermark)):
            parts.append(f"watermark=[{watermark}]")
        case plans.Project(condition=str(condition)):
            parts.append(f"where=[{condition}]")
        case plans.AssignWindows(window=window):
            parts.append(f"window=[{_window(window)}]")
        case plans.AggregateWindow(window=window, keys=keys):
            parts.append(f"window=[{_window(window)}], groupBy=[{', '.join(keys)}]")
        case plans.GroupAggregate(keys=keys):
            parts.append(f"groupBy=[{', '.join(keys)}]")
        case plans.Over(keys=keys, time=time, frame=frame):
            parts.append(
                f"partitionBy=[{', '.join(keys)}], orderBy=[{time}], window=[{_frame(frame)}]"
            )
        case plans.PerWindow(sql=sql):
            parts.append(f"sql=[{sql}]")
        case plans.Deduplicate(keys=keys, time=time, keep=keep):
            parts.append(f"keep=[{keep}], key=[{', '.join(keys)}], order=[{time}]")
        case plans.Join():
            parts.append(_join(node))
        case plans.LookupJoin(keys=keys, table_keys=table_keys, kind=kind):
            pairs = zip(keys, table_keys, strict=True)
            parts.append(f"joinType=[{kind}], lookup=[{_pairs(pairs)}]")
    return f"{_type(node)}({', '.join(parts)})"


def _selected(node: Node) -> list[str]:
    if isinstance(node, plans.Project):
        return [
            name if expression == f'"{name}"' else f"{expression} AS {name}"
            for name, expression in zip(node.names, node.expressions, strict=True)
        ]
    if isinstance(node, plans.AggregateWindow | plans.GroupAggregate):
        results = {each.name: _aggregate(each) for each in node.aggregates}
        return [f"{results[name]} AS {name}" if name in results else name for name in node.names]
    if isinstance(node, plans.Over):
        functions = {each.name: _aggregate(each) for each in node.functions}
        return [
            f"{functions[name]} AS {name}" if name in functions else name for name in node.names
        ]
    return list(node.names)


def _aggregate(aggregate: plans.Aggregate) -> str:
    inner = ", ".join(aggregate.arguments) or ("*" if aggregate.function == "COUNT" else "")
    distinct = "DISTINCT " if aggregate.distinct else ""
    text = f"{aggregate.function}({distinct}{inner})"
    return f"{text} FILTER {aggregate.condition}" if aggregate.condition else text


def _window(window: plans.Window) -> str:
    slide = f", slide=[{window.slide_ms} ms]" if window.slide_ms else ""
    offset = f", offset=[{window.offset_ms} ms]" if window.offset_ms else ""
    name = window.kind.upper()
    return f"{name}(time_col=[{window.time}], size=[{window.size_ms} ms]{slide}{offset})"


def _frame(frame: plans.Frame) -> str:
    if frame.rows is not None:
        return f"ROWS BETWEEN {frame.rows} PRECEDING AND CURRENT ROW"
    if frame.range_ms is not None:
        return f"RANGE BETWEEN {frame.range_ms} ms PRECEDING AND CURRENT ROW"
    word = "ROWS" if frame.is_rows else "RANGE"
    return f"{word} BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


def _join(node: plans.Join) -> str:
    text = (
        f"joinType=[{node.kind}], on=[{_pairs(zip(node.left_keys, node.right_keys, strict=True))}]"
    )
    if node.lower_ms is not None:
        text += (
            f", bounds=[{node.left_time} between {node.right_time} + {node.lower_ms} ms and "
            f"{node.right_time} + {node.upper_ms} ms]"
        )
    return text + (f", where=[{node.condition}]" if node.condition else "")


def _pairs(pairs: Any) -> str:
    return ", ".join(f"{one} = {other}" for one, other in pairs)
