"""EMR on real records and the real supervisor, with an engine whose programs tests control; and an
account on a real server."""

import asyncio
import gzip
import time
import uuid
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from millpond.app.supervisor import Supervisor
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.spark.interface import (
    SAIL,
    SPARK_3_5,
    SPARK_4,
    CannotStart,
    Finished,
    Installed,
    Load,
    Size,
)
from millpond.gateway.dispatch import InProcessCaller
from millpond.gateway.service import Service
from millpond.kernel.body import gather
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import ManualClock
from millpond.kernel.credentials import Credential
from millpond.kernel.errors import ServiceError
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.services.emr import shapes
from millpond.services.emr.needs import CALLS, Needs
from millpond.services.emr.operations import OPERATIONS
from millpond.services.emr.tasks import STEPS

ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")


class FakeSpark:
    """`true` and `false` end at once, `hang` when it is ended, `stubborn` only when killed.

    Tests say how busy its clusters are: `wanted` cores of work, which nodes do as far as they go.
    `failing_nodes` do not come up; a node that is taken away goes when `let_go` has been set.
    """

    def __init__(self, what=None):
        self.what = what or Installed("4.2.0", "Sail", "0.7.2")
        self.orders, self.ran, self.alive = [], [], set()
        self.failing_starts, self.failing_nodes = [], []
        self.wanted, self.clusters, self.events = 0, [], []
        self.size = Size(8, 16 << 30)
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.let_start = asyncio.Event()
        self.let_start.set()
        self.environments = []

    def capacity(self):
        return self.size

    @property
    def nodes(self):
        """The nodes of the newest cluster and their sizes."""
        return self.clusters[-1].nodes

    def installed(self):
        return self.what

    async def start(self, order):
        self.orders.append(order)
        if self.failing_starts:
            raise CannotStart(self.failing_starts.pop())
        if not self.let_start.is_set():
            order.progress("Making the release")
            await self.let_start.wait()
        self.clusters.append(FakeCluster(self, order))
        return self.clusters[-1]


class FakeCluster:
    address, is_running = ("127.0.0.1", 0), True

    def __init__(self, spark, order):
        self.spark, self.runs = spark, []
        self.nodes = {node.name: node.size for node in order.nodes}

    async def add_node(self, node):
        if self.spark.failing_nodes:
            raise CannotStart(self.spark.failing_nodes.pop())
        self.nodes[node.name] = node.size
        self.spark.events.append(("added", node.name))

    async def remove_node(self, name, grace_seconds):
        self.spark.events.append(("removing", name, grace_seconds))
        size = self.nodes.pop(name)
        await self.spark.let_go.wait()
        assert size

    async def lose_node(self, name):
        self.spark.events.append(("lost", name))
        del self.nodes[name]

    def load(self):
        left, used = self.spark.wanted, {}
        for name, size in self.nodes.items():
            used[name] = min(left, size.cores)
            left -= used[name]
        cores = sum(size.cores for size in self.nodes.values())
        memory = sum(size.memory_bytes for size in self.nodes.values())
        busy = sum(used.values())
        return Load(
            nodes=used,
            cores=cores,
            cores_used=busy,
            cores_wanted=left,
            memory_bytes=memory,
            memory_bytes_used=memory * busy // cores if cores else 0,
            applications_running=len(self.spark.alive),
            applications_waiting=0,
        )

    async def run(self, application):
        program = application.arguments[0]
        self.spark.ran.append(application.arguments)
        self.spark.environments.append(dict(application.environment))
        if program == "missing":
            raise CannotStart("There is no program missing.")
        application.folder.mkdir(parents=True, exist_ok=True)
        application.stdout.write_text(f"out of {' '.join(application.arguments)}\n")
        failing = program == "false" or "fail" in application.arguments
        application.stderr.write_text("first\nValueError: broken\n\n" if failing else "")
        run = FakeRun(self.spark, application, 1 if failing else 0)
        self.runs.append(run)
        return run

    async def stop(self):
        for run in self.runs:
            await run.end(0)


class FakeRun:
    def __init__(self, spark, application, code):
        self.spark, self.words, self.code = spark, application.arguments, code
        self.ended = asyncio.get_running_loop().create_future()
        spark.alive.add(self)
        if not {"hang", "stubborn"} & set(self.words):
            self.finish(Finished(code, f"exit code {code}"))

    def finish(self, finished):
        if not self.ended.done():
            self.ended.set_result(finished)
            self.spark.alive.discard(self)

    async def wait(self):
        return await asyncio.shield(self.ended)

    def interrupt(self):
        if "stubborn" not in self.words:
            self.finish(Finished(130, "exit code 130"))

    async def end(self, grace_seconds):
        self.finish(Finished(None, "killed by SIGKILL", ended_by_us=True))
        return await self.wait()


class Issuer:
    def __init__(self):
        self.valid, self.issued = set(), []

    async def issue(self, *, role, session_name, actions, lifetime_seconds):
        key = f"ASIA{len(self.issued):016d}"
        self.issued.append((role, session_name, actions))
        self.valid.add(key)
        arn = f"arn:aws:sts::000000000000:assumed-role/{role}/{session_name}"
        return Credential(key, "secret", Principal(arn, "id", key, actions), "token", None)

    async def revoke(self, access_key_id):
        self.valid.discard(access_key_id)


class Bench:
    """EMR and what is around it; `aws` calls an operation with AWS's names."""

    def __init__(self, records, folder):
        self.records, self.folder = records, folder
        self.clock, self.spark, self.issuer = ManualClock(), FakeSpark(), Issuer()
        programs = {"Hadoop": "3.4.2", "Hive": "4.1.0"}
        self.apache = FakeSpark(Installed("4.2.0", "Apache Spark", "4.2.0", programs))
        self.older = FakeSpark()
        self.older.what = None
        self.meter = MinuteMeter(self.clock)
        self.objects: Mapping[str, bytes] = {}
        self.missing_bucket = False
        self.events = {}
        self.supervisor = None
        self.needs = Needs(
            records=records,
            clock=self.clock,
            ids=SeededIds(1),
            pages=Pages(b"secret"),
            meter=self.meter,
            call_aws=self._call_others,
            credentials=self.issuer,
            sparks={SAIL: self.spark, SPARK_4: self.apache, SPARK_3_5: self.older},
            folder=folder,
            endpoint=lambda: "http://127.0.0.1:4566",
        )
        self.services = {"emr": Service(shapes.MODEL, OPERATIONS, self.needs, STEPS)}
        allowed = [("emr", name) for name in OPERATIONS]
        self._caller = InProcessCaller(self.services, allowed)
        principal = Principal("arn:aws:iam::000000000000:root", "000000000000", "AKIA")
        self._call = Call(
            "emr", "", "000000000000", "us-east-1", principal, "r", "http://127.0.0.1:4566"
        )

    async def aws(self, operation, /, **members):
        return await self._caller(self._call, "emr", operation, **members)

    async def _call_others(self, call, service, operation, /, **members):
        assert (service, operation) in CALLS
        assert "assumed-role/EMR_EC2_DefaultRole/i-" in call.principal.arn
        if operation == "PutLogEvents":
            where = (members["logGroupName"], members["logStreamName"])
            told = self.events.setdefault(where, [])
            told += [event["message"] for event in members["logEvents"]]
        return await self._put_object(members) if service == "s3" else {}

    async def _put_object(self, members):
        if self.missing_bucket:
            refusal = ServiceError("The specified bucket does not exist")
            raise refusal
        body = await gather(members["Body"], 1 << 20)
        self.objects[f"s3://{members['Bucket']}/{members['Key']}"] = body
        return {}

    async def start(self):
        self.supervisor = Supervisor(self.records, self.clock, self.services)
        await self.supervisor.start()

    async def stop(self):
        """As the platform ends when it is told to: nothing of a cluster is left running."""
        await self.supervisor.stop(5)
        assert not self.spark.alive | self.apache.alive

    async def restart(self):
        await self.stop()
        await self.start()

    async def run(self, *steps, **more):
        """Start a cluster; its id. A step is its words, or (words, action on failure)."""
        request = {
            "Name": "test",
            "ReleaseLabel": "emr-spark-8.0.0",
            "Applications": [{"Name": "Spark"}],
            "ServiceRole": "EMR_DefaultRole",
            "JobFlowRole": "EMR_EC2_DefaultRole",
            "LogUri": "s3://logs/here/",
            "Instances": {"MasterInstanceType": "m5.xlarge", "InstanceCount": 1},
            "Steps": [self.step(one) for one in steps],
        }
        keep = more.pop("keep_alive", False)
        request["Instances"]["KeepJobFlowAliveWhenNoSteps"] = keep
        instances = more.pop("Instances", {})
        request["Instances"] |= instances
        return (await self.aws("RunJobFlow", **(request | more)))["JobFlowId"]

    def step(self, words, action="CONTINUE"):
        if isinstance(words, dict):
            return words
        if isinstance(words, tuple):
            words, action = words
        jar = {"Jar": "command-runner.jar", "Args": words.split()}
        return {"Name": words[:200], "ActionOnFailure": action, "HadoopJarStep": jar}

    async def instances(self, cluster_id, **filters):
        answer = await self.aws("ListInstances", ClusterId=cluster_id, **filters)
        return answer["Instances"]

    async def groups(self, cluster_id):
        """Groups by their kind."""
        answer = await self.aws("ListInstanceGroups", ClusterId=cluster_id)
        return {group["InstanceGroupType"]: group for group in answer["InstanceGroups"]}

    async def until_instances(self, cluster_id, *states, **filters):
        async def found():
            listed = await self.instances(cluster_id, **filters)
            return sorted(one["Status"]["State"] for one in listed)

        await self.until(found, sorted(states))
        return await self.instances(cluster_id, **filters)

    async def tick(self, seconds, step=2):
        """Let time pass as a cluster looks at it."""
        for _ in range(seconds // step):
            self.clock.advance(step)
            for _ in range(20):
                await asyncio.sleep(0.001)

    async def cluster(self, cluster_id):
        return (await self.aws("DescribeCluster", ClusterId=cluster_id))["Cluster"]

    async def state(self, cluster_id):
        return (await self.cluster(cluster_id))["Status"]["State"]

    async def steps(self, cluster_id):
        """Steps in their order."""
        return (await self.aws("ListSteps", ClusterId=cluster_id))["Steps"][::-1]

    async def step_states(self, cluster_id):
        return [step["Status"]["State"] for step in await self.steps(cluster_id)]

    async def until(self, ask, wanted):
        """Wait for an answer without the clock moving."""
        async with asyncio.timeout(10):
            while (answer := await ask()) != wanted:  # noqa: ASYNC110 - asked as a user asks
                await asyncio.sleep(0.005)
        return answer

    async def until_ran(self, count):
        """Wait until so many programs have been started."""

        async def ran():
            return len(self.spark.ran)

        await self.until(ran, count)

    async def until_cluster(self, cluster_id, state):
        return await self.until(lambda: self.state(cluster_id), state)

    async def until_steps(self, cluster_id, *states):
        return await self.until(lambda: self.step_states(cluster_id), list(states))


class Account:
    """boto3 clients, a bucket of the test's own, and what tests do with clusters."""

    def __init__(self, server):
        self.server = server
        self.s3, self.emr = server.client("s3"), server.client("emr")
        self.bucket = f"emr-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)

    def put(self, **objects):
        for key, body in objects.items():
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def command(self, *words, action="CONTINUE"):
        words = [word.replace("{bucket}", self.bucket) for word in words]
        jar = {"Jar": "command-runner.jar", "Args": words}
        return {"Name": words[0], "ActionOnFailure": action, "HadoopJarStep": jar}

    def run(self, *steps, keep_alive=False, groups=(), **more):
        master = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
        groups = [master, *groups]
        return self.emr.run_job_flow(
            Name="test",
            ReleaseLabel=more.pop("ReleaseLabel", "emr-spark-8.0.0"),
            Applications=more.pop("Applications", [{"Name": "Spark"}]),
            ServiceRole="EMR_DefaultRole",
            JobFlowRole="EMR_EC2_DefaultRole",
            LogUri=f"s3://{self.bucket}/logs/",
            Instances={"InstanceGroups": groups, "KeepJobFlowAliveWhenNoSteps": keep_alive},
            Steps=list(steps),
            **more,
        )["JobFlowId"]

    def until(self, ask, done, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not done(answer := ask()):
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)
        return answer

    def status(self, cluster_id):
        return self.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]

    def end_of(self, cluster_id):
        """The cluster's status once it has ended, and its steps in their order."""
        status = self.until(lambda: self.status(cluster_id), lambda found: found["State"] in ENDED)
        return status, self.emr.list_steps(ClusterId=cluster_id)["Steps"][::-1]

    def log(self, cluster_id, step, name="stdout"):
        key = f"logs/{cluster_id}/steps/{step['Id']}/{name}.gz"
        return self.text(key)

    def text(self, key):
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return gzip.decompress(body).decode() if key.endswith(".gz") else body.decode()


@pytest.fixture
def account_of():
    """Makes the account of a test on a server of its own."""
    return Account


@pytest.fixture
def account(server):
    return Account(server)


@pytest.fixture
async def bench(tmp_path):
    records = EmbeddedRecords.open(tmp_path / "records")
    made = Bench(records, tmp_path / "clusters")
    await made.start()
    yield made
    await made.stop()
    await records.close()


@pytest.fixture
def refusal():
    """The code and the message of what an awaitable is refused with."""

    async def told(awaitable):
        with pytest.raises(ServiceError) as raised:
            await awaitable
        return SimpleNamespace(code=raised.value.code, message=raised.value.message)

    return told
