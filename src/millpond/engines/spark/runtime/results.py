"""What the engine would silently answer otherwise than Apache Spark, put right.

* `isnan` of NULL is false (the engine's NULL has `~isnan(x)` lose rows).
* Columns are renamed in whatever case they are named (the engine would leave them).
* `intersectAll` keeps as many of equal rows as both sides have (the engine: all of the left).
* `describe` and `summary` answer their rows in order.
* A partition of NULL, or of an empty text, is `__HIVE_DEFAULT_PARTITION__`, as readers of a lake
  know it (the engine writes `name=`).
* What a CSV file's `nullValue` stands for is NULL in columns of text too.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_DESCRIBED = ("count", "mean", "stddev", "min", "max")
_SUMMARIZED = ("count", "mean", "stddev", "min", "25%", "50%", "75%", "max")


def change_functions(module: ModuleType) -> None:
    """Change `pyspark.sql.functions`."""
    is_nan = module.isnan

    def isnan(col: Any) -> Any:
        return module.coalesce(is_nan(col), module.lit(False))

    isnan.__doc__ = is_nan.__doc__
    module.isnan = isnan  # type: ignore[attr-defined]


def change_column(column: Any) -> None:
    """Change `Column`."""

    def isNaN(self: Any) -> Any:
        from pyspark.sql.functions import isnan  # noqa: PLC0415 - once PySpark is there

        return isnan(self)

    column.isNaN = isNaN


def change_frame(frame: Any) -> None:
    """Change `DataFrame`."""
    rename, describe, summary = frame.withColumnsRenamed, frame.describe, frame.summary

    def withColumnsRenamed(self: Any, colsMap: Any) -> Any:
        if not isinstance(colsMap, dict):
            return rename(self, colsMap)
        lower = {existing.lower(): new for existing, new in colsMap.items()}
        spelled = {name: lower[name.lower()] for name in self.columns if name.lower() in lower}
        return rename(self, spelled) if spelled else self

    def described(self: Any, *cols: Any) -> Any:
        return _in_order(describe(self, *cols), _DESCRIBED)

    def summarized(self: Any, *statistics: str) -> Any:
        return _in_order(summary(self, *statistics), statistics or _SUMMARIZED)

    frame.withColumnsRenamed = withColumnsRenamed
    frame.describe = described
    frame.summary = summarized
    frame.intersectAll = _intersect_all


def _in_order(found: Any, statistics: Sequence[str]) -> Any:
    from pyspark.sql import functions as F  # noqa: PLC0415 - once PySpark is there

    listed = F.array(*map(F.lit, statistics))
    return found.orderBy(F.array_position(listed, F.col("summary")))


def _intersect_all(self: Any, other: Any) -> Any:
    return _numbered(self).intersect(_numbered(other)).drop("number").toDF(*self.columns)


def _numbered(frame: Any) -> Any:
    """The rows, equal ones told apart by a number."""
    from pyspark.sql import Window  # noqa: PLC0415 - once PySpark is there
    from pyspark.sql import functions as F  # noqa: PLC0415

    names = [f"c{number}" for number in range(len(frame.columns))]
    among_equals = Window.partitionBy(*names).orderBy(F.lit(1))
    return frame.toDF(*names).withColumn("number", F.row_number().over(among_equals))


def change_reader(reader: Any) -> None:
    """Change `DataFrameReader`."""
    read = reader.load

    def load(
        self: Any,
        path: Any = None,
        format: str | None = None,
        schema: Any = None,
        **options: Any,
    ) -> Any:
        found = read(self, path, format, schema, **options)
        given = {name.lower(): value for name, value in self._options.items()}
        if str(self._format).lower() != "csv" or not given.get("nullvalue"):
            return found
        return _without(found, given["nullvalue"])

    reader.load = load


def _without(frame: Any, text: str) -> Any:
    """The frame with NULL in place of this text."""
    from pyspark.sql import functions as F  # noqa: PLC0415 - once PySpark is there

    return frame.withColumns(
        {
            name: F.nullif(F.col(_quoted(name)), F.lit(text))
            for name, kind in frame.dtypes
            if kind == "string"
        }
    )


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def change_writer(writer: Any) -> None:
    """Change `DataFrameWriter`."""
    write = writer.save

    def save(
        self: Any,
        path: str | None = None,
        format: str | None = None,
        mode: str | None = None,
        partitionBy: Any = None,
        **options: Any,
    ) -> None:
        if partitionBy is not None:
            self.partitionBy(partitionBy)
        if columns := self._write.partitioning_cols:
            self._write._child = _marked(self._df, self._spark, columns)
        write(self, path, format, mode, **options)

    writer.save = save


def _marked(plan: Any, session: Any, columns: Sequence[str]) -> Any:
    """The plan's rows, whose partitions say what is nothing."""
    from pyspark.sql import functions as F  # noqa: PLC0415 - once PySpark is there
    from pyspark.sql.connect.dataframe import DataFrame  # noqa: PLC0415

    texts = {name: F.col(_quoted(name)).cast("string") for name in columns}
    marked = {
        name: F.coalesce(F.nullif(text, F.lit("")), F.lit(NULL_PARTITION))
        for name, text in texts.items()
    }
    return DataFrame(plan, session).withColumns(marked)._plan
