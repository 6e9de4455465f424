"""Glue on real records, S3 and Logs and the real supervisor, with an engine that tests control.

A script is a line for each thing that it does:

    print TEXT      a line of its output
    commit JSON     commits these states of its bookmark
    leave TEXT      leaves this in place of what it commits
    link PATH       leaves a link there
    show            prints the bookmark that it was given
    fail TEXT       ends with an error
    exit CODE       ends with a code, and says nothing
    hang            goes on until it is ended
"""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from millpond.engines.spark.interface import (
    SAIL,
    SPARK_3_5,
    SPARK_4,
    CannotStart,
    Finished,
    Installed,
    Size,
)
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.body import BytesBody
from millpond.kernel.call import Principal
from millpond.kernel.credentials import Credential
from millpond.kernel.errors import ServiceError
from millpond.services.glue import shapes
from millpond.services.glue.needs import CALLS, Needs
from millpond.services.glue.operations import OPERATIONS
from millpond.services.glue.tasks import STEPS
from tests.services.running import RunningServices, opened_engines

ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
ROLE = "arn:aws:iam::123456789012:role/service-role/jobs"


class FakeSpark:
    def __init__(self):
        self.what = Installed("4.2.0", "Sail", "0.7.2")
        self.orders, self.ran, self.alive = [], [], set()
        self.failing_starts = []
        self.gate = None

    def installed(self):
        return self.what

    def capacity(self):
        return Size(2, 4 << 30)

    async def start(self, order):
        self.orders.append(order)
        order.progress("Starting")
        if self.gate is not None:
            await self.gate.wait()
        if self.failing_starts:
            raise CannotStart(self.failing_starts.pop())
        return FakeCluster(self)


class FakeCluster:
    def __init__(self, spark):
        self.spark, self.runs = spark, []

    async def run(self, application):
        self.spark.ran.append(application)
        run = FakeRun(self.spark)
        self.runs.append(run)
        run.play(application)
        return run

    async def stop(self):
        for run in self.runs:
            await run.end(0)


class FakeRun:
    def __init__(self, spark):
        self.spark = spark
        self.ended = asyncio.get_running_loop().create_future()
        spark.alive.add(self)

    def play(self, application):
        folder = Path(application.environment["MILLPOND_GLUE_FOLDER"])
        script = Path(json.loads((folder / "launch.json").read_text())["script"])
        for line in script.read_text().splitlines():
            word, _, rest = line.partition(" ")
            if word == "print":
                with application.stdout.open("a") as file:
                    file.write(rest + "\n")
            elif word == "show":
                application.stdout.write_text((folder / "bookmark.json").read_text() + "\n")
            elif word == "commit":
                states = {"states": json.loads(rest)}
                (folder / "bookmark-commit.json").write_text(json.dumps(states))
            elif word == "leave":
                (folder / "bookmark-commit.json").write_text(rest)
            elif word == "link":
                (folder / "bookmark-commit.json").symlink_to(rest)
            elif word == "fail":
                (folder / "failure.json").write_text(json.dumps({"error": rest}))
                return self.finish(Finished(1, "exit code 1"))
            elif word == "exit":
                return self.finish(Finished(int(rest), f"exit code {rest}"))
            elif word == "hang":
                return None
        return self.finish(Finished(0, "exit code 0"))

    def finish(self, finished):
        if not self.ended.done():
            self.ended.set_result(finished)
            self.spark.alive.discard(self)

    async def wait(self):
        return await asyncio.shield(self.ended)

    async def end(self, grace_seconds):
        self.finish(Finished(None, "killed by SIGTERM", ended_by_us=True))
        return await self.wait()


class Issuer:
    def __init__(self):
        self.valid, self.issued = set(), []

    async def issue(self, *, role, session_name, actions, lifetime_seconds):
        key = f"ASIA{len(self.issued):016d}"
        self.issued.append((role, session_name))
        self.valid.add(key)
        arn = f"arn:aws:sts::123456789012:assumed-role/{role}/{session_name}"
        return Credential(key, "secret", Principal(arn, "id", key, actions), "token", None)

    async def revoke(self, access_key_id):
        self.valid.discard(access_key_id)


class Bench:
    """Glue and what is around it; `glue` calls an operation with AWS's names."""

    def __init__(self, running, folder):
        self.running, self.folder, self.clock = running, folder, running.clock
        self.spark, self.apache, self.issuer = FakeSpark(), FakeSpark(), Issuer()
        missing = FakeSpark()
        missing.what = None
        self.needs = Needs(
            **running.common,
            call_aws=caller(running.services, CALLS),
            credentials=self.issuer,
            sparks={SAIL: self.spark, SPARK_3_5: self.apache, SPARK_4: missing},
            folder=folder,
            endpoint=lambda: "http://127.0.0.1:4566",
            meter=running.meter,
            marker="test",
            places=asyncio.Semaphore(3),
        )
        running.services["glue"] = Service(shapes.MODEL, OPERATIONS, self.needs, STEPS)
        running.join_up("glue")

    async def glue(self, operation, /, **members):
        return await self.running.of("glue", operation, **members)

    async def put(self, key, text):
        body = BytesBody(text.encode())
        await self.running.of("s3", "PutObject", Bucket="scripts", Key=key, Body=body)

    async def text(self, key):
        answer = await self.running.of("s3", "GetObject", Bucket="scripts", Key=key)
        return b"".join([chunk async for chunk in answer["Body"]]).decode()

    async def make(self, *script, name="job", **more):
        """Define a job whose script has these lines."""
        await self.put(f"{name}.py", "\n".join(script))
        command = {"Name": "glueetl", "ScriptLocation": f"s3://scripts/{name}.py"}
        command |= more.pop("Command", {})
        await self.glue("CreateJob", Name=name, Role=ROLE, Command=command, **more)

    async def job(self, name="job"):
        return (await self.glue("GetJob", JobName=name))["Job"]

    async def start(self, name="job", **more):
        return (await self.glue("StartJobRun", JobName=name, **more))["JobRunId"]

    async def run(self, run_id, name="job"):
        answer = await self.glue("GetJobRun", JobName=name, RunId=run_id, PredecessorsIncluded=True)
        return answer["JobRun"]

    async def runs(self, name="job"):
        """In the order in which they were started."""
        return (await self.glue("GetJobRuns", JobName=name))["JobRuns"][::-1]

    async def until(self, run_id, *states, name="job"):
        async def is_so():
            found = [run for run in await self.runs(name) if run["Id"] == run_id]
            return (
                await self.run(run_id, name)
                if found and found[0]["JobRunState"] in states
                else None
            )

        return await self.running.until(is_so)

    async def ended(self, run_id, name="job"):
        return await self.until(run_id, *ENDED, name=name)

    async def do(self, name="job", **more):
        """Start a run and wait for its end."""
        return await self.ended(await self.start(name, **more), name)

    async def bookmark(self, name="job", **more):
        answer = await self.glue("GetJobBookmark", JobName=name, **more)
        return answer["JobBookmarkEntry"]

    async def lines(self, group, stream):
        answer = await self.running.of(
            "logs", "GetLogEvents", logGroupName=group, logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in answer["events"]]

    async def restart(self):
        """As the platform ends when it is told to, and begins again."""
        await self.running.stop(5)
        assert not self.spark.alive
        await self.running.start()

    async def until_tidy(self):
        """Wait until nothing is left of any run."""

        async def is_tidy():
            folders = list((self.folder / "runs").glob("*"))
            return not folders and not self.spark.alive and not self.issuer.valid

        await self.running.until(is_tidy)


@pytest.fixture
async def bench(tmp_path):
    async with opened_engines(tmp_path) as engines:
        running = RunningServices(engines)
        made = Bench(running, tmp_path / "jobs")
        await running.start()
        await running.of("s3", "CreateBucket", Bucket="scripts")
        yield made
        await running.stop(5)
        assert not made.spark.alive


@pytest.fixture
def refusal():
    """The code and the message of what an awaitable is refused with."""

    async def told(awaitable):
        with pytest.raises(ServiceError) as raised:
            await awaitable
        return SimpleNamespace(code=raised.value.code, message=raised.value.message)

    return told
