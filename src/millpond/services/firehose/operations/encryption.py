"""Server-side encryption of what waits for delivery, under a key of the delivery stream's own."""

import msgspec

from millpond.engines.log.encryption import new_data_key
from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.firehose import shapes, store
from millpond.services.firehose.errors import InvalidArgument, not_implemented
from millpond.services.firehose.model.stream import DeliveryStream
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.operations.scope import require_stream


def check_key(given: shapes.DeliveryStreamEncryptionConfigurationInput) -> None:
    """Raises: InvalidArgument: a key of one's own is asked for; there is no KMS to keep it."""
    not_implemented(("KeyType CUSTOMER_MANAGED_CMK", given.key_type == "CUSTOMER_MANAGED_CMK"))
    if given.key_arn is not None:
        raise InvalidArgument("KeyARN must not be set when KeyType is AWS_OWNED_CMK.")


async def _require_direct(transaction: Transaction, call: Call, name: str) -> DeliveryStream:
    stream = await require_stream(transaction, call, name)
    if stream.source is not None:
        raise InvalidArgument(
            "Server-side encryption can be changed only when the delivery stream type is DirectPut."
        )
    return stream


async def start_delivery_stream_encryption(
    needs: Needs, call: Call, request: shapes.StartDeliveryStreamEncryptionInput
) -> shapes.StartDeliveryStreamEncryptionOutput:
    """Encrypt what is put from now on. Starting again takes another key.

    Source: Firehose API reference, StartDeliveryStreamEncryption (2015-08-04).
    """
    given = request.delivery_stream_encryption_configuration_input
    if given is not None:
        check_key(given)
    async with needs.records.transaction() as transaction:
        stream = await _require_direct(transaction, call, request.delivery_stream_name)
        changed = msgspec.structs.replace(
            stream,
            key_type="AWS_OWNED_CMK",
            data_keys=(*stream.data_keys, new_data_key(needs.ids)),
        )
        store.save_stream(transaction, call, changed)
    return shapes.StartDeliveryStreamEncryptionOutput()


async def stop_delivery_stream_encryption(
    needs: Needs, call: Call, request: shapes.StopDeliveryStreamEncryptionInput
) -> shapes.StopDeliveryStreamEncryptionOutput:
    """Encrypt nothing that is put from now on. What is encrypted stays so until it is delivered.

    Source: Firehose API reference, StopDeliveryStreamEncryption (2015-08-04).
    """
    async with needs.records.transaction() as transaction:
        stream = await _require_direct(transaction, call, request.delivery_stream_name)
        store.save_stream(transaction, call, msgspec.structs.replace(stream, key_type=None))
    return shapes.StopDeliveryStreamEncryptionOutput()
