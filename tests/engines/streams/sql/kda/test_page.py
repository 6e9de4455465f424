"""Every example of the reference of SQL-1_0 does what it shows.

The convention: the first `csv` block holds the records of the input, each with its time of arrival
in front; they come one in a step. A `sql` block is an application; the `text` block after it is
what its output gets, rows of one window in any order, or how it is refused.
"""

import json
from datetime import datetime
from itertools import pairwise

import kda_runs
import pytest
from kda_runs import ARN, START, START_MS, Running, output, planned

from millpond.engines.streams.interface import GivenColumn, GivenTable, Refused
from tests.house.documents import ROOT, blocks

PAGE = blocks(ROOT / "docs" / "reference" / "streaming-sql-kda.md")
EXAMPLES = [(block, after) for block, after in pairwise(PAGE) if block.language == "sql"]
SOURCE = GivenTable(
    "SOURCE_SQL_STREAM_001",
    "source",
    {"connector": "kinesis", "stream.arn": f"{ARN}in", "format": "json"},
    (
        GivenColumn("TICKER", "VARCHAR(4)"),
        GivenColumn("PRICE", "DOUBLE"),
        GivenColumn("TRADED", "TIMESTAMP"),
    ),
)
COMPANIES = GivenTable(
    "Companies",
    "reference",
    {"connector": "filesystem", "path": "s3://code/companies.csv", "format": "csv"},
    (GivenColumn("Ticker", "VARCHAR(4)"), GivenColumn("Company", "VARCHAR(20)")),
)
TABLES = (SOURCE, COMPANIES, output())


def records():
    found = []
    for line in next(block for block in PAGE if block.language == "csv").text.splitlines():
        arrived, ticker, price, traded = line.split(",")
        moment = datetime.combine(START, datetime.strptime(arrived, "%H:%M:%S").time())
        found.append(
            {
                "TICKER": ticker,
                "PRICE": float(price),
                "TRADED": datetime.fromisoformat(traded),
                "ROWTIME": moment,
                "APPROXIMATE_ARRIVAL_TIME": moment,
            }
        )
    return found


def shown(sql):
    try:
        running = Running(planned(sql, TABLES))
    except Refused as refused:
        return str(refused)
    for row in records():
        running.step([row], START_MS)
    running.drain()
    return "\n".join(json.dumps(row, default=str) for row in running.rows[kda_runs.OUTPUT])


@pytest.mark.parametrize(("block", "after"), EXAMPLES, ids=[str(each.line) for each, _ in EXAMPLES])
def test_an_example_does_what_it_shows(block, after, monkeypatch) -> None:
    monkeypatch.setattr(kda_runs, "COMPANIES", ({"Ticker": "AMZN", "Company": "Amazon"},))
    assert after.language == "text", f"line {block.line} shows nothing"
    found = shown(block.text).splitlines()
    assert sorted(found) == sorted(after.text.splitlines()), f"line {block.line}"


def test_all_examples_are_run() -> None:
    assert len(EXAMPLES) >= 12
    assert {block.language for block in PAGE} == {"csv", "sql", "text"}
