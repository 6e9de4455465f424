"""`FillMissingValues`: values that are missing, estimated from those that are there.

A numeric column is estimated by linear regression over the other numeric columns of a row; a value
missing among those counts as its column's mean. Any other column gets its most frequent value.
AWS does not say what its models are beyond "such as linear regression and random forest", so
estimates differ from AWS's; which rows get one does not. Source: AWS Glue developer guide,
"FillMissingValues class".
"""

from __future__ import annotations

from typing import Any

from awsglue.dynamicframe import DynamicFrame
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType, StringType

from .regression import least_squares


class FillMissingValues:
    """Adds a column with every value of another, and estimates of those that are missing."""

    @classmethod
    def apply(
        cls,
        frame: DynamicFrame,
        missing_values_column: str,
        output_column: str = "",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """`frame` with `output_column`, by default `<missing_values_column>_filled`, in which
        nulls and empty texts are replaced.

        Raises:
            ValueError: the frame has no such column, or it has no value at all.
        """
        rows = frame.toDF()
        kinds = {field.name: field.dataType for field in rows.schema}
        name = missing_values_column.strip("`")
        if name not in kinds:
            raise ValueError(f"FillMissingValues: there is no column {name}.")
        column = _column(name)
        if isinstance(kinds[name], StringType):
            column = F.when(F.trim(column) != "", column)
        if isinstance(kinds[name], NumericType):
            features = [
                other
                for other, kind in kinds.items()
                if other != name and isinstance(kind, NumericType)
            ]
            estimate = _regression(rows, name, features).cast(kinds[name])
        else:
            estimate = F.lit(_most_frequent(rows, name, column)).cast(kinds[name])
        filled = rows.withColumn(output_column or f"{name}_filled", F.coalesce(column, estimate))
        return DynamicFrame.fromDF(filled, frame.glue_ctx, transformation_ctx)


def _column(name: str) -> Any:
    return F.col("`" + name.replace("`", "``") + "`")


def _regression(rows: Any, name: str, features: list[str]) -> Any:
    """The estimate of a numeric column, as an expression over the others."""
    target = _column(name).cast("double")
    known = rows.filter(target.isNotNull())
    columns = [_column(each).cast("double") for each in features]
    asked = [F.count(target), F.avg(target), *(F.avg(each) for each in columns)]
    count, mean, *means = known.agg(*asked).first()
    if not count:
        raise ValueError(f"FillMissingValues: no row has a value of {name}.")
    usable = [i for i, each in enumerate(means) if each is not None]
    centred = [F.coalesce(columns[i], F.lit(means[i])) - F.lit(means[i]) for i in usable]
    if not centred:
        return F.lit(mean)
    pairs = [F.sum(a * b) for place, a in enumerate(centred) for b in centred[: place + 1]]
    with_target = [F.sum(each * (target - F.lit(mean))) for each in centred]
    found = list(known.agg(*pairs, *with_target).first())
    size = len(centred)
    squares = [[0.0] * size for _ in range(size)]
    for place in range(size):
        for other in range(place + 1):
            squares[place][other] = squares[other][place] = found.pop(0)
    estimate = F.lit(mean)
    for weight, each in zip(least_squares(squares, found), centred, strict=True):
        estimate = estimate + F.lit(weight) * each
    return estimate


def _most_frequent(rows: Any, name: str, column: Any) -> Any:
    counted = rows.filter(column.isNotNull()).groupBy(column.alias("value")).count()
    first = counted.orderBy(F.col("count").desc(), F.col("value")).first()
    if first is None:
        raise ValueError(f"FillMissingValues: no row has a value of {name}.")
    return first["value"]
