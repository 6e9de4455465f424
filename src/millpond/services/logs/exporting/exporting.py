"""The background step that exports.

Streams are exported by name, one after another. How far it came is written down every few
streams; what was exported after that is written again after a crash, to the same keys.
"""

from collections import Counter
from functools import partial

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.body import BytesBody
from millpond.kernel.call import Call, Principal, Scope
from millpond.kernel.errors import ServiceError
from millpond.kernel.tasks import Task, Wake
from millpond.services.logs import store
from millpond.services.logs.exporting.objects import pack_object
from millpond.services.logs.model.exports import Export, folder_of
from millpond.services.logs.model.groups import Group
from millpond.services.logs.needs import Needs
from millpond.services.logs.reading import Place
from millpond.services.logs.storing.exports import load_export, save_export

NOTED_EVERY = 50
"""Streams after which the progress is written down."""


class _Cancelled(Exception):
    """Somebody cancelled the export."""


async def export(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Do the export `task.subject`, from where it stands."""

    async def take_up(transaction: Transaction) -> tuple[Export, Group | None] | None:
        found = await load_export(transaction, task, task.subject)
        if found is None or found.ended:
            return None
        if found.status == "PENDING":
            found = msgspec.structs.replace(found, status="RUNNING")
            save_export(transaction, task, found)
        return found, await store.load_group(transaction, task, found.group)

    taken = await transact(needs.records, take_up)
    if taken is None:
        return None
    export, group = taken
    if export.status == "PENDING_CANCEL":
        await _end(needs, task, "CANCELLED", "Cancelled by user")
        return None
    if group is None or group.id != export.group_id:
        await _end(needs, task, "FAILED", "The specified log group does not exist.")
        return None
    try:
        if not await _export_streams(needs, task, wake, export, group):
            return needs.clock.now_ms()
    except _Cancelled:
        await _end(needs, task, "CANCELLED", "Cancelled by user")
    except ServiceError as error:
        if error.status >= 500:
            raise
        await _end(needs, task, "FAILED", f"{error.code}: {error.message}")
    else:
        await _end(needs, task, "COMPLETED", "Completed successfully")
    return None


async def _export_streams(
    needs: Needs, scope: Scope, wake: Wake, export: Export, group: Group
) -> bool:
    """Export the streams that are left; False: the platform ends meanwhile."""
    async with needs.records.transaction() as transaction:
        found = store.scan_streams(transaction, group.id, export.stream_prefix)
        streams = [(stream.name, stream.id) async for stream in found if stream.stored_bytes]
    taken = Counter(folder_of(name) for name, _ in streams)
    begin = next((n for n, (name, _) in enumerate(streams, 1) if name == export.done), 0)
    for count, (name, stream_id) in enumerate(streams[begin:], 1):
        folder = folder_of(name)
        if taken[folder] > 1:
            folder = f"{folder}-{stream_id}"
        place: Place | None = Place(0)
        number = 0
        while place is not None:
            if wake.stopping:
                return False
            packed = await pack_object(needs, export, group, name, place)
            if packed is None:
                break
            await put_object(needs, scope, export, export.key(folder, number), packed.data)
            place = packed.next
            number += 1
            await _note(needs, scope, export.id, None)
        if count % NOTED_EVERY == 0:
            await _note(needs, scope, export.id, name)
    return True


async def _note(needs: Needs, scope: Scope, export_id: str, done: str | None) -> None:
    """Look whether the export is to go on, and write down how far it is.

    Raises:
        _Cancelled: it is not.
    """

    async def note(transaction: Transaction) -> None:
        current = await load_export(transaction, scope, export_id)
        if current is None or current.status != "RUNNING":
            raise _Cancelled
        if done is not None:
            save_export(transaction, scope, msgspec.structs.replace(current, done=done))

    await transact(needs.records, note)


async def _end(needs: Needs, scope: Task, status: str, message: str) -> None:
    await transact(needs.records, partial(_write_end, needs, scope, status, message))


async def _write_end(
    needs: Needs, scope: Task, status: str, message: str, transaction: Transaction
) -> None:
    current = await load_export(transaction, scope, scope.subject)
    if current is None or current.ended:
        return
    if current.status == "PENDING_CANCEL":
        status, message = "CANCELLED", "Cancelled by user"
    now_ms = needs.clock.now_ms()
    ended = msgspec.structs.replace(current, status=status, message=message, completed_ms=now_ms)
    save_export(transaction, scope, ended)


async def put_object(needs: Needs, scope: Scope, export: Export, key: str, data: bytes) -> None:
    """Write an object as the export's author.

    Raises:
        ServiceError: S3's refusal.
    """
    author = export.author
    call = Call(
        service="logs",
        operation="Export",
        account=scope.account,
        region=scope.region,
        principal=Principal(author.arn, author.user_id, author.access_key_id, author.actions),
        request_id=needs.ids.uuid(),
        endpoint=author.endpoint,
    )
    await needs.call_aws(
        call, "s3", "PutObject", Bucket=export.bucket, Key=key, Body=BytesBody(data)
    )
