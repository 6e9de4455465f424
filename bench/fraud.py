"""The fraud job (`examples/fraud`) for a long time, with everything on, and at rising rates.

What is measured is the example itself, whole: producer, Millpond, application, archive, webhook and
whoever reads the alerts share this machine. Its counts must agree, as always.
"""

import contextlib
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import boto3

from bench.processes import Role, Sample, Sampler
from examples.fraud import demo

P99_MS_MAX = 1_000
_RISE = 1.25
_SHOWN: Sequence[Role] = ("server", "application", "producer", "client")


def report(rate: int, seconds: int, rising_seconds: int) -> None:
    """Run the job at `rate` for `seconds`, then (unless 0) for `rising_seconds` each at higher and
    higher rates; print what came of it."""
    print(f"\n### The fraud job, {rate:,} transactions a second for {seconds} s\n", flush=True)
    result, samples = _run(demo.Plan(rate=rate, seconds=seconds))
    _print(result, samples)
    if rising_seconds:
        print(f"\n### The fraud job at rising rates, {rising_seconds} s each\n")
        print("| transactions/s | p50 | p99 | |\n|---:|---:|---:|---|", flush=True)
        print(f"\nHighest sustained rate: {_rise(rate, rising_seconds):,}/s", flush=True)


def _run(plan: demo.Plan) -> tuple[demo.Result, Sequence[Sample]]:
    """Run it; what came of it, and samples of the time while transactions were produced.

    Raises:
        RuntimeError: what was archived, scored and alerted does not agree.
    """
    boto3.setup_default_session()  # each run has a server of its own, with other credentials
    with (
        tempfile.TemporaryDirectory(prefix="millpond-bench-") as folder,
        (Path(folder) / "told").open("w") as told,
        contextlib.redirect_stdout(told),
        Sampler(os.getpid()) as sampler,
    ):
        result = demo.run(plan, Path(folder) / "fraud")
    return result, [each for each in sampler.samples if "producer" in each.resident_mb]


def _print(result: demo.Result, samples: Sequence[Sample]) -> None:
    counts, judged = result.counts, result.judgement
    print(f"- {counts['transactions']:,} transactions produced, archived and scored, each once")
    print(
        f"- {judged.alerts:,} alerts, in the stream and at the webhook "
        f"({result.repeated:,} repeated), for {judged.frauds:,} frauds"
    )
    print(
        f"- from transaction to alert: p50 {result.latency_p50_ms} ms, "
        f"p99 {result.latency_p99_ms} ms\n"
    )
    passed = samples[-1].at_s - samples[0].at_s
    print(
        "Memory: what is the process's own; in brackets with the files that it maps. The state of "
        "the application\ngrows until the first ten minutes are over: its windows are that long.\n"
    )
    print("| process | cores | memory, second minute | last minute | most |")
    print("|---|---:|---:|---:|---:|")
    for role in _SHOWN:
        cores = (samples[-1].cpu_seconds[role] - samples[0].cpu_seconds[role]) / passed
        first, last = (_memory(part, role) for part in (samples[60:120] or samples, samples[-60:]))
        most = max(each.own_mb.get(role, 0.0) for each in samples)
        print(f"| {role} | {cores:.2f} | {first} | {last} | {most:.0f} MB |")


def _memory(samples: Sequence[Sample], role: Role) -> str:
    own, resident = (
        statistics.fmean(figures.get(role, 0.0) for figures in each)
        for each in (
            [sample.own_mb for sample in samples],
            [sample.resident_mb for sample in samples],
        )
    )
    return f"{own:.0f} MB ({resident:.0f} MB)"


def _rise(rate: int, seconds: int) -> int:
    """Raise the rate until alerts come late; the highest at which they did not."""
    sustained = 0
    while True:
        try:
            result, _ = _run(demo.Plan(rate=rate, seconds=seconds))
        except RuntimeError as error:
            print(f"| {rate:,} | | | {error} |", flush=True)
            return sustained
        is_late = result.latency_p99_ms > P99_MS_MAX
        print(
            f"| {rate:,} | {result.latency_p50_ms:,} ms | {result.latency_p99_ms:,} ms "
            f"| {'too late' if is_late else 'sustained'} |",
            flush=True,
        )
        if is_late:
            return sustained
        sustained = rate
        rate = round(rate * _RISE / 100) * 100
