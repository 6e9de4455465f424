"""A delivery stream that converts, and a catalog with the tables it is given."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from millpond.kernel.call import Call, Principal
from millpond.kernel.errors import ServiceError
from millpond.services.firehose.convert import check, converter
from millpond.services.firehose.delivery.interface import Record
from millpond.services.firehose.shapes import (
    DataFormatConversionConfiguration,
    Deserializer,
    HiveJsonSerDe,
    InputFormatConfiguration,
    OpenXJsonSerDe,
    OutputFormatConfiguration,
    ParquetSerDe,
    SchemaConfiguration,
    Serializer,
)

ROLE = "arn:aws:iam::000000000000:role/r"


class EntityNotFound(ServiceError):
    code = "EntityNotFoundException"


class Catalog:
    """The columns of the table `lake.clicks`, by version."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def __call__(
        self, call: Call, service: str, operation: str, /, **members: Any
    ) -> dict[str, Any]:
        self.calls.append((operation, members))
        version = members.get("VersionId", "LATEST")
        if version not in self.versions:
            raise EntityNotFound("Entity Not Found")
        columns = [{"Name": name, "Type": kind} for name, kind in self.versions[version].items()]
        table = {"StorageDescriptor": {"Columns": columns}, "PartitionKeys": [{"Name": "day"}]}
        return {"Table": table} if operation == "GetTable" else {"TableVersion": {"Table": table}}


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def conversion_of(catalog: Catalog) -> Callable[..., Any]:
    """A converter for `columns`; further settings by name."""

    def make(
        columns: dict[str, str],
        *,
        openx: OpenXJsonSerDe | None = None,
        hive: HiveJsonSerDe | None = None,
        serializer: Serializer | None = None,
        **schema: Any,
    ) -> Any:
        catalog.versions["LATEST"] = columns
        if hive is None and openx is None:
            openx = OpenXJsonSerDe()
        configured = DataFormatConversionConfiguration(
            schema_configuration=SchemaConfiguration(
                role_arn=ROLE, database_name="lake", table_name="clicks", **schema
            ),
            input_format_configuration=InputFormatConfiguration(
                deserializer=Deserializer(open_x_json_ser_de=openx, hive_json_ser_de=hive)
            ),
            output_format_configuration=OutputFormatConfiguration(
                serializer=serializer or Serializer(parquet_ser_de=ParquetSerDe())
            ),
        )
        check(configured)
        principal = Principal("arn:aws:sts::000000000000:assumed-role/r/s", "A", "ASIA")
        delivery = SimpleNamespace(
            account="000000000000",
            region="us-east-1",
            call_as=lambda role: Call(
                "firehose", "", "000000000000", "us-east-1", principal, "0", ""
            ),
        )
        needs: Any = SimpleNamespace(call_aws=catalog)
        return converter(needs, delivery, configured)  # type: ignore[arg-type]

    return make


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "object"


@pytest.fixture
def runs_of() -> Callable[..., Any]:
    def make(*data: bytes, size: int = 1000) -> list[list[Record]]:
        records = [Record(one, 1_700_000_000_000, str(at)) for at, one in enumerate(data)]
        return [records[at : at + size] for at in range(0, len(records), size)]

    return make
