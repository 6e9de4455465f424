"""SQL-1_0 applications on the real engine, made, started and stopped with boto3 as its two clients
do it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/app"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/"
SECONDS_MAX = 30.0
COMPANIES = "A,Acme\nB,Beta\n"

TOTALS = """
CREATE OR REPLACE STREAM "TOTALS" (
  "ticker" VARCHAR(4), "company" VARCHAR(20), "trades" INTEGER, "paid" DOUBLE
);
CREATE OR REPLACE PUMP "TOTALS_PUMP" AS INSERT INTO "TOTALS"
SELECT STREAM s."ticker", c."company", COUNT(*), SUM(s."price")
FROM "SOURCE_SQL_STREAM_001" AS s
LEFT JOIN "companies" AS c ON s."ticker" = c."ticker"
GROUP BY s."ticker", c."company", STEP(s.ROWTIME BY INTERVAL '2' SECOND);
"""
SCORES = """
CREATE OR REPLACE STREAM "SCORES" ("ticker" VARCHAR(4), "score" DOUBLE);
CREATE OR REPLACE PUMP "SCORES_PUMP" AS INSERT INTO "SCORES"
SELECT STREAM "ticker", ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(
  CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 20, 64, 10000, 1))
WHERE "ticker" <> 'A';
"""
FAILURES = """
CREATE OR REPLACE STREAM "FAILED" ("name" VARCHAR(32), "pump" VARCHAR(64), "row" VARCHAR(1000));
CREATE OR REPLACE PUMP "FAILED_PUMP" AS INSERT INTO "FAILED"
SELECT STREAM ERROR_NAME, PUMP_NAME, DATA_ROW FROM "error_stream";
CREATE OR REPLACE STREAM "SHARES" ("ticker" VARCHAR(4), "shares" INTEGER);
CREATE OR REPLACE PUMP "SHARES_PUMP" AS INSERT INTO "SHARES"
SELECT STREAM "ticker", 100 / CAST("price" AS INTEGER) FROM "SOURCE_SQL_STREAM_001";
"""
JSON = {
    "RecordFormat": {
        "RecordFormatType": "JSON",
        "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}},
    },
    "RecordColumns": [
        {"Name": "ticker", "Mapping": "$.trade.ticker", "SqlType": "VARCHAR(4)"},
        {"Name": "price", "Mapping": "$.trade.price", "SqlType": "DOUBLE"},
    ],
}
CSV = {
    "RecordFormat": {
        "RecordFormatType": "CSV",
        "MappingParameters": {
            "CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": ","}
        },
    },
    "RecordColumns": [
        {"Name": "ticker", "SqlType": "VARCHAR(4)"},
        {"Name": "company", "SqlType": "VARCHAR(20)"},
    ],
}


def until(is_so: Callable[[], Any]) -> Any:
    """What it answers, once that is something."""
    end = time.monotonic() + SECONDS_MAX
    while not (found := is_so()):
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.05)
    return found


class Streams:
    """The streams around an application."""

    def __init__(self, server: Any, *names: str) -> None:
        self.kinesis = server.client("kinesis")
        self._iterators: dict[str, str] = {}
        self._read: dict[str, list[dict]] = {}
        for name in names:
            self.kinesis.create_stream(StreamName=name, ShardCount=1)

    def put(self, name: str, *trades: tuple[str, float]) -> None:
        records = [
            {
                "Data": json.dumps({"trade": {"ticker": ticker, "price": price}}).encode(),
                "PartitionKey": ticker,
            }
            for ticker, price in trades
        ]
        self.kinesis.put_records(StreamName=name, Records=records)

    def written(self, name: str) -> list[dict]:
        """All records of a stream so far; five reads a second are allowed."""
        if name not in self._iterators:
            self._iterators[name] = self.kinesis.get_shard_iterator(
                StreamName=name,
                ShardId="shardId-000000000000",
                ShardIteratorType="TRIM_HORIZON",
            )["ShardIterator"]
        time.sleep(0.21)
        answer = self.kinesis.get_records(ShardIterator=self._iterators[name])
        self._iterators[name] = answer["NextShardIterator"]
        read = self._read.setdefault(name, [])
        read += [json.loads(record["Data"]) for record in answer["Records"]]
        return read


def totals_of(rows: list[dict]) -> dict[tuple[str, str | None], tuple[int, float]]:
    """What windows say together, by ticker and company."""
    found: dict[tuple[str, str | None], tuple[int, float]] = {}
    for row in rows:
        key = (row["ticker"], row["company"])
        trades, paid = found.get(key, (0, 0.0))
        found[key] = (trades + row["trades"], paid + row["paid"])
    return found


def test_windows_of_a_stream_joined_with_reference_data_go_to_another(server) -> None:
    streams = Streams(server, "sql-in", "sql-out")
    s3 = server.client("s3")
    s3.create_bucket(Bucket="sql-reference")
    s3.put_object(Bucket="sql-reference", Key="companies.csv", Body=COMPANIES.encode())
    client = server.client("kinesisanalyticsv2")
    made = client.create_application(
        ApplicationName="totals",
        RuntimeEnvironment="SQL-1_0",
        ServiceExecutionRole=ROLE,
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {
                "CodeContentType": "PLAINTEXT",
                "CodeContent": {"TextContent": TOTALS},
            },
            "SqlApplicationConfiguration": {
                "Inputs": [
                    {
                        "NamePrefix": "SOURCE_SQL_STREAM",
                        "KinesisStreamsInput": {"ResourceARN": STREAM + "sql-in"},
                        "InputSchema": JSON,
                    }
                ],
                "Outputs": [
                    {
                        "Name": "TOTALS",
                        "KinesisStreamsOutput": {"ResourceARN": STREAM + "sql-out"},
                        "DestinationSchema": {"RecordFormatType": "JSON"},
                    }
                ],
                "ReferenceDataSources": [
                    {
                        "TableName": "companies",
                        "S3ReferenceDataSource": {
                            "BucketARN": "arn:aws:s3:::sql-reference",
                            "FileKey": "companies.csv",
                        },
                        "ReferenceSchema": CSV,
                    }
                ],
            },
        },
    )["ApplicationDetail"]

    def status() -> str:
        detail = client.describe_application(ApplicationName="totals")["ApplicationDetail"]
        return detail["ApplicationStatus"]

    def start(position: str) -> None:
        parts = [{"InputId": "1.1", "InputStartingPositionConfiguration": {
            "InputStartingPosition": position}}]  # fmt: skip
        client.start_application(
            ApplicationName="totals", RunConfiguration={"SqlRunConfigurations": parts}
        )
        until(lambda: status() == "RUNNING")

    assert made["ApplicationVersionId"] == 1
    streams.put("sql-in", ("A", 1.0), ("B", 2.0), ("A", 3.5), ("Z", 4.0))
    start("TRIM_HORIZON")
    first = {("A", "Acme"): (2, 4.5), ("B", "Beta"): (1, 2.0), ("Z", None): (1, 4.0)}
    until(lambda: totals_of(streams.written("sql-out")) == first)
    client.stop_application(ApplicationName="totals")
    until(lambda: status() == "READY")
    streams.put("sql-in", ("A", 5.5))
    start("LAST_STOPPED_POINT")
    until(lambda: totals_of(streams.written("sql-out")) == first | {("A", "Acme"): (3, 10.0)})
    client.stop_application(ApplicationName="totals")


def test_the_first_client_runs_several_pumps_and_reads_the_error_stream(server) -> None:
    streams = Streams(server, "v1-in", "v1-shares", "v1-failed")
    client = server.client("kinesisanalytics")
    client.create_application(
        ApplicationName="shares",
        ApplicationCode=FAILURES,
        Inputs=[
            {
                "NamePrefix": "SOURCE_SQL_STREAM",
                "KinesisStreamsInput": {"ResourceARN": STREAM + "v1-in", "RoleARN": ROLE},
                "InputSchema": JSON,
            }
        ],
        Outputs=[
            {
                "Name": name,
                "KinesisStreamsOutput": {"ResourceARN": STREAM + stream, "RoleARN": ROLE},
                "DestinationSchema": {"RecordFormatType": "JSON"},
            }
            for name, stream in (("SHARES", "v1-shares"), ("FAILED", "v1-failed"))
        ],
    )

    def status() -> str:
        detail = client.describe_application(ApplicationName="shares")["ApplicationDetail"]
        return detail["ApplicationStatus"]

    start = {"Id": "1.1", "InputStartingPositionConfiguration": {
        "InputStartingPosition": "TRIM_HORIZON"}}  # fmt: skip
    client.start_application(ApplicationName="shares", InputConfigurations=[start])
    until(lambda: status() == "RUNNING")
    streams.put("v1-in", ("A", 20.0), ("B", 0.0), ("C", 5.0))
    until(lambda: len(streams.written("v1-shares")) == 2)
    assert streams.written("v1-shares") == [
        {"ticker": "A", "shares": 5},
        {"ticker": "C", "shares": 20},
    ]
    until(lambda: streams.written("v1-failed"))
    (failed,) = streams.written("v1-failed")
    assert failed["pump"] == "SHARES_PUMP"
    assert '"B"' in failed["row"]
    client.stop_application(ApplicationName="shares")


def test_scores_go_on_with_what_was_learned_before_a_stop(server) -> None:
    streams = Streams(server, "rcf-in", "rcf-out")
    client = server.client("kinesisanalytics")
    client.create_application(
        ApplicationName="scores",
        ApplicationCode=SCORES,
        Inputs=[
            {
                "NamePrefix": "SOURCE_SQL_STREAM",
                "KinesisStreamsInput": {"ResourceARN": STREAM + "rcf-in", "RoleARN": ROLE},
                "InputSchema": JSON,
            }
        ],
        Outputs=[
            {
                "Name": "SCORES",
                "KinesisStreamsOutput": {"ResourceARN": STREAM + "rcf-out", "RoleARN": ROLE},
                "DestinationSchema": {"RecordFormatType": "JSON"},
            }
        ],
    )

    def status() -> str:
        detail = client.describe_application(ApplicationName="scores")["ApplicationDetail"]
        return detail["ApplicationStatus"]

    def start(position: str) -> None:
        begin = {"Id": "1.1", "InputStartingPositionConfiguration": {
            "InputStartingPosition": position}}  # fmt: skip
        client.start_application(ApplicationName="scores", InputConfigurations=[begin])
        until(lambda: status() == "RUNNING")

    usual = [("A", float(20 + place % 7)) for place in range(500)]
    for _ in range(9):
        streams.put("rcf-in", *usual)
    streams.put("rcf-in", ("B", 23.0))
    start("TRIM_HORIZON")
    until(lambda: streams.written("rcf-out"))
    client.stop_application(ApplicationName="scores")
    until(lambda: status() == "READY")
    streams.put("rcf-in", ("C", 23.0), ("D", 900.0))
    start("LAST_STOPPED_POINT")
    until(lambda: len(streams.written("rcf-out")) == 3)
    scores = {row["ticker"]: row["score"] for row in streams.written("rcf-out")}
    assert 0 < scores["C"] < 1.5
    assert scores["D"] > 3 * scores["C"]
    client.stop_application(ApplicationName="scores")


def test_code_that_is_wrong_is_refused_with_its_place(server) -> None:
    client = server.client("kinesisanalytics")
    Streams(server, "wrong-in")
    code = 'CREATE OR REPLACE STREAM "O" (a VARCHAR(4));\nCREATE OR REPLACE PUMP "P" AS INSERT INTO'
    with pytest.raises(ClientError, match=r'line 3, column 15: .*there is "ticker"') as refused:
        client.create_application(
            ApplicationName="wrong",
            ApplicationCode=f'{code} "O"\nSELECT STREAM ticker FROM "SOURCE_SQL_STREAM_001";',
            Inputs=[
                {
                    "NamePrefix": "SOURCE_SQL_STREAM",
                    "KinesisStreamsInput": {"ResourceARN": STREAM + "wrong-in", "RoleARN": ROLE},
                    "InputSchema": JSON,
                }
            ],
        )
    assert refused.value.response["Error"]["Code"] == "CodeValidationException"
