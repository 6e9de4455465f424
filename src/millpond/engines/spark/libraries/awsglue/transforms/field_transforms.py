"""Transforms of a frame's fields, each a method of DynamicFrame by its name."""

from __future__ import annotations

from typing import Any

from ..refusals import NotSupported
from ..utils import _global_args
from .transform import GlueTransform

_Any = Any


class RenameField(GlueTransform):
    """Rename a field."""

    def __call__(
        self,
        frame: _Any,
        old_name: str,
        new_name: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.rename_field(
            old_name, new_name, transformation_ctx, info, stageThreshold, totalThreshold
        )


class DropFields(GlueTransform):
    """Drop fields."""

    def __call__(
        self,
        frame: _Any,
        paths: _Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.drop_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class SelectFields(GlueTransform):
    """Keep only some fields."""

    def __call__(
        self,
        frame: _Any,
        paths: _Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.select_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class SplitFields(GlueTransform):
    """Two frames: some fields, and the others."""

    returns = "DynamicFrameCollection"

    def __call__(
        self,
        frame: _Any,
        paths: _Any,
        name1: str | None = None,
        name2: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        name = frame.name or "frame"
        return frame.split_fields(
            paths,
            name1 or f"{name}1",
            name2 or f"{name}2",
            transformation_ctx,
            info,
            stageThreshold,
            totalThreshold,
        )


class SplitRows(GlueTransform):
    """Two frames: the records that meet all comparisons, and the others."""

    returns = "DynamicFrameCollection"

    def __call__(
        self,
        frame: _Any,
        comparison_dict: _Any,
        name1: str = "frame1",
        name2: str = "frame2",
        transformation_ctx: str = "",
        info: str | None = None,
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.split_rows(
            comparison_dict,
            name1,
            name2,
            transformation_ctx,
            info or "",
            stageThreshold,
            totalThreshold,
        )


class Join(GlueTransform):
    """The records of two frames whose keys are equal."""

    def __call__(
        self,
        frame1: _Any,
        frame2: _Any,
        keys1: _Any,
        keys2: _Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame1.join(
            keys1, keys2, frame2, transformation_ctx, info, stageThreshold, totalThreshold
        )


class Spigot(GlueTransform):
    """Write sample records to a path."""

    def __call__(
        self,
        frame: _Any,
        path: str,
        options: _Any = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.spigot(
            path, options or {}, transformation_ctx, info, stageThreshold, totalThreshold
        )


class ApplyMapping(GlueTransform):
    """Only the mapped fields, under their targets and types."""

    def __call__(
        self,
        frame: _Any,
        mappings: _Any,
        case_sensitive: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.apply_mapping(
            mappings, case_sensitive, transformation_ctx, info, stageThreshold, totalThreshold
        )


class ResolveChoice(GlueTransform):
    """Resolve fields that have several types."""

    def __call__(
        self,
        frame: _Any,
        specs: _Any = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> _Any:
        return frame.resolveChoice(
            specs,
            choice,
            database,
            table_name,
            transformation_ctx,
            info,
            stageThreshold,
            totalThreshold,
            catalog_id,
        )


class Unbox(GlueTransform):
    """A field's text as the record that it is."""

    def __call__(
        self,
        frame: _Any,
        path: str,
        format: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: _Any,
    ) -> _Any:
        return frame.unbox(
            path, format, transformation_ctx, info, stageThreshold, totalThreshold, **options
        )


class UnnestFrame(GlueTransform):
    """The fields of structs as columns."""

    def __call__(
        self,
        frame: _Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.unnest(transformation_ctx, info, stageThreshold, totalThreshold)


class Relationalize(GlueTransform):
    """Flat tables: the root, and one for every array."""

    returns = "DynamicFrameCollection"

    def __call__(
        self,
        frame: _Any,
        staging_path: str | None = None,
        name: str = "roottable",
        options: _Any = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        place = staging_path or _global_args.get("TempDir")
        if not place:
            raise RuntimeError("There is no staging_path, and no job argument TempDir.")
        return frame.relationalize(
            name, place, options or {}, transformation_ctx, info, stageThreshold, totalThreshold
        )


class DropNullFields(GlueTransform):
    """Drop fields that no record has a value for."""

    def __call__(
        self,
        frame: _Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        from ..nulls import null_fields  # noqa: PLC0415 - beside its only use

        found = null_fields(frame.schema())
        print("null_fields", found)
        return frame.drop_fields(found, transformation_ctx, info, stageThreshold, totalThreshold)


class Filter(GlueTransform):
    """The records for which a function says so."""

    def __call__(
        self,
        frame: _Any,
        f: _Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.filter(f, transformation_ctx, info, stageThreshold, totalThreshold)


class Map(GlueTransform):
    """What a function makes of each record."""

    def __call__(
        self,
        frame: _Any,
        f: _Any,
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.map(
            f, preservesPartitioning, transformation_ctx, info, stageThreshold, totalThreshold
        )


class Union(GlueTransform):
    """The records of both frames."""

    def __call__(
        self,
        frame1: _Any,
        frame2: _Any,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame1.union(frame2, transformation_ctx, info, stageThreshold, totalThreshold)


class Repartition(GlueTransform):
    """The records in so many partitions."""

    def __call__(
        self,
        frame: _Any,
        num_partitions: int,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.repartition(num_partitions, transformation_ctx, info)


class Coalesce(GlueTransform):
    """The records in no more than so many partitions."""

    def __call__(
        self,
        frame: _Any,
        num_partitions: int,
        shuffle: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> _Any:
        return frame.coalesce(num_partitions, shuffle, transformation_ctx, info)


class ErrorsAsDynamicFrame(GlueTransform):
    """The records that failed."""

    def __call__(self, frame: _Any) -> _Any:
        return frame.errorsAsDynamicFrame()


class DropDuplicates(GlueTransform):
    """Each record once, or each value of some columns."""

    def __call__(self, frame: _Any, columns: _Any = None, transformation_ctx: str = "") -> _Any:
        from ..dynamicframe import DynamicFrame  # noqa: PLC0415 - it knows this module's package

        made = frame.toDF()
        made = made.dropDuplicates(list(columns)) if columns else made.dropDuplicates()
        return DynamicFrame.fromDF(made, frame.glue_ctx, frame.name)


def _refused(name: str, why: str) -> type[GlueTransform]:
    def refuse(self: GlueTransform, *args: _Any, **kwargs: _Any) -> _Any:
        raise NotSupported(f"{name} is not supported: {why}.")

    return type(name, (GlueTransform,), {"__call__": refuse, "__doc__": f"Refused: {why}."})


SimplifyDDBJson = _refused("SimplifyDDBJson", "there are no exports of DynamoDB to read")
