"""Reads a shard's records, for GetRecords and for subscriptions."""

import logging
from collections.abc import Sequence

from millpond.engines.log.interface import Entry, Read
from millpond.kernel.errors import Damaged
from millpond.services.kinesis.encryption import decrypt
from millpond.services.kinesis.errors import InternalFailure
from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.entries import unpack_key
from millpond.services.kinesis.model.hash_space import to_number
from millpond.services.kinesis.model.stream import Shard, Stream, shard_id
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.shapes import ChildShard, HashKeyRange, Record

_log = logging.getLogger(__name__)


async def read_shard(
    needs: Needs,
    stream: Stream,
    shard: Shard,
    position: int,
    *,
    entries_max: int,
    size_bytes_max: int,
) -> Read:
    """Records from `position` on that are not older than the stream's retention.

    Raises:
        InternalFailure: the first of them is damaged.
    """
    log = stream.log_of(shard.index)
    horizon_ms = stream.trim_horizon_ms(needs.clock.now_ms())
    read = await _read(needs, log, position, entries_max, size_bytes_max)
    if read is None or (read.entries and read.entries[0].time_ms < horizon_ms):
        kept = await needs.log.find(log, horizon_ms)
        if read is not None or kept > position:
            position = kept
            read = await _read(needs, log, position, entries_max, size_bytes_max)
    if read is None:
        raise await _damaged(needs, stream, shard, position)
    return read


async def _read(
    needs: Needs, log: bytes, position: int, entries_max: int, size_bytes_max: int
) -> Read | None:
    """None when the first entry is damaged."""
    try:
        return await needs.log.read(
            log, position, entries_max=entries_max, size_bytes_max=size_bytes_max
        )
    except Damaged:
        _log.exception("Records cannot be read")
        return None


def size_of_read(read: Read) -> int:
    """Data and partition keys, in bytes."""
    return sum([len(entry.key) + len(entry.value) for entry in read.entries])


def show_records(stream: Stream, shard: Shard, entries: Sequence[Entry]) -> list[Record]:
    """Entries as the records that they hold: nearly always all keys are plain ones, which are
    told from others by being UTF-8.

    Raises:
        InternalFailure: an encrypted record is damaged.
    """
    base = sequence.base(shard.created_s, shard.index) + sequence.STEP
    step = sequence.STEP
    try:
        return [
            Record(
                sequence_number=str(base + entry.position * step),
                approximate_arrival_timestamp=entry.time_ms / 1000,
                data=entry.value,
                partition_key=entry.key.decode(),
            )
            for entry in entries
        ]
    except UnicodeDecodeError:
        return [_show_other(stream, base + entry.position * step, entry) for entry in entries]


def _show_other(stream: Stream, number: int, entry: Entry) -> Record:
    """A record that may be encrypted, or be without a partition key."""
    key, data = unpack_key(entry.key), entry.value
    if key.encrypted:
        try:
            data = decrypt(stream.data_keys, entry.key, data)
        except Damaged as error:
            _log.exception("A record cannot be decrypted")
            raise InternalFailure(
                f"The stored record with sequence number {number} in stream {stream.name} is "
                "damaged."
            ) from error
    return Record(
        sequence_number=str(number),
        approximate_arrival_timestamp=entry.time_ms / 1000,
        data=data,
        partition_key=key.partition_key,
        encryption_type="KMS" if key.encrypted else None,
    )


def millis_behind(needs: Needs, stream: Stream, shard: Shard, read: Read) -> int:
    """How old the last record of `read` is, in milliseconds; 0 when none comes after it."""
    if not read.entries or read.next_position >= needs.log.bounds(stream.log_of(shard.index)).end:
        return 0
    return max(0, needs.clock.now_ms() - read.entries[-1].time_ms)


def child_shards(stream: Stream, shard: Shard) -> list[ChildShard]:
    """The shards that a closed shard was split or merged into."""
    return [
        ChildShard(
            shard_id=child.id,
            parent_shards=[
                shard_id(parent)
                for parent in (child.parent, child.adjacent_parent)
                if parent is not None
            ],
            hash_key_range=HashKeyRange(
                starting_hash_key=str(to_number(child.first_hash)),
                ending_hash_key=str(to_number(child.last_hash)),
            ),
        )
        for child in stream.shards
        if shard.index in (child.parent, child.adjacent_parent)
    ]


async def _damaged(needs: Needs, stream: Stream, shard: Shard, position: int) -> InternalFailure:
    """Damaged records are never passed over in silence: who reads decides to go on after them."""
    log = stream.log_of(shard.index)
    base = sequence.base(shard.created_s, shard.index)
    first = base + sequence.step(max(position, needs.log.bounds(log).first))
    readable = await needs.log.next_readable(log, position)
    return InternalFailure(
        f"Stored records of shard {shard.id} in stream {stream.name} are damaged from sequence "
        f"number {first} on. Reading can go on with an iterator AFTER_SEQUENCE_NUMBER "
        f"{base + sequence.step(readable - 1)}."
    )
