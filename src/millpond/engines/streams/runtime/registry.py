"""Which operator runs which node. Operators are imported when a plan has their node."""

import importlib

from millpond.engines.streams import plan
from millpond.engines.streams.operators.interface import Operator, Tools

_OPERATORS: dict[type[plan.Node], tuple[str, str]] = {
    plan.Project: ("project", "ProjectOperator"),
    plan.Union: ("union", "UnionOperator"),
    plan.AssignWindows: ("assign_windows", "AssignWindowsOperator"),
    plan.AggregateWindow: ("aggregate_window", "AggregateWindowOperator"),
    plan.PerWindow: ("per_window", "PerWindowOperator"),
    plan.Deduplicate: ("deduplicate", "DeduplicateOperator"),
    plan.GroupAggregate: ("group_aggregate", "GroupAggregateOperator"),
    plan.Over: ("over", "OverOperator"),
    plan.Join: ("join", "JoinOperator"),
    plan.LookupJoin: ("lookup_join", "LookupJoinOperator"),
    plan.RandomCutForest: ("random_cut_forest", "RandomCutForestOperator"),
}


def make_operator(node: plan.Node, tools: Tools) -> Operator:
    """The operator of a node that is neither a source nor a sink."""
    module, name = _OPERATORS[type(node)]
    found = importlib.import_module(f"millpond.engines.streams.operators.{module}")
    operator: Operator = getattr(found, name)(node, tools)
    return operator
