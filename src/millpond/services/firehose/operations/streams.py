"""Delivery streams: made, described, listed and deleted."""

import re
from typing import Any

import msgspec

from millpond.engines.log.encryption import new_data_key
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.firehose import shapes, store
from millpond.services.firehose.delivery.context import role_call
from millpond.services.firehose.delivery.parts import check as check_parts
from millpond.services.firehose.errors import InvalidArgument, ResourceInUse, not_implemented
from millpond.services.firehose.model.descriptions import describe
from millpond.services.firehose.model.settings import complete
from millpond.services.firehose.model.stream import (
    DESTINATION_ID,
    DeliveryStream,
    Kind,
    KinesisSource,
    write_configuration,
)
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.operations.encryption import check_key
from millpond.services.firehose.operations.scope import (
    check_tag_count,
    require_stream,
)

LIST_LIMIT_DEFAULT = 10
_STREAM_ARN = re.compile(r"arn:[^:]*:kinesis:([^:]+):(\d{12}):stream/(.+)")


async def create_delivery_stream(
    needs: Needs, call: Call, request: shapes.CreateDeliveryStreamInput
) -> shapes.CreateDeliveryStreamOutput:
    """Make a delivery stream with one destination. It is active at once.

    A Kinesis stream is read from this moment on: what is put to it after the answer is delivered.

    Raises:
        ResourceInUse: the name is taken.
        InvalidArgument: the configuration cannot be, or is not implemented.

    Source: Firehose API reference, CreateDeliveryStream (2015-08-04).
    """
    name = request.delivery_stream_name
    kind, given = _choose_destination(request)
    configuration = complete(kind, msgspec.to_builtins(given))
    check_parts(kind, configuration)
    encryption = request.delivery_stream_encryption_configuration_input
    if encryption is not None:
        check_key(encryption)
    tags = {tag.key: tag.value or "" for tag in request.tags or []}
    check_tag_count(tags)
    source = await _find_source(needs, call, request)
    if source is not None and encryption is not None:
        raise InvalidArgument(
            "DeliveryStreamEncryptionConfigurationInput can be set only when the delivery stream "
            "type is DirectPut."
        )
    direct = request.direct_put_source_configuration
    async with needs.records.transaction() as transaction:
        if await store.load_stream(transaction, call, name):
            raise ResourceInUse(f"Firehose {name} under accountId {call.account} already exists")
        stream = DeliveryStream(
            name=name,
            id=needs.ids.hex(8),
            account=call.account,
            region=call.region,
            created_ms=needs.clock.now_ms(),
            kind=kind,
            configuration=write_configuration(configuration),
            source=source,
            throughput_hint=direct.throughput_hint_in_mbs if direct else None,
            key_type=encryption.key_type if encryption else None,
            data_keys=(new_data_key(needs.ids),) if encryption else (),
            tags=tags,
        )
        store.save_stream(transaction, call, stream)
    return shapes.CreateDeliveryStreamOutput(delivery_stream_arn=stream.arn)


def _choose_destination(
    request: shapes.CreateDeliveryStreamInput,
) -> tuple[Kind, msgspec.Struct]:
    """The one destination that a request describes."""
    if request.redshift_destination_configuration is not None:
        raise InvalidArgument(
            "RedshiftDestinationConfiguration is not implemented: there is no Redshift here yet."
        )
    not_implemented(
        ("SplunkDestinationConfiguration", request.splunk_destination_configuration),
        ("SnowflakeDestinationConfiguration", request.snowflake_destination_configuration),
        (
            "AmazonOpenSearchServerlessDestinationConfiguration",
            request.amazon_open_search_serverless_destination_configuration,
        ),
    )
    described: list[tuple[Kind, msgspec.Struct | None]] = [
        ("ExtendedS3", request.s3_destination_configuration),
        ("ExtendedS3", request.extended_s3_destination_configuration),
        ("HttpEndpoint", request.http_endpoint_destination_configuration),
        ("Amazonopensearchservice", request.amazonopensearchservice_destination_configuration),
        ("Elasticsearch", request.elasticsearch_destination_configuration),
        ("Iceberg", request.iceberg_destination_configuration),
    ]
    chosen = [(kind, given) for kind, given in described if given is not None]
    if len(chosen) != 1:
        raise InvalidArgument("Exactly one destination configuration is supported for a Firehose")
    return chosen[0]


async def _find_source(
    needs: Needs, call: Call, request: shapes.CreateDeliveryStreamInput
) -> KinesisSource | None:
    """The Kinesis stream to read, None where records are put directly."""
    kind = request.delivery_stream_type or "DirectPut"
    not_implemented(
        ("DeliveryStreamType MSKAsSource", kind == "MSKAsSource"),
        ("DeliveryStreamType DatabaseAsSource", kind == "DatabaseAsSource"),
        ("MSKSourceConfiguration", request.msk_source_configuration),
        ("DatabaseSourceConfiguration", request.database_source_configuration),
    )
    given = request.kinesis_stream_source_configuration
    if kind == "DirectPut":
        if given is not None:
            raise InvalidArgument(
                "KinesisStreamSourceConfiguration can be set only when the delivery stream type "
                "is KinesisStreamAsSource."
            )
        return None
    if given is None:
        raise InvalidArgument(
            "KinesisStreamSourceConfiguration must be set when the delivery stream type is "
            "KinesisStreamAsSource."
        )
    if request.direct_put_source_configuration is not None:
        raise InvalidArgument(
            "DirectPutSourceConfiguration can be set only when the delivery stream type is "
            "DirectPut."
        )
    arn = _STREAM_ARN.fullmatch(given.kinesis_stream_arn)
    if arn is None or (arn.group(1), arn.group(2)) != (call.region, call.account):
        raise InvalidArgument(
            "The Kinesis stream must be in the same account and region as the delivery stream: "
            f"{given.kinesis_stream_arn}."
        )
    start_ms = needs.clock.now_ms()
    reader = role_call(needs, call, given.role_arn)
    try:
        await needs.call_aws(
            reader, "kinesis", "DescribeStreamSummary", StreamARN=given.kinesis_stream_arn
        )
    except ServiceError as error:
        raise InvalidArgument(f"The Kinesis stream cannot be read: {error.message}") from error
    return KinesisSource(given.kinesis_stream_arn, given.role_arn, start_ms)


async def describe_delivery_stream(
    needs: Needs, call: Call, request: shapes.DescribeDeliveryStreamInput
) -> shapes.DescribeDeliveryStreamOutput:
    """A delivery stream with its destination and status.

    Source: Firehose API reference, DescribeDeliveryStream (2015-08-04).
    """
    async with needs.records.transaction() as transaction:
        stream = await require_stream(transaction, call, request.delivery_stream_name)
    passed = request.exclusive_start_destination_id == DESTINATION_ID
    return shapes.DescribeDeliveryStreamOutput(
        delivery_stream_description=shapes.DeliveryStreamDescription(
            delivery_stream_name=stream.name,
            delivery_stream_arn=stream.arn,
            delivery_stream_status=stream.status,
            delivery_stream_encryption_configuration=_describe_encryption(stream),
            delivery_stream_type=stream.type,
            version_id=str(stream.version),
            create_timestamp=stream.created_ms / 1000,
            last_update_timestamp=None if stream.updated_ms is None else stream.updated_ms / 1000,
            source=_describe_source(stream),
            destinations=[] if passed else [describe(stream)],
            has_more_destinations=False,
        )
    )


def _describe_encryption(stream: DeliveryStream) -> Any:
    if stream.source is not None:
        return None
    return shapes.DeliveryStreamEncryptionConfiguration(
        key_type=stream.key_type,
        status="DISABLED" if stream.key_type is None else "ENABLED",
    )


def _describe_source(stream: DeliveryStream) -> shapes.SourceDescription | None:
    source = stream.source
    if source is not None:
        return shapes.SourceDescription(
            kinesis_stream_source_description=shapes.KinesisStreamSourceDescription(
                kinesis_stream_arn=source.stream_arn,
                role_arn=source.role_arn,
                delivery_start_timestamp=source.start_ms / 1000,
            )
        )
    if stream.throughput_hint is None:
        return None
    return shapes.SourceDescription(
        direct_put_source_description=shapes.DirectPutSourceDescription(
            throughput_hint_in_mbs=stream.throughput_hint
        )
    )


async def list_delivery_streams(
    needs: Needs, call: Call, request: shapes.ListDeliveryStreamsInput
) -> shapes.ListDeliveryStreamsOutput:
    """Names of delivery streams in order, those after the given one.

    Source: Firehose API reference, ListDeliveryStreams (2015-08-04).
    """
    limit = request.limit or LIST_LIMIT_DEFAULT
    after = request.exclusive_start_delivery_stream_name or ""
    names: list[str] = []
    async with needs.records.transaction() as transaction:
        async for stream in store.scan_streams(transaction, call, after):
            if request.delivery_stream_type not in (None, stream.type):
                continue
            if len(names) == limit:
                return shapes.ListDeliveryStreamsOutput(
                    delivery_stream_names=names, has_more_delivery_streams=True
                )
            names.append(stream.name)
    return shapes.ListDeliveryStreamsOutput(
        delivery_stream_names=names, has_more_delivery_streams=False
    )


async def delete_delivery_stream(
    needs: Needs, call: Call, request: shapes.DeleteDeliveryStreamInput
) -> shapes.DeleteDeliveryStreamOutput:
    """Delete a delivery stream; what it holds is delivered before, if that succeeds at once.

    AllowForceDelete makes no difference: there is no grant of a key that could stop a deletion.

    Source: Firehose API reference, DeleteDeliveryStream (2015-08-04).
    """
    async with needs.records.transaction() as transaction:
        stream = await require_stream(transaction, call, request.delivery_stream_name)
        deleting = msgspec.structs.replace(stream, status="DELETING")
        store.save_stream(transaction, call, deleting)
    return shapes.DeleteDeliveryStreamOutput()
