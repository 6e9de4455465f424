"""jq programs over records, in a real confined process."""

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from millpond.kernel import processes
from millpond.services.firehose.delivery.interface import NotNow
from millpond.services.firehose.transform import metadata
from millpond.services.firehose.transform.confined import place_of
from millpond.services.firehose.transform.metadata import JqExtraction

Make = Callable[[str], JqExtraction]


@pytest.fixture
async def query(needs: Any) -> AsyncIterator[Make]:
    made: list[JqExtraction] = []

    def make(text: str) -> JqExtraction:
        made.append(JqExtraction(place_of(needs), text))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_each_record_gets_its_own_keys(query: Make) -> None:
    found = await query("{year: .at[:4], k: .n, b: .b} # all of it").extract(
        [json.dumps({"at": f"20{n:02}-01", "n": n, "b": True}).encode() for n in range(50)]
    )
    assert [one.keys for one in found] == [
        {"year": f"20{n:02}", "k": str(n), "b": "true"} for n in range(50)
    ]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (b"{", "no single JSON value"),
        (b'{"k":"a"}{"k":"b"}', "no single JSON value"),
        (b'{"k":"1"}],[{"k":"2"}', "no single JSON value"),
        (b'"\xff"', "no single JSON value"),
        (b'{"k":null}', "must not be null or empty: k"),
        (b'{"k":""}', "must not be null or empty: k"),
        (b'{"k":[1]}', "must not be null or empty: k"),
        (b"[1]", "Cannot index array"),
        (json.dumps({"k": "x" * 1025}).encode(), "longer than 1024 bytes"),
    ],
)
async def test_a_record_without_keys_fails_alone(query: Make, record: bytes, problem: str) -> None:
    found = await query("{k: .k}").extract([b'{"k":"before"}', record, b'{"k":1.0}'])
    assert problem in found[1].problem
    assert (found[0].keys, found[2].keys) == ({"k": "before"}, {"k": "1"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (".k", "no object"),
        ("{k: (1, 2)}", "one result"),
        ("empty", "one result"),
        ("input", "break"),
        ("halt", "no result"),
        ("error(null)", "null"),
        ("{k: (", "syntax error"),
        (".) | (.", "syntax error"),
        ('$ENV | {k: (keys | join(" "))}', ""),
    ],
)
async def test_a_query_with_no_single_object_finds_nothing(
    query: Make, text: str, problem: str
) -> None:
    for one in await query(text).extract([b'{"k":1}', b'{"k":2}']):
        if problem:
            assert problem in one.problem
        else:
            assert "AWS" not in one.keys["k"]


async def test_a_query_that_cannot_be_compiled_is_loaded_once_for_a_batch(query: Make) -> None:
    asked = query("{k: (")
    started = time.perf_counter()
    found = await asked.extract([b"{}"] * 1000)
    assert time.perf_counter() - started < 10
    assert all("syntax error" in one.problem for one in found)


@pytest.mark.parametrize("text", ["def f: f; f", "{k: [range(1e9)] | tostring}", "[repeat(1)]"])
async def test_a_hostile_program_costs_its_records_and_no_more(
    query: Make, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "BATCH_SECONDS_MAX", 0.5)
    monkeypatch.setattr(metadata, "RECORD_SECONDS_MAX", 0.2)
    monkeypatch.setattr(metadata, "SLOW_RECORDS_MAX", 1)
    asked = query(f"if .bad then {text} else {{k: .k}} end")
    good, bad = b'{"k":"good"}', b'{"bad":true}'
    found = await asked.extract([good, bad, bad])
    assert found[0].keys == {"k": "good"}
    assert "did not come to an end" in found[1].problem
    assert found[2].problem.startswith("The query was not tried")
    assert (await asked.extract([good]))[0].keys == {"k": "good"}


async def test_tens_of_thousands_of_records_a_second(query: Make) -> None:
    asked = query("{year: .year, k: .k}")
    record = json.dumps({"year": 2024, "k": "customer", "pad": "x" * 100}).encode()
    await asked.extract([record])
    started = time.perf_counter()
    found = await asked.extract([record] * 20_000)
    spent = time.perf_counter() - started
    assert len(found) == 20_000 and found[-1].keys == {"year": "2024", "k": "customer"}
    assert spent < 4, f"{20_000 / spent:.0f} records/s"


async def test_where_no_process_can_be_started_no_record_fails(
    query: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(command: Any) -> Any:
        raise processes.NotStarted("no room")

    one = query("{k: .k}")
    with monkeypatch.context() as patched:
        patched.setattr(processes, "start", refused)
        with pytest.raises(NotNow, match="no room"):
            await one.extract([b'{"k":1}'])
    assert (await one.extract([b'{"k":1}']))[0].keys == {"k": "1"}
