"""`GlueContext.write_data_frame`."""

from __future__ import annotations

from typing import Any


class DataFrameWriter:
    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_catalog(self, *args: Any, **kwargs: Any) -> Any:
        """As `write_data_frame_from_catalog`."""
        return self._glue_context.write_data_frame_from_catalog(*args, **kwargs)

    def from_options(self, *args: Any, **kwargs: Any) -> Any:
        """As `write_data_frame_from_options`."""
        return self._glue_context.write_data_frame_from_options(*args, **kwargs)
