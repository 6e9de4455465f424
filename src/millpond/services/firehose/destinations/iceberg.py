"""Iceberg tables of the Glue Data Catalog: rows are inserted, updated and deleted by pyiceberg.

Each table of a batch gets one commit, all of the batch's rows or none, which carries the batch's
id: a batch that comes again is recognised and not repeated. pyiceberg runs in a worker process
with credentials of the destination's role; it reaches Glue and S3 as any client does.

Where a record goes stands in its `target` (from the function, or the jq query), or in the only
table that is configured. Records are matched with columns by name.

Source: Firehose Developer Guide, Deliver data to Apache Iceberg Tables; API reference,
IcebergDestinationConfiguration.
"""

import asyncio
import importlib.util
import re
from collections.abc import Mapping, Sequence
from typing import Any

from millpond.kernel.credentials import Credential
from millpond.services.firehose.delivery.interface import (
    ICEBERG_FAILED,
    Batch,
    Delivery,
    Destination,
    Record,
    Undelivered,
)
from millpond.services.firehose.destinations import iceberg_messages as messages
from millpond.services.firehose.errors import InvalidArgument, not_implemented
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.shapes import (
    DestinationTableConfiguration,
    IcebergDestinationConfiguration,
)
from millpond.services.firehose.transform.confined import (
    Program,
    Worker,
    WorkerEnded,
    WorkerFault,
    WorkerTimedOut,
    place_of,
)

ACTIONS: tuple[str, ...] = (
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:UpdateTable",
    "s3:AbortMultipartUpload",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:PutObject",
    "s3:DeleteObject",
)
"""What the worker may call: what AWS's policy for Firehose and Iceberg tables allows."""
CREDENTIAL_SECONDS = 3600
_RENEWED_MS = 600_000
"""Credentials are renewed so long before they end."""
DELIVERY_SECONDS_MAX = 600.0
MEMORY_BYTES = 3 << 30
_WORKER = "millpond.services.firehose.destinations.iceberg_worker"
_CATALOG = re.compile(r"arn:[^:]*:glue:([^:]+):(\d{12}):catalog", re.ASCII)
_OPERATIONS = frozenset({"insert", "update", "delete"})


def check(configuration: IcebergDestinationConfiguration) -> None:
    """Return if these tables can be delivered to.

    Raises:
        InvalidArgument: the catalog is not one of Glue's own, or an option is not implemented.
    """
    evolution = configuration.schema_evolution_configuration
    creation = configuration.table_creation_configuration
    not_implemented(
        ("SchemaEvolutionConfiguration", evolution is not None and evolution.enabled),
        ("TableCreationConfiguration", creation is not None and creation.enabled),
        ("S3BackupMode AllData", configuration.s3_backup_mode == "AllData"),
    )
    for table in configuration.destination_table_configuration_list or ():
        not_implemented(
            ("PartitionSpec", table.partition_spec),
            ("S3ErrorOutputPrefix of a table", table.s3_error_output_prefix),
        )
    if _CATALOG.fullmatch(configuration.catalog_configuration.catalog_arn or "") is None:
        raise InvalidArgument(
            "CatalogARN must name the Glue Data Catalog: arn:aws:glue:region:account-id:catalog."
        )
    if importlib.util.find_spec("pyiceberg") is None:
        raise InvalidArgument(
            "IcebergDestinationConfiguration needs pyiceberg: install millpond[firehose]."
        )


def destination(needs: Needs, delivery: Delivery) -> Destination:
    """The tables that `delivery.destination` and its records name."""
    return IcebergTables(needs, delivery, delivery.destination)


class IcebergTables:
    """Delivers batches, each in one commit for each of its tables."""

    failure_kind = ICEBERG_FAILED

    def __init__(
        self, needs: Needs, delivery: Delivery, settings: IcebergDestinationConfiguration
    ) -> None:
        self._needs = needs
        self._delivery = delivery
        self._role = settings.role_arn.rpartition("/")[2]
        self._is_append_only = bool(settings.append_only)
        self._tables = {
            (table.destination_database_name, table.destination_table_name): table
            for table in settings.destination_table_configuration_list or ()
        }
        found = _CATALOG.fullmatch(settings.catalog_configuration.catalog_arn or "")
        assert found is not None
        self._region = found[1]
        self._credential: Credential | None = None
        self._worker = Worker(place_of(needs), Program(_WORKER, (), MEMORY_BYTES, network=True))

    async def deliver(self, batch: Batch) -> Sequence[Undelivered]:
        undelivered, targets = await asyncio.to_thread(self._sort, batch.records)
        if not targets:
            return undelivered
        question = messages.encode(
            messages.Deliver(batch.id, self._delivery.arn, await self._catalog(), targets)
        )
        try:
            lost = messages.decode_lost(await self._worker.ask(question, DELIVERY_SECONDS_MAX))
        except (WorkerFault, WorkerEnded, WorkerTimedOut) as error:
            # It may be the batch that the worker cannot bear: tried again, but not for ever.
            places = [row.place for target in targets for row in target.rows]
            lost = [
                messages.Lost(place, "Iceberg.ServiceException", str(error), False)
                for place in places
            ]
        for one in lost:
            record = batch.records[one.place]
            undelivered.append(Undelivered(record, one.code, one.message, one.is_final))
        return undelivered

    async def close(self) -> None:
        await self._worker.close()
        credential, self._credential = self._credential, None
        if credential is not None:
            await self._needs.credentials.revoke(credential.access_key_id)

    def _sort(self, records: Sequence[Record]) -> tuple[list[Undelivered], list[messages.Target]]:
        """Records by table, and those that have none."""
        undelivered: list[Undelivered] = []
        rows: dict[tuple[str, str], list[messages.Row]] = {}
        for place, record in enumerate(records):
            operation = (record.target.get("operation") or "insert").lower()
            where = self._where(record.target)
            if where is None:
                text = "The record does not say which database and table it goes to."
                undelivered.append(Undelivered(record, "Iceberg.MissingTable", text, True))
            elif operation not in _OPERATIONS:
                text = f"The operation {operation[:64]} is none of insert, update and delete."
                undelivered.append(Undelivered(record, "Iceberg.InvalidOperation", text, True))
            elif self._is_append_only and operation != "insert":
                text = f"The delivery stream is append only: {operation} is not allowed."
                undelivered.append(Undelivered(record, "Iceberg.InvalidOperation", text, True))
            else:
                row = messages.Row(place, operation, record.data)
                rows.setdefault(where, []).append(row)
        targets = [
            messages.Target(database, table, self._keys(database, table), found)
            for (database, table), found in rows.items()
        ]
        return undelivered, targets

    def _where(self, target: Mapping[str, Any]) -> tuple[str, str] | None:
        """Database and table; what the record leaves out is that of the only table configured."""
        only = next(iter(self._tables)) if len(self._tables) == 1 else ("", "")
        database = target.get("destinationDatabaseName") or only[0]
        table = target.get("destinationTableName") or only[1]
        return (database, table) if database and table else None

    def _keys(self, database: str, table: str) -> Sequence[str]:
        found: DestinationTableConfiguration | None = self._tables.get((database, table))
        return (found.unique_keys or []) if found is not None else []

    async def _catalog(self) -> messages.Catalog:
        now_ms = self._needs.clock.now_ms()
        credential = self._credential
        if credential is None or (credential.expires_ms or 0) < now_ms + _RENEWED_MS:
            credential = await self._needs.credentials.issue(
                role=self._role,
                session_name=self._delivery.name,
                actions=ACTIONS,
                lifetime_seconds=CREDENTIAL_SECONDS,
            )
            self._credential = credential
        return messages.Catalog(
            self._needs.endpoint(),
            self._region,
            credential.access_key_id,
            credential.secret_access_key,
            credential.session_token or "",
        )
