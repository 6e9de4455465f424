"""`make demo-fraud`: the fraud job from nothing to a chart, on a Millpond of its own.

It makes an archive, learns from it on an EMR cluster, starts the application, sends transactions
at a rate for a while, shows what comes of them, and has Athena count at the end. All that it makes
is in one folder, `build/demo-fraud` unless told otherwise.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from examples.aws import Row, Tell
from examples.fraud import driver
from examples.fraud.desk import Desk, Judgement, percentile
from examples.fraud.generate import CARDS_DEFAULT, RATE_DEFAULT, write_history
from examples.server import millpond
from examples.stages import Stages

SEED = 7
RECORDS_PER_SHARD = 1_000
"""What a shard takes in a second."""


@dataclass(frozen=True)
class Plan:
    """How much to do: `rate` transactions a second for `seconds`."""

    rate: int = RATE_DEFAULT
    seconds: int = 60
    cards: int = CARDS_DEFAULT
    history_seconds: int = 300
    history_rate: int = 1_000

    @property
    def shards(self) -> int:
        """Enough that none gets more than it takes, though cards are not spread evenly."""
        return max(2, math.ceil(self.rate / RECORDS_PER_SHARD * 1.6))


@dataclass(frozen=True)
class Result:
    """What came of a run. Latencies are milliseconds from transaction to alert."""

    transactions: int
    counts: Row
    judgement: Judgement
    latency_p50_ms: int
    latency_p99_ms: int
    called: int
    repeated: int
    files: list[Path]


class Production:
    """The producer, in a process of its own, and what it said last."""

    def __init__(self, plan: Plan, labels: Path) -> None:
        command = [sys.executable, "-m", "examples.fraud.produce"]
        command += ["--stream", driver.TRANSACTIONS, "--labels", str(labels)]
        command += ["--rate", str(plan.rate), "--seconds", str(plan.seconds)]
        command += ["--cards", str(plan.cards), "--seed", str(SEED)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.said: dict[str, int] = {"made": 0, "acknowledged": 0, "frauds": 0, "late_ms": 0}
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said = json.loads(line)

    def ended(self) -> bool:
        if self.process.poll() is None:
            return False
        self._reading.join()
        if self.process.returncode:
            raise RuntimeError("The producer failed.")
        return True


def run(plan: Plan, folder: Path) -> Result:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stages = Stages()
    desk = Desk()
    labels = folder / "labels.csv"

    with stages.stage("Make an archive") as tell:
        day_ago_ms = round((time.time() - 86_400) * 1_000)
        count = write_history(
            folder / "history",
            SEED,
            day_ago_ms,
            plan.history_seconds,
            plan.history_rate,
            plan.cards,
        )
        tell(f"{count:,} transactions of {plan.cards:,} cards, frauds among them")

    with ExitStack() as server:
        with stages.stage("Start Millpond") as tell:
            tell(server.enter_context(millpond(folder)))
        with stages.stage("Make streams and archive") as tell:
            driver.create_places(plan.shards)
            driver.archive()
            tell(f"Kinesis with {plan.shards} shards, Firehose to Parquet")
        with stages.stage("Train with Spark on EMR") as tell:
            driver.upload_history(folder / "history", tell)
            tell(driver.train(tell)[1])
        with stages.stage("Start the application") as tell:
            key = driver.upload_code(desk.listen())
            driver.start_application(key, tell)
            desk.subscribe()
            tell("RUNNING: SQL with a Python function")
        with stages.stage("Score transactions") as tell:
            made = _watch(Production(plan, labels), desk, labels, tell)
        with stages.stage("Stop the application") as tell:
            driver.stop_application(tell)
        with stages.stage("Wait for the archive") as tell:
            driver.wait_for_archive(made, tell)
            tell("Firehose has written everything")
        with stages.stage("Count with Athena") as tell:
            counts = driver.counts()
            result = _result(made, counts, desk, labels, folder, plan)
            tell("transactions, scores and alerts agree")
    _print(result)
    return result


def _watch(production: Production, desk: Desk, labels: Path, tell: Tell) -> int:
    """Show what is going on until everything is produced and its alerts are here; how many
    transactions there were."""
    desk.started = began = time.time()
    earlier, shown = 0, 0.0
    while not production.ended():
        time.sleep(0.2)
        if time.time() - shown < 1:
            continue
        said = production.said
        rate = (said["acknowledged"] - earlier) / max(0.2, time.time() - (shown or began))
        earlier, shown = said["acknowledged"], time.time()
        tell(f"{rate:,.0f}/s  {_figures(desk, labels)}")
    alerts, since = -1, time.time()
    while len(desk.alerts) > alerts or time.time() - since < 2:
        if len(desk.alerts) > alerts:
            alerts, since = len(desk.alerts), time.time()
        time.sleep(0.1)
    tell(f"{production.said['made']:,} transactions  {_figures(desk, labels)}")
    return production.said["made"]


def _figures(desk: Desk, labels: Path) -> str:
    latencies = desk.latencies_ms()
    if not latencies or not labels.exists():
        return "no alerts yet"
    judged = desk.judge(labels)
    return (
        f"{judged.alerts:,} alerts  p50 {percentile(latencies, 0.5)} ms  "
        f"p99 {percentile(latencies, 0.99)} ms  precision {judged.precision or 0:.2f}  "
        f"recall {judged.recall or 0:.2f}"
    )


def _result(made: int, counts: Row, desk: Desk, labels: Path, folder: Path, plan: Plan) -> Result:
    """Compare what Athena counts with what was sent and came back.

    Raises:
        RuntimeError: they do not agree.
    """
    from examples.fraud.chart import draw  # noqa: PLC0415 - takes a second to load

    expected = {
        "transactions": made,
        "distinct_transactions": made,
        "scores": made,
        "scored_once": made,
        "alarming": len(desk.alerts),
    }
    if counts != expected:
        raise RuntimeError(f"Athena counts {counts}, not {expected}.")
    if desk.called != set(desk.alerts):
        raise RuntimeError(
            f"The webhook got {len(desk.called):,} alerts, the stream {len(desk.alerts):,}."
        )
    latencies = desk.latencies_ms()
    return Result(
        transactions=made,
        counts=counts,
        judgement=desk.judge(labels),
        latency_p50_ms=percentile(latencies, 0.5),
        latency_p99_ms=percentile(latencies, 0.99),
        called=len(desk.called),
        repeated=desk.repeated,
        files=draw(desk.by_second, f"Alerts of {plan.rate:,} transactions a second", folder),
    )


def _print(result: Result) -> None:
    judged = result.judgement
    print(f"\n{result.transactions:,} transactions, each scored once and archived")
    print(
        f"{judged.alerts:,} alerts for {judged.frauds:,} frauds: "
        f"precision {judged.precision or 0:.3f}, recall {judged.recall or 0:.3f}"
    )
    print(
        f"from transaction to alert: half within {result.latency_p50_ms} ms, "
        f"99 of 100 within {result.latency_p99_ms} ms"
    )
    print("Chart:")
    for file in result.files:
        print(f"  {file}")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m examples.fraud.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rate", type=int, default=RATE_DEFAULT, help="transactions a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--cards", type=int, default=CARDS_DEFAULT)
    parser.add_argument("--folder", type=Path, default=Path("build/demo-fraud"))
    options = parser.parse_args()
    plan = Plan(rate=options.rate, seconds=options.seconds, cards=options.cards)
    try:
        run(plan, options.folder)
    except (RuntimeError, BotoCoreError, ClientError) as error:
        raise SystemExit(f"\n{error}\nMillpond's log: {options.folder}/millpond.log") from error


if __name__ == "__main__":
    main()
