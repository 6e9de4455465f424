"""Applications in processes of their own: what is done to them, and what they cannot do.

What every streams engine promises of runs is asked in tests/conformance/streams.
"""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from millpond.engines.streams import run as run_module
from millpond.engines.streams.interface import (
    CannotStart,
    Finished,
    Logged,
    Measured,
    Refused,
)
from millpond.kernel.processes import probe


async def finished(run, seconds=20):
    return await asyncio.wait_for(run.wait(), seconds)


async def test_an_application_starts_in_less_than_two_seconds(streams, order):
    took = []
    for _ in range(3):
        began = time.monotonic()
        run = await streams.start(order("fine"))
        took.append(time.monotonic() - began)
        await run.kill()
    assert min(took) < 2.0


async def test_figures_come_about_once_a_second(streams, order, hear):
    run = await streams.start(order(rate=500))
    heard = hear(run)
    await heard.until(lambda event: isinstance(event, Measured) and event.records_out > 600)
    assert await run.kill() == Finished(stopped=True)
    measured = [event for event in heard.events if isinstance(event, Measured)]
    assert 50 << 20 < measured[-1].memory_bytes < 400 << 20
    assert measured[-1].cpu_seconds > 0


async def test_what_a_function_prints_is_logged(streams, order, hear):
    run = await streams.start(order("printing", rows=1))
    heard = hear(run)
    assert (await finished(run)).failure == ""
    await heard.all()
    assert [event.text for event in heard.events if isinstance(event, Logged)] == [
        "seen 1",
        "and told",
        "from below",
    ]


async def test_a_flood_of_prints_fills_nothing(streams, order, hear):
    run = await streams.start(order("flooding"))
    result = await finished(run)
    heard = await hear(run).all()
    assert "The function f has blocked for more than 2 s, in flooding" in result.failure
    assert len(heard) < 10_050
    lines = [event for event in heard if isinstance(event, Logged)]
    assert "log lines were dropped" in lines[0].text or len(lines) < 10_000


async def test_each_row_for_which_a_function_raises_is_told(streams, order, hear):
    run = await streams.start(order("raising", rows=2))
    heard = hear(run)
    assert await finished(run) == Finished()
    await heard.all()
    assert len(heard.texts) == 2
    assert "The function f raised ValueError: no 1" in heard.texts[0]
    assert 'raise ValueError(f"no {a}")' in heard.texts[0]


@pytest.mark.parametrize("function", ["sleeping", "holding"])
async def test_a_function_that_blocks_ends_its_run_and_is_named(streams, order, function):
    run = await streams.start(order(function))
    result = await finished(run)
    assert "has blocked for more than 2 s" in result.failure
    assert f"in {function} (functions.py, line " in result.failure


async def test_a_function_that_eats_memory_ends_its_own_run_alone(streams, order):
    other = await streams.start(order(name="other"))
    run = await streams.start(order("eating", memory_bytes=512 << 20))
    assert (await finished(run)).failure.startswith("It ran out of memory.")
    assert (await other.stop(drain=False)) == Finished(stopped=True)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("leaving", "The process of the application ended: exit code 3."),
        ("crashing", "killed by SIGSEGV, in crashing (functions.py, line "),
        ("forging", "sent too long a message"),
    ],
)
async def test_a_function_that_ends_or_abuses_its_process_is_told(streams, order, function, reason):
    run = await streams.start(order(function))
    assert reason in (await finished(run)).failure


async def test_memory_that_is_shared_counts_too(streams, order):
    run = await streams.start(order("sharing", memory_bytes=128 << 20))
    assert (await finished(run)).failure == "It ran out of memory and was ended."


async def test_a_function_that_litters_ends_its_own_run(streams, order, monkeypatch):
    monkeypatch.setattr(run_module, "_LOOK_SECONDS", 0.1)
    small = dataclasses.replace(streams._options, tmp_bytes=16 << 20)
    monkeypatch.setattr(streams, "_options", small)
    run = await streams.start(order("littering", rate=100))
    failure = (await finished(run)).failure
    assert failure == "Its temporary files take more than 16 MiB; it was ended."


async def test_a_killed_process_is_gone_and_the_next_goes_on(streams, order):
    run = await streams.start(order())
    os.kill(run.pid, signal.SIGKILL)
    assert (await finished(run)).failure == (
        "The process of the application ended: killed by SIGKILL."
    )
    with pytest.raises(ProcessLookupError):
        os.kill(run.pid, 0)
    again = await streams.start(order())
    assert (await again.stop(drain=True)).failure == ""


async def test_a_module_that_cannot_be_imported_does_not_start(streams, order, folder):
    (folder / "functions.py").write_text("import no_such_package\n")
    with pytest.raises(Refused, match="No module named 'no_such_package'") as caught:
        await streams.start(order("fine"))
    assert caught.value.line > 1


async def test_a_module_that_blocks_does_not_start(streams, order, folder, monkeypatch):
    (folder / "functions.py").write_text("import time\ntime.sleep(1000)\n")
    object.__setattr__(streams._options, "start_seconds", 2.0)
    try:
        with pytest.raises(CannotStart, match=r"did not start within 2 s, in <module> \(functions"):
            await streams.start(order("fine"))
    finally:
        object.__setattr__(streams._options, "start_seconds", 30.0)


async def test_a_start_that_is_given_up_leaves_no_process(streams, order, folder):
    (folder / "functions.py").write_text("import time\ntime.sleep(1000)\n")
    starting = asyncio.create_task(streams.start(order("fine")))
    await asyncio.sleep(0.5)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not streams._runs


async def test_an_application_reaches_its_own_folder_and_nothing_else(
    streams, order, data, folder, hear
):
    if not probe().landlock_abi:
        pytest.skip("no Landlock here")
    outside = data.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("not yours")
    (data / "applications" / "neighbour").mkdir(parents=True)
    questions = [
        f"open({str(data / 'root-credentials')!r}).read()",
        f"os.listdir({str(data / 'applications' / 'neighbour')!r})",
        f"open({str(outside / 'file')!r}).read()",
        f"open({str(folder / 'functions.py')!r}, 'a')",
        "os.fork()",
        "sys.stdin.read()",
        "open('own', 'w').write('mine')",
        "[name for name in os.environ if 'AWS' in name or 'SECRET' in name]",
        "'the-secret-key' in open('/proc/self/cmdline').read()",
        "'the-secret-key' in open('/proc/self/environ').read()",
    ]
    text = (folder / "functions.py").read_text()
    (folder / "functions.py").write_text(
        text.replace('WHAT = """"""', f"WHAT = {chr(10).join(questions)!r}")
    )
    run = await streams.start(order("looking", sink="print", rows=1, kind="STRING"))
    heard = hear(run)
    await finished(run)
    await heard.all()
    answers = [line.split(" -> ") for line in heard.texts[0][3:-1].splitlines()]
    assert [answer for _, answer in answers] == [
        "FileNotFoundError" if probe().namespaces else "PermissionError",
        "FileNotFoundError" if probe().namespaces else "PermissionError",
        answers[2][1],
        answers[3][1],
        "BlockingIOError",
        "''",
        "4",
        "['AWS_EC2_METADATA_DISABLED']",
        "False",
        "False",
    ]
    assert answers[2][1] in ("FileNotFoundError", "PermissionError")
    assert answers[3][1] in ("OSError", "PermissionError")


def test_the_server_loads_nothing_of_what_runs_in_applications():
    program = (
        "import sys, millpond.engines.streams.embedded\n"
        "loaded = {'pyarrow', 'duckdb', 'sqlglot', 'numpy', 'pandas', 'botocore', 'pip', 'venv'}\n"
        "assert not loaded & set(sys.modules), loaded & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
