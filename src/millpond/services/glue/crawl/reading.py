"""Reads S3 for a crawl: lists a target's objects and looks into their beginnings.

Everything goes through S3's own operations, as the crawler's role. At most `READS_AT_ONCE` files
are looked into at a time, and of each at most its first megabyte, or a Parquet file's footer.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from millpond.kernel.body import Body, gather
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.glue.crawl.exclusions import compile_exclusions
from millpond.services.glue.crawl.layout import File
from millpond.services.glue.crawl.naming import split_path
from millpond.services.glue.infer import orc, parquet
from millpond.services.glue.infer.classify import (
    HEAD_SIZE_BYTES,
    Custom,
    infer_head,
    is_orc,
    is_parquet,
)
from millpond.services.glue.infer.schema import Columns, FileSchema
from millpond.services.glue.needs import Needs
from millpond.services.glue.shapes import S3Target

READS_AT_ONCE = 4
_FROZEN = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_FOLDER_MARK = "_$folder$"

Checkpoint = Callable[[], Awaitable[None]]
"""Raises when the crawl is to end; called between pieces of work."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object that a target covers."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A target's objects. `root` is the key prefix that they are below; with `single`, the include
    path names one file, and `root` is its folder."""

    bucket: str
    root: str
    objects: tuple[Listed, ...]
    single: bool = False


async def list_target(
    needs: Needs, call: Call, target: S3Target, checkpoint: Checkpoint
) -> Listing:
    """The objects of an include path, without empty, hidden, archived and excluded ones.

    Raises:
        ServiceError: S3's refusal, such as NoSuchBucket.
    """
    bucket, path = split_path(target.path or "")
    is_excluded = compile_exclusions(target.exclusions or [])
    folder = path if not path or path.endswith("/") else f"{path}/"
    found: list[Listed] = []
    async for entry in list_objects(needs, call, bucket, path, checkpoint):
        key, size = entry["Key"], entry["Size"]
        if entry.get("StorageClass") in _FROZEN or size == 0:
            continue
        if key == path:
            return Listing(bucket, path[: path.rfind("/") + 1], (Listed(key, size),), True)
        if not key.startswith(folder) or _is_hidden(key[len(folder) :]):
            continue
        if not is_excluded(key[len(folder) :]):
            found.append(Listed(key, size))
    return Listing(bucket, folder, tuple(found))


def _is_hidden(relative: str) -> bool:
    """Names that begin with a dot or underscore are no data to Hive and Athena."""
    parts = relative.split("/")
    return any(part.startswith((".", "_")) and "=" not in part for part in parts) or parts[
        -1
    ].endswith(_FOLDER_MARK)


async def list_objects(
    needs: Needs, call: Call, bucket: str, prefix: str, checkpoint: Checkpoint
) -> AsyncIterator[dict[str, Any]]:
    """All that ListObjectsV2 tells of the objects whose keys begin with `prefix`."""
    token: dict[str, str] = {}
    while True:
        await checkpoint()
        answer = await needs.call_aws(
            call, "s3", "ListObjectsV2", Bucket=bucket, Prefix=prefix, **token
        )
        for entry in answer.get("Contents") or ():
            yield entry
        if not answer.get("IsTruncated"):
            return
        token = {"ContinuationToken": answer["NextContinuationToken"]}


def sample(objects: Iterable[Listed], count: int | None, seed: str) -> list[Listed]:
    """At most `count` objects of each folder, the same ones for the same seed."""
    if count is None:
        return list(objects)
    folders: dict[str, list[Listed]] = {}
    for listed in objects:
        folders.setdefault(listed.key[: listed.key.rfind("/") + 1], []).append(listed)
    chance = random.Random(seed)  # noqa: S311 - which files are looked at is no secret
    return [
        listed
        for members in folders.values()
        for listed in (members if len(members) <= count else chance.sample(members, count))
    ]


async def read_files(
    needs: Needs,
    call: Call,
    bucket: str,
    objects: Sequence[Listed],
    checkpoint: Checkpoint,
    custom: Sequence[Custom] = (),
) -> list[File]:
    """The objects whose content is recognised, with their schemas, in order of their keys.
    `custom` classifiers are asked before those that are built in."""
    waiting = iter(objects)
    files: list[File] = []
    columns: dict[Columns, Columns] = {}

    async def read_on() -> None:
        for listed in waiting:
            await checkpoint()
            schema = await _read_schema(needs, call, bucket, listed, custom)
            if schema is not None:
                files.append(File(listed.key, listed.size, _share_columns(schema, columns)))

    try:
        async with asyncio.TaskGroup() as readers:
            for _ in range(min(READS_AT_ONCE, len(objects))):
                readers.create_task(read_on())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return sorted(files, key=lambda file: file.key)


def _share_columns(schema: FileSchema, columns: dict[Columns, Columns]) -> FileSchema:
    """The schema with the very columns of files before it that had the same: thousands of files
    then take little memory."""
    csv = schema.csv
    if csv is not None:
        below = columns.setdefault(csv.columns_below, csv.columns_below)
        csv = replace(csv, columns_below=below)
    return replace(schema, columns=columns.setdefault(schema.columns, schema.columns), csv=csv)


async def _read_schema(
    needs: Needs, call: Call, bucket: str, listed: Listed, custom: Sequence[Custom]
) -> FileSchema | None:
    """The schema of an object; None: it is gone by now, or not recognised."""
    try:
        end = min(HEAD_SIZE_BYTES, listed.size) - 1
        head = await _read(needs, call, bucket, listed.key, f"bytes=0-{end}")
        if is_parquet(head):
            return await _read_ending(needs, call, bucket, listed, head, _PARQUET)
        if is_orc(head):
            return await _read_ending(needs, call, bucket, listed, head, _ORC)
        return await asyncio.to_thread(infer_head, head, listed.size, custom)
    except ServiceError as error:
        if error.code in ("NoSuchKey", "InvalidRange", "PreconditionFailed"):
            return None
        raise


@dataclass(frozen=True, slots=True)
class _Ending:
    """A format whose schema stands at the file's end: how much is read of it at first, how much it
    then says to need, and what is made of it. Both raise `NotParquet` or `NotOrc`."""

    size_bytes: int
    needed_bytes: Callable[[bytes], int]
    infer: Callable[[bytes, int], FileSchema]


_PARQUET = _Ending(parquet.TAIL_SIZE_BYTES, parquet.footer_size_bytes, parquet.infer_parquet)
_ORC = _Ending(orc.TAIL_SIZE_BYTES, orc.tail_size_bytes, orc.infer_orc)


async def _read_ending(
    needs: Needs, call: Call, bucket: str, listed: Listed, head: bytes, ending: _Ending
) -> FileSchema | None:
    whole = len(head) >= listed.size
    try:
        tail = head
        if not whole:
            tail = await _read_tail(needs, call, bucket, listed, ending.size_bytes)
        size = ending.needed_bytes(tail)
        if size > len(tail) and not whole:
            tail = await _read_tail(needs, call, bucket, listed, size)
        return await asyncio.to_thread(ending.infer, tail, listed.size)
    except (parquet.NotParquet, orc.NotOrc):
        return None


async def _read_tail(needs: Needs, call: Call, bucket: str, listed: Listed, size: int) -> bytes:
    start = max(0, listed.size - size)
    return await _read(needs, call, bucket, listed.key, f"bytes={start}-{listed.size - 1}")


async def _read(needs: Needs, call: Call, bucket: str, key: str, span: str) -> bytes:
    answer = await needs.call_aws(call, "s3", "GetObject", Bucket=bucket, Key=key, Range=span)
    body: Body = answer["Body"]
    first, _, last = span.removeprefix("bytes=").partition("-")
    return await gather(body, int(last) - int(first) + 1)
