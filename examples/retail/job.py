"""The Spark job: revenue, units and orders by year, season, category and region.

    spark-submit job.py --input s3://raw/orders/ --output s3://lake/revenue/

With `--table retail.orders` it reads a table of the catalog instead of files.
"""

import argparse

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

ORDERS = (
    "order_id BIGINT, order_date DATE, category STRING, region STRING, "
    "store STRING, customer BIGINT, quantity INT, price DECIMAL(10, 2)"
)


def with_season(orders: DataFrame) -> DataFrame:
    """Add the year and the (meteorological) season of each order."""
    month = F.month("order_date")
    season = (
        F.when(month.isin(12, 1, 2), "winter")
        .when(month.isin(3, 4, 5), "spring")
        .when(month.isin(6, 7, 8), "summer")
        .otherwise("autumn")
    )
    return orders.withColumn("year", F.year("order_date")).withColumn("season", season)


def summarise(orders: DataFrame) -> DataFrame:
    """One row for each year, season, category and region; revenue is exact to the cent."""
    price = F.col("price").cast("decimal(10, 2)")
    return (
        with_season(orders)
        .groupBy("year", "season", "category", "region")
        .agg(
            F.sum(F.col("quantity") * price).cast("decimal(18, 2)").alias("revenue"),
            F.sum("quantity").alias("units"),
            F.count("*").alias("orders"),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", help="folder of files, such as s3://bucket/orders/")
    source.add_argument("--table", help="table of the catalog, such as retail.orders")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--output", required=True, help="folder for the Parquet files")
    options = parser.parse_args()

    spark = SparkSession.builder.appName("retail-revenue").getOrCreate()
    if options.table:
        orders = spark.table(options.table)
    elif options.format == "parquet":
        orders = spark.read.parquet(options.input)
    else:
        orders = spark.read.csv(options.input, schema=ORDERS, header=True)
    revenue = summarise(orders)
    revenue.write.mode("overwrite").partitionBy("year").parquet(options.output)

    written = spark.read.parquet(options.output)
    total = written.agg(F.sum("orders"), F.sum("revenue")).first()
    print(f"{written.count()} rows from {total[0]} orders, revenue {total[1]}")
    spark.stop()


if __name__ == "__main__":
    main()
