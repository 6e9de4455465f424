"""What Athena is lent."""

from dataclasses import dataclass

from millpond.engines.records.interface import Records
from millpond.engines.sql.interface import Sql
from millpond.kernel.call import Caller
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.pages import Pages

CALLS: tuple[tuple[str, str], ...] = (
    *(
        ("glue", name)
        for name in (
            "BatchCreatePartition",
            "BatchDeletePartition",
            "CreateDatabase",
            "CreateTable",
            "DeleteDatabase",
            "DeleteTable",
            "GetDatabase",
            "GetDatabases",
            "GetPartition",
            "GetPartitions",
            "GetTable",
            "GetTables",
            "UpdatePartition",
            "UpdateTable",
        )
    ),
    *(
        ("s3", name)
        for name in ("DeleteObject", "GetObject", "HeadBucket", "ListObjectsV2", "PutObject")
    ),
)
"""The operations of other services that this one calls."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`call_aws` calls the operations in `CALLS`."""

    records: Records
    clock: Clock
    ids: Ids
    pages: Pages
    call_aws: Caller
    sql: Sql
