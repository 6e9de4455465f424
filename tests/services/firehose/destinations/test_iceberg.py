"""Iceberg tables in a real server's Glue and S3, read back with pyiceberg."""

import asyncio
import json
import os
import signal
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import (
    DateType,
    DecimalType,
    DoubleType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    UUIDType,
)

from millpond.kernel.call import Principal
from millpond.kernel.clock import SystemClock
from millpond.kernel.credentials import Credential
from millpond.kernel.ids import SystemIds
from millpond.services.firehose.delivery.interface import Batch, Record
from millpond.services.firehose.destinations import iceberg, iceberg_tables
from millpond.services.firehose.destinations.iceberg_messages import Catalog, Row, Target
from millpond.services.firehose.destinations.iceberg_tables import open_catalog
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import (
    CatalogConfiguration,
    DestinationTableConfiguration,
    IcebergDestinationConfiguration,
    PartitionSpec,
    S3DestinationConfiguration,
    SchemaEvolutionConfiguration,
)

ROLE = "arn:aws:iam::000000000000:role/r"
DATABASE = "iceberg_tables"
CATALOG_ARN = "arn:aws:glue:us-east-1:000000000000:catalog"
ORDERS = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "Name", StringType()),
    NestedField(3, "amount", DecimalType(10, 2)),
    identifier_field_ids=[1],
)


def settings(*tables: DestinationTableConfiguration, **more: Any) -> Any:
    return IcebergDestinationConfiguration(
        role_arn=ROLE,
        catalog_configuration=CatalogConfiguration(catalog_arn=more.pop("arn", CATALOG_ARN)),
        destination_table_configuration_list=list(tables),
        s3_configuration=S3DestinationConfiguration(role_arn=ROLE, bucket_arn="arn:aws:s3:::b"),
        **more,
    )


def table_of(
    name: str, keys: list[str] | None = None, **more: Any
) -> DestinationTableConfiguration:
    return DestinationTableConfiguration(
        destination_database_name=DATABASE,
        destination_table_name=name,
        unique_keys=keys,
        **more,
    )


class Issuer:
    """Lends the root's key, and remembers."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.lent: list[Any] = []
        self.revoked: list[str] = []

    async def issue(self, **asked: Any) -> Credential:
        self.lent.append(asked)
        principal = Principal("arn:aws:iam::000000000000:root", "0", self._server.access_key_id)
        return Credential(
            self._server.access_key_id,
            self._server.secret_access_key,
            principal,
            expires_ms=SystemClock().now_ms() + 3_600_000,
        )

    async def revoke(self, access_key_id: str) -> None:
        self.revoked.append(access_key_id)


@pytest.fixture(scope="module")
def catalog(server: Any) -> GlueCatalog:
    one = open_catalog(
        Catalog(server.endpoint, "us-east-1", server.access_key_id, server.secret_access_key, "")
    )
    server.client("s3").create_bucket(Bucket="iceberg-tables")
    one.create_namespace(DATABASE, {"location": "s3://iceberg-tables/db"})
    return one


@pytest.fixture
def issuer(server: Any) -> Issuer:
    return Issuer(server)


@pytest.fixture
async def tables(server: Any, issuer: Issuer, tmp_path: Path) -> Any:
    made: list[iceberg.IcebergTables] = []
    folder = tmp_path / "data" / "deliveries"
    folder.mkdir(parents=True)
    needs: Any = SimpleNamespace(
        folder=folder,
        marker=str(tmp_path),
        ids=SystemIds(),
        clock=SystemClock(),
        credentials=issuer,
        endpoint=lambda: server.endpoint,
    )

    def make(configured: IcebergDestinationConfiguration) -> Any:
        iceberg.check(configured)
        delivery: Any = SimpleNamespace(arn="arn:stream", name="orders", destination=configured)
        one = iceberg.destination(needs, delivery)
        assert isinstance(one, iceberg.IcebergTables)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()


def batch_of(*rows: Any, targets: Any = None, batch_id: str = "") -> Batch:
    records = [
        Record(
            row if isinstance(row, bytes) else json.dumps(row).encode(),
            0,
            str(at),
            target=targets[at] if targets else {},
        )
        for at, row in enumerate(rows)
    ]
    return Batch(batch_id or str(uuid.uuid4()), records)


def rows_of(catalog: GlueCatalog, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = catalog.load_table((DATABASE, name)).scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: json.dumps(row, default=str))


def new_table(catalog: GlueCatalog, schema: Schema = ORDERS) -> str:
    name = f"t{uuid.uuid4().hex[:8]}"
    catalog.create_table((DATABASE, name), schema)
    return name


async def test_records_are_appended_once_however_often_a_batch_comes(
    catalog: GlueCatalog, tables: Any, issuer: Issuer
) -> None:
    name = new_table(catalog)
    one = tables(settings(table_of(name)))
    batch = batch_of({"ID": 1, "name": "a", "amount": 1.5}, {"id": "2"}, {"id": "x"}, b"{")
    for _ in range(2):
        undelivered = await one.deliver(batch)
        assert [(lost.record.id, lost.code, lost.is_final) for lost in undelivered] == [
            ("2", "Iceberg.MalformedData", True),
            ("3", "Iceberg.ParseError", True),
        ]
    assert await one.deliver(batch_of({"id": 3})) == []
    assert rows_of(catalog, name) == [
        {"id": 1, "Name": "a", "amount": Decimal("1.50")},
        {"id": 2, "Name": None, "amount": None},
        {"id": 3, "Name": None, "amount": None},
    ]
    (lent,) = issuer.lent
    assert (lent["role"], lent["session_name"]) == ("r", "orders")
    await one.close()
    assert len(issuer.revoked) == 1


async def test_a_batch_that_comes_again_is_judged_by_the_schema_it_was_written_with(
    catalog: GlueCatalog, tables: Any
) -> None:
    name = new_table(catalog)
    one = tables(settings(table_of(name)))
    batch = batch_of({"id": 1}, {"name": "nameless"})
    assert [lost.record.id for lost in await one.deliver(batch)] == ["1"]
    with catalog.load_table((DATABASE, name)).update_schema(
        allow_incompatible_changes=True
    ) as update:
        update.set_identifier_fields()
        update.make_column_optional("id")
    assert [lost.record.id for lost in await one.deliver(batch)] == ["1"]
    assert len(rows_of(catalog, name)) == 1


async def test_updates_and_deletes_find_rows_by_their_keys_in_order(
    catalog: GlueCatalog, tables: Any
) -> None:
    name = new_table(catalog)
    one = tables(settings(table_of(name, ["ID"])))
    await one.deliver(batch_of(*[{"id": n, "name": f"old {n}"} for n in range(1, 6)]))
    steps = [
        ("update", {"id": 1, "name": "new 1"}),
        ("delete", {"id": 2}),
        ("update", {"id": 3, "name": "first"}),
        ("update", {"id": 3, "name": "last"}),
        ("update", {"id": 4, "name": "gone"}),
        ("delete", {"id": 4}),
        ("insert", {"id": 7, "name": "short"}),
        ("delete", {"id": 7}),
        ("update", {"id": 8, "name": "made"}),
        ("insert", {"id": 9, "name": "new"}),
        ("update", {"name": "keyless"}),
        ("destroy", {"id": 1}),
    ]
    batch = batch_of(*[row for _, row in steps], targets=[{"operation": step} for step, _ in steps])
    for _ in range(2):
        lost = {one.record.id: one.code for one in await one.deliver(batch)}
        assert lost == {"10": "Iceberg.MalformedData", "11": "Iceberg.InvalidOperation"}
    assert [(row["id"], row["Name"]) for row in rows_of(catalog, name)] == [
        (1, "new 1"),
        (3, "last"),
        (5, "old 5"),
        (8, "made"),
        (9, "new"),
    ]


async def test_a_batch_of_deletes_alone_is_recognised_too(
    catalog: GlueCatalog, tables: Any
) -> None:
    name = new_table(catalog)
    one = tables(settings(table_of(name)))
    batch = batch_of({"id": 1}, targets=[{"operation": "delete"}])
    await one.deliver(batch)
    await one.deliver(batch_of({"id": 1}))
    await one.deliver(batch)
    assert [row["id"] for row in rows_of(catalog, name)] == [1]


async def test_keys_of_several_columns(catalog: GlueCatalog, tables: Any) -> None:
    name = new_table(catalog)
    one = tables(settings(table_of(name, ["id", "name"])))
    await one.deliver(batch_of(*[{"id": 1, "name": name_} for name_ in "abc"]))
    batch = batch_of(
        {"id": 1, "name": "a", "amount": 5}, {"id": 1, "name": "b"}, {"id": 1},
        targets=[{"operation": "update"}, {"operation": "delete"}, {"operation": "delete"}],
    )  # fmt: skip
    (lost,) = await one.deliver(batch)
    assert (lost.code, lost.is_final) == ("Iceberg.InvalidUniqueKeys", True)
    assert [(row["Name"], row["amount"]) for row in rows_of(catalog, name)] == [
        ("a", Decimal("5.00")),
        ("c", None),
    ]


async def test_thousands_of_keys_of_several_columns_are_one_commit(catalog: GlueCatalog) -> None:
    schema = Schema(
        NestedField(1, "day", DateType()),
        NestedField(2, "n", LongType()),
        NestedField(3, "l", ListType(4, LongType())),
        NestedField(5, "u", UUIDType()),
    )
    name = new_table(catalog, schema)
    data = [b'{"day":"2024-01-%02d","n":%d,"l":[1]}' % (1 + n % 2, n // 2) for n in range(20_000)]
    rows = [Row(at, "insert", one) for at, one in enumerate(data)]
    iceberg_tables.deliver(catalog, "s", "first", Target(DATABASE, name, [], rows))
    gone = [Row(at, "delete", one) for at, one in enumerate(data[::3])]
    target = Target(DATABASE, name, ["day", "n"], gone)
    assert iceberg_tables.deliver(catalog, "s", "second", target) == []
    left = catalog.load_table((DATABASE, name)).scan().to_arrow().to_pylist()
    expected = {(1 + n % 2, n // 2) for n in range(20_000) if n % 3}
    assert {(row["day"].day, row["n"]) for row in left} == expected
    assert len(left) == len(expected) and all(row["l"] == [1] for row in left)


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        (StringType(), "a", "ß'\""),
        (DateType(), "2024-01-01", "2024-01-02"),
        (TimestampType(), "2024-01-01 00:00:00.123456", "2024-01-01 00:00:01"),
        (TimestamptzType(), "2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:01Z"),
        (DecimalType(10, 2), 1.5, 2),
        (DoubleType(), 1.5, 2),
    ],
)
async def test_keys_of_every_type_find_their_rows(
    catalog: GlueCatalog, kind: Any, first: Any, second: Any
) -> None:
    name = new_table(catalog, Schema(NestedField(1, "k", kind), NestedField(2, "n", LongType())))
    rows = [json.dumps({"k": key}).encode() for key in (first, second)]
    inserts = [Row(at, "insert", row) for at, row in enumerate(rows)]
    iceberg_tables.deliver(catalog, "s", "1", Target(DATABASE, name, [], inserts))
    deletes = [Row(0, "delete", rows[0])]
    assert iceberg_tables.deliver(catalog, "s", "2", Target(DATABASE, name, ["k"], deletes)) == []
    table = catalog.load_table((DATABASE, name)).scan().to_arrow()
    assert table.num_rows == 1
    update = Row(0, "update", json.dumps({"k": second, "n": 7}).encode())
    assert iceberg_tables.deliver(catalog, "s", "3", Target(DATABASE, name, ["K"], [update])) == []
    assert [row["n"] for row in rows_of(catalog, name)] == [7]


async def test_records_go_to_the_tables_that_they_name(catalog: GlueCatalog, tables: Any) -> None:
    first, second = new_table(catalog), new_table(catalog)
    one = tables(settings())
    where = {"destinationDatabaseName": DATABASE}
    undelivered = await one.deliver(
        batch_of(
            {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4},
            targets=[
                where | {"destinationTableName": first},
                where | {"destinationTableName": second},
                where | {"destinationTableName": "nowhere"},
                {},
            ],
        )
    )  # fmt: skip
    assert [(lost.record.id, lost.code, lost.is_final) for lost in undelivered] == [
        ("3", "Iceberg.MissingTable", True),
        ("2", "Iceberg.NoSuchTable", False),
    ]
    assert [row["id"] for row in rows_of(catalog, first)] == [1]
    assert [row["id"] for row in rows_of(catalog, second)] == [2]


async def test_every_type_is_read_back(catalog: GlueCatalog, tables: Any) -> None:
    inner = StructType(NestedField(6, "When", DateType(), required=True))
    schema = Schema(
        NestedField(1, "ts", TimestampType()),
        NestedField(2, "tz", TimestamptzType()),
        NestedField(3, "d", DoubleType()),
        NestedField(4, "l", ListType(5, inner)),
        NestedField(7, "u", UUIDType()),
        NestedField(8, "m", MapType(9, StringType(), 10, LongType(), value_required=True)),
    )
    name = new_table(catalog, schema)
    one = tables(settings(table_of(name)))
    at = "2024-02-29T12:00:00+02:00"
    undelivered = await one.deliver(
        batch_of(
            {"ts": at, "tz": at, "d": 1, "l": [{"when": "2024-01-01"}], "m": {"Key.X": 1}},
            {"l": [{}]},
            {"m": {"k": None}},
            {"u": str(uuid.uuid4())},
        )
    )
    assert ["required" in lost.message for lost in undelivered] == [True, True, False]
    assert "not implemented" in undelivered[2].message
    assert rows_of(catalog, name) == [
        {
            "ts": datetime(2024, 2, 29, 10),
            "tz": datetime(2024, 2, 29, 10, tzinfo=UTC),
            "d": 1.0,
            "l": [{"When": date(2024, 1, 1)}],
            "u": None,
            "m": [("Key.X", 1)],
        }
    ]


async def test_many_rows_are_read_run_by_run(
    catalog: GlueCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iceberg_tables, "RUN_ROWS", 3)
    monkeypatch.setattr(iceberg_tables, "TOLD_IN_FULL_MAX", 1)
    name = new_table(catalog)
    rows = [Row(10 + at, "insert", b'{"id":%d}' % at) for at in range(10)]
    rows[4] = Row(14, "insert", b'{"id":"' + b"x" * 64 + b'"}')
    rows[7] = Row(17, "insert", b'{"id":"' + b"x" * 64 + b'"}')
    lost = iceberg_tables.deliver(catalog, "s", "b", Target(DATABASE, name, [], rows))
    assert [one.place for one in lost] == [14, 17]
    assert lost[1].message == lost[0].message[:64] != lost[0].message
    assert sorted(row["id"] for row in rows_of(catalog, name)) == [0, 1, 2, 3, 5, 6, 8, 9]


async def test_append_only_streams_take_no_updates(catalog: GlueCatalog, tables: Any) -> None:
    name = new_table(catalog)
    one = tables(settings(table_of(name), append_only=True))
    (lost,) = await one.deliver(batch_of({"id": 1}, targets=[{"operation": "update"}]))
    assert (lost.code, lost.is_final) == ("Iceberg.InvalidOperation", True)


async def test_two_streams_write_to_one_table_at_a_time(catalog: GlueCatalog, tables: Any) -> None:
    name = new_table(catalog)
    both = [tables(settings(table_of(name))) for _ in range(2)]
    await asyncio.gather(*(one.deliver(batch_of({"id": -1})) for one in both))
    lost = await asyncio.gather(
        *(one.deliver(batch_of({"id": n})) for n, one in enumerate(both * 1))
    )
    delivered = sum(not one for one in lost) + 2
    assert all(not one.is_final for ones in lost for one in ones)
    assert len(rows_of(catalog, name)) == delivered


async def test_a_platform_that_cannot_be_reached_is_tried_again(
    tables: Any, catalog: GlueCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tables(settings(table_of("t")))
    monkeypatch.setattr(one._needs, "endpoint", lambda: "http://127.0.0.1:1")
    (lost,) = await one.deliver(batch_of({"id": 1}))
    assert (lost.code, lost.is_final) == ("Iceberg.ServiceException", False)


async def test_a_worker_that_dies_leaves_its_batch_to_be_tried_again(
    tables: Any, catalog: GlueCatalog
) -> None:
    name = new_table(catalog)
    one = tables(settings(table_of(name)))
    await one.deliver(batch_of({"id": 1}))
    delivering = asyncio.create_task(one.deliver(batch := batch_of({"id": 2})))
    await asyncio.sleep(0)
    os.kill(one._worker.pid, signal.SIGKILL)
    lost = await delivering
    assert all((one.code, one.is_final) == ("Iceberg.ServiceException", False) for one in lost)
    assert await one.deliver(batch) == []
    assert [row["id"] for row in rows_of(catalog, name)] == [1, 2]


@pytest.mark.parametrize(
    ("configured", "problem"),
    [
        (
            settings(schema_evolution_configuration=SchemaEvolutionConfiguration(enabled=True)),
            "SchemaEvolutionConfiguration",
        ),
        (settings(s3_backup_mode="AllData"), "AllData"),
        (settings(table_of("t", partition_spec=PartitionSpec(identity=[]))), "PartitionSpec"),
        (settings(table_of("t", s3_error_output_prefix="x/")), "S3ErrorOutputPrefix"),
        (settings(arn=f"{CATALOG_ARN}/s3tablescatalog/b"), "CatalogARN"),
    ],
)
def test_what_is_not_there_is_refused_by_name(configured: Any, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        iceberg.check(configured)
