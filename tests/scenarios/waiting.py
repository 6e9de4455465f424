"""Waiting for background work of the services, as boto3 users do."""

import time
from collections.abc import Callable
from typing import Any


def until(ask: Callable[[], Any], done: Callable[[Any], bool], seconds: float = 120) -> Any:
    """Ask until `done`; fail with the last answer when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if done(answer):
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"After {seconds} s still: {answer!r}")
        time.sleep(0.1)


def crawl(glue: Any, name: str) -> dict[str, Any]:
    """Start a crawler and wait for its end; the crawler as it is then."""
    glue.start_crawler(Name=name)
    return until(
        lambda: glue.get_crawler(Name=name)["Crawler"], lambda crawler: crawler["State"] == "READY"
    )


def query(athena: Any, sql: str, output: str, **more: Any) -> list[list[str | None]]:
    """Run a statement and give its rows as text, without the header."""
    started = athena.start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": output}, **more
    )
    execution_id = started["QueryExecutionId"]
    execution = until(
        lambda: athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"],
        lambda found: found["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"),
    )
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
    rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
    values = [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]
    return values[1:] if execution["StatementType"] == "DML" else values
