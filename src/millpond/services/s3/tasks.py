"""Background work: giving back to the objects engine what no record names any more.

Writing an object over another, deleting one or ending an upload only writes down what is to go, in
its own transaction. The steps below do it a batch at a time, and may be cut off anywhere: what is
still written down is done again, and giving back a blob twice is harmless. They look first and then
write without reading, so they never lose a race against the operations. What a crash left behind
before anything was written down is an orphan: it is looked for at the start and each hour.
"""

from collections.abc import Mapping

from millpond.engines.objects import orphans
from millpond.engines.objects.interface import Blob
from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.s3.model.stored import Part
from millpond.services.s3.needs import Needs
from millpond.services.s3.store import blobs, uploads

BATCH_SIZE = 500
ORPHANS_EACH_MS = 3_600_000

TASKS_AT_START = (Task("s3", "collect-orphans", ""),)
"""What wiring schedules whenever the platform starts."""


async def remove_blobs(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Give back blobs that were written down for removal."""
    batch: list[Blob] = []
    async with needs.records.transaction() as transaction:
        async for blob in blobs.scan_removals(transaction):
            batch.append(blob)
            if len(batch) == BATCH_SIZE:
                break
    if not batch:
        return None
    await needs.objects.discard(batch)
    async with needs.records.transaction() as transaction:
        for blob in batch:
            blobs.forget_removal(transaction, blob)
    return needs.clock.now_ms()


async def remove_parts(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Write down for removal the parts of an upload that is over, to which none can be added."""
    batch: list[Part] = []
    async with needs.records.transaction() as transaction:
        upload_id = await uploads.next_abandoned(transaction)
        if upload_id is None:
            return None
        async for part in uploads.scan_parts(transaction, upload_id):
            batch.append(part)
            if len(batch) == BATCH_SIZE:
                break
    async with needs.records.transaction() as transaction:
        for part in batch:
            uploads.delete_part(transaction, upload_id, part)
        if len(batch) < BATCH_SIZE:
            uploads.forget_abandoned(transaction, upload_id)
    return needs.clock.now_ms()


async def collect_orphans(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Give back blobs that no record names; S3 alone stores blobs in this engine."""

    async def list_named() -> set[str]:
        async with needs.records.transaction() as transaction:
            return await blobs.named_ids(transaction)

    await orphans.collect_orphans(needs.objects, list_named)
    return needs.clock.now_ms() + ORPHANS_EACH_MS


STEPS: Mapping[str, Step] = {
    "collect-orphans": collect_orphans,
    "remove-blobs": remove_blobs,
    "remove-parts": remove_parts,
}
