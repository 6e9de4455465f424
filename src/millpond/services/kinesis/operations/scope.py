"""What most operations begin with: which stream, which consumer, and may it be used now."""

import math

from millpond.engines.records.interface import Transaction
from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Call
from millpond.services.kinesis import store
from millpond.services.kinesis.errors import (
    AccessDenied,
    InvalidArgument,
    ResourceInUse,
    ResourceNotFound,
)
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.stream import Stream, shard_index
from millpond.services.kinesis.needs import Needs


async def resolve(
    needs: Needs,
    transaction: Transaction,
    call: Call,
    stream_name: str | None,
    stream_arn: str | None,
) -> Stream:
    """The stream that a request names by its name, its ARN or both.

    Raises:
        InvalidArgument: neither is given, or they name two streams.
        AccessDenied: the ARN is another account's.
        ResourceNotFound: there is no such stream.
    """
    name = stream_name if stream_arn is None else name_in(call, stream_arn)
    if name is None:
        raise InvalidArgument("Either StreamName or StreamARN must be specified.")
    if stream_name is not None and stream_name != name:
        raise InvalidArgument(
            f"StreamName {stream_name} does not match the stream of StreamARN {stream_arn}."
        )
    stream = await store.load_stream(transaction, call, name)
    if stream is None or stream.is_gone(needs.clock.now_ms()):
        raise not_found(call, name)
    return stream


async def resolve_for_data(
    needs: Needs,
    transaction: Transaction,
    call: Call,
    stream_name: str | None,
    stream_arn: str | None,
) -> Stream:
    """The stream whose records a request writes or reads: ACTIVE or UPDATING.

    Raises:
        ServiceError: as `resolve`; a stream that is CREATING or DELETING is not found either.
    """
    stream = await resolve(needs, transaction, call, stream_name, stream_arn)
    if stream.status not in ("ACTIVE", "UPDATING"):
        check_data(stream, needs.clock.now_ms())
    return stream


def check_data(stream: Stream, now_ms: int) -> None:
    """Records can be written and read.

    Raises:
        ResourceNotFound: it is CREATING or DELETING.
    """
    if stream.status_at(now_ms) not in ("ACTIVE", "UPDATING"):
        raise ResourceNotFound(f"Stream {stream.name} under account {stream.account} not found.")


def check_active(stream: Stream, now_ms: int) -> None:
    """The stream can be changed.

    Raises:
        ResourceInUse: its status is another than ACTIVE.
    """
    status = stream.status_at(now_ms)
    if status != "ACTIVE":
        raise ResourceInUse(
            f"Stream {stream.name} under account {stream.account} not ACTIVE, "
            f"instead in state {status}"
        )


def name_in(call: Call, stream_arn: str) -> str:
    """The name in a stream's ARN.

    Raises:
        InvalidArgument: it is no stream's ARN.
        AccessDenied: it is another account's.
        ResourceNotFound: it is another region's.
    """
    arn = parse_arn(stream_arn)
    if arn is None or arn.service != "kinesis":
        raise InvalidArgument(f"StreamARN {stream_arn} is not the ARN of a stream.")
    kind, _, name = arn.resource.partition("/")
    if kind != "stream" or not name or "/" in name or "\0" in name:
        raise InvalidArgument(f"StreamARN {stream_arn} is not the ARN of a stream.")
    if arn.account != call.account:
        raise AccessDenied(
            f"User: {call.principal.arn} is not authorized to perform: "
            f"kinesis:{call.operation} on resource: {stream_arn} because no resource-based policy "
            f"allows the kinesis:{call.operation} action"
        )
    if arn.region != call.region:
        raise not_found(call, name)
    return name


def not_found(call: Call, name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Stream {name} under account {call.account} not found.")


def require_shard_index(stream: Stream, shard_id: str) -> int:
    """The index that a shard's id says.

    Raises:
        ResourceNotFound: no shard has such an id.
    """
    index = shard_index(shard_id)
    if index is None:
        raise shard_not_found(stream, shard_id)
    return index


def shard_not_found(stream: Stream, shard_id: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"Could not find shard {shard_id} in stream {stream.name} under account {stream.account}."
    )


def check_created_at(call: Call, stream: Stream, created_s: float | None) -> None:
    """A request that says when the stream was created means this one. Clients send whole seconds.

    Raises:
        ResourceNotFound: it means another one of that name.
        InvalidArgument: it says no time.
    """
    if created_s is not None and epoch_ms(created_s) // 1000 != stream.created_ms // 1000:
        raise not_found(call, stream.name)


def epoch_ms(timestamp: float) -> int:
    """A request's time in milliseconds.

    Raises:
        InvalidArgument: it is none: CBOR has numbers that are infinite, or no numbers.
    """
    if not math.isfinite(timestamp):
        raise InvalidArgument("A timestamp is not a time.")
    return round(timestamp * 1000)


async def require_consumer(
    needs: Needs, transaction: Transaction, call: Call, consumer_arn: str
) -> Consumer:
    """The consumer that an ARN names; its stream is there too.

    Raises:
        InvalidArgument: it is no consumer's ARN.
        AccessDenied: it is another account's.
        ResourceNotFound: there is no such consumer.
    """
    stream_arn, _, rest = consumer_arn.partition("/consumer/")
    name, _, created_s = rest.rpartition(":")
    if not name or "/" in name or "\0" in name:
        raise InvalidArgument(f"ConsumerARN {consumer_arn} is not the ARN of a consumer.")
    stream = await resolve(needs, transaction, call, None, stream_arn)
    consumer = await store.load_consumer(transaction, call, stream.name, name)
    if (
        consumer is None
        or consumer.is_gone(needs.clock.now_ms())
        or str(consumer.created_ms // 1000) != created_s
    ):
        raise consumer_not_found(call, name)
    return consumer


def consumer_not_found(call: Call, name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Consumer {name}, account {call.account} not found.")


async def resolve_resource(
    needs: Needs, transaction: Transaction, call: Call, resource_arn: str
) -> Stream | Consumer:
    """The stream or consumer that an ARN names.

    Raises:
        InvalidArgument: it is an ARN of neither.
        AccessDenied: it is another account's.
        ResourceNotFound: there is no such resource.
    """
    if "/consumer/" in resource_arn:
        return await require_consumer(needs, transaction, call, resource_arn)
    return await resolve(needs, transaction, call, None, resource_arn)


def check_changeable(stream: Stream, now_ms: int) -> None:
    """What is told of the stream can be changed: it is ACTIVE or UPDATING.

    Raises:
        ResourceInUse: it is CREATING or DELETING.
    """
    if stream.status_at(now_ms) != "UPDATING":
        check_active(stream, now_ms)
