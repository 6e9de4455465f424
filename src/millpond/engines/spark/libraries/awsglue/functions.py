"""Functions over columns that Glue adds to Spark's."""

from __future__ import annotations

from typing import Any


def namedStruct(*cols: Any) -> Any:
    """A struct of columns."""
    from pyspark.sql.functions import struct  # noqa: PLC0415 - only in a script's driver

    given = cols[0] if len(cols) == 1 and isinstance(cols[0], (list, set)) else cols
    return struct(*given)


def explodeWithIndex(col: Any) -> Any:
    """A row for each element of an array: `index` and `val`."""
    from pyspark.sql.functions import posexplode  # noqa: PLC0415

    return posexplode(col).alias("index", "val")
