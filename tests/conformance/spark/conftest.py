"""Every runtime of Spark: a cluster of two nodes each, and the same lake to work on."""

import asyncio
import time
import uuid
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.spark import ApacheSpark
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.embedded import Bounds, SailSpark
from millpond.engines.spark.interface import (
    SAIL,
    SPARK_3_5,
    SPARK_4,
    Access,
    Application,
    Cluster,
    Node,
    Order,
    Run,
    Size,
    Spark,
)
from millpond.kernel.processes import MARKER_NAME, _marked

CAPACITY = Size(2, 3 << 30)
NODE = Size(1, 1 << 30)
QUICK_JAVA = "-XX:TieredStopAtLevel=1"
"""Short programs end before Java's second compiler has paid off."""
RELEASES = Path(__file__).resolve().parents[3] / "build" / "releases"
ORDERS = (b"1,a,1.5\n2,b,2.5\n", b"3,a,3.5\n")
ORDERS_COLUMNS = [("id", "bigint"), ("category", "string"), ("price", "double")]


def _apache(name: str) -> Callable[[Path, str], Spark]:
    version = next(version for version in VERSIONS if version.name == name)

    def make(data: Path, marker: str) -> Spark:
        return ApacheSpark(data, marker, CAPACITY, Releases(RELEASES, "", marker), version)

    return make


IMPLEMENTATIONS: dict[str, Callable[[Path, str], Spark]] = {
    SAIL: lambda data, marker: SailSpark(
        data, marker, Bounds(CAPACITY.memory_bytes, CAPACITY.cores)
    ),
    SPARK_3_5: _apache(SPARK_3_5),
    SPARK_4: _apache(SPARK_4),
}


class Shell:
    """Runs command lines on a cluster and gathers what they print."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder, self._count = cluster, folder, 0

    @property
    def home(self) -> Path:
        return self.folder / "home"

    async def start(self, *words: str, **environment: str) -> Run:
        self._count += 1
        logs = self.folder / "logs"
        self.out, self.err = logs / f"{self._count}.out", logs / f"{self._count}.err"
        place = self.folder / "steps" / str(self._count)
        return await self.cluster.run(Application(words, place, self.out, self.err, environment))

    async def run(self, *words: str, **environment: str) -> tuple[int | None, str, str]:
        """The exit code, standard output, standard error."""
        finished = await (await self.start(*words, **environment)).wait()
        return finished.exit_code, self.out.read_text(), self.err.read_text()

    def program(self, text: str) -> str:
        """The path of a program with this text."""
        script = self.home / f"{uuid.uuid4().hex}.py"
        script.write_text(text)
        return str(script)


@pytest.fixture(scope="module")
def lake(server: Any) -> str:
    """A bucket, and a database of the same name with a table of delimited text in it, as a crawler
    would leave it."""
    s3, glue = server.client("s3"), server.client("glue")
    name = f"lake{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    glue.create_database(DatabaseInput={"Name": name, "LocationUri": f"s3://{name}/database/"})
    storage = {
        "Columns": [{"Name": column, "Type": kind} for column, kind in ORDERS_COLUMNS],
        "Location": f"s3://{name}/orders/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ","},
        },
    }
    table = {
        "Name": "orders",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "csv"},
        "StorageDescriptor": storage,
        "PartitionKeys": [{"Name": "day", "Type": "int"}],
    }
    glue.create_table(DatabaseName=name, TableInput=table)
    for day, body in enumerate(ORDERS, 1):
        place = f"orders/day={day}/"
        s3.put_object(Bucket=name, Key=f"{place}part.csv", Body=body)
        placed = {**storage, "Location": f"s3://{name}/{place}"}
        glue.create_partition(
            DatabaseName=name,
            TableName="orders",
            PartitionInput={"Values": [str(day)], "StorageDescriptor": placed},
        )
    return name


@pytest.fixture(scope="module")
def marker() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex}"
    yield name
    for _ in range(200):
        if not _marked(f"{MARKER_NAME}={name}".encode()):
            return
        time.sleep(0.05)  # a launcher ends a moment after it told of its process's end
    raise AssertionError("processes are left")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=IMPLEMENTATIONS)
async def shell(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    marker: str,
    server: Any,
) -> AsyncIterator[Shell]:
    """A started cluster."""
    data = tmp_path_factory.mktemp("data")
    wheel = data / "fortytwo-1.0-py3-none-any.whl"
    await asyncio.to_thread(_write_wheel, wheel)
    order = Order(
        "j-1",
        data / "clusters" / "j-1",
        Access(server.endpoint, server.region, server.access_key_id, server.secret_access_key),
        properties={
            "spark.sql.shuffle.partitions": "3",
            "spark.custom": "a default",
            "spark.yarn.maxAppAttempts": "4",
            "spark.driver.extraJavaOptions": QUICK_JAVA,
            "spark.executor.extraJavaOptions": QUICK_JAVA,
        },
        environment={"FROM_SPARK_ENV": "yes"},
        nodes=(Node("n-1", NODE), Node("n-2", NODE)),
        python_modules=(str(wheel),),
    )
    cluster = await IMPLEMENTATIONS[request.param](data, marker).start(order)
    yield Shell(cluster, order.folder)
    await cluster.stop()
    assert not cluster.is_running


def _write_wheel(path: Path) -> None:
    """A wheel of one module, `fortytwo`."""
    told = "fortytwo-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("fortytwo.py", "ANSWER = 42\n")
        wheel.writestr(f"{told}/METADATA", "Metadata-Version: 2.1\nName: fortytwo\nVersion: 1.0\n")
        wheel.writestr(
            f"{told}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{told}/RECORD", "")
