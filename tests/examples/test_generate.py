"""The orders: the same every time, exactly as many as asked for, and their sums are known."""

import datetime
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from examples.retail.generate import Plan, Totals, generate, main
from examples.retail.model import CATEGORIES, REGIONS, season_of

PLAN = Plan(rows=20_000, first_year=2023, last_year=2024, files="monthly")


def make(plan: Plan, folder: Path) -> Totals:
    totals = Totals()
    assert len(list(generate(plan, folder, totals))) == totals.files
    return totals


def read(folder: Path, file_format: str) -> pa.Table:
    files = sorted((folder / "orders").rglob(f"*.{file_format}"))
    if file_format == "parquet":
        return pa.concat_tables(pq.ParquetFile(path).read() for path in files)
    types = {"price": pa.decimal128(10, 2), "quantity": pa.int32()}
    options = pyarrow.csv.ConvertOptions(column_types=types)
    return pa.concat_tables(pyarrow.csv.read_csv(path, convert_options=options) for path in files)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> tuple[pa.Table, Totals, Path]:
    folder = tmp_path_factory.mktemp("orders")
    totals = make(PLAN, folder)
    return read(folder, "csv"), totals, folder


def test_there_are_as_many_as_asked_for_with_ids_of_their_own(orders) -> None:
    table, totals, _ = orders
    assert table["order_id"].to_pylist() == list(range(1, 20_001))
    assert sum(totals.orders.values()) == 20_000
    assert table.column_names == [
        "order_id", "order_date", "category", "region", "store", "customer", "quantity", "price",
    ]  # fmt: skip


def test_the_totals_are_those_of_the_files(orders) -> None:
    table, totals, folder = orders
    revenue: dict[tuple[int, str, str, str], Decimal] = {}
    for row in table.to_pylist():
        day = row["order_date"]
        group = (day.year, season_of(day.month), row["category"], row["region"])
        revenue[group] = revenue.get(group, Decimal(0)) + row["quantity"] * row["price"]
    assert dict(totals.revenue_cents) == {
        group: int(value * 100) for group, value in revenue.items()
    }
    assert sum(totals.units.values()) == pc.sum(table["quantity"]).as_py()
    written = json.loads((folder / "totals.json").read_text())
    assert sum(Decimal(group["revenue"]) for group in written) == sum(revenue.values())


def test_the_same_seed_makes_the_same_orders_in_every_format_and_file_size(
    orders, tmp_path: Path
) -> None:
    table, totals, _ = orders
    daily = Plan(**{**vars_of(PLAN), "files": "daily", "format": "parquet"})
    assert make(daily, tmp_path).revenue_cents == totals.revenue_cents
    assert read(tmp_path, "parquet").cast(table.schema) == table
    assert (tmp_path / "orders/year=2023/month=02/2023-02-28.parquet").is_file()
    assert len(list((tmp_path / "orders").rglob("*.parquet"))) == 366 + 365


def test_another_seed_makes_others(orders, tmp_path: Path) -> None:
    other = make(Plan(**{**vars_of(PLAN), "seed": 7}), tmp_path)
    assert other.revenue_cents != orders[1].revenue_cents


def vars_of(plan: Plan) -> dict[str, object]:
    return {name: getattr(plan, name) for name in plan.__dataclass_fields__}


def test_files_lie_by_year_and_month_and_hold_their_days_alone(orders) -> None:
    _, totals, folder = orders
    assert totals.files == 24
    table = pyarrow.csv.read_csv(folder / "orders/year=2024/month=02/2024-02.csv")
    days = table["order_date"].unique().to_pylist()
    assert days == [datetime.date(2024, 2, 1) + datetime.timedelta(day) for day in range(29)]


def test_gardens_are_planted_in_spring_and_toys_bought_before_christmas(orders) -> None:
    _, totals, _ = orders

    def share(category: str, season: str) -> float:
        of_category = {g: n for g, n in totals.orders.items() if g[2] == category}
        return sum(n for g, n in of_category.items() if g[1] == season) / sum(of_category.values())

    assert share("Garden", "spring") > 0.4
    assert share("Toys", "winter") > 0.35
    assert {g[2] for g in totals.orders} == {category.name for category in CATEGORIES}
    assert {g[3] for g in totals.orders} == set(REGIONS)


def test_the_command_tells_what_it_made(tmp_path: Path, capsys) -> None:
    main(["--rows", "1000", "--years", "2025", "--files", "monthly", "--out", str(tmp_path)])
    assert "1,000 orders in 12 files" in capsys.readouterr().out


def test_what_is_not_a_terminal_is_told_the_result_alone(tmp_path: Path, capsys) -> None:
    main(["--rows", "10", "--years", "2025", "--files", "monthly", "--out", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("10 orders") for line in lines] == [True, False]


def test_orders_are_not_mixed_with_others_but_can_be_made_again(tmp_path: Path) -> None:
    arguments = ["--rows", "10", "--years", "2025", "--out", str(tmp_path), "--files"]
    main([*arguments, "monthly"])
    main([*arguments, "monthly"])
    with pytest.raises(SystemExit, match=r"holds other files, such as .*2025-01\.csv"):
        main([*arguments, "daily"])
    assert len(list(tmp_path.glob("orders/**/*.csv"))) == 12


@pytest.mark.parametrize(
    "arguments", [["--rows", "0"], ["--rows", "200000001"], ["--years", "2025-2021"]]
)
def test_what_cannot_be_made_is_refused(arguments: list[str], tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        main([*arguments, "--out", str(tmp_path)])
    assert refusal.value.code == 2
    assert arguments[0] in capsys.readouterr().err
