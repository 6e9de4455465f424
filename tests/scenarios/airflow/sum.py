"""A Spark job: orders and revenue by region."""

import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--input", required=True)
parser.add_argument("--output", required=True)
options = parser.parse_args()

spark = SparkSession.builder.appName("sum").getOrCreate()
sums = (
    spark.read.parquet(options.input)
    .groupBy("region")
    .agg(
        F.count("*").alias("orders"),
        F.sum(F.col("quantity") * F.col("price")).alias("revenue"),
    )
)
sums.write.mode("overwrite").parquet(options.output)
