"""The retail job, driven with plain boto3: nothing here knows that it is not talking to AWS.

    eval "$(millpond env)"
    python -m examples.retail.generate --out orders
    python -m examples.retail.driver --orders orders

Buckets, upload, crawler, Spark on a cluster, table, query: a function for each stage. Running it
again replaces what the last run left.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import boto3

from examples.aws import Row, Tell, run_query, run_step, wait
from examples.retail.chart import draw

RAW, LAKE, LOGS = "retail-raw", "retail-lake", "retail-logs"
RESULTS = f"s3://{LAKE}/athena/"
DATABASE, CRAWLER = "retail", "retail-orders"
ROLE = "arn:aws:iam::000000000000:role/retail"
JOB = Path(__file__).with_name("job.py")

CREATE_REVENUE = f"""
CREATE EXTERNAL TABLE IF NOT EXISTS {DATABASE}.revenue (
  season string, category string, region string,
  revenue decimal(18, 2), units bigint, orders bigint
)
PARTITIONED BY (year int)
STORED AS PARQUET
LOCATION 's3://{LAKE}/revenue/'
"""

REVENUE = f"""
SELECT season, category, region,
       sum(revenue) AS revenue, sum(units) AS units, sum(orders) AS orders
FROM {DATABASE}.revenue
GROUP BY season, category, region
ORDER BY season, category, region
"""

YEARS = f"SELECT min(year) AS first, max(year) AS last FROM {DATABASE}.revenue"


def create_buckets() -> None:
    s3 = boto3.client("s3")
    for bucket in (RAW, LAKE, LOGS):
        s3.create_bucket(Bucket=bucket)


def upload(orders: Path, tell: Tell) -> int:
    """Upload the job and the order files, eight at a time; how many files."""
    s3 = boto3.client("s3")
    boto3.resource("s3").Bucket(RAW).objects.filter(Prefix="orders/").delete()
    s3.upload_file(str(JOB), LAKE, "jobs/job.py")
    files = sorted(path for path in orders.rglob("*") if path.is_file())
    names = [path.relative_to(orders).as_posix() for path in files]
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(
            lambda path, name: s3.upload_file(str(path), RAW, f"orders/{name}"), files, names
        )
        for count, _ in enumerate(sent, 1):
            tell(f"{count} of {len(files)} files")
    return len(files)


def crawl(tell: Tell) -> Row:
    """Have a crawler find the table; the table."""
    glue = boto3.client("glue")
    with suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": DATABASE})
    with suppress(glue.exceptions.AlreadyExistsException):
        glue.create_crawler(
            Name=CRAWLER,
            Role=ROLE,
            DatabaseName=DATABASE,
            Targets={"S3Targets": [{"Path": f"s3://{RAW}/orders/"}]},
        )
    glue.start_crawler(Name=CRAWLER)
    crawler = wait(
        lambda: glue.get_crawler(Name=CRAWLER)["Crawler"],
        state=lambda found: found["State"],
        ends=("READY",),
        tell=tell,
    )
    last = crawler["LastCrawl"]
    if last["Status"] != "SUCCEEDED":
        raise RuntimeError(f"The crawl ended {last['Status']}: {last.get('ErrorMessage')}")
    table: Row = glue.get_table(DatabaseName=DATABASE, Name="orders")["Table"]
    return table


def run_job(file_format: str, tell: Tell) -> str:
    """Run the Spark job on a cluster that ends itself after its one step; the cluster's id."""
    arguments = [f"s3://{LAKE}/jobs/job.py", "--input", f"s3://{RAW}/orders/"]
    arguments += ["--format", file_format, "--output", f"s3://{LAKE}/revenue/"]
    return run_step(
        "retail-revenue", "Revenue by season, category and region", arguments, LOGS, tell
    )


def create_table() -> None:
    """Make the job's output a table, with a partition for each year."""
    run_query(CREATE_REVENUE, RESULTS)
    run_query(f"MSCK REPAIR TABLE {DATABASE}.revenue", RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.retail.driver")
    parser.add_argument("--orders", type=Path, required=True, help="the folder of the generator")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument(
        "--chart", type=Path, default=Path(), help="the folder to draw the chart in [%(default)s]"
    )
    options = parser.parse_args()
    if not any(options.orders.glob(f"orders/**/*.{options.format}")):
        parser.error(f"there are no {options.format} files in {options.orders / 'orders'}")
    create_buckets()
    upload(options.orders / "orders", tell=print)
    crawl(tell=print)
    run_job(options.format, tell=print)
    create_table()
    rows = run_query(REVENUE, RESULTS)
    for row in rows:
        print(*row.values(), sep="\t")
    years = run_query(YEARS, RESULTS)[0]
    options.chart.mkdir(parents=True, exist_ok=True)
    for path in draw(rows, f"{years['first']}–{years['last']}", options.chart):
        print(path)


if __name__ == "__main__":
    main()
