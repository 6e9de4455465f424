"""Result files, read a page at a time however they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.athena.results import read_csv, read_lines

VALUES = st.none() | st.text('ab",\n\r é', max_size=6)


@st.composite
def tables(draw):
    width = draw(st.integers(1, 3))
    row = st.lists(VALUES, min_size=width, max_size=width)
    return draw(st.lists(row, max_size=6))


def write_csv(rows):
    def shown(value):
        return "" if value is None else '"' + value.replace('"', '""') + '"'

    return "".join(",".join(map(shown, row)) + "\n" for row in rows).encode()


async def pieces(data, size):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def all_pages(read, data, page_size, chunk_size):
    rows, start = [], 0
    while start is not None:
        page = await read(pieces(data[start:], chunk_size), start, page_size)
        assert len(page.rows) <= page_size
        assert page.rows or not rows
        rows += page.rows
        start = page.next_byte
    return rows


@given(tables(), st.integers(1, 4), st.integers(1, 12))
async def test_a_csv_is_the_same_in_any_pages_and_chunks(rows, page_size, chunk_size):
    assert await all_pages(read_csv, write_csv(rows), page_size, chunk_size) == rows


@given(st.lists(st.text("ab \té", max_size=5), max_size=6), st.integers(1, 4), st.integers(1, 12))
async def test_lines_are_the_same_in_any_pages_and_chunks(lines, page_size, chunk_size):
    data = "".join(f"{line}\n" for line in lines).encode()
    found = await all_pages(read_lines, data, page_size, chunk_size)
    assert found == [[line] for line in lines]


async def test_a_value_of_many_megabytes_is_read():
    value = 'a"b,\n' * 400_000
    page = await read_csv(pieces(write_csv([[value, None]]), 1 << 20), 0, 10)
    assert page.rows == [[value, None]]


async def run_csv(world, rows):
    world.sql.text = write_csv(rows).decode()
    return (await world.run("SELECT 1"))["QueryExecutionId"]


async def test_the_api_gives_pages_of_rows_with_their_header(world):
    rows = [["a", "b"], *([str(n), None if n % 2 else ""] for n in range(5))]
    query = await run_csv(world, rows)
    found, token = [], {}
    while True:
        page = await world.athena("GetQueryResults", QueryExecutionId=query, MaxResults=2, **token)
        assert page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"][0]["Type"] == "integer"
        found += [
            [datum.get("VarCharValue") for datum in row["Data"]]
            for row in page["ResultSet"]["Rows"]
        ]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == rows


async def test_results_are_given_only_of_what_succeeded(world, refusal):
    world.sql.failure = ValueError("x")
    query = (await world.run("SELECT 1"))["QueryExecutionId"]
    assert await refusal(world.athena("GetQueryResults", QueryExecutionId=query)) == (
        "InvalidRequestException",
        "Query did not finish successfully. Final query state: FAILED",
    )
    await world.stop()
    query = await world.start("SELECT 1")
    told = await refusal(world.athena("GetQueryResults", QueryExecutionId=query))
    assert told[1] == "Query has not yet finished. Current state: QUEUED"


async def test_a_token_is_of_its_own_query(world, refusal):
    first = await run_csv(world, [["a"], ["1"]])
    second = await run_csv(world, [["a"], ["1"]])
    page = await world.athena("GetQueryResults", QueryExecutionId=first, MaxResults=1)
    for token in (page["NextToken"], "bogus"):
        told = world.athena("GetQueryResults", QueryExecutionId=second, NextToken=token)
        assert (await refusal(told))[0] == "InvalidRequestException"


async def test_a_result_that_was_deleted_is_missed(world, refusal):
    query = await run_csv(world, [["a"], ["1"]])
    await world.ask("s3", "DeleteObject", Bucket="results", Key=f"q/{query}.csv")
    told = await refusal(world.athena("GetQueryResults", QueryExecutionId=query))
    assert told[1].startswith(f"Could not find results at s3://results/q/{query}.csv")


@pytest.mark.parametrize("text", ["SHOW TABLES", "CREATE DATABASE other"])
async def test_an_empty_answer_has_no_rows(world, text):
    query = (await world.run(text))["QueryExecutionId"]
    page = await world.athena("GetQueryResults", QueryExecutionId=query)
    assert page["ResultSet"]["Rows"] == []
    assert "NextToken" not in page
