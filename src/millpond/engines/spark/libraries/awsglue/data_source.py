"""What `GlueContext.getSource` gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dynamicframe import DynamicFrame
from .plan import Rows

Read = Callable[[str | None, dict[str, Any]], Rows]


class DataSource:
    def __init__(self, j_source: Read, sql_ctx: Any, name: str) -> None:
        self._read = j_source
        self._sql_ctx = sql_ctx
        self.name = name
        self._format: str | None = None
        self._options: dict[str, Any] = {}

    def setFormat(self, format: str, **options: Any) -> None:
        self._format, self._options = format, options

    def getFrame(self, **options: Any) -> DynamicFrame:
        """The records. `minPartitions` and `targetPartitions` change nothing of them."""
        return DynamicFrame(self._read(self._format, self._options), self._sql_ctx, self.name)
