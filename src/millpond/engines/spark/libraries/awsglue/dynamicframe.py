"""DynamicFrame: records that describe themselves, with AWS's names and parameters.

A frame is rows on their way (`plan.Rows`) with a schema in which a field may be a choice of types.
Nothing is computed until it is asked for, but for schemas that only the records can tell: those of
files, of `map`, and of `unbox`.

Source: "DynamicFrame class" (AWS Glue developer guide); signatures as in awslabs/aws-glue-libs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import pyarrow as pa

from . import choices, columns, joining, mapping, paths, records, relational, splitting
from .casts import to_text
from .columns import select
from .conversions import to_spark
from .gluetypes import Field, StringType, StructType
from .plan import ERROR_SCHEMA, Errors, Rows
from .refusals import NotSupported
from .shapes import record_type
from .trees import tree_string
from .unboxing import unbox
from .values import from_records, to_records


class ResolveOption:
    """What becomes of a choice in `toDF`: `Project`, `Cast` or `KeepAsStruct`."""

    def __init__(self, path: str, action: str, target: Any = None) -> None:
        self.path = path
        self.action = action
        self.target = target


class ErrorThresholdExceeded(Exception):
    """More records failed than a transform allowed."""


class DynamicFrame:
    def __init__(self, jdf: Any, glue_ctx: Any, name: str = "") -> None:
        self._rows: Rows = jdf
        self.glue_ctx = glue_ctx
        self.name = name
        self._before: tuple[Rows, ...] = ()
        self._thresholds: tuple[tuple[DynamicFrame, int, int], ...] = ()
        self._made: Any = None

    def _next(
        self,
        rows: Rows,
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        name: str | None = None,
        before: tuple[Rows, ...] = (),
        thresholds: tuple[tuple[DynamicFrame, int, int], ...] = (),
    ) -> DynamicFrame:
        made = DynamicFrame(rows, self.glue_ctx, self.name if name is None else name)
        made._before = (*self._before, *before)
        made._thresholds = (*self._thresholds, *thresholds)
        if int(stageThreshold) or int(totalThreshold):
            made._thresholds += ((made, int(stageThreshold), int(totalThreshold)),)
        return made

    # What is in it.

    def schema(self) -> StructType:
        return self._rows.schema

    def with_frame_schema(self, schema: Any) -> DynamicFrame:
        """The frame with a schema that is said rather than found: fields by name."""
        have, want = self._rows.schema, schema
        return self._next(self._rows.then(lambda batch, errors: select(batch, have, want), want))

    def printSchema(self) -> None:
        print(tree_string(self._rows.schema))

    def count(self) -> int:
        return int(self.toDF().count())

    def show(self, num_rows: int = 20) -> None:
        """Print records as JSON, each on a line; fields without a value are left out."""
        frame = self.toDF().limit(num_rows)
        shown = Rows(self._rows.session, self._rows.schema, frame, self._rows.schema)
        schema = shown.schema

        def lines(batches: Iterator[pa.RecordBatch], errors: Errors) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                texts = [
                    {"line": json.dumps(_present(one), default=to_text, ensure_ascii=False)}
                    for one in to_records(batch, schema)
                ]
                yield from_records(texts, _LINE)

        for row in shown.run(lines, _LINE).collect():
            print(row[0])

    def toDF(self, options: list[ResolveOption] | None = None) -> Any:
        """A DataFrame; a choice that no option resolves is a struct with a field for each type."""
        self._check()
        if not options:
            if self._made is None:
                self._made = self._rows.data_frame()
            return self._made
        specs = []
        for option in options:
            action = option.action.lower()
            if action == "keepasstruct":
                specs.append((option.path, "make_struct"))
            elif action in ("project", "cast"):
                if option.target is None:
                    raise Exception(f"Missing target type for resolve action {option.action}.")
                target = option.target
                word = (
                    target.simpleString() if hasattr(target, "simpleString") else target.typeName()
                )
                specs.append((option.path, f"{action}:{word}"))
            else:
                raise ValueError(
                    f"Invalid resolve action {option.action}. "
                    "Action must be one of KeepAsStruct and Project."
                )
        return self.resolveChoice(specs=specs).toDF()

    @classmethod
    def fromDF(cls, dataframe: Any, glue_ctx: Any, name: str) -> DynamicFrame:
        return cls(Rows.of(dataframe, glue_ctx.spark_session), glue_ctx, name)

    def getNumPartitions(self) -> int:
        if self._rows.source is not None:
            return self._rows.tasks
        frame = self.toDF()
        if not hasattr(frame, "_jdf"):
            raise NotSupported("getNumPartitions is not supported without RDDs.")
        return int(frame.rdd.getNumPartitions())

    # Fields.

    def select_fields(
        self,
        paths: Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Only these fields; one that no record has is passed over."""
        kept = _only(self._rows.schema, self._paths(paths))
        return self._projected(kept, stageThreshold, totalThreshold)

    def drop_fields(
        self,
        paths: Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        kept = _without(self._rows.schema, self._paths(paths))
        return self._projected(kept, stageThreshold, totalThreshold)

    def rename_field(
        self,
        oldName: str,
        newName: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """The field under another path; without such a field nothing changes."""
        schema = self._rows.schema
        path = paths.find_path(schema, oldName)
        if path is None:
            return self._next(self._rows, stageThreshold, totalThreshold)
        target = paths.read_path(newName)
        if target[:-1] == path[:-1]:
            made = columns.rename(schema, path, target[-1])
            assert isinstance(made, StructType)
            if len(path) == 1 and self._is_plain():
                frame = self._rows.base.toDF(*(field.name for field in made))
                rows = Rows(self._rows.session, made, frame, made)
                return self._next(rows, stageThreshold, totalThreshold)
            return self._next(
                self._rows.then(_relabelling(schema, made), made), stageThreshold, totalThreshold
            )
        leaves = [(one, one) for one, _ in columns.unnested(schema)]
        specs = [
            (_quoted(one), "", _quoted(target + one[len(path) :] if _below(one, path) else to), "")
            for one, to in leaves
        ]
        made, step = mapping.apply(schema, specs, case_sensitive=True)
        return self._next(self._rows.then(step, made), stageThreshold, totalThreshold)

    def apply_mapping(
        self,
        mappings: Any,
        case_sensitive: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Only the mapped fields, under their targets and types. A value that cannot be of its
        target's type is null."""
        given = [mappings] if isinstance(mappings, tuple) else list(mappings)
        made, step = mapping.apply(self._rows.schema, given, case_sensitive)
        return self._next(self._rows.then(step, made), stageThreshold, totalThreshold)

    def applyMapping(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        given = args[1:] if args and isinstance(args[0], DynamicFrame) else args
        return self.apply_mapping(*given, **kwargs)

    def resolveChoice(
        self,
        specs: Any = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        if specs is None and not choice:
            raise Exception("Parameter specs and option are both missing, add one.")
        if specs is not None and choice:
            raise Exception("Parameter specs and option are both specified, choose one.")
        catalog = None
        if database and table_name:
            catalog = _catalog_types(database, table_name, catalog_id)
        given = [specs] if isinstance(specs, tuple) else list(specs or ())
        rows = self._rows
        for schema, step in choices.resolve(rows.schema, given, choice, catalog):
            rows = rows.then(step, schema)
        return self._next(rows, stageThreshold, totalThreshold)

    def unbox(
        self,
        path: str,
        format: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> DynamicFrame:
        """The field's text as the record that it is, in `json`, `csv` or `avro`."""
        given = options.pop("options", None) or options
        rows = unbox(self._rows, path, format, given, info)
        return self._next(rows, stageThreshold, totalThreshold)

    def unnest(
        self,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """The fields of structs as columns, called by their paths."""
        schema, step = relational.unnest(self._rows.schema)
        return self._next(self._rows.then(step, schema), stageThreshold, totalThreshold)

    def unnest_ddb_json(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        raise NotSupported("unnest_ddb_json is not supported.")

    simplify_ddb_json = unnest_ddb_json

    def relationalize(
        self,
        root_table_name: str,
        staging_path: str,
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Flat tables: the root, and one for every array."""
        tables = relational.relationalize(self._rows, root_table_name, staging_path)
        frames = {
            name: self._next(rows, stageThreshold, totalThreshold, name)
            for name, rows in tables.items()
        }
        return DynamicFrameCollection(frames, self.glue_ctx)

    # Records.

    def filter(
        self,
        f: Callable[[Any], Any],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """The records for which the function says so."""
        schema = self._rows.schema
        step = records.filtering(f, schema, info)
        return self._next(self._rows.then(step, schema, True), stageThreshold, totalThreshold)

    def map(
        self,
        f: Callable[[Any], Any],
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """What the function makes of each record. It runs twice for each: what types it gives
        must be known before its records are."""
        schema = self._rows.schema
        made = record_type(self._rows.shape(records.made_by(f)))
        step = records.mapping(f, schema, made, info)
        return self._next(self._rows.then(step, made, True), stageThreshold, totalThreshold)

    def mapPartitions(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        raise NotSupported("mapPartitions is not supported: use map, or toDF and mapInPandas.")

    def mapPartitionsWithIndex(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        raise NotSupported("mapPartitionsWithIndex is not supported: use map.")

    def split_fields(
        self,
        paths: Any,
        name1: str,
        name2: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Two frames: these fields, and the others."""
        found = self._paths(paths)
        one = self._projected(_only(self._rows.schema, found), stageThreshold, totalThreshold)
        two = self._projected(_without(self._rows.schema, found), stageThreshold, totalThreshold)
        one.name, two.name = name1, name2
        return DynamicFrameCollection({name1: one, name2: two}, self.glue_ctx)

    def split_rows(
        self,
        comparison_dict: Mapping[str, Mapping[str, Any]],
        name1: str,
        name2: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Two frames: the records that meet all comparisons, and the others."""
        schema = self._rows.schema
        frames = {}
        for name, wanted in ((name1, True), (name2, False)):
            rows = self._rows.then(splitting.rows_where(schema, comparison_dict, wanted), schema)
            frames[name] = self._next(rows, stageThreshold, totalThreshold, name)
        return DynamicFrameCollection(frames, self.glue_ctx)

    def join(
        self,
        paths1: Any,
        paths2: Any,
        frame2: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """The records of both frames whose keys are equal."""
        rows = joining.join(self._rows, _listed(paths1), frame2._rows, _listed(paths2))
        return self._together(frame2, rows, stageThreshold, totalThreshold, self.name + frame2.name)

    def union(
        self,
        other_frame: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        rows = joining.union(self._rows, other_frame._rows)
        return self._together(other_frame, rows, stageThreshold, totalThreshold, self.name)

    def mergeDynamicFrame(
        self,
        stage_dynamic_frame: DynamicFrame,
        primary_keys: Any,
        transformation_ctx: str = "",
        options: Mapping[str, Any] | None = None,
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """The staged records, and those of this frame without one of the same keys."""
        rows = joining.merge(self._rows, stage_dynamic_frame._rows, _listed(primary_keys))
        return self._together(stage_dynamic_frame, rows, stageThreshold, totalThreshold, self.name)

    def repartition(
        self,
        num_partitions: int,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        return self._engines(self._rows.data_frame().repartition(num_partitions))

    def coalesce(
        self,
        num_partitions: int,
        shuffle: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        frame = self._rows.data_frame()
        if shuffle:
            return self._engines(frame.repartition(num_partitions))
        return self._engines(frame.coalesce(num_partitions))

    # Where it goes.

    def write(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        accumulator_size: int = 0,
    ) -> Any:
        return self.glue_ctx.write_from_options(
            frame_or_dfc=self,
            connection_type=connection_type,
            connection_options=connection_options or {},
            format=format,
            format_options=format_options or {},
            accumulator_size=accumulator_size,
        )

    def spigot(
        self,
        path: str,
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Write sample records as JSON to a path; the frame itself goes on."""
        from .spigots import write_sample  # noqa: PLC0415 - it writes frames

        write_sample(self._rows, path, options or {})
        return self._next(self._rows, stageThreshold, totalThreshold)

    # Errors.

    def errorsCount(self) -> int:
        """How many records failed, here and before."""
        return sum(int(frame.count()) for frame in self._error_frames())

    def stageErrorsCount(self) -> int:
        """How many records failed in the transform that made this frame."""
        last = len(self._rows.steps) - 1
        errors = self._rows.errors()
        return (
            int(errors.where(f"stage = {last}").count()) if errors is not None and last >= 0 else 0
        )

    def errorsAsDynamicFrame(self) -> DynamicFrame:
        """The records that failed, each with why: `error.msg`, `.stackTrace`, `.input` (the text
        that it was), `.source` (the file), `.dynamicRecord` (as JSON), `.callsite`."""
        session = self._rows.session
        whole = None
        for frame in self._error_frames():
            whole = frame if whole is None else whole.union(frame)
        if whole is None:
            whole = session.createDataFrame([], to_spark(ERROR_SCHEMA))
        specs = [
            (name, "", f"error.{to}", "")
            for name, to in (
                ("site", "callsite.site"),
                ("info", "callsite.info"),
                ("msg", "msg"),
                ("stackTrace", "stackTrace"),
                ("input", "input"),
                ("source", "source"),
                ("dynamicRecord", "dynamicRecord"),
            )
        ]
        made, step = mapping.apply(ERROR_SCHEMA, specs, case_sensitive=True)
        rows = Rows(session, ERROR_SCHEMA, whole, ERROR_SCHEMA).then(step, made)
        return DynamicFrame(rows, self.glue_ctx, f"{self.name}_errors")

    def assertErrorThreshold(self) -> None:
        """
        Raises:
            ErrorThresholdExceeded: more records failed than a transform allowed.
        """
        self._check()

    def _check(self) -> None:
        for frame, stage, total in self._thresholds:
            for limit, count in ((stage, frame.stageErrorsCount), (total, frame.errorsCount)):
                failed = count() if limit else 0
                if limit and failed >= limit:
                    raise ErrorThresholdExceeded(
                        f"{failed} records failed; the threshold is {limit}."
                    )

    def _error_frames(self) -> list[Any]:
        found = [rows.errors() for rows in (*self._before, self._rows)]
        return [frame for frame in found if frame is not None]

    # Inside.

    def _paths(self, given: Any) -> list[paths.Path]:
        found = [paths.find_path(self._rows.schema, text) for text in _listed(given)]
        return [path for path in found if path is not None]

    def _is_plain(self) -> bool:
        return self._rows.source is None and not self._rows.steps

    def _projected(self, kept: StructType, stage: int, total: int) -> DynamicFrame:
        """The fields of `kept`. Whole columns of a plain DataFrame are chosen by the engine."""
        have = self._rows.schema
        if kept == have:
            return self._next(self._rows, stage, total)
        if self._is_plain() and all(have.getField(f.name) == f for f in kept) and kept.fields:
            frame = self._rows.base.select(*(f"`{field.name}`" for field in kept))
            return self._next(Rows(self._rows.session, kept, frame, kept), stage, total)
        rows = self._rows.then(lambda batch, errors: select(batch, have, kept), kept)
        return self._next(rows, stage, total)

    def _together(
        self, other: DynamicFrame, rows: Rows, stage: int, total: int, name: str
    ) -> DynamicFrame:
        before = (self._rows, *other._before, other._rows)
        return self._next(rows, stage, total, name, before, other._thresholds)

    def _engines(self, frame: Any) -> DynamicFrame:
        rows = Rows(self._rows.session, self._rows.schema, frame, self._rows.schema)
        return self._next(rows, before=(self._rows,))


_LINE = StructType([Field("line", StringType())])
_only, _without = paths.only, paths.without


def _present(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _present(one) for name, one in value.items() if one is not None}
    return [_present(one) for one in value] if isinstance(value, list) else value


def _listed(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _quoted(path: paths.Path) -> str:
    return ".".join(f"`{name}`" for name in path)


def _below(path: paths.Path, above: paths.Path) -> bool:
    return path[: len(above)] == above


def _relabelling(have: StructType, want: StructType) -> Callable[..., pa.RecordBatch]:
    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        arrays = [
            columns.relabel(column, one.dataType, other.dataType)
            for column, one, other in zip(batch.columns, have, want, strict=False)
        ]
        return columns.make_batch(arrays, want, batch.num_rows)

    return step


def _catalog_types(
    database: str, table_name: str, catalog_id: str | None
) -> Callable[[], StructType]:
    def types() -> StructType:
        from .tables import Table  # noqa: PLC0415 - only where a catalog is asked

        return Table.get(database, table_name, catalog_id).schema

    return types


class DynamicFrameCollection:
    """Frames by name."""

    def __init__(self, dynamic_frames: Any, glue_ctx: Any) -> None:
        self._glue_ctx = glue_ctx
        if isinstance(dynamic_frames, list):
            self._df_dict = {frame.name: frame for frame in dynamic_frames}
        elif isinstance(dynamic_frames, dict):
            self._df_dict = dynamic_frames
        else:
            raise TypeError("dynamic_frames must be list or dict.")

    def __getitem__(self, key: str) -> DynamicFrame:
        return self._df_dict[key]

    def __len__(self) -> int:
        return len(self._df_dict)

    def __iter__(self) -> Iterator[str]:
        return iter(self._df_dict)

    def keys(self) -> KeysView[str]:
        return self._df_dict.keys()

    def values(self) -> ValuesView[DynamicFrame]:
        return self._df_dict.values()

    def select(self, key: str, transformation_ctx: str = "") -> DynamicFrame:
        """The frame of a name; an empty one when there is none."""
        if key in self._df_dict:
            return self._df_dict[key]
        session = self._glue_ctx.spark_session
        empty = Rows(session, StructType(), source=_nothing, tasks=0)
        return DynamicFrame(empty, self._glue_ctx, key)

    def map(self, callable: Any, transformation_ctx: str = "") -> DynamicFrameCollection:
        made = {}
        for name, frame in self._df_dict.items():
            result = callable(frame, f"{transformation_ctx}:{name}")
            if not isinstance(result, DynamicFrame):
                raise TypeError(f"callable must return a DynamicFrame. Got {type(result)}")
            made[name] = result
        return DynamicFrameCollection(made, self._glue_ctx)

    def flatmap(self, f: Any, transformation_ctx: str = "") -> DynamicFrameCollection:
        made: dict[str, DynamicFrame] = {}
        for frame in self._df_dict.values():
            result = f(frame, f"{transformation_ctx}:{frame.name}")
            if isinstance(result, DynamicFrame):
                made[result.name] = result
            elif isinstance(result, DynamicFrameCollection):
                made.update(result._df_dict)
            else:
                raise TypeError(
                    "Function argument to flatmap must return DynamicFrame or "
                    f"DynamicFrameCollection. Got {type(result)}"
                )
        return DynamicFrameCollection(made, self._glue_ctx)


def _nothing(task: int, errors: Errors) -> Iterator[pa.RecordBatch]:
    return iter(())


def _database(database: str | None, table_name: str | None, more: dict[str, Any]) -> str:
    """The database, which `name_space` may name too."""
    other = more.pop("name_space", None)
    if database is not None and other is not None:
        raise Exception("Parameter name_space and database are both specified, choose one.")
    if database is None and other is None:
        raise Exception("Parameter name_space or database is missing.")
    if table_name is None:
        raise Exception("Parameter table_name is missing.")
    return str(database if database is not None else other)


class DynamicFrameReader:
    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_rdd(
        self, data: Any, name: str, schema: Any = None, sampleRatio: Any = None
    ) -> DynamicFrame:
        return self._glue_context.create_dynamic_frame_from_rdd(data, name, schema, sampleRatio)

    def from_options(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        return self._glue_context.create_dynamic_frame_from_options(
            connection_type,
            connection_options or {},
            format,
            format_options or {},
            transformation_ctx,
            push_down_predicate,
            **kwargs,
        )

    def from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Mapping[str, Any] | None = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        return self._glue_context.create_dynamic_frame_from_catalog(
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options or {},
            catalog_id,
            **kwargs,
        )


class DynamicFrameWriter:
    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
    ) -> Any:
        return self._glue_context.write_dynamic_frame_from_options(
            frame,
            connection_type,
            connection_options or {},
            format,
            format_options or {},
            transformation_ctx,
        )

    def from_catalog(
        self,
        frame: Any,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Mapping[str, Any] | None = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        return self._glue_context.write_dynamic_frame_from_catalog(
            frame,
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            additional_options or {},
            catalog_id,
            **kwargs,
        )

    def from_jdbc_conf(
        self,
        frame: Any,
        catalog_connection: str,
        connection_options: Mapping[str, Any] | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
    ) -> Any:
        return self._glue_context.write_dynamic_frame_from_jdbc_conf(
            frame,
            catalog_connection,
            connection_options or {},
            redshift_tmp_dir,
            transformation_ctx,
        )
