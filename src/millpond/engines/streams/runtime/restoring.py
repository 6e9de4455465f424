"""What of a checkpoint belongs to which part of a program, which may have been changed since.

State belongs to the node of the same id. Positions and what sinks have to commit belong to the
source or sink of the same id, or else to the only one of the same table.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from millpond.engines.streams.interface import CannotStart
from millpond.engines.streams.plan import Plan, Sink, Source


@dataclass(slots=True)
class Restored:
    """What a run begins with, by the ids of its nodes."""

    states: Mapping[str, Any] = field(default_factory=dict)
    pipeline: dict[str, Any] | None = None
    positions: dict[str, dict[str, Any]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    committed: dict[str, Any] = field(default_factory=dict)


def matched(body: Mapping[str, Any], plan: Plan, *, allow_non_restored_state: bool) -> Restored:
    """What of a checkpoint's manifest belongs to this program.

    Raises:
        CannotStart: something belongs to no part of it, and must not be left out.
    """
    nodes = list(plan.nodes())
    tables = {node.id: node.table.name for node in nodes if isinstance(node, Source)}
    sources, left_sources = _owners(body["sources"], tables)
    tables = {node.id: node.table.name for node in nodes if isinstance(node, Sink)}
    sinks, left_sinks = _owners(body["sinks"], tables)
    known = {node.id for node in nodes}
    lost = [
        f"the state of {name}"
        for name, state in body["states"].items()
        if name not in known and (state["small"] or state["buckets"])
    ]
    lost += [f"the positions in {each['table']}" for each in left_sources if each["positions"]]
    lost += [f"what {each['table']} has to commit" for each in left_sinks if each["prepared"]]
    if lost and not allow_non_restored_state:
        raise CannotStart(
            f"The program has changed so that nothing in it takes {', '.join(sorted(lost))}; "
            "allow non-restored state to start without."
        )
    return Restored(
        {name: state for name, state in body["states"].items() if name in known},
        _renamed(body["pipeline"], sources),
        {name: saved["positions"] for name, (_, saved) in sources.items()},
        {name for name, (_, saved) in sources.items() if saved["finished"]},
        {name: saved["prepared"] for name, (_, saved) in sinks.items()},
    )


def sink_folders(plan: Plan) -> dict[str, str]:
    """The names of the folders for sinks' own files, by the ids of their nodes: a sink that takes
    what another of the same table had to commit finds its files."""
    tables = {node.id: node.table.name for node in plan.nodes() if isinstance(node, Sink)}
    names = list(tables.values())
    return {
        node_id: node_id
        if names.count(table) > 1
        else f"sink-{hashlib.sha256(table.encode()).hexdigest()[:16]}"
        for node_id, table in tables.items()
    }


def _owners(
    saved: Mapping[str, Any], tables: Mapping[str, str]
) -> tuple[dict[str, tuple[str, Any]], list[Any]]:
    """By the id that it has now, the id that each had and what was saved; and what is left."""
    owners = {name: (name, saved[name]) for name in tables if name in saved}
    left = {name: each for name, each in saved.items() if name not in owners}
    waiting = {name: table for name, table in tables.items() if name not in owners}
    names = list(waiting.values())
    saved_names = [each["table"] for each in left.values()]
    for now, table in waiting.items():
        if names.count(table) == 1 and saved_names.count(table) == 1:
            before = next(name for name, each in left.items() if each["table"] == table)
            owners[now] = (before, left.pop(before))
    return owners, list(left.values())


def _renamed(
    pipeline: Mapping[str, Any] | None, sources: Mapping[str, tuple[str, Any]]
) -> dict[str, Any] | None:
    if pipeline is None:
        return None
    clocks = pipeline["clocks"]
    return {
        **pipeline,
        "clocks": {now: clocks[before] for now, (before, _) in sources.items() if before in clocks},
    }
