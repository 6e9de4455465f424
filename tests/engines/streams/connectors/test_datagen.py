"""The datagen connector."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc
import pytest

from millpond.engines.streams.connectors.datagen import DatagenSource
from millpond.engines.streams.connectors.interface import World
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import BIGINT, INT, STRING, TIMESTAMP, Column, DataType

COLUMNS = (
    Column("n", BIGINT),
    Column("i", INT),
    Column("s", STRING),
    Column("d", DataType("DECIMAL", (10, 2))),
    Column("x", DataType("DOUBLE")),
    Column("b", DataType("BYTES")),
    Column("t", TIMESTAMP),
    Column("r", DataType("ROW", (), (("a", INT), ("l", DataType("ARRAY", (), (("", STRING),)))))),
    Column("m", DataType("MAP", (), (("", STRING), ("", INT)))),
)


def table(**options: str) -> Table:
    settings = {
        "connector": "datagen",
        "fields.n.kind": "sequence",
        "fields.n.start": "1",
        "fields.n.end": "5000",
        "fields.i.min": "3",
        "fields.i.max": "5",
        "fields.s.length": "8",
        "fields.s.var-len": "true",
        "fields.x.null-rate": "0.5",
        "fields.t.max-past": "1 h",
        "fields.r.a.min": "7",
        "fields.r.a.max": "7",
        "rows-per-second": "1000000",
    } | {name.replace("__", "."): text for name, text in options.items()}
    return Table("g", COLUMNS, options=tuple(settings.items()))


async def all_of(world: World, made: Table, positions: Mapping[str, Any] | None = None) -> Any:
    arrivals = []

    async def emit(arrival: Any) -> None:
        arrivals.append(arrival)

    await DatagenSource(made, world).run(positions or {}, emit)
    return arrivals


def values(arrivals: Any) -> list[dict[str, Any]]:
    rows = [row for arrival in arrivals for row in arrival.rows.to_pylist()]
    return [{name: value for name, value in row.items() if name != "t"} for row in rows]


async def test_rows_are_in_the_bounds_that_options_set(world: World) -> None:
    arrivals = await all_of(world, table())
    rows = [row for arrival in arrivals for row in arrival.rows.to_pylist()]
    assert [row["n"] for row in rows] == list(range(1, 5001))
    assert {row["i"] for row in rows} == {3, 4, 5}
    assert {len(row["s"]) for row in rows} == set(range(1, 9))
    assert 0.4 < sum(row["x"] is None for row in rows) / len(rows) < 0.6
    assert all(row["r"]["a"] == 7 and len(row["r"]["l"]) == 3 for row in rows)
    assert all(len(row["b"]) == 100 and len(row["m"]) == 3 for row in rows)
    ages = [
        time.time() - pc.cast(a.rows["t"], "int64")[0].as_py() / 1e6
        for a in arrivals
        if len(a.rows)
    ]
    assert all(-1 < age < 3700 for age in ages)
    assert arrivals[-1].ended


async def test_a_seed_gives_the_same_rows_and_none_gives_others(world: World) -> None:
    first, again = [values(await all_of(world, table(seed="7"))) for _ in range(2)]
    assert first == again
    assert values(await all_of(world, table())) != first


async def test_a_restored_generator_goes_on_with_the_rows_that_were_lost(world: World) -> None:
    arrivals = await all_of(world, table())
    whole = values(arrivals)
    for arrival in arrivals[:: max(1, len(arrivals) // 4)]:
        done = arrival.position["row"]
        assert values(await all_of(world, table(), {"0": arrival.position})) == whole[done:]
    middle = arrivals[0].position | {"row": 1500}
    assert values(await all_of(world, table(), {"0": middle})) == whole[1500:]


async def test_the_number_of_rows_and_their_rate_are_kept(world: World) -> None:
    made = table()
    limited = Table(
        "g",
        COLUMNS,
        options=(*made.options[:-1], ("number-of-rows", "20"), ("rows-per-second", "100")),
    )
    begun = time.monotonic()
    assert len(values(await all_of(world, limited))) == 20
    assert time.monotonic() - begun >= 0.15


async def test_it_goes_on_without_end_until_it_is_cancelled(world: World) -> None:
    made = Table("g", (Column("i", INT),), options=(("connector", "datagen"),))
    seen = asyncio.Event()

    async def emit(arrival: Any) -> None:
        if arrival.rows.num_rows:
            seen.set()

    task = asyncio.create_task(DatagenSource(made, world).run({}, emit))
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
