"""Makes the orders: `python -m examples.retail.generate --out DIR`.

Each day has its own random numbers, so a day's orders are the same whatever the format, the file
size and the other years are. Files lie as `DIR/orders/year=2021/month=01/…`; `DIR/totals.json`
holds the sums by year, season, category and region, for whoever wants to check an answer.
"""

import argparse
import datetime
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from examples.retail import model

ROWS_DEFAULT = 5_000_000
ROWS_MAX = 200_000_000

_PRICE = pa.decimal128(10, 2)
_CATEGORY_NAMES = pa.array([category.name for category in model.CATEGORIES])
_REGION_NAMES = pa.array(model.REGIONS)
_STORE_NAMES = pa.array(
    [f"S{number:03}" for number in range(len(model.REGIONS) * model.STORES_PER_REGION)]
)


@dataclass(frozen=True)
class Plan:
    """What to make."""

    rows: int = ROWS_DEFAULT
    first_year: int = 2021
    last_year: int = 2025
    format: str = "csv"
    files: str = "daily"
    seed: int = 42

    @property
    def days(self) -> list[datetime.date]:
        first = datetime.date(self.first_year, 1, 1)
        last = datetime.date(self.last_year, 12, 31)
        return [first + datetime.timedelta(day) for day in range((last - first).days + 1)]


Group = tuple[int, str, str, str]
"""Year, season, category, region."""


@dataclass
class Totals:
    """Exact sums of what was made; revenue in cents."""

    orders: dict[Group, int] = field(default_factory=lambda: defaultdict(int))
    units: dict[Group, int] = field(default_factory=lambda: defaultdict(int))
    revenue_cents: dict[Group, int] = field(default_factory=lambda: defaultdict(int))
    files: int = 0
    size_bytes: int = 0

    def write(self, path: Path) -> None:
        groups = [
            {
                "year": year,
                "season": season,
                "category": category,
                "region": region,
                "orders": self.orders[group],
                "units": self.units[group],
                "revenue": f"{self.revenue_cents[group] / 100:.2f}",
            }
            for group in sorted(self.orders)
            for year, season, category, region in [group]
        ]
        path.write_text(json.dumps(groups, indent=1))


def generate(plan: Plan, folder: Path, totals: Totals) -> Iterator[Path]:
    """Write the files, one by one, and count them in `totals`.

    Raises:
        FileExistsError: the folder holds other orders, which would be taken for these.
    """
    days = plan.days
    others = {path for path in (folder / "orders").rglob("*") if path.is_file()} - {
        folder / "orders" / _file_of(plan, day) for day in days
    }
    if others:
        raise FileExistsError(f"{folder / 'orders'} holds other files, such as {min(others)}")
    rows_by_day = _apportion(plan, days)
    first_ids = np.concatenate([[1], 1 + np.cumsum(rows_by_day)])
    parts = zip(days, rows_by_day, first_ids, strict=False)
    for name, members in groupby(parts, key=lambda part: _file_of(plan, part[0])):
        tables = [
            _make_day(plan, day, int(rows), int(first), totals) for day, rows, first in members
        ]
        path = folder / "orders" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(pa.concat_tables(tables), path)
        totals.files += 1
        totals.size_bytes += path.stat().st_size
        yield path
    totals.write(folder / "totals.json")


def _file_of(plan: Plan, day: datetime.date) -> str:
    name = day.isoformat() if plan.files == "daily" else f"{day:%Y-%m}"
    return f"year={day:%Y}/month={day:%m}/{name}.{plan.format}"


def _apportion(plan: Plan, days: list[datetime.date]) -> NDArray[np.int64]:
    """How many orders each day has: by demand and a little luck, exactly `plan.rows` in all."""
    luck = np.random.default_rng([plan.seed, 0]).normal(1, 0.05, len(days))
    weights = luck * [
        model.demand(_years(plan, day), day.month, day.weekday()).sum() for day in days
    ]
    exact = weights / weights.sum() * plan.rows
    rows = np.floor(exact).astype(np.int64)
    missing = plan.rows - int(rows.sum())
    rows[np.argsort(rows - exact)[:missing]] += 1
    return rows


def _years(plan: Plan, day: datetime.date) -> float:
    return (day - datetime.date(plan.first_year, 1, 1)).days / 365.25


def _make_day(plan: Plan, day: datetime.date, rows: int, first_id: int, totals: Totals) -> pa.Table:
    rng = np.random.default_rng([plan.seed, day.toordinal()])
    years = _years(plan, day)
    cells = model.demand(years, day.month, day.weekday())
    bounds = np.cumsum(cells.ravel() / cells.sum())
    bounds[-1] = 1.0
    cell = np.searchsorted(bounds, rng.random(rows), side="right")
    category, region = np.divmod(cell, len(model.REGIONS))
    quantity = model.quantities(rng, category)
    cents = model.prices(rng, category, years)
    _add(totals, day, cell, quantity, cents)
    return pa.table(
        {
            "order_id": pa.array(np.arange(first_id, first_id + rows)),
            "order_date": pa.array(np.full(rows, np.datetime64(day)), pa.date32()),
            "category": _CATEGORY_NAMES.take(pa.array(category)),
            "region": _REGION_NAMES.take(pa.array(region)),
            "store": _STORE_NAMES.take(pa.array(model.stores(rng, region))),
            "customer": pa.array(100_000 + model.customers(rng, region)),
            "quantity": pa.array(quantity, pa.int32()),
            "price": _decimals(cents),
        }
    )


def _decimals(cents: NDArray[np.int64]) -> pa.Array:
    """Cents as an Arrow array of decimals: 128-bit integers, of which the upper half is zero."""
    halves = np.zeros((len(cents), 2), np.int64)
    halves[:, 0] = cents
    return pa.Array.from_buffers(_PRICE, len(cents), [None, pa.py_buffer(halves)])


def _add(
    totals: Totals,
    day: datetime.date,
    cell: NDArray[np.int64],
    quantity: NDArray[np.int64],
    cents: NDArray[np.int64],
) -> None:
    count = len(model.CATEGORIES) * len(model.REGIONS)
    orders = np.bincount(cell, minlength=count)
    units = np.zeros(count, np.int64)
    np.add.at(units, cell, quantity)
    revenue = np.zeros(count, np.int64)
    np.add.at(revenue, cell, quantity * cents)
    season = model.season_of(day.month)
    for index in np.flatnonzero(orders):
        category, region = divmod(int(index), len(model.REGIONS))
        group = (day.year, season, model.CATEGORIES[category].name, model.REGIONS[region])
        totals.orders[group] += int(orders[index])
        totals.units[group] += int(units[index])
        totals.revenue_cents[group] += int(revenue[index])


def _write(table: pa.Table, path: Path) -> None:
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, compression="zstd")
    else:
        options = pyarrow.csv.WriteOptions(quoting_style="none")
        pyarrow.csv.write_csv(table, path, options)


def _read_plan(arguments: list[str] | None) -> tuple[Plan, Path]:
    parser = argparse.ArgumentParser(
        prog="python -m examples.retail.generate", description="Make a retailer's orders."
    )
    parser.add_argument(
        "--rows", type=int, default=ROWS_DEFAULT, help="orders in all [%(default)s]"
    )
    parser.add_argument("--years", default="2021-2025", help="first and last [%(default)s]")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--files", choices=("daily", "monthly"), default="daily")
    parser.add_argument("--seed", type=int, default=42, help="same seed, same orders [%(default)s]")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    options = parser.parse_args(arguments)
    if not 1 <= options.rows <= ROWS_MAX:
        parser.error(f"--rows must be from 1 to {ROWS_MAX:,}")
    first, _, last = options.years.partition("-")
    if not (first.isdigit() and (last or first).isdigit()) or int(first) > int(last or first):
        parser.error("--years must be a year or two, such as 2021-2025")
    plan = Plan(
        rows=options.rows,
        first_year=int(first),
        last_year=int(last or first),
        format=options.format,
        files=options.files,
        seed=options.seed,
    )
    return plan, options.out


def main(arguments: list[str] | None = None) -> None:
    plan, folder = _read_plan(arguments)
    totals = Totals()
    is_terminal = sys.stdout.isatty()
    try:
        for path in generate(plan, folder, totals):
            if is_terminal:
                print(f"\r\033[K{path.name}  {totals.size_bytes / 1e6:,.0f} MB", end="", flush=True)
    except OSError as error:
        raise SystemExit(f"The orders cannot be written: {error}") from error
    revenue = sum(totals.revenue_cents.values()) / 100
    if is_terminal:
        print("\r\033[K", end="")
    print(f"{plan.rows:,} orders in {totals.files:,} files, {totals.size_bytes / 1e6:,.0f} MB")
    print(f"{sum(totals.units.values()):,} units, revenue {revenue:,.2f}")


if __name__ == "__main__":
    main()
