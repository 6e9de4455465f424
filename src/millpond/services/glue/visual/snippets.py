"""The functions that scripts bring along, under the names and with the arguments that Glue Studio
gives them.

`sparkSqlQuery` keeps its result as a view of its own: over Spark Connect a query looks its views up
when it runs, and by then another node may have given the same alias to other rows.
"""

from collections.abc import Mapping

SNIPPETS: Mapping[str, str] = {
    "sparkSqlQuery": """
def sparkSqlQuery(glueContext, query, mapping, transformation_ctx) -> DynamicFrame:
    for alias, frame in mapping.items():
        frame.toDF().createOrReplaceTempView(alias)
    spark.sql(query).createOrReplaceTempView(transformation_ctx)
    rows = spark.table(transformation_ctx)
    return DynamicFrame.fromDF(rows, glueContext, transformation_ctx)
""",
    "sparkUnion": """
def sparkUnion(glueContext, unionType, mapping, transformation_ctx) -> DynamicFrame:
    first, second = (frame.toDF() for frame in mapping.values())
    rows = first.union(second)
    if unionType == "DISTINCT":
        rows = rows.distinct()
    return DynamicFrame.fromDF(rows, glueContext, transformation_ctx)
""",
    "sparkAggregate": """
def sparkAggregate(
    glueContext, parentFrame, groups, aggs, transformation_ctx
) -> DynamicFrame:
    aggregates = [getattr(SqlFuncs, function)(column) for column, function in aggs]
    rows = parentFrame.toDF().groupBy(*groups).agg(*aggregates)
    return DynamicFrame.fromDF(rows, glueContext, transformation_ctx)
""",
    "drop_nulls": """
def _fields(schema, above=()):
    for field in schema:
        path = (*above, field.name)
        if isinstance(field.dataType, StructType):
            yield from _fields(field.dataType, path)
        else:
            yield path, field.dataType


def drop_nulls(
    glueContext, frame, nullStringSet, nullIntegerSet, transformation_ctx
) -> DynamicFrame:
    rows = frame.toDF()
    paths, counts = [], []
    for path, kind in _fields(rows.schema):
        column = SqlFuncs.col(".".join(f"`{name}`" for name in path))
        filled = column.isNotNull()
        if isinstance(kind, StringType) and nullStringSet:
            filled = filled & ~SqlFuncs.trim(column).isin(*nullStringSet)
        if isinstance(kind, IntegralType) and nullIntegerSet:
            filled = filled & ~column.isin(*nullIntegerSet)
        paths.append(".".join(f"`{name}`" if "." in name else name for name in path))
        counts.append(SqlFuncs.count(SqlFuncs.when(filled, True)))
    found = rows.agg(*counts).first()
    empty = [path for path, count in zip(paths, found) if count == 0]
    if not empty:
        return frame
    return DropFields.apply(
        frame=frame, paths=empty, transformation_ctx=transformation_ctx
    )
""",
    "routeGroups": """
def routeGroups(glueContext, frame, groups) -> DynamicFrameCollection:
    others = {"default_group": lambda row: not any(f(row) for f in groups.values())}
    frames = {
        name: Filter.apply(frame=frame, f=f) for name, f in {**groups, **others}.items()
    }
    return DynamicFrameCollection(frames, glueContext)
""",
}
