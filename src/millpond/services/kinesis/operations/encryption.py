"""Encryption of streams: start, stop."""

import re

from msgspec.structs import replace

from millpond.engines.log.encryption import new_data_key
from millpond.kernel.call import Call
from millpond.services.kinesis import shapes, store
from millpond.services.kinesis.errors import InvalidArgument, KmsNotFound, LimitExceeded
from millpond.services.kinesis.model.changes import TIMES_A_DAY, Kind, may_change, with_change
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.scope import check_active, resolve

_NAME = r"(?:key/)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?:key/)?mrk-[0-9a-f]{32}"
_ALIAS = r"alias/[a-zA-Z0-9/_-]+"
_KEY_ID = re.compile(rf"(?:arn:aws[\w-]*:kms:[\w-]+:\d{{12}}:)?(?:{_NAME}|{_ALIAS})\Z")


async def start_stream_encryption(
    needs: Needs, call: Call, request: shapes.StartStreamEncryptionInput
) -> None:
    """Encrypt the records that come from now on.

    Raises:
        InvalidArgument: the type of encryption is not KMS.
        KmsNotFound: the key's id is not one that a key can have.
        ResourceInUse: the stream is not ACTIVE.
        LimitExceeded: a 26th time in 24 hours.

    Source: Kinesis API reference, StartStreamEncryption.
    """
    now_ms = needs.clock.now_ms()
    _check_type(request.encryption_type)
    _check_key(request.key_id)
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        check_active(stream, now_ms)
        if stream.encryption == "KMS" and stream.key_id == request.key_id:
            return
        updating = replace(
            _counted(needs, stream, "encrypt", now_ms),
            status="UPDATING",
            status_until_ms=now_ms + round(needs.state_seconds * 1000),
            encryption="KMS",
            key_id=request.key_id,
            data_keys=(*stream.data_keys, new_data_key(needs.ids)),
        )
        store.save_stream(transaction, call, updating)


async def stop_stream_encryption(
    needs: Needs, call: Call, request: shapes.StopStreamEncryptionInput
) -> None:
    """Encrypt no records from now on. Those that are encrypted stay so, and readable.

    Raises:
        InvalidArgument: the type of encryption is not KMS.
        KmsNotFound: the key's id is not one that a key can have.
        ResourceInUse: the stream is not ACTIVE.
        LimitExceeded: a 26th time in 24 hours.

    Source: Kinesis API reference, StopStreamEncryption.
    """
    now_ms = needs.clock.now_ms()
    _check_type(request.encryption_type)
    _check_key(request.key_id)
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        check_active(stream, now_ms)
        if stream.encryption == "NONE":
            return
        updating = replace(
            _counted(needs, stream, "decrypt", now_ms),
            status="UPDATING",
            status_until_ms=now_ms + round(needs.state_seconds * 1000),
            encryption="NONE",
            key_id="",
        )
        store.save_stream(transaction, call, updating)


def _counted(needs: Needs, stream: Stream, kind: Kind, now_ms: int) -> Stream:
    if needs.limits and not may_change(stream, kind, now_ms):
        raise LimitExceeded(
            f"The encryption of stream {stream.name} under account {stream.account} cannot be "
            f"changed more than {TIMES_A_DAY[kind]} times in 24 hours."
        )
    return with_change(stream, kind, now_ms)


def _check_type(encryption_type: str) -> None:
    if encryption_type != "KMS":
        raise InvalidArgument(f"EncryptionType {encryption_type} is not KMS.")


def _check_key(key_id: str) -> None:
    if not _KEY_ID.match(key_id):
        raise KmsNotFound(f"Invalid keyId {key_id}")
