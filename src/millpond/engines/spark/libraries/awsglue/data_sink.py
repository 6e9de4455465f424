"""What `GlueContext.getSink` gives: where frames are written, and which table tells of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dynamicframe import DynamicFrame, DynamicFrameCollection
from .gluetypes import StructType
from .plan import Rows
from .writing.target import Target

Write = Callable[[DynamicFrame, Target], None]


class DataSink:
    def __init__(self, j_sink: Write, sql_ctx: Any) -> None:
        self._write = j_sink
        self._sql_ctx = sql_ctx
        self._target = Target()

    def setFormat(self, format: str, **options: Any) -> None:
        self._target.format, self._target.options = format, options

    def setCatalogInfo(
        self, catalogDatabase: str, catalogTableName: str, catalogId: str = ""
    ) -> None:
        """The table that is made, or brought up to date, as the sink's `enableUpdateCatalog`
        says."""
        self._target.database = catalogDatabase
        self._target.table = catalogTableName
        self._target.catalog_id = catalogId or None

    def setAccumulableSize(self, size: int) -> None:
        """How many errors are kept on Glue; here all are."""

    def writeFrame(self, dynamic_frame: DynamicFrame, info: str = "") -> DynamicFrame:
        """Write all records. An empty frame of errors: what cannot be written fails the job."""
        dynamic_frame.assertErrorThreshold()
        self._write(dynamic_frame, self._target)
        empty = Rows(dynamic_frame._rows.session, StructType(), source=_nothing, tasks=0)
        return DynamicFrame(empty, dynamic_frame.glue_ctx, f"{dynamic_frame.name}_errors")

    def write(self, dynamic_frame_or_dfc: Any, info: str = "") -> Any:
        if isinstance(dynamic_frame_or_dfc, DynamicFrame):
            return self.writeFrame(dynamic_frame_or_dfc, info)
        if isinstance(dynamic_frame_or_dfc, DynamicFrameCollection):
            frames = [self.writeFrame(frame) for frame in dynamic_frame_or_dfc.values()]
            return DynamicFrameCollection(frames, self._sql_ctx)
        raise TypeError(
            "dynamic_frame_or_dfc must be an instance of DynamicFrame or DynamicFrameCollection. "
            f"Got {type(dynamic_frame_or_dfc)}"
        )


def _nothing(task: int, errors: list[Any] | None) -> Any:
    return iter(())
