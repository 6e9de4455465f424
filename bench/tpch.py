"""A PySpark application: the queries of TPC-H over Parquet in S3, each timed.

    spark-submit tpch.py --data s3://bench/tpch/ --queries s3://bench/queries.json

It prints a line of JSON: the seconds of each query, and a digest of its rows, whose figures are
rounded to what engines agree on.
"""

import argparse
import datetime
import decimal
import hashlib
import json
import time
from typing import Any

from pyspark.sql import SparkSession

TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")


def comparable(value: Any) -> Any:
    if isinstance(value, float | decimal.Decimal):
        return f"{float(value):.4g}"
    return value.isoformat() if isinstance(value, datetime.date) else value


def digest(rows: list[Any]) -> str:
    texts = sorted(repr([comparable(value) for value in row]) for row in rows)
    return f"{len(texts)} rows, {hashlib.sha256(''.join(texts).encode()).hexdigest()[:12]}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--queries", required=True)
    options = parser.parse_args()
    spark = SparkSession.builder.appName("tpch").getOrCreate()
    text = "\n".join(row.value for row in spark.read.text(options.queries).collect())
    for table in TABLES:
        spark.read.parquet(f"{options.data}{table}/").createOrReplaceTempView(table)
    results = {}
    for name, statements in json.loads(text).items():
        started = time.perf_counter()
        rows: list[Any] = []
        for statement in statements:
            found = spark.sql(statement).collect()
            rows = found if statement.startswith("select") else rows
        results[name] = (time.perf_counter() - started, digest(rows))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
