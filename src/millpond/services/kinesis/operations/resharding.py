"""Shards: split, merge, change their number."""

from millpond.kernel.call import Call
from millpond.services.kinesis import reshaping, shapes
from millpond.services.kinesis.errors import (
    InvalidArgument,
    LimitExceeded,
    ResourceInUse,
    Validation,
)
from millpond.services.kinesis.model.account import SHARDS_PER_STREAM_MAX
from millpond.services.kinesis.model.changes import TIMES_A_DAY, may_change, with_change
from millpond.services.kinesis.model.hash_space import (
    bounds_of,
    even_bounds,
    to_bytes,
    to_number,
)
from millpond.services.kinesis.model.resharding import adjacent
from millpond.services.kinesis.model.stream import HASH_KEY_MAX, Shard, Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.quotas import check_more_shards
from millpond.services.kinesis.operations.scope import (
    check_active,
    require_shard_index,
    resolve,
    shard_not_found,
)


async def split_shard(needs: Needs, call: Call, request: shapes.SplitShardInput) -> None:
    """Part a shard in two at a hash key. Its records stay in it and can be read.

    Raises:
        ResourceNotFound: there is no such stream or shard.
        ResourceInUse: the stream is not ACTIVE, or the shard is closed.
        InvalidArgument: the hash key does not lie inside the shard.
        Validation: the stream is on-demand.
        LimitExceeded: the account has too many shards.

    Source: Kinesis API reference, SplitShard.
    """
    await check_more_shards(needs, call, 1)
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        _check_provisioned(stream)
        check_active(stream, now_ms)
        shard = _require_open(stream, request.shard_to_split)
        _check_count(stream.open_count + 1)
        at = _split_point(stream, shard, int(request.new_starting_hash_key))
        bounds = tuple(sorted((*bounds_of(stream.open_shards()), at)))
        reshaping.begin(needs, transaction, stream, bounds)
    await reshaping.finish(needs, stream)


async def merge_shards(needs: Needs, call: Call, request: shapes.MergeShardsInput) -> None:
    """Make one shard of two neighbours. Their records stay in them and can be read.

    Raises:
        ResourceNotFound: there is no such stream or shard.
        ResourceInUse: the stream is not ACTIVE, or a shard is closed.
        InvalidArgument: the shards are not adjacent.
        Validation: the stream is on-demand.

    Source: Kinesis API reference, MergeShards.
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        _check_provisioned(stream)
        check_active(stream, now_ms)
        one = _require_open(stream, request.shard_to_merge)
        other = _require_open(stream, request.adjacent_shard_to_merge)
        if not adjacent(one, other):
            raise InvalidArgument(
                f"Shards {one.id} and {other.id} in stream {stream.name} under account "
                f"{stream.account} are not an adjacent pair of shards eligible for merging"
            )
        upper = max(one.first_hash, other.first_hash)
        bounds = tuple(b for b in bounds_of(stream.open_shards()) if b != upper)
        reshaping.begin(needs, transaction, stream, bounds, lead=one.index)
    await reshaping.finish(needs, stream)


async def update_shard_count(
    needs: Needs, call: Call, request: shapes.UpdateShardCountInput
) -> shapes.UpdateShardCountOutput:
    """Split and merge until there are so many open shards, all of one size.

    Raises:
        ResourceNotFound: there is no such stream.
        ResourceInUse: it is not ACTIVE.
        Validation: it is on-demand.
        InvalidArgument: more than double or less than half of the shards that there are.
        LimitExceeded: more shards than a stream or the account may have, or an eleventh time in
            24 hours.

    Source: Kinesis API reference, UpdateShardCount.
    """
    target = request.target_shard_count
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
    _check_provisioned(stream)
    await check_more_shards(needs, call, target - stream.open_count)
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        _check_provisioned(stream)
        check_active(stream, now_ms)
        current = stream.open_count
        _check_count(target)
        if needs.limits:
            _check_step(stream, current, target)
            if not may_change(stream, "scale", now_ms):
                raise LimitExceeded(
                    f"Stream {stream.name} under account {stream.account} cannot be scaled more "
                    f"than {TIMES_A_DAY['scale']} times in 24 hours."
                )
        reshaping.begin(
            needs, transaction, with_change(stream, "scale", now_ms), even_bounds(target)
        )
    await reshaping.finish(needs, stream)
    return shapes.UpdateShardCountOutput(
        stream_name=stream.name,
        current_shard_count=current,
        target_shard_count=target,
        stream_arn=stream.arn,
    )


def _check_provisioned(stream: Stream) -> None:
    if stream.mode == "ON_DEMAND":
        raise Validation(
            f"Request is invalid. Stream {stream.name} under account {stream.account} is in "
            "On-Demand mode."
        )


def _check_count(count: int) -> None:
    if count > SHARDS_PER_STREAM_MAX:
        raise LimitExceeded(f"A stream cannot have more than {SHARDS_PER_STREAM_MAX} shards.")


def _check_step(stream: Stream, current: int, target: int) -> None:
    if target > 2 * current:
        raise InvalidArgument(
            "UpdateShardCount cannot scale up over double your current open shard count. "
            f"Current open shard count: {current} Target shard count: {target}"
        )
    if 2 * target < current:
        raise InvalidArgument(
            "UpdateShardCount cannot scale down below half your current open shard count. "
            f"Current open shard count: {current} Target shard count: {target}"
        )


def _require_open(stream: Stream, shard_id: str) -> Shard:
    shard = stream.shard(require_shard_index(stream, shard_id))
    if shard is None:
        raise shard_not_found(stream, shard_id)
    if not shard.open:
        raise ResourceInUse(
            f"Shard {shard.id} in stream {stream.name} under account {stream.account} has already "
            "been merged or split, and thus is not eligible for merging or splitting."
        )
    return shard


def _split_point(stream: Stream, shard: Shard, hash_key: int) -> bytes:
    first, last = to_number(shard.first_hash), to_number(shard.last_hash)
    if not (first + 1 < hash_key < last and hash_key <= HASH_KEY_MAX):
        raise InvalidArgument(
            f"NewStartingHashKey {hash_key} used in SplitShard() on shard {shard.id} in stream "
            f"{stream.name} under account {stream.account} is not both greater than one plus the "
            f"shard's StartingHashKey {first} and less than the shard's EndingHashKey {last}."
        )
    return to_bytes(hash_key)
