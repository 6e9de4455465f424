"""Transforms of collections of frames."""

from __future__ import annotations

from typing import Any

from .transform import GlueTransform


class SelectFromCollection(GlueTransform):
    """One frame of a collection."""

    def __call__(self, dfc: Any, key: str, transformation_ctx: str = "") -> Any:
        return dfc.select(key, transformation_ctx)


class MapToCollection(GlueTransform):
    """What a function makes of each frame."""

    returns = "DynamicFrameCollection"

    def __call__(self, dfc: Any, callable: Any, transformation_ctx: str = "") -> Any:
        return dfc.map(callable, transformation_ctx)


class FlatMap(GlueTransform):
    """What a transform makes of each frame, all in one collection."""

    returns = "DynamicFrameCollection"

    def __call__(
        self,
        dfc: Any,
        BaseTransform: Any,
        frame_name: str,
        transformation_ctx: str = "",
        **base_kwargs: Any,
    ) -> Any:
        def apply_one(frame: Any, ctx: str) -> Any:
            given = {**base_kwargs, frame_name: frame, "transformation_ctx": ctx}
            return BaseTransform.apply(**given)

        return dfc.flatmap(apply_one, transformation_ctx)
