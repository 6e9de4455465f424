"""Rows that are on their way: a DataFrame, and the steps in Python that they still go through.

Transforms of a DynamicFrame are functions of Arrow batches. They are not run one by one: the steps
of a chain become one function that the engine's workers run (`mapInArrow`), together with the one
that reads the files. It is the same on Spark Connect and on Apache Spark, and so are the results.

A step also tells which records it could not handle. They are not part of the rows; the same
pipeline gives them when it is asked for errors instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from .conversions import arrow_schema, from_spark, to_spark
from .gluetypes import Field, LongType, StringType, StructType
from .shapes import Shape, merge, observe
from .values import from_records, to_records

Errors = list[dict[str, Any]] | None
"""Where a step adds the records that it could not handle; None when nobody asks."""
Step = Callable[[pa.RecordBatch, Errors], pa.RecordBatch]
Source = Callable[[int, Errors], Iterator[pa.RecordBatch]]
"""Gives the rows of a task by its number."""

ERROR_SCHEMA = StructType(
    [
        Field("stage", LongType()),
        Field("msg", StringType()),
        Field("stackTrace", StringType()),
        Field("input", StringType()),
        Field("source", StringType()),
        Field("dynamicRecord", StringType()),
        Field("site", StringType()),
        Field("info", StringType()),
    ]
)
_SHAPE_SCHEMA = StructType([Field("shape", StringType())])


@dataclass(frozen=True)
class Rows:
    """`base` is a DataFrame, or the session where `source` reads `tasks` pieces of work."""

    session: Any
    schema: StructType
    base: Any = None
    base_schema: StructType = field(default_factory=StructType)
    source: Source | None = None
    tasks: int = 0
    steps: tuple[Step, ...] = ()
    can_fail: bool = False
    """Whether any of it tells errors."""

    @classmethod
    def of(cls, frame: Any, session: Any) -> Rows:
        """The rows of a DataFrame."""
        schema = from_spark(frame.schema)
        assert isinstance(schema, StructType)
        return cls(session, schema, frame, schema)

    @property
    def is_empty(self) -> bool:
        """Whether there is known to be nothing: no files, and so no fields."""
        return not self.schema.fields

    def then(self, step: Step, schema: StructType, can_fail: bool = False) -> Rows:
        """After one more step, which gives rows of this schema."""
        return replace(
            self,
            schema=schema,
            steps=(*self.steps, step),
            can_fail=self.can_fail or can_fail,
        )

    def data_frame(self) -> Any:
        """All of it as a DataFrame."""
        if self.source is None and not self.steps:
            return self.base
        return self._run(_whole, self.schema)

    def errors(self) -> Any:
        """The records that no step could handle, as a DataFrame; None when there cannot be any."""
        return self._run(_errors, ERROR_SCHEMA) if self.can_fail else None

    def shape(self, look: Callable[[dict[str, Any]], Any] | None = None) -> Shape:
        """What types the records have, after `look` made something of each: runs all of it."""

        def observe_all(
            batches: Iterator[pa.RecordBatch], errors: Errors
        ) -> Iterator[pa.RecordBatch]:
            seen: Shape = {}
            for batch in batches:
                for record in to_records(batch, schema):
                    observe(seen, look(record) if look else record, known)
            yield from_records([{"shape": json.dumps(seen)}], _SHAPE_SCHEMA)

        schema, known = self.schema, self.schema
        return self.fold(observe_all)

    def fold(self, gather: Callable[[Iterator[pa.RecordBatch], Errors], Any]) -> Shape:
        """The merged shapes of what `gather` yields: batches with a column `shape` of JSON."""
        whole: Shape = {}
        for row in self._run(gather, _SHAPE_SCHEMA).collect():
            merge(whole, json.loads(row[0]))
        return whole

    def run(
        self, end: Callable[[Iterator[pa.RecordBatch], Errors], Any], schema: StructType
    ) -> Any:
        """A DataFrame of what `end` makes of the batches of each task."""
        return self._run(end, schema)

    def _run(self, end: Callable[..., Any], schema: StructType) -> Any:
        pipeline = Pipeline(self.source, self.base_schema, self.steps, end)

        def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            yield from pipeline.run(batches)

        spark_schema = to_spark(schema)
        if self.source is not None:
            if not self.tasks:
                return self.session.createDataFrame([], spark_schema)
            ids = self.session.range(0, self.tasks, 1, self.tasks)
            return ids.mapInArrow(work, spark_schema)
        # Names are left out of it: the engine would take a dot in one for a path.
        plain = self.base.toDF(*(f"c{index}" for index in range(len(self.base_schema.fields))))
        return plain.mapInArrow(work, spark_schema)


@dataclass(frozen=True)
class Pipeline:
    """What a worker runs."""

    source: Source | None
    input_schema: StructType
    steps: Sequence[Step]
    end: Callable[[Iterator[pa.RecordBatch], Errors], Iterator[pa.RecordBatch]]

    def run(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        errors: Errors = [] if self.end is _errors else None
        yield from self.end(self._steps(self._read(batches, errors), errors), errors)

    def _read(self, batches: Iterator[pa.RecordBatch], errors: Errors) -> Iterator[pa.RecordBatch]:
        if self.source is not None:
            for batch in batches:
                for task in batch.column(0).to_pylist():
                    yield from self.source(task, errors)
            return
        wanted = arrow_schema(self.input_schema)
        for batch in batches:
            yield pa.RecordBatch.from_arrays(
                [_as(column, f.type) for column, f in zip(batch.columns, wanted, strict=False)],
                schema=wanted,
            )

    def _steps(self, batches: Iterator[pa.RecordBatch], errors: Errors) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            made = batch
            for number, step in enumerate(self.steps):
                before = len(errors) if errors is not None else 0
                made = step(made, errors)
                for error in errors[before:] if errors is not None else ():
                    error["stage"] = number
            yield made


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type.equals(kind) else column.cast(kind, safe=False)


def _whole(batches: Iterator[pa.RecordBatch], errors: Errors) -> Iterator[pa.RecordBatch]:
    yield from batches


def _errors(batches: Iterator[pa.RecordBatch], errors: Errors) -> Iterator[pa.RecordBatch]:
    assert errors is not None
    for _ in batches:
        if errors:
            yield from_records(errors, ERROR_SCHEMA)
            errors.clear()
    if errors:
        yield from_records(errors, ERROR_SCHEMA)
