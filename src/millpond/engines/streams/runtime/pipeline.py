"""A plan at work, step by step: rows of sources in, rows of sinks out.

    pipeline = Pipeline(plan, compute, store.state)
    given = pipeline.step({source.id: [Arrival(…)]}, now_ms)      # rows by the id of a sink
    given = pipeline.drain(now_ms)                                # the watermark to the end

It is synchronous and deterministic, and knows no disk and no network: between two steps all that
must be remembered lies in the states and in `saved()`. An operator that gets no rows and no news
of its watermarks is not run unless it is due.

A row that fails goes to the `Errors` node, if the plan has one, in the next step.

Watermarks of sources that meet downstream: one that is idle counts as far as the slowest of the
others that are not.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival
from millpond.engines.streams.operators.interface import (
    AFTER_ALL_MS,
    BEFORE_ALL_MS,
    Compute,
    Counters,
    Operator,
    State,
    Step,
    Tools,
)
from millpond.engines.streams.operators.project import ProjectOperator
from millpond.engines.streams.operators.rows import FailedRow, conformed
from millpond.engines.streams.operators.source import SourceOperator, in_order
from millpond.engines.streams.runtime.registry import make_operator
from millpond.engines.streams.runtime.settings import idle_timeout_ms
from millpond.engines.streams.runtime.watermarks import SourceClock
from millpond.engines.streams.types import schema_of


class Failure(NamedTuple):
    """A row that failed in a step: when, where in the program, why, and what it was."""

    time_ms: int
    where: str
    reason: str
    row: str


@dataclass(slots=True)
class Figures:
    """Counts since the run began."""

    records_in: int = 0
    bytes_in: int = 0
    record_errors: int = 0
    steps: int = 0


class _Source:
    def __init__(self, node: plans.Source, compute: Compute, settings: Mapping[str, str]) -> None:
        self.node = node
        self.operator = SourceOperator(node, compute)
        self.clock = SourceClock(
            idle_timeout_ms(node, settings),
            has_event_time=node.watermark is not None,
            quiet_ms=node.quiet_ms,
        )
        self.given_ms = BEFORE_ALL_MS
        self.meets: list[_Source] = []


class _Running:
    """An operator, what it reads, and what it gave last."""

    def __init__(self, node: plans.Node, operator: Operator) -> None:
        self.node = node
        self.inputs = [each.id for each in node.inputs]
        self.operator = operator
        self.empty = schema_of(node.columns).empty_table()
        self.seen_ms = [BEFORE_ALL_MS] * len(self.inputs)
        self.given_ms = BEFORE_ALL_MS


class Pipeline:
    """`states` gives the state of a node by its id; `lookups` the tables of `LookupJoin`s by the
    id of their node. A plan's nodes that are equal run once."""

    def __init__(
        self,
        plan: plans.Plan,
        compute: Compute,
        states: Callable[[str], State],
        *,
        lookups: Mapping[str, Callable[[], pa.Table]] | None = None,
    ) -> None:
        self.counters = Counters()
        self.figures = Figures()
        self._sources: dict[str, _Source] = {}
        self._running: list[_Running] = []
        self._sinks: list[tuple[plans.Sink, pa.Schema]] = []
        self._errors: plans.Errors | None = None
        self._waiting: list[Failure] = []
        self._untold: list[Failure] = []
        self._ended = False
        self._restored = False
        self._now_ms = 0
        for node in plan.nodes():
            if isinstance(node, plans.Source):
                self._sources[node.id] = _Source(node, compute, plan.settings)
            elif isinstance(node, plans.Errors):
                self._errors = node
            elif isinstance(node, plans.Sink):
                self._sinks.append((node, schema_of(node.columns)))
            else:
                tools = Tools(
                    compute,
                    states(node.id),
                    self.counters,
                    plan.settings,
                    (lookups or {}).get(node.id),
                )
                self._running.append(_Running(node, make_operator(node, tools)))
        for meeting in _meetings(plan):
            sources = [self._sources[each] for each in meeting if each in self._sources]
            for source in sources:
                source.meets = [other for other in sources if other is not source]

    @property
    def sources(self) -> dict[str, plans.Source]:
        """The nodes that arrivals are for, by id."""
        return {name: source.node for name, source in self._sources.items()}

    @property
    def sinks(self) -> dict[str, plans.Sink]:
        return {node.id: node for node, _ in self._sinks}

    @property
    def watermark_ms(self) -> int | None:
        """How far the slowest source with event time is; None before the first."""
        marks = [
            source.given_ms
            for source in self._sources.values()
            if source.node.watermark is not None
        ]
        return min((mark for mark in marks), default=None) if BEFORE_ALL_MS not in marks else None

    def step(
        self,
        arrivals: Mapping[str, Sequence[Arrival]],
        now_ms: int,
        finished: Collection[str] = (),
    ) -> dict[str, pa.Table]:
        """Take what arrived at sources, by their ids; what each sink gets (those that get nothing
        are not named). From `finished` sources nothing more will come."""
        if self._restored:
            self._restored = False
            return _both(self.step({}, now_ms), self.step(arrivals, now_ms, finished))
        now_ms = self._now_ms = max(self._now_ms, now_ms)
        self.figures.steps += 1
        outputs: dict[str, Step] = {}
        if self._errors is not None:
            outputs[self._errors.id] = self._errors_step()
        for name, source in self._sources.items():
            rows = self._read(source, arrivals.get(name, ()), now_ms)
            if name in finished:
                source.clock.finish()
            source.clock.advance(now_ms)
            outputs[name] = Step(rows, BEFORE_ALL_MS)
        for name, source in self._sources.items():
            source.given_ms = max(source.given_ms, _effective_ms(source, now_ms))
            outputs[name] = outputs[name]._replace(watermark_ms=source.given_ms)
        for running in self._running:
            outputs[running.node.id] = self._run(running, outputs, now_ms)
        return {
            node.id: _for_sink(node, outputs[node.input.id].rows, schema)
            for node, schema in self._sinks
            if outputs[node.input.id].rows.num_rows
        }

    def drain(self, now_ms: int) -> dict[str, pa.Table]:
        """The watermark to the end: windows that are open give what they have."""
        given = self.step({}, now_ms, finished=list(self._sources))
        while self._waiting:
            given = _both(given, self.step({}, now_ms))
        if self._errors is not None:
            self._ended = True
            given = _both(given, self.step({}, now_ms))
        return given

    def due_ms(self) -> int | None:
        """When it wants a step though nothing arrives; None: only then."""
        if self._waiting:
            return self._now_ms
        due = [source.clock.due_ms(self._now_ms) for source in self._sources.values()]
        due += [running.operator.due_ms() for running in self._running]
        return min((each for each in due if each is not None), default=None)

    def take_failures(self) -> list[Failure]:
        """The rows that failed since it was asked the last time, to be told."""
        failures, self._untold = self._untold, []
        return failures

    def saved(self) -> dict[str, Any]:
        """What a checkpoint keeps besides states, as JSON's values."""
        return {
            "now_ms": self._now_ms,
            "waiting": [list(failure) for failure in self._waiting],
            "clocks": {name: source.clock.saved() for name, source in self._sources.items()},
        }

    def restore(self, saved: Mapping[str, Any], now_ms: int) -> None:
        """Go on from what `saved` told; to be called before the first step. Operators first see
        the watermarks that there were, without rows, so that they know what is late: they need not
        remember it."""
        self._restored = True
        self._now_ms = max(saved["now_ms"], now_ms)
        for name, clock in saved["clocks"].items():
            if name in self._sources:
                source = self._sources[name]
                source.clock.restore(clock, self._now_ms)
        self._waiting = [Failure(*failure) for failure in saved["waiting"]]

    def _read(self, source: _Source, arrivals: Sequence[Arrival], now_ms: int) -> pa.Table:
        if not arrivals:
            return source.operator.schema.empty_table()
        read = source.operator.read(arrivals, now_ms)
        rows = read.rows
        if source.node.quiet_ms:
            rows = in_order(rows, source.node, source.given_ms)
        for each in arrivals:
            source.clock.announce(each.split, now_ms)
            source.clock.told_behind(each.split, each.behind_ms)
            if each.rows.num_rows:
                source.clock.arrived(each.split, read.marks.get(each.split), now_ms)
            self.figures.records_in += each.rows.num_rows
            self.figures.bytes_in += each.size_bytes
        for each in arrivals:
            if each.ended:
                source.clock.end(each.split)
        self._set_aside(source.node, read.failed, now_ms)
        return rows

    def _run(self, running: _Running, outputs: Mapping[str, Step], now_ms: int) -> Step:
        inputs = [outputs[name] for name in running.inputs]
        marks = [given.watermark_ms for given in inputs]
        if marks == running.seen_ms and not any(given.rows.num_rows for given in inputs):
            due_ms = running.operator.due_ms()
            if due_ms is None or due_ms > now_ms:
                return Step(running.empty, running.given_ms)
        answer = running.operator.step(inputs, now_ms)
        running.seen_ms = marks
        running.given_ms = max(running.given_ms, answer.watermark_ms)
        if isinstance(running.operator, ProjectOperator):
            self._set_aside(running.node, running.operator.take_failed(), now_ms)
        return Step(answer.rows, running.given_ms)

    def _set_aside(self, node: plans.Node, rows: Sequence[FailedRow], now_ms: int) -> None:
        if not rows:
            return
        where = node.table.name if isinstance(node, plans.Source) else node.where
        failures = [Failure(now_ms, where, row.reason, row.row) for row in rows]
        self.figures.record_errors += len(failures)
        self._untold += failures
        if self._errors is not None:
            self._waiting += failures

    def _errors_step(self) -> Step:
        assert self._errors is not None
        waiting, self._waiting = self._waiting, []
        names = [column.name for column in self._errors.columns]
        told = [
            (
                datetime.fromtimestamp(failure.time_ms / 1000, UTC).replace(tzinfo=None),
                "ERROR",
                "RowFailed",
                failure.reason,
                None,
                failure.row,
                failure.where,
            )
            for failure in waiting
        ]
        rows = pa.Table.from_pylist(
            [dict(zip(names, each, strict=True)) for each in told],
            schema_of(self._errors.columns),
        )
        return Step(rows, AFTER_ALL_MS if self._ended else BEFORE_ALL_MS)


def _both(first: dict[str, pa.Table], then: dict[str, pa.Table]) -> dict[str, pa.Table]:
    given = first | then
    for name in first.keys() & then.keys():
        given[name] = pa.concat_tables([first[name], then[name]])
    return given


def _effective_ms(source: _Source, now_ms: int) -> int:
    mark = source.clock.watermark_ms
    if source.clock.finished or not source.clock.is_idle(now_ms):
        return mark
    others = [
        other.clock.watermark_ms
        for other in source.meets
        if other.node.watermark is not None and not other.clock.is_idle(now_ms)
    ]
    return max(mark, min(others)) if others else mark


def _for_sink(node: plans.Sink, rows: pa.Table, schema: pa.Schema) -> pa.Table:
    if rows.num_columns > len(schema) and plans.KIND in rows.column_names:
        kind = rows.column(plans.KIND)
        return conformed(rows.drop_columns([plans.KIND]), schema).append_column(plans.KIND, kind)
    return conformed(rows, schema)


def _meetings(plan: plans.Plan) -> list[set[str]]:
    """Sources whose rows come together in some operator, directly or by way of others."""
    below: dict[str, set[str]] = {}
    groups: list[set[str]] = []
    for node in plan.nodes():
        found = {node.id} if not node.inputs else set()
        for each in node.inputs:
            found |= below[each.id]
        below[node.id] = found
        if len(node.inputs) > 1:
            joined = set(found)
            for group in [group for group in groups if group & joined]:
                joined |= group
                groups.remove(group)
            groups.append(joined)
    return groups
