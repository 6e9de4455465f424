"""Finds partition keys in records: jq programs over their JSON, run by confined workers.

Source: Firehose Developer Guide, Understanding partitioning keys; Create partitioning keys with
inline parsing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from millpond.services.firehose.delivery.interface import NO_KEYS
from millpond.services.firehose.transform.confined import (
    Place,
    Program,
    Worker,
    WorkerEnded,
    WorkerFault,
    WorkerNotLoaded,
    WorkerTimedOut,
)

EXTRACTION_FAILED = "DynamicPartitioning.MetadataExtractionFailed"
MEMORY_BYTES = 256 << 20
BATCH_SECONDS_MAX = 10.0
RECORD_SECONDS_MAX = 1.0
SLOW_RECORDS_MAX = 5
"""Once so many records of a batch have each taken too long, the rest are failed with them."""
RECORDS_PER_BATCH_MAX = 1000
BATCH_SIZE_BYTES_MAX = 1 << 20
KEY_SIZE_BYTES_MAX = 1024
"""The longest value of a partition key: no S3 key is longer."""
_NOT_TRIED = (
    f"The query was not tried: it did not come to an end for {SLOW_RECORDS_MAX} records before."
)
_WORKER = "millpond.services.firehose.transform.jq_worker"

_as_json = msgspec.json.Decoder(msgspec.Raw).decode
_decode = msgspec.json.Decoder(list[Any]).decode


class Found(NamedTuple):
    """The keys of a record, or why there are none."""

    keys: Mapping[str, str] = NO_KEYS
    problem: str = ""


class JqExtraction:
    """A query (`{year: .year, k: .customer}`) that is put to records."""

    def __init__(self, place: Place, query: str) -> None:
        self.worker = Worker(place, Program(_WORKER, (query,), MEMORY_BYTES))

    async def extract(self, records: Sequence[bytes]) -> list[Found]:
        """What is found in each record."""
        found: list[Found] = []
        for batch in _batches(records):
            found += await self._batch(batch)
        return found

    async def close(self) -> None:
        await self.worker.close()

    async def _batch(self, records: Sequence[bytes]) -> list[Found]:
        found: list[Found | None] = [_malformed(record) for record in records]
        sound = [at for at, problem in enumerate(found) if problem is None]
        if not sound:
            return [one for one in found if one is not None]
        results = await self._ask_for([records[at] for at in sound])
        for at, result in zip(sound, results, strict=True):
            found[at] = result
        return [one for one in found if one is not None]

    async def _ask_for(self, records: Sequence[bytes]) -> list[Found]:
        try:
            results = _decode(await self.worker.ask(_array(records), BATCH_SECONDS_MAX))
            if len(results) == len(records):
                return [_found(result) for result in results]
        except WorkerNotLoaded as fault:
            return [Found(problem=str(fault))] * len(records)
        except (WorkerFault, WorkerEnded, WorkerTimedOut, msgspec.DecodeError):
            pass
        # Something among them stops the program: which of them, only each by itself can tell.
        return await self._one_by_one(records)

    async def _one_by_one(self, records: Sequence[bytes]) -> list[Found]:
        found: list[Found] = []
        slow = 0
        for record in records:
            if slow >= SLOW_RECORDS_MAX:
                found.append(Found(problem=_NOT_TRIED))
                continue
            try:
                results = _decode(await self.worker.ask(_array([record]), RECORD_SECONDS_MAX))
                found.append(
                    _found(results[0]) if results else Found(problem="The query has no result.")
                )
            except WorkerFault as fault:
                found.append(Found(problem=str(fault)))
            except (WorkerTimedOut, WorkerEnded) as lost:
                slow += 1
                found.append(Found(problem=f"The query did not come to an end. {lost}"))
            except msgspec.DecodeError:
                found.append(Found(problem="The query's result is no JSON."))
        return found


def _batches(records: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
    found: list[Sequence[bytes]] = []
    start = size = 0
    for at, record in enumerate(records):
        if at > start and (
            size + len(record) > BATCH_SIZE_BYTES_MAX or at - start == RECORDS_PER_BATCH_MAX
        ):
            found.append(records[start:at])
            start, size = at, 0
        size += len(record)
    if start < len(records):
        found.append(records[start:])
    return found


def _array(records: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(records) + b"]"


def _malformed(record: bytes) -> Found | None:
    """Why a record cannot be put to jq; None if it can."""
    try:
        _as_json(record)
        record.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Found(problem=f"The record is no single JSON value: {error}.")
    return None


def _found(result: Any) -> Found:
    """The keys in what the worker says of one record."""
    if isinstance(result, dict):
        return Found(problem=str(result.get("e", "")))
    if not isinstance(result, list) or len(result) != 1:
        return Found(problem="The query must have one result for a record.")
    if not isinstance(result[0], dict):
        return Found(problem="The query's result is no object.")
    keys: dict[str, str] = {}
    for name, value in result[0].items():
        text = _text(value)
        if not text:
            return Found(
                problem=f"partitionKeys values must not be null or empty: {name} is, or is no "
                "string, number or boolean."
            )
        if len(text.encode(errors="replace")) > KEY_SIZE_BYTES_MAX:
            return Found(problem=f"{name} is longer than {KEY_SIZE_BYTES_MAX} bytes.")
        keys[name] = text
    return Found(keys)


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e17:
            return str(int(value))
        case int() | float():
            return str(value)
    return ""
