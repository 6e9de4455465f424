"""Cleans a year of order lines and writes them as Parquet, partitioned by country."""

import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--table", required=True)
parser.add_argument("--output", required=True)
options = parser.parse_args()

spark = SparkSession.builder.appName("online-retail").getOrCreate()
lines = spark.table(options.table)
cleaned = lines.withColumn("revenue", F.round(F.col("quantity") * F.col("unitprice"), 4))
cleaned.write.mode("overwrite").partitionBy("country").parquet(options.output)
print("lines", cleaned.count())
spark.stop()
