"""A Glue job: orders of the catalog, without returns, as Parquet."""

import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.transforms import ApplyMapping, Filter
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "output"])
glue_context = GlueContext(SparkContext.getOrCreate())
job = Job(glue_context)
job.init(args["JOB_NAME"], args)
orders = glue_context.create_dynamic_frame.from_catalog(database="pipeline", table_name="orders")
mapped = ApplyMapping.apply(
    frame=orders,
    mappings=[
        ("region", "string", "region", "string"),
        ("quantity", "long", "quantity", "long"),
        ("price", "double", "price", "double"),
    ],
)
sold = Filter.apply(frame=mapped, f=lambda row: row["quantity"] > 0)
glue_context.write_dynamic_frame.from_options(
    frame=sold,
    connection_type="s3",
    connection_options={"path": args["output"]},
    format="parquet",
)
print(f"{sold.count()} orders are left")
job.commit()
