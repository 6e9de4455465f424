"""Reads Delta Lake and Iceberg tables for a crawl, through S3's own operations."""

import asyncio
import gzip
import importlib
import io
import re
import zlib
from dataclasses import dataclass
from typing import Any

from millpond.kernel.body import gather
from millpond.kernel.call import Call
from millpond.services.glue.crawl.exclusions import compile_exclusions
from millpond.services.glue.crawl.naming import split_path, table_name
from millpond.services.glue.crawl.open_tables import (
    TRAVERSAL_DEPTH_MAX,
    BadTable,
    delta_columns,
    delta_metadata,
    iceberg_columns,
    newest_metadata,
    plan_delta,
    plan_iceberg,
)
from millpond.services.glue.crawl.plan import TablePlan
from millpond.services.glue.crawl.reading import Checkpoint, list_objects
from millpond.services.glue.needs import Needs
from millpond.services.glue.shapes import Column, IcebergTarget

FILE_SIZE_BYTES_MAX = 256 << 20
"""How long a file of a table's own description may be, packed and unpacked."""
_COMMIT = re.compile(r"\d{20}\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\..*)?\.parquet")


@dataclass(frozen=True, slots=True)
class OpenReader:
    """One crawl's reading. `prefix` begins the names of tables."""

    needs: Needs
    call: Call
    crawler: str
    crawl_id: str
    prefix: str
    checkpoint: Checkpoint

    async def read_iceberg(self, target: IcebergTarget) -> list[TablePlan]:
        """The Iceberg tables below a target's paths.

        Raises:
            BadTable: the metadata of one cannot be read.
            ServiceError: S3's refusal.
        """
        depth = target.maximum_traversal_depth or TRAVERSAL_DEPTH_MAX
        is_excluded = compile_exclusions(target.exclusions or [])
        plans = []
        for path in target.paths or ():
            bucket, prefix = split_path(path)
            folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
            tables: dict[str, list[str]] = {}
            async for entry in list_objects(self.needs, self.call, bucket, folder, self.checkpoint):
                place, _, name = entry["Key"].rpartition("/metadata/")
                below = place[len(folder) :] if len(place) >= len(folder) else ""
                if "/" in name or not name.endswith(".metadata.json") or is_excluded(below):
                    continue
                if len([part for part in below.split("/") if part]) <= depth:
                    tables.setdefault(place, []).append(entry["Key"])
            for place, keys in sorted(tables.items()):
                newest = newest_metadata(keys)
                if newest is None:
                    continue
                data = await self._read(bucket, newest)
                location = f"s3://{bucket}/{place}"
                plans.append(
                    plan_iceberg(
                        location,
                        table_name(self.prefix, location),
                        self.crawler,
                        self.crawl_id,
                        f"s3://{bucket}/{newest}",
                        await asyncio.to_thread(_iceberg_columns, data),
                    )
                )
        return plans

    async def read_delta(self, path: str) -> TablePlan:
        """The Delta table at a path.

        Raises:
            BadTable: there is none, or its log cannot be read.
            ServiceError: S3's refusal.
        """
        bucket, prefix = split_path(path)
        log = f"{prefix.rstrip('/')}/_delta_log/".lstrip("/")
        keys = [
            entry["Key"]
            async for entry in list_objects(self.needs, self.call, bucket, log, self.checkpoint)
        ]
        metadata = await self._delta_metadata(bucket, log, keys)
        if metadata is None:
            raise BadTable(f"There is no Delta table at {path}.")
        location = f"{path.rstrip('/')}/"
        return plan_delta(
            location,
            table_name(self.prefix, location),
            self.crawler,
            self.crawl_id,
            delta_columns(metadata),
        )

    async def _delta_metadata(
        self, bucket: str, log: str, keys: list[str]
    ) -> dict[str, Any] | None:
        """The newest one: in a commit after the newest checkpoint, else in that; in an older commit
        only where no checkpoint can be read."""
        names = [key.removeprefix(log) for key in keys]
        commits = sorted(filter(_COMMIT.fullmatch, names), reverse=True)
        checkpoints = sorted(filter(_CHECKPOINT.fullmatch, names), reverse=True)
        newest = checkpoints[0].partition(".")[0] if checkpoints else ""
        count = sum(name.partition(".")[0] > newest for name in commits)
        places = [f"{log}{name}" for name in (*commits[:count], *checkpoints, *commits[count:])]
        trouble: BadTable | None = None
        for place in places:
            await self.checkpoint()
            try:
                found = await asyncio.to_thread(_metadata, place, await self._read(bucket, place))
            except BadTable as error:
                if not place.endswith(".parquet"):
                    raise
                trouble = trouble or error
                continue
            if found is not None:
                return found
        if trouble is not None:
            raise trouble
        return None

    async def _read(self, bucket: str, key: str) -> bytes:
        answer = await self.needs.call_aws(self.call, "s3", "GetObject", Bucket=bucket, Key=key)
        if answer["ContentLength"] > FILE_SIZE_BYTES_MAX:
            raise BadTable(f"s3://{bucket}/{key} is longer than {FILE_SIZE_BYTES_MAX} bytes.")
        return await gather(answer["Body"], FILE_SIZE_BYTES_MAX)


def _iceberg_columns(data: bytes) -> list[Column]:
    return iceberg_columns(_unpacked(data))


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return file.read(FILE_SIZE_BYTES_MAX)
    except (OSError, EOFError, zlib.error) as error:
        raise BadTable(f"The metadata cannot be unpacked: {error}") from None


def _metadata(key: str, data: bytes) -> dict[str, Any] | None:
    """The `metaData` of a commit or a checkpoint."""
    if key.endswith(".parquet"):
        return _checkpoint_metadata(data)
    return delta_metadata(data.decode("utf-8", "replace").splitlines())


def _checkpoint_metadata(data: bytes) -> dict[str, Any] | None:
    """The `metaData` of a checkpoint, by Arrow."""
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise BadTable("A checkpoint needs pyarrow, which is not installed.") from error
    try:
        table = parquet.read_table(io.BytesIO(data), columns=["metaData"])
    except (OSError, ValueError) as error:
        raise BadTable(f"A checkpoint of the Delta table cannot be read: {error}") from None
    rows = [row for row in table.column("metaData").to_pylist() if row is not None]
    return rows[-1] if rows else None
