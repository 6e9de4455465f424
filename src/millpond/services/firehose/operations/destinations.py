"""A delivery stream's destination, changed."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.firehose import shapes, store
from millpond.services.firehose.delivery.parts import check as check_parts
from millpond.services.firehose.errors import (
    ConcurrentModification,
    InvalidArgument,
    ResourceInUse,
    not_implemented,
)
from millpond.services.firehose.model.stream import DESTINATION_ID, Kind, write_configuration
from millpond.services.firehose.model.updates import update
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.operations.scope import require_stream


async def update_destination(
    needs: Needs, call: Call, request: shapes.UpdateDestinationInput
) -> shapes.UpdateDestinationOutput:
    """Change a destination's settings, or put another one in its place.

    It is in force at once, also for what was put before and is not delivered yet.

    Raises:
        ConcurrentModification: the configuration is at another version than the caller knows.

    Source: Firehose API reference, UpdateDestination (2015-08-04).
    """
    kind, given = _choose_update(request)
    known = request.current_delivery_stream_version_id
    async with needs.records.transaction() as transaction:
        stream = await require_stream(transaction, call, request.delivery_stream_name)
        if stream.status != "ACTIVE":
            raise ResourceInUse(
                f"Firehose {stream.name} under account {call.account} is not in ACTIVE state."
            )
        if request.destination_id != DESTINATION_ID:
            raise InvalidArgument(f"Destination Id {request.destination_id} not found")
        if known != str(stream.version):
            raise ConcurrentModification(
                f"Cannot update firehose: {stream.name} since the current version id: "
                f"{stream.version} and specified version id: {known} do not match"
            )
        configuration = update(stream.kind, stream.read_configuration(), kind, given)
        check_parts(kind, configuration)
        changed = msgspec.structs.replace(
            stream,
            kind=kind,
            configuration=write_configuration(configuration),
            version=stream.version + 1,
            updated_ms=needs.clock.now_ms(),
        )
        store.save_stream(transaction, call, changed)
    return shapes.UpdateDestinationOutput()


def _choose_update(request: shapes.UpdateDestinationInput) -> tuple[Kind, msgspec.Struct]:
    """The one destination that a request changes."""
    if request.redshift_destination_update is not None:
        raise InvalidArgument(
            "RedshiftDestinationUpdate is not implemented: there is no Redshift here yet."
        )
    not_implemented(
        ("SplunkDestinationUpdate", request.splunk_destination_update),
        ("SnowflakeDestinationUpdate", request.snowflake_destination_update),
        (
            "AmazonOpenSearchServerlessDestinationUpdate",
            request.amazon_open_search_serverless_destination_update,
        ),
    )
    described: list[tuple[Kind, msgspec.Struct | None]] = [
        ("ExtendedS3", request.s3_destination_update),
        ("ExtendedS3", request.extended_s3_destination_update),
        ("HttpEndpoint", request.http_endpoint_destination_update),
        ("Amazonopensearchservice", request.amazonopensearchservice_destination_update),
        ("Elasticsearch", request.elasticsearch_destination_update),
        ("Iceberg", request.iceberg_destination_update),
    ]
    chosen = [(kind, given) for kind, given in described if given is not None]
    if len(chosen) != 1:
        raise InvalidArgument("Exactly one destination update is supported for a Firehose")
    return chosen[0]
