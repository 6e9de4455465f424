"""The training job: learns from the archive which transactions were frauds.

    spark-submit --py-files s3://…/features.py train.py --transactions s3://…/transactions/ \\
        --cards s3://…/cards.csv --labels s3://…/labels.csv --model s3://…/model.onnx

Spark computes what the stream will compute: over windows of ten minutes, each card for itself. A
random forest learns from it on the master, and is kept as ONNX, which holds numbers and no code.
The threshold, chosen on the last quarter of the time, which the forest has not seen, is kept in it.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
from features import GIVEN, NAMES, features
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

TEN_MINUTES_MS = 600_000
CARDS = "card_id STRING, usual_amount DOUBLE, home_latitude DOUBLE, home_longitude DOUBLE"


def with_windows(transactions: DataFrame) -> DataFrame:
    """What is known of a card when a transaction comes in."""
    by_card = Window.partitionBy("card_id").orderBy("time_ms")
    ten_minutes = by_card.rangeBetween(-TEN_MINUTES_MS, 0)
    last = {
        "last_latitude": F.lag("latitude").over(by_card),
        "last_longitude": F.lag("longitude").over(by_card),
        "seconds_since_last": F.floor(
            (F.col("time_ms") - F.lag("time_ms").over(by_card)) / 1000
        ).cast("double"),
    }
    return transactions.withColumn("time_ms", F.unix_millis("event_time")).select(
        "*",
        F.count("*").over(ten_minutes).alias("count_10m"),
        F.sum(F.when(F.col("amount") < 3, 1).otherwise(0)).over(ten_minutes).alias("small_10m"),
        F.sum("amount").over(ten_minutes).alias("spend_10m"),
        *[column.alias(name) for name, column in last.items()],
    )


def choose_threshold(scores: Any, is_fraud: Any) -> tuple[float, float, float]:
    """The threshold that gives the best balance (F1); with its precision and recall."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(is_fraud[order])
    precision = hits / np.arange(1, len(order) + 1)
    recall = hits / max(1, is_fraud.sum())
    best = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-9)))
    return float(scores[order][best]), float(precision[best]), float(recall[best])


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("transactions", "cards", "labels", "model"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()

    spark = SparkSession.builder.appName("fraud-training").getOrCreate()
    labels = spark.read.csv(options.labels, header=True).select("transaction_id", "pattern")
    known = (
        with_windows(spark.read.parquet(options.transactions))
        .join(spark.read.csv(options.cards, schema=CARDS), "card_id")
        .join(labels, "transaction_id", "left")
        .toPandas()
        .sort_values("time_ms")
    )
    spark.stop()
    is_fraud = known["pattern"].notna().to_numpy()
    given = features(**{name: known[name] for name in GIVEN})
    learned = int(len(given) * 0.75)
    forest = RandomForestClassifier(80, max_depth=12, min_samples_leaf=3, n_jobs=-1, random_state=1)
    forest.fit(given[:learned], is_fraud[:learned])
    scores = forest.predict_proba(given[learned:])[:, 1]
    threshold, precision, recall = choose_threshold(scores, is_fraud[learned:])

    model = to_onnx(forest, given[:1], options={"zipmap": False})
    model.metadata_props.add(key="threshold", value=f"{threshold:.6f}")
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(model.SerializeToString())
        place = urlsplit(options.model)
        boto3.client("s3").upload_file(str(path), place.netloc, place.path.lstrip("/"))
        size = path.stat().st_size
    print(f"{len(given):,} transactions, {int(is_fraud.sum()):,} frauds, {len(NAMES)} features")
    print(f"threshold {threshold:.3f}: precision {precision:.3f}, recall {recall:.3f}")
    print(f"model of {size / 1e3:,.0f} kB in {options.model}")


if __name__ == "__main__":
    main()
