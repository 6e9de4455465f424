"""The tutorial of AWS, joining and relationalizing nested data, unchanged on a cluster."""

import asyncio
import json
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.glue import legislators
from millpond.engines.spark.embedded import Bounds, SailSpark
from millpond.engines.spark.interface import SPARK_3_5, Application, Order

SCRIPT = Path(legislators.__file__).parent / "join_and_relationalize.py"
COUNT = 60
RUN_SECONDS_MAX = 240.0


@pytest.fixture(scope="module")
def tables(lake):
    """A database of the three tables, in a bucket of its own."""
    name = f"legislators-{uuid.uuid4().hex[:8]}"
    s3, glue = lake.client("s3"), lake.client("glue")
    s3.create_bucket(Bucket=name)
    glue.create_database(DatabaseInput={"Name": name})
    for file, body in legislators.files(COUNT).items():
        table = file.removesuffix(".json")
        s3.put_object(Bucket=name, Key=f"in/{table}/{file}", Body=body)
        glue.create_table(
            DatabaseName=name,
            TableInput={
                "Name": f"{table}_json",
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "json"},
                "StorageDescriptor": {
                    "Columns": [],
                    "Location": f"s3://{name}/in/{table}/",
                    "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
                },
            },
        )
    return name


def expected():
    """What the script is to find, by Python alone."""
    people = {one["id"]: one for one in legislators.persons(COUNT)}
    places = {one["id"]: one for one in legislators.organizations()}
    rows = []
    for term in legislators.memberships(COUNT):
        person, place = people[term["person_id"]], places[term["organization_id"]]
        rows.append((person, place, term))
    return rows


def rows_of(lake, bucket, prefix):
    found = []
    s3 = lake.client("s3")
    for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
        if not one["Key"].endswith(".parquet"):
            continue
        body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        found += pq.read_table(pa.BufferReader(body)).to_pylist()
    return found


async def run_on(spark, folder, lake, database, target):
    order = Order("j-glue", folder, lake.access, programs=("Glue",))
    cluster = await spark.start(order)
    try:
        script = folder / "home" / SCRIPT.name
        await asyncio.to_thread(script.write_text, SCRIPT.read_text())
        out, err = folder / "logs" / "out", folder / "logs" / "err"
        words = ("spark-submit", str(script), "--JOB_NAME", "legislators", "--database", database)
        run = await cluster.run(Application((*words, "--target", target), folder / "w", out, err))
        async with asyncio.timeout(RUN_SECONDS_MAX):
            finished = await run.wait()
        assert finished.exit_code == 0, err.read_text()[-3000:]
        return out.read_text()
    finally:
        await cluster.stop()


def check(lake, bucket, prefix, printed):
    wanted = expected()
    assert f"History: {len(wanted)}" in printed
    assert "|-- seats: int\n" in printed
    assert (
        "|-- contact_details: array\n|    |-- element: struct\n|    |    |-- type: string"
        in printed
    )

    history = rows_of(lake, bucket, f"{prefix}/legislator_history")
    assert sorted((h["id"], h["start_date"], h["org_name"], h["seats"]) for h in history) == sorted(
        (p["id"], t["start_date"], o["name"], o["seats"]) for p, o, t in wanted
    )
    assert len(rows_of(lake, bucket, f"{prefix}/legislator_single")) == len(wanted)

    root = rows_of(lake, bucket, f"{prefix}/relational/l_root/")
    contacts = rows_of(lake, bucket, f"{prefix}/relational/l_root_contact_details/")
    assert set(contacts[0]) == {
        "id", "index", "contact_details.val.type", "contact_details.val.value",
    }  # fmt: skip
    by_id = {}
    for row in contacts:
        detail = {k.rpartition(".")[2]: v for k, v in row.items() if ".val." in k}
        by_id.setdefault(row["id"], {})[row["index"]] = detail
    got = [
        (
            r["id"],
            r["start_date"],
            [d for _, d in sorted(by_id.get(r["contact_details"], {}).items())],
        )
        for r in root
    ]
    want = [(p["id"], t["start_date"], p.get("contact_details", [])) for p, _, t in wanted]
    assert sorted(got, key=json.dumps) == sorted(want, key=json.dumps)
    assert sorted(r["contact_details"] for r in root if r["contact_details"]) == sorted(by_id)


@pytest.fixture
def sail(data, marker):
    return SailSpark(data, marker, Bounds(memory_bytes=1 << 30, threads=2))


async def test_the_tutorial_runs_unchanged_on_sail(sail, data, lake, tables) -> None:
    target = f"s3://{tables}/sail"
    printed = await run_on(sail, data / "clusters" / "j-1", lake, tables, target)
    check(lake, tables, "sail", printed)


async def test_the_tutorial_gives_the_same_on_apache_spark(data, marker, lake, tables) -> None:
    apache = pytest.importorskip("millpond.engines.spark.apache.spark")
    releases = pytest.importorskip("millpond.engines.spark.apache.releases")
    versions = pytest.importorskip("millpond.engines.spark.apache.versions")
    from millpond.engines.spark.interface import Size

    folder = Path(__file__).resolve().parents[4] / "build" / "releases"
    version = next(one for one in versions.VERSIONS if one.name == SPARK_3_5)
    spark = apache.ApacheSpark(
        data, marker, Size(2, 3 << 30), releases.Releases(folder, "", marker), version
    )
    target = f"s3://{tables}/apache"
    printed = await run_on(spark, data / "clusters" / "j-2", lake, tables, target)
    check(lake, tables, "apache", printed)
