"""Consumers of enhanced fan-out: register, describe, list, deregister."""

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesis import shapes, store
from millpond.services.kinesis.answers import show_consumer, show_consumer_description
from millpond.services.kinesis.errors import (
    InvalidArgument,
    LimitExceeded,
    ResourceInUse,
)
from millpond.services.kinesis.model import tags as tag_rules
from millpond.services.kinesis.model.account import (
    CONSUMERS_CREATING_MAX,
    consumers_max,
)
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.paging import open_token, seal_token
from millpond.services.kinesis.operations.scope import (
    check_active,
    check_created_at,
    consumer_not_found,
    name_in,
    not_found,
    require_consumer,
    resolve,
)

CONSUMERS_PAGE_MAX = 100


async def register_stream_consumer(
    needs: Needs, call: Call, request: shapes.RegisterStreamConsumerInput
) -> shapes.RegisterStreamConsumerOutput:
    """Register a consumer, which may then subscribe to the stream's shards.

    Raises:
        ResourceNotFound: there is no such stream.
        ResourceInUse: it is not ACTIVE, or has a consumer of that name.
        LimitExceeded: it has too many consumers, or too many are CREATING.
        InvalidArgument: tags that are not allowed.

    Source: Kinesis API reference, RegisterStreamConsumer.
    """
    name, now_ms = request.consumer_name, needs.clock.now_ms()
    try:
        tag_rules.check(request.tags or {})
    except tag_rules.BadTags as error:
        raise InvalidArgument(f"Failed to register consumer {name} because {error}") from None
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, None, request.stream_arn)
        check_active(stream, now_ms)
        known = [
            consumer
            async for consumer in store.scan_consumers(transaction, call, stream.name)
            if not consumer.is_gone(now_ms)
        ]
        if any(consumer.name == name for consumer in known):
            raise ResourceInUse(
                f"Consumer {name} under stream {stream.arn} already exists "
                f"for account {call.account}."
            )
        if needs.limits:
            settings = await store.load_settings(transaction, call)
            advantage = stream.mode == "ON_DEMAND" and settings.has_commitment(now_ms)
            _check_counts(stream, known, consumers_max(advantage), now_ms)
        consumer = Consumer(
            name=name,
            stream_name=stream.name,
            stream_id=stream.id,
            account=stream.account,
            region=stream.region,
            created_ms=now_ms,
            status="CREATING",
            status_until_ms=now_ms + round(needs.state_seconds * 1000),
            tags=request.tags or {},
        )
        store.save_consumer(transaction, call, consumer)
    return shapes.RegisterStreamConsumerOutput(
        consumer=replace(show_consumer(consumer, now_ms), consumer_status="CREATING")
    )


async def deregister_stream_consumer(
    needs: Needs, call: Call, request: shapes.DeregisterStreamConsumerInput
) -> None:
    """Take a consumer away.

    Raises:
        ResourceNotFound: there is no such stream or consumer.
        InvalidArgument: neither its ARN nor its name and stream are given, or they name two.

    Source: Kinesis API reference, DeregisterStreamConsumer.
    """
    now_ms = needs.clock.now_ms()
    until_ms = now_ms + round(needs.state_seconds * 1000)
    async with needs.records.transaction() as transaction:
        _, consumer = await _find(needs, transaction, call, request)
        store.delete_policy(transaction, call, consumer.arn)
        if until_ms > now_ms:
            deleting = replace(consumer, status="DELETING", status_until_ms=until_ms)
            store.save_consumer(transaction, call, deleting)
        else:
            store.delete_consumer(transaction, call, consumer.stream_name, consumer.name)


async def describe_stream_consumer(
    needs: Needs, call: Call, request: shapes.DescribeStreamConsumerInput
) -> shapes.DescribeStreamConsumerOutput:
    """A consumer by its ARN, or by its name and its stream's ARN.

    Raises:
        ResourceNotFound: there is no such stream or consumer.
        InvalidArgument: neither its ARN nor its name and stream are given, or they name two.

    Source: Kinesis API reference, DescribeStreamConsumer.
    """
    async with needs.records.transaction() as transaction:
        stream, consumer = await _find(needs, transaction, call, request)
    description = show_consumer_description(consumer, stream, needs.clock.now_ms())
    return shapes.DescribeStreamConsumerOutput(consumer_description=description)


async def list_stream_consumers(
    needs: Needs, call: Call, request: shapes.ListStreamConsumersInput
) -> shapes.ListStreamConsumersOutput:
    """A stream's consumers by name, 100 at most.

    Raises:
        ResourceNotFound: there is no such stream.
        InvalidArgument: a token that is not ours, or with a time of creation.
        ExpiredNextToken: the token is older than 300 seconds.

    Source: Kinesis API reference, ListStreamConsumers.
    """
    now_ms, after = needs.clock.now_ms(), ""
    size = min(request.max_results or CONSUMERS_PAGE_MAX, CONSUMERS_PAGE_MAX)
    stream_id: str | None = None
    if request.next_token is not None:
        if request.stream_creation_timestamp is not None:
            raise InvalidArgument(
                "NextToken and StreamCreationTimestamp cannot be provided together."
            )
        stream_id, after = open_token(needs, call, request.next_token)
    found: list[Consumer] = []
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, None, request.stream_arn)
        if stream_id not in (None, stream.id):
            raise not_found(call, stream.name)
        check_created_at(call, stream, request.stream_creation_timestamp)
        async for consumer in store.scan_consumers(transaction, call, stream.name, after):
            if not consumer.is_gone(now_ms):
                found.append(consumer)
            if len(found) > size:
                break
    page = found[:size]
    token = seal_token(needs, call, stream.id, page[-1].name) if len(found) > size else None
    return shapes.ListStreamConsumersOutput(
        consumers=[show_consumer(consumer, now_ms) for consumer in page], next_token=token
    )


async def _find(
    needs: Needs,
    transaction: Transaction,
    call: Call,
    request: shapes.DescribeStreamConsumerInput | shapes.DeregisterStreamConsumerInput,
) -> tuple[Stream, Consumer]:
    name = request.consumer_name
    if request.consumer_arn is not None:
        consumer = await require_consumer(needs, transaction, call, request.consumer_arn)
        stream = await resolve(needs, transaction, call, consumer.stream_name, None)
        if request.stream_arn is not None and name_in(call, request.stream_arn) != stream.name:
            raise InvalidArgument("ConsumerARN and StreamARN name different streams.")
        if name is not None and name != consumer.name:
            raise InvalidArgument("ConsumerARN and ConsumerName name different consumers.")
        return stream, consumer
    if request.stream_arn is None or name is None:
        raise InvalidArgument("Either ConsumerARN, or both StreamARN and ConsumerName are needed.")
    stream = await resolve(needs, transaction, call, None, request.stream_arn)
    found = await store.load_consumer(transaction, call, stream.name, name)
    if found is None or found.is_gone(needs.clock.now_ms()):
        raise consumer_not_found(call, name)
    return stream, found


def _check_counts(stream: Stream, known: list[Consumer], most: int, now_ms: int) -> None:
    if len(known) >= most:
        raise LimitExceeded(
            f"Stream {stream.name} under account {stream.account} has {len(known)} consumers. "
            f"Limit: {most}."
        )
    creating = sum(consumer.status_at(now_ms) == "CREATING" for consumer in known)
    if creating >= CONSUMERS_CREATING_MAX:
        raise LimitExceeded(
            f"Stream {stream.name} under account {stream.account} has {creating} consumers in "
            f"the CREATING state. Limit: {CONSUMERS_CREATING_MAX}."
        )
