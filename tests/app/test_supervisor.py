"""Background work is done once, tried again, woken and left for the next start."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from millpond.app.supervisor import Supervisor
from millpond.engines.records.interface import Records, end_of
from millpond.gateway.service import Service
from millpond.kernel.clock import ManualClock
from millpond.kernel.tasks import TASK_PREFIX, Step, Task, Wake, schedule
from millpond.wire.shape import ServiceModel

WORK = Task("glue", "crawl", "orders", account="000000000000", region="us-east-1")


class Bench:
    """A supervisor over one step, and what a test needs to see and do around it."""

    def __init__(self, records: Records, clock: ManualClock) -> None:
        self.records = records
        self.clock = clock
        self.needs = SimpleNamespace()

    def supervisor(self, step: Step, places: int | None = None) -> Supervisor:
        model = ServiceModel("glue", "glue", "json", "2017-03-31")
        services = {"glue": Service(model, {}, self.needs, {"crawl": step})}
        bounds = {} if places is None else {("glue", "crawl"): places}
        return Supervisor(self.records, self.clock, services, bounds)

    async def schedule(self, task: Task = WORK) -> None:
        async with self.records.transaction() as transaction:
            schedule(transaction, task)

    async def written(self) -> int:
        """How many tasks are written down."""
        async with self.records.transaction() as transaction:
            found = transaction.scan(TASK_PREFIX, end_of(TASK_PREFIX))
            return len([key async for key, _ in found])

    async def done(self) -> bool:
        return await self.written() == 0


@pytest.fixture
def bench(records: Records, clock: ManualClock) -> Bench:
    return Bench(records, clock)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0)


async def pass_time(clock: ManualClock, seconds: float) -> None:
    """Move the clock once whoever waits on it does so."""
    await until(lambda: bool(clock._sleepers))
    clock.advance(seconds)


async def test_work_is_done_once_and_removed(bench: Bench) -> None:
    seen = []

    async def step(needs: object, task: Task, wake: Wake) -> None:
        seen.append((needs, task))

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await until(bench.done)
    await supervisor.stop(1)
    assert seen == [(bench.needs, WORK)]


async def test_work_that_was_written_before_the_start_is_taken_up(bench: Bench) -> None:
    seen = []

    async def step(needs: object, task: Task, wake: Wake) -> None:
        seen.append(task.subject)

    await bench.schedule(Task("glue", "crawl", "a"))
    await bench.schedule(Task("glue", "crawl", "b"))
    supervisor = bench.supervisor(step)
    await supervisor.start()
    await until(bench.done)
    await supervisor.stop(1)
    assert sorted(seen) == ["a", "b"]


async def test_work_waits_for_its_due_time(bench: Bench) -> None:
    seen = []

    async def step(needs: object, task: Task, wake: Wake) -> None:
        seen.append(bench.clock.now_ms())

    due_ms = bench.clock.now_ms() + 60_000
    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule(Task("glue", "crawl", "orders", due_ms=due_ms))
    await pass_time(bench.clock, 59)
    assert seen == []
    await pass_time(bench.clock, 1)
    await until(bench.done)
    await supervisor.stop(1)
    assert seen == [due_ms]


async def test_a_step_runs_again_when_it_says(bench: Bench) -> None:
    runs: list[int] = []

    async def step(needs: object, task: Task, wake: Wake) -> int | None:
        runs.append(bench.clock.now_ms())
        return bench.clock.now_ms() + 30_000 if len(runs) == 1 else None

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await pass_time(bench.clock, 30)
    await until(bench.done)
    await supervisor.stop(1)
    assert runs[1] - runs[0] == 30_000


async def test_the_next_due_time_outlives_the_supervisor(bench: Bench) -> None:
    runs: list[int] = []

    async def step(needs: object, task: Task, wake: Wake) -> int | None:
        runs.append(task.due_ms)
        return bench.clock.now_ms() + 30_000 if len(runs) == 1 else None

    first = bench.supervisor(step)
    await first.start()
    await bench.schedule()
    await until(lambda: bool(bench.clock._sleepers))
    await first.stop(1)
    second = bench.supervisor(step)
    await second.start()
    await pass_time(bench.clock, 30)
    await until(bench.done)
    await second.stop(1)
    assert runs == [0, bench.clock.now_ms()]


async def test_a_failing_step_runs_again_after_growing_pauses(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[int] = []

    async def step(needs: object, task: Task, wake: Wake) -> None:
        runs.append(bench.clock.now_ms())
        if len(runs) < 4:
            raise RuntimeError("no luck")

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    for seconds in (1, 2, 4):
        await pass_time(bench.clock, seconds)
    await until(bench.done)
    await supervisor.stop(1)
    assert [later - earlier for earlier, later in itertools.pairwise(runs)] == [
        1000,
        2000,
        4000,
    ]
    assert caplog.text.count("RuntimeError: no luck") == 3
    assert "glue/crawl/000000000000/us-east-1/orders" in caplog.text


async def test_writing_the_task_again_wakes_a_waiting_step(bench: Bench) -> None:
    woken: list[bool] = []
    waiting = asyncio.Event()

    async def step(needs: object, task: Task, wake: Wake) -> None:
        if not woken:
            waiting.set()
            woken.append(await wake.wait(3600))

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await waiting.wait()
    await bench.schedule()
    await until(bench.done)
    await supervisor.stop(1)
    assert woken == [True]


async def test_a_wait_ends_when_its_time_is_up(bench: Bench) -> None:
    woken: list[bool] = []

    async def step(needs: object, task: Task, wake: Wake) -> None:
        woken.append(await wake.wait(5))

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await pass_time(bench.clock, 5)
    await until(bench.done)
    await supervisor.stop(1)
    assert woken == [False]


async def test_work_that_is_written_again_while_its_step_runs_is_not_lost(bench: Bench) -> None:
    runs: list[int] = []
    running, may_end = asyncio.Event(), asyncio.Event()

    async def step(needs: object, task: Task, wake: Wake) -> None:
        runs.append(len(runs))
        running.set()
        await may_end.wait()

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await running.wait()
    await bench.schedule()
    may_end.set()
    await until(bench.done)
    await supervisor.stop(1)
    assert runs == [0, 1]


async def test_a_writing_that_a_step_heard_of_as_it_ended_is_followed_by_a_run(
    bench: Bench,
) -> None:
    """A listener beside the step's work takes the news; the work has looked before, and ends."""
    runs: list[bool] = []

    async def step(needs: object, task: Task, wake: Wake) -> None:
        if runs:
            runs.append(True)
            return
        runs.append(await wake.wait(60))

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await until(lambda: bool(bench.clock._sleepers))
    await bench.schedule()
    await until(lambda: len(runs) == 2)
    await until(bench.done)
    assert runs == [True, True]
    await supervisor.stop(1)


async def test_every_writing_of_a_busy_task_is_followed_by_a_run(bench: Bench) -> None:
    """Writers and the step meet at every possible moment; no writing is left without a run."""
    written = 0
    seen = 0

    async def step(needs: object, task: Task, wake: Wake) -> None:
        nonlocal seen
        seen = written
        await asyncio.sleep(0)

    supervisor = bench.supervisor(step)
    await supervisor.start()
    for moment in range(200):
        written += 1
        await bench.schedule()
        for _ in range(moment % 7):
            await asyncio.sleep(0)
    await until(bench.done)
    await supervisor.stop(1)
    assert seen == written


async def test_steps_of_a_kind_take_turns(bench: Bench) -> None:
    running, most, may_end = 0, 0, asyncio.Event()

    async def step(needs: object, task: Task, wake: Wake) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await may_end.wait()
        running -= 1

    supervisor = bench.supervisor(step, places=2)
    await supervisor.start()
    for number in range(5):
        await bench.schedule(Task("glue", "crawl", f"crawler-{number}"))
    await until(lambda: running == 2)
    may_end.set()
    await until(bench.done)
    await supervisor.stop(1)
    assert most == 2


async def test_a_step_hears_that_the_platform_stops_and_its_work_stays(bench: Bench) -> None:
    heard: list[tuple[bool, bool]] = []
    waiting = asyncio.Event()

    async def step(needs: object, task: Task, wake: Wake) -> int:
        waiting.set()
        woken = await wake.wait(3600)
        heard.append((woken, wake.stopping))
        return bench.clock.now_ms()

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await waiting.wait()
    await supervisor.stop(5)
    assert heard == [(True, True)]
    assert await bench.written() == 1


async def test_a_step_that_does_not_end_is_cut_off_and_its_work_stays(bench: Bench) -> None:
    ended: list[str] = []
    running = asyncio.Event()

    async def step(needs: object, task: Task, wake: Wake) -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(task.subject)

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule()
    await running.wait()
    await supervisor.stop(0.01)
    assert ended == ["orders"]
    assert await bench.written() == 1


async def test_work_that_nobody_here_does_stays_written(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async def step(needs: object, task: Task, wake: Wake) -> None:
        raise AssertionError("not this kind")

    supervisor = bench.supervisor(step)
    await supervisor.start()
    await bench.schedule(Task("redshift", "resize", "cluster"))
    await until(lambda: "redshift/resize" in caplog.text)
    await supervisor.stop(1)
    assert await bench.written() == 1
