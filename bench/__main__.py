"""Runs the benchmarks and prints them as Markdown: `python -m bench [part …]`."""

import argparse
import sys
import time
from datetime import date

from bench import applications, fraud, insights, releases, retail, s3, seed, servers, streams


def _s3(keys: int) -> None:
    with servers.millpond() as (target, _, _):
        ours = s3.measure(target, scale=1.0, keys=keys)
    with servers.moto() as (target, _, _):
        theirs = s3.measure(target, scale=0.1, keys=keys)
    print("\n### S3 requests\n")
    print("| what | Millpond | moto server | ratio | Millpond's latency |")
    print("|---|---:|---:|---:|---|")
    for our, their in zip(ours, theirs, strict=True):
        ratio = our.value / their.value
        print(
            f"| {our.name} | {our.value:,.0f} {our.unit} | {their.value:,.0f} {their.unit} "
            f"| {ratio:.1f}x | {our.note} |",
            flush=True,
        )


def _start() -> None:
    print("\n### Start and idle memory\n")
    print("| what | Millpond | moto server |")
    print("|---|---:|---:|")
    figures = []
    for server in (servers.millpond, servers.moto):
        seconds_all = []
        for _ in range(5):
            with server() as (_, process, seconds):
                seconds_all.append(seconds)
                time.sleep(1)
                resident = servers.resident_mb(process)
        figures.append((sorted(seconds_all)[2], resident))
    (our_seconds, our_mb), (their_seconds, their_mb) = figures
    print(f"| ready after (median of 5) | {our_seconds:.2f} s | {their_seconds:.2f} s |")
    print(f"| resident when idle | {our_mb:.0f} MB | {their_mb:.0f} MB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parts = [
        "start",
        "s3",
        "kinesis",
        "applications",
        "insights",
        "nexmark",
        "retail",
        "releases",
        "seed",
        "fraud",
    ]
    parser.add_argument("parts", nargs="*", default=parts)
    parser.add_argument("--keys", type=int, default=100_000, help="keys for the listing")
    parser.add_argument("--rows", type=int, default=20_000_000, help="rows for the retail job")
    parser.add_argument("--events", type=int, default=2_000_000, help="events of Nexmark")
    parser.add_argument(
        "--records", type=int, default=2_000_000, help="records for an application's throughput"
    )
    parser.add_argument(
        "--log-events", type=int, default=10_000_000, help="log events for Logs Insights"
    )
    parser.add_argument("--rate", type=int, default=5_000, help="records a second for latencies")
    parser.add_argument("--latency-seconds", type=int, default=60, help="of records at that rate")
    parser.add_argument("--fraud-seconds", type=int, default=600, help="of the fraud job")
    parser.add_argument(
        "--rising-seconds", type=int, default=30, help="of each higher rate of it; 0: none"
    )
    parser.add_argument(
        "--tpch", type=int, nargs="*", default=[1, 10], help="scale factors of TPC-H"
    )
    parser.add_argument(
        "--seed-parquet", type=int, nargs="*", default=[1, 10, 50], help="logical GB of Parquet"
    )
    parser.add_argument(
        "--seed-csv", type=int, nargs="*", default=[1, 10], help="logical GB of CSV"
    )
    options = parser.parse_args()
    print(f"## {date.today()}: `python -m bench {' '.join(sys.argv[1:])}`\n\n{servers.machine()}")
    for part in options.parts:
        match part:
            case "s3":
                _s3(options.keys)
            case "start":
                _start()
            case "kinesis":
                streams.compare()
            case "applications":
                applications.report(options.records, options.rate, options.latency_seconds)
            case "insights":
                insights.report(options.log_events)
            case "fraud":
                fraud.report(options.rate, options.fraud_seconds, options.rising_seconds)
            case "nexmark":
                from bench.nexmark import run as nexmark  # noqa: PLC0415 - needs the engine

                nexmark.compare(options.events)
            case "retail":
                retail.compare(options.rows)
            case "releases":
                releases.compare(options.rows, options.tpch)
            case "seed":
                seed.compare(options.seed_parquet, options.seed_csv)
            case _:
                parser.error(f"no such benchmark: {part}")


if __name__ == "__main__":
    main()
