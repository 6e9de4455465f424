"""Triggers, workflows and runs of workflows as values, and the rules for them. Pure.

A trigger outside of workflows keeps which of its conditions were met since it last fired. A run of
a workflow keeps the triggers as they were when it began, and every run of a job or crawler that
they started: what is met, what may fire and whether all is done follows from that.

Source: Glue API reference, Trigger, Predicate, Workflow, WorkflowRun; Glue developer guide,
"Starting jobs and crawlers using triggers", "Overview of workflows".
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from millpond.services.glue.shapes import Action, Condition, Predicate

TriggerState = Literal["CREATED", "ACTIVATED", "DEACTIVATED"]
TriggerType = Literal["ON_DEMAND", "SCHEDULED", "CONDITIONAL"]
Kind = Literal["JOB", "CRAWLER"]
RunStatus = Literal["RUNNING", "COMPLETED", "STOPPING", "STOPPED", "ERROR"]

ACTIVE = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING", "CANCELLING"})
JOB_STATES = frozenset({"SUCCEEDED", "STOPPED", "FAILED", "TIMEOUT"})
"""The states of jobs that a condition may name; `CRAWL_STATES` those of crawls."""
CRAWL_STATES = frozenset({"SUCCEEDED", "CANCELLED", "FAILED"})
ERROR = "ERROR"
"""The state of an action that could not be started."""


class Trigger(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A trigger. `met` are the places of its conditions that were met since it last fired, and
    the runs that did: for triggers outside of workflows."""

    name: str
    type: TriggerType
    actions: tuple[Action, ...]
    workflow_name: str | None = None
    state: TriggerState = "CREATED"
    description: str | None = None
    schedule: str | None = None
    predicate: Predicate | None = None
    met: dict[int, str] = {}

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple((self.predicate and self.predicate.conditions) or ())

    @property
    def needs_all(self) -> bool:
        return self.predicate is None or self.predicate.logical != "ANY"

    def is_fulfilled(self, met: Iterable[int]) -> bool:
        """Whether it is to fire when these of its conditions are met."""
        places = set(met)
        every = set(range(len(self.conditions)))
        return bool(every) and (places >= every if self.needs_all else bool(places & every))


class Workflow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`id` is another one for each life of a name; `runs` counts its runs, `active` are those that
    have not ended."""

    name: str
    id: str
    created_ms: int
    updated_ms: int
    description: str | None = None
    properties: dict[str, str] = {}
    concurrent_runs_max: int | None = None
    runs: int = 0
    active: tuple[str, ...] = ()
    last_run_id: str | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that a workflow's run started: a job run's or a crawl's id (empty: it could not be
    started), by which trigger, and how it stands."""

    kind: Kind
    name: str
    run_id: str
    trigger: str
    state: str
    error: str | None = None


class WorkflowRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run of a workflow; `number` counts them. `fired` are the triggers that did."""

    id: str
    workflow_id: str
    workflow_name: str
    number: int
    triggers: tuple[Trigger, ...]
    started_ms: int
    status: RunStatus = "RUNNING"
    previous_run_id: str | None = None
    properties: dict[str, str] = {}
    completed_ms: int | None = None
    error: str | None = None
    fired: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()

    @property
    def has_ended(self) -> bool:
        return self.status in ("COMPLETED", "STOPPED", "ERROR")

    @property
    def is_busy(self) -> bool:
        """Whether something that it started has not ended."""
        return any(node.state in ACTIVE for node in self.nodes)

    def met(self, trigger: Trigger) -> dict[int, str]:
        """Which conditions of a trigger are met here, and by which runs."""
        return _met(trigger, self._ended())

    def _ended(self) -> dict[tuple[str, str | None, str | None], str]:
        """What a condition may wait for, kind, name and state, and the last run that is so."""
        return {(node.kind, node.name, node.state): node.run_id for node in self.nodes}

    def ready(self) -> list[Trigger]:
        """The conditional triggers that are to fire now."""
        ended, fired = self._ended(), frozenset(self.fired)
        return [
            trigger
            for trigger in self.triggers
            if trigger.type == "CONDITIONAL"
            and trigger.state == "ACTIVATED"
            and trigger.name not in fired
            and trigger.is_fulfilled(_met(trigger, ended))
        ]

    def with_state(self, kind: Kind, run_id: str, state: str, error: str | None) -> "WorkflowRun":
        """The run once it heard how one that it started stands."""
        nodes = tuple(
            msgspec.structs.replace(node, state=state, error=error)
            if (node.kind, node.run_id) == (kind, run_id)
            else node
            for node in self.nodes
        )
        return msgspec.structs.replace(self, nodes=nodes)


def meets(condition: Condition, kind: Kind, name: str, state: str) -> bool:
    """Whether a run of a job or crawler that is in a state is what a condition waits for."""
    return _awaited(condition) == (kind, name, state)


def _awaited(condition: Condition) -> tuple[str, str | None, str | None]:
    if condition.job_name:
        return "JOB", condition.job_name, condition.state
    return "CRAWLER", condition.crawler_name, condition.crawl_state


def _met(
    trigger: Trigger, ended: Mapping[tuple[str, str | None, str | None], str]
) -> dict[int, str]:
    awaited = map(_awaited, trigger.conditions)
    return {place: ended[one] for place, one in enumerate(awaited) if one in ended}


def start_of(triggers: Iterable[Trigger]) -> Trigger | None:
    """The trigger that a workflow's run begins with."""
    return next((one for one in triggers if one.type != "CONDITIONAL"), None)


def node_id(workflow_id: str, kind: str, name: str) -> str:
    """The id of a node in a workflow's graph, the same in each of its runs."""
    told = "\0".join((workflow_id, kind, name))
    return f"wnode_{hashlib.sha256(told.encode()).hexdigest()}"


def action_target(action: Action) -> tuple[Kind, str]:
    """What an action starts."""
    if action.job_name:
        return "JOB", action.job_name
    return "CRAWLER", action.crawler_name or ""


def edges(triggers: Iterable[Trigger]) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """What leads to what, as (kind, name): triggers to what they start, runs to the triggers that
    wait for them."""
    found: dict[tuple[tuple[str, str], tuple[str, str]], None] = {}
    for trigger in triggers:
        here = ("TRIGGER", trigger.name)
        for condition in trigger.conditions:
            name = condition.job_name or condition.crawler_name or ""
            found[(("JOB" if condition.job_name else "CRAWLER", name), here)] = None
        for action in trigger.actions:
            found[(here, action_target(action))] = None
    return list(found)


def descendants(
    triggers: Iterable[Trigger], starts: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Everything that comes after some nodes, without themselves unless they come after one
    another."""
    after: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for source, target in edges(triggers):
        after.setdefault(source, []).append(target)
    found: set[tuple[str, str]] = set()
    waiting = list(starts)
    while waiting:
        for target in after.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found
