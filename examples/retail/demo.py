"""`make demo-retail`: the retail job from nothing to a chart, on a Millpond of its own.

It makes the orders, starts Millpond, runs `driver.py` against it stage by stage, checks the answer
against the sums that the generator kept, and ends Millpond again. All that it makes is in one
folder, `build/demo-retail` unless told otherwise.
"""

import argparse
import shutil
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from examples.aws import run_query
from examples.retail import driver
from examples.retail.generate import ROWS_DEFAULT, Plan, Totals, generate
from examples.retail.model import SEASONS
from examples.server import millpond
from examples.stages import Stages


def run(plan: Plan, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stages = Stages()
    started = time.perf_counter()
    years = f"{plan.first_year}–{plan.last_year}"

    with stages.stage("Make orders") as tell:
        totals = Totals()
        for path in generate(plan, folder, totals):
            tell(f"{path.name}, {totals.size_bytes / 1e6:,.0f} MB")
        tell(f"{plan.rows:,} orders in {totals.files:,} files, {totals.size_bytes / 1e6:,.0f} MB")

    with ExitStack() as server:
        with stages.stage("Start Millpond") as tell:
            tell(server.enter_context(millpond(folder)))
        rows = _drive(plan, folder, stages)

    with stages.stage("Compare with the generator") as tell:
        _compare(rows, totals)
        tell("every sum is the same, to the cent")

    with stages.stage("Draw") as tell:
        from examples.retail.chart import draw  # noqa: PLC0415 - takes a second to load

        charts = draw(rows, years, folder)
        tell(charts[-1].name)

    print()
    _print_result(rows, years)
    print(f"\nDone in {time.perf_counter() - started:.0f} s. Chart:")
    for chart in charts:
        print(f"  {chart}")


def _drive(plan: Plan, folder: Path, stages: Stages) -> list[driver.Row]:
    """The seven stages of `driver.py`; the result of its query."""
    with stages.stage("Upload to S3") as tell:
        driver.create_buckets()
        count = driver.upload(folder / "orders", tell)
        tell(f"{count:,} files to s3://{driver.RAW}/orders/")

    with stages.stage("Crawl with Glue") as tell:
        table = driver.crawl(tell)
        columns = len(table["StorageDescriptor"]["Columns"])
        partitions = " and ".join(key["Name"] for key in table["PartitionKeys"])
        tell(f"table {table['Name']}: {columns} columns, partitioned by {partitions}")

    with stages.stage("Count with Athena") as tell:
        found = run_query(
            f"SELECT count(*) AS orders FROM {driver.DATABASE}.{table['Name']}", driver.RESULTS
        )
        if found[0]["orders"] != plan.rows:
            raise SystemExit(f"Athena counts {found[0]['orders']:,} orders, not {plan.rows:,}.")
        tell(f"{found[0]['orders']:,} orders in the raw files")

    with stages.stage("Aggregate with Spark on EMR") as tell:
        cluster = driver.run_job(plan.format, tell)
        tell(f"cluster {cluster} is done and gone; logs in s3://{driver.LOGS}/emr/{cluster}/")

    with stages.stage("Query with Athena") as tell:
        driver.create_table()
        rows = run_query(driver.REVENUE, driver.RESULTS)
        tell(f"{len(rows)} rows from s3://{driver.LAKE}/revenue/")
    return rows


def _compare(rows: list[driver.Row], totals: Totals) -> None:
    """Every row of the answer is the generator's own sum over the years, and none is missing."""
    expected: dict[tuple[str, str, str], list[int]] = {}
    for group, orders in totals.orders.items():
        sums = expected.setdefault(group[1:], [0, 0, 0])
        sums[0] += orders
        sums[1] += totals.units[group]
        sums[2] += totals.revenue_cents[group]
    answered = {
        (row["season"], row["category"], row["region"]): [
            row["orders"],
            row["units"],
            int(Decimal(row["revenue"]) * 100),
        ]
        for row in rows
    }
    if answered != expected:
        wrong = [key for key in expected if answered.get(key) != expected[key]]
        raise SystemExit(f"The answer is wrong for {wrong or sorted(answered.keys() - expected)}.")


def _print_result(rows: list[driver.Row], years: str) -> None:
    """Revenue by category and season, all regions together."""

    def total(**wanted: str) -> Decimal:
        return sum(
            (
                row["revenue"]
                for row in rows
                if all(row[name] == value for name, value in wanted.items())
            ),
            Decimal(0),
        )

    categories = sorted({row["category"] for row in rows}, key=lambda c: -total(category=c))
    regions = sorted({row["region"] for row in rows}, key=lambda r: -total(region=r))
    print(f"Revenue {years} by category and season, {len(regions)} regions together")
    print(f"{'':<14}" + "".join(f"{season:>17}" for season in (*SEASONS, "year")))
    for category in categories:
        sums = [total(category=category, season=season) for season in SEASONS]
        print(f"{category:<14}" + "".join(f"{value:>17,.2f}" for value in (*sums, sum(sums))))
    sums = [total(season=season) for season in SEASONS]
    print(f"{'all':<14}" + "".join(f"{value:>17,.2f}" for value in (*sums, sum(sums))))
    print("\nby region     " + "   ".join(f"{r} {total(region=r):,.2f}" for r in regions))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.retail.demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS_DEFAULT)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--files", choices=("daily", "monthly"), default="monthly")
    parser.add_argument("--folder", type=Path, default=Path("build/demo-retail"))
    options = parser.parse_args()
    plan = Plan(rows=options.rows, format=options.format, files=options.files)
    try:
        run(plan, options.folder)
    except (RuntimeError, BotoCoreError, ClientError) as error:
        raise SystemExit(f"\n{error}\nMillpond's log: {options.folder}/millpond.log") from error


if __name__ == "__main__":
    main()
