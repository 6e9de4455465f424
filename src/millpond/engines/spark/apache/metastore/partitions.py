"""Partitions of the metastore.

The catalog takes at most 100 partitions at once, and gives at most 1,000 of those that are named.
"""

import itertools
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hive_metastore import ttypes as hive

from millpond.engines.spark.apache.metastore import conversion
from millpond.engines.spark.apache.metastore.files import delete_below
from millpond.engines.spark.apache.metastore.filters import as_expression
from millpond.engines.spark.apache.metastore.tables import Tables
from millpond.engines.spark.apache.metastore.trouble import refusals

WRITTEN_AT_ONCE_MAX = 100
READ_AT_ONCE_MAX = 1000
NULL_NAME = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = frozenset("\"#%'*/:=?\\\x7f{[]^" + "".join(map(chr, range(1, 32))))
"""What Hive writes as `%XX` in a partition's name (`FileUtils.escapePathName`)."""


class Partitions(Tables):
    """See `Databases`."""

    def get_partitions(self, db_name: str, tbl_name: str, max_parts: int) -> list[hive.Partition]:
        return self._found(db_name, tbl_name, max_parts, None)

    def get_partitions_with_auth(
        self, db_name: str, tbl_name: str, max_parts: int, user_name: str, group_names: list[str]
    ) -> list[hive.Partition]:
        return self._found(db_name, tbl_name, max_parts, None)

    def get_partitions_by_filter(
        self,
        db_name: str,
        tbl_name: str,
        filter: str,
        max_parts: int,
    ) -> list[hive.Partition]:
        """Those that a filter finds, and perhaps more: clients filter again."""
        return self._found(db_name, tbl_name, max_parts, as_expression(filter))

    def get_num_partitions_by_filter(self, db_name: str, tbl_name: str, filter: str) -> int:
        return len(self._found(db_name, tbl_name, -1, as_expression(filter)))

    def get_partition_names(self, db_name: str, tbl_name: str, max_parts: int) -> list[str]:
        return self._names(db_name, tbl_name, self._found(db_name, tbl_name, max_parts, None))

    def get_partitions_ps(
        self, db_name: str, tbl_name: str, part_vals: list[str], max_parts: int
    ) -> list[hive.Partition]:
        found = self._found(db_name, tbl_name, -1, None)
        chosen = [one for one in found if _begins_with(one.values, part_vals)]
        return chosen if max_parts < 0 else chosen[:max_parts]

    def get_partitions_ps_with_auth(
        self,
        db_name: str,
        tbl_name: str,
        part_vals: list[str],
        max_parts: int,
        user_name: str,
        group_names: list[str],
    ) -> list[hive.Partition]:
        return self.get_partitions_ps(db_name, tbl_name, part_vals, max_parts)

    def get_partition_names_ps(
        self, db_name: str, tbl_name: str, part_vals: list[str], max_parts: int
    ) -> list[str]:
        found = self.get_partitions_ps(db_name, tbl_name, part_vals, max_parts)
        return self._names(db_name, tbl_name, found)

    def get_partition(self, db_name: str, tbl_name: str, part_vals: list[str]) -> hive.Partition:
        database = conversion.plain_name(db_name)
        with refusals(hive.NoSuchObjectException):
            item = self._glue.get_partition(
                DatabaseName=database, TableName=tbl_name.lower(), PartitionValues=part_vals
            )
        return conversion.partition(item["Partition"], database, tbl_name.lower())

    def get_partition_with_auth(
        self,
        db_name: str,
        tbl_name: str,
        part_vals: list[str],
        user_name: str,
        group_names: list[str],
    ) -> hive.Partition:
        return self.get_partition(db_name, tbl_name, part_vals)

    def get_partition_by_name(self, db_name: str, tbl_name: str, part_name: str) -> hive.Partition:
        return self.get_partition(db_name, tbl_name, values_of(part_name))

    def get_partitions_by_names(
        self, db_name: str, tbl_name: str, names: list[str]
    ) -> list[hive.Partition]:
        database, found = conversion.plain_name(db_name), []
        with refusals(hive.NoSuchObjectException):
            for some in _batches(names, READ_AT_ONCE_MAX):
                wanted = [{"Values": values_of(name)} for name in some]
                answer = self._glue.batch_get_partition(
                    DatabaseName=database, TableName=tbl_name.lower(), PartitionsToGet=wanted
                )
                found += answer["Partitions"]
        return [conversion.partition(one, database, tbl_name.lower()) for one in found]

    def add_partition(self, new_part: hive.Partition) -> hive.Partition:
        self._add(new_part.dbName, new_part.tableName, [new_part], if_not_exists=False)
        return new_part

    def add_partition_with_environment_context(
        self, new_part: hive.Partition, environment_context: hive.EnvironmentContext
    ) -> hive.Partition:
        return self.add_partition(new_part)

    def add_partitions(self, new_parts: list[hive.Partition]) -> int:
        if new_parts:
            first = new_parts[0]
            self._add(first.dbName, first.tableName, new_parts, if_not_exists=False)
        return len(new_parts)

    def add_partitions_req(self, request: hive.AddPartitionsRequest) -> hive.AddPartitionsResult:
        added = self._add(
            request.dbName, request.tblName, request.parts, if_not_exists=request.ifNotExists
        )
        return hive.AddPartitionsResult(partitions=added if request.needResult else None)

    def append_partition(self, db_name: str, tbl_name: str, part_vals: list[str]) -> hive.Partition:
        table = self.get_table(db_name, tbl_name)
        storage = table.sd
        storage.location = None
        added = hive.Partition(
            values=part_vals, dbName=table.dbName, tableName=table.tableName, sd=storage
        )
        return self.add_partition(added)

    def alter_partition(self, db_name: str, tbl_name: str, new_part: hive.Partition) -> None:
        self._alter(db_name, tbl_name, new_part.values, new_part)

    def alter_partition_with_environment_context(
        self,
        db_name: str,
        tbl_name: str,
        new_part: hive.Partition,
        environment_context: hive.EnvironmentContext,
    ) -> None:
        self._alter(db_name, tbl_name, new_part.values, new_part)

    def alter_partitions(
        self, db_name: str, tbl_name: str, new_parts: list[hive.Partition]
    ) -> None:
        for one in new_parts:
            self._alter(db_name, tbl_name, one.values, one)

    def alter_partitions_with_environment_context(
        self,
        db_name: str,
        tbl_name: str,
        new_parts: list[hive.Partition],
        environment_context: hive.EnvironmentContext,
    ) -> None:
        self.alter_partitions(db_name, tbl_name, new_parts)

    def rename_partition(
        self, db_name: str, tbl_name: str, part_vals: list[str], new_part: hive.Partition
    ) -> None:
        self._alter(db_name, tbl_name, part_vals, new_part)

    def drop_partition(
        self,
        db_name: str,
        tbl_name: str,
        part_vals: list[str],
        deleteData: bool,
    ) -> bool:
        partition = self.get_partition(db_name, tbl_name, part_vals)
        table = self.get_table(db_name, tbl_name)
        with refusals(hive.NoSuchObjectException):
            self._glue.delete_partition(
                DatabaseName=conversion.plain_name(db_name),
                TableName=tbl_name.lower(),
                PartitionValues=part_vals,
            )
            if deleteData and table.tableType == "MANAGED_TABLE":
                delete_below(self._s3, partition.sd.location)
        return True

    def drop_partition_with_environment_context(
        self,
        db_name: str,
        tbl_name: str,
        part_vals: list[str],
        deleteData: bool,
        environment_context: hive.EnvironmentContext,
    ) -> bool:
        return self.drop_partition(db_name, tbl_name, part_vals, deleteData)

    def drop_partition_by_name(
        self,
        db_name: str,
        tbl_name: str,
        part_name: str,
        deleteData: bool,
    ) -> bool:
        return self.drop_partition(db_name, tbl_name, values_of(part_name), deleteData)

    def partition_name_to_vals(self, part_name: str) -> list[str]:
        return values_of(part_name)

    def partition_name_has_valid_characters(
        self, part_vals: list[str], throw_exception: bool
    ) -> bool:
        return True

    def _found(
        self, database: str, table: str, count_max: int, expression: str | None
    ) -> list[hive.Partition]:
        database, table = conversion.plain_name(database), table.lower()
        asked = {"DatabaseName": database, "TableName": table}
        if expression:
            asked["Expression"] = expression
        with refusals(hive.NoSuchObjectException):
            pages = self._glue.get_paginator("get_partitions").paginate(**asked)
            items: Iterator[Any] = (one for page in pages for one in page["Partitions"])
            if count_max >= 0:
                items = itertools.islice(items, count_max)
            return [conversion.partition(one, database, table) for one in items]

    def _names(self, database: str, table: str, found: Iterable[hive.Partition]) -> list[str]:
        keys = [one.name for one in self.get_table(database, table).partitionKeys]
        return sorted(name_of(keys, one.values) for one in found)

    def _add(
        self,
        database: str,
        table_name: str,
        parts: Sequence[hive.Partition],
        *,
        if_not_exists: bool,
    ) -> list[hive.Partition]:
        table = self.get_table(database, table_name)
        keys = [one.name for one in table.partitionKeys]
        for one in parts:
            if not one.sd.location and table.sd.location:
                base = table.sd.location.rstrip("/")
                one.sd.location = f"{base}/{name_of(keys, one.values)}"
        there: list[list[str]] = []
        with refusals(hive.AlreadyExistsException, hive.InvalidObjectException):
            for some in _batches(parts, WRITTEN_AT_ONCE_MAX):
                answer = self._glue.batch_create_partition(
                    DatabaseName=conversion.plain_name(database),
                    TableName=table_name.lower(),
                    PartitionInputList=[conversion.partition_input(one) for one in some],
                )
                for error in answer.get("Errors") or ():
                    detail = error["ErrorDetail"]
                    if detail["ErrorCode"] != "AlreadyExistsException":
                        raise hive.MetaException(detail.get("ErrorMessage", detail["ErrorCode"]))
                    there.append(list(error["PartitionValues"]))
        if there and not if_not_exists:
            raise hive.AlreadyExistsException(f"Partition already exists: {there[0]}")
        return [one for one in parts if list(one.values) not in there]

    def _alter(
        self, database: str, table: str, values: Sequence[str], new_part: hive.Partition
    ) -> None:
        with refusals(hive.InvalidOperationException):
            self._glue.update_partition(
                DatabaseName=conversion.plain_name(database),
                TableName=table.lower(),
                PartitionValueList=list(values),
                PartitionInput=conversion.partition_input(new_part),
            )


def name_of(keys: Sequence[str], values: Sequence[str]) -> str:
    """A partition's name as Hive writes it: `year=2024/note=a%2Fb`."""
    return "/".join(
        f"{_escape(key)}={_escape(value) or NULL_NAME}"
        for key, value in zip(keys, values, strict=True)
    )


def values_of(name: str) -> list[str]:
    """The values in a partition's name."""
    return [urllib.parse.unquote(part.partition("=")[2]) for part in name.split("/")]


def _escape(text: str) -> str:
    return "".join(f"%{ord(one):02X}" if one in _ESCAPED else one for one in text)


def _begins_with(values: Sequence[str], asked: Sequence[str]) -> bool:
    """Whether values meet a beginning of them, in which an empty one is any."""
    return all(want in ("", have) for have, want in zip(values, asked, strict=False))


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
