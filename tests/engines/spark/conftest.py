"""A cluster of the real engine, and a lake for it to work on."""

import uuid

import pytest

from millpond.engines.spark.embedded import Bounds, SailSpark
from millpond.engines.spark.interface import Access, Application, Order
from millpond.kernel.processes import sweep_leftovers


class Lake:
    """A server's S3 and Glue, as a cluster reaches them."""

    def __init__(self, server):
        self.client = server.client
        self.access = Access(
            server.endpoint, server.region, server.access_key_id, server.secret_access_key
        )

    def put(self, bucket, **objects):
        s3 = self.client("s3")
        for key, body in objects.items():
            s3.put_object(Bucket=bucket, Key=key, Body=body)


@pytest.fixture(scope="session")
def lake(server):
    return Lake(server)


@pytest.fixture
def bucket(lake):
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    lake.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def data(tmp_path):
    """A data folder that holds a secret."""
    folder = tmp_path / "data"
    (folder / "clusters").mkdir(parents=True)
    (folder / "root-credentials").write_text("the root's secret")
    return folder


@pytest.fixture
def marker():
    name = f"test-{uuid.uuid4().hex}"
    yield name
    assert sweep_leftovers(name) == 0


@pytest.fixture
def spark(data, marker):
    return SailSpark(data, marker, Bounds(memory_bytes=1 << 30, threads=2))


class Shell:
    """Runs command lines on a cluster and gathers what they print."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder, self._count = cluster, folder, 0

    async def start(self, *words, **environment):
        self._count += 1
        place = self.folder / "steps" / f"s-{self._count}"
        logs = self.folder / "logs"
        self.out, self.err = logs / f"{self._count}.out", logs / f"{self._count}.err"
        return await self.cluster.run(Application(words, place, self.out, self.err, environment))

    async def run(self, *words, **environment):
        """The exit code, standard output, standard error."""
        finished = await (await self.start(*words, **environment)).wait()
        return finished.exit_code, self.out.read_text(), self.err.read_text()

    async def python(self, text, *arguments):
        script = self.folder / "home" / "program.py"
        script.write_text(text)
        return await self.run("spark-submit", str(script), *arguments)


@pytest.fixture(scope="session")
def shell_of():
    """A shell for a cluster and its folder."""
    return Shell


@pytest.fixture
async def shell(spark, data, lake):
    """A started cluster with the lake's credentials."""
    folder = data / "clusters" / "j-1"
    order = Order(
        "j-1",
        folder,
        lake.access,
        properties={"spark.sql.shuffle.partitions": "3", "spark.custom": "a default"},
        environment={"FROM_SPARK_ENV": "yes"},
    )
    cluster = await spark.start(order)
    yield Shell(cluster, folder)
    await cluster.stop()
