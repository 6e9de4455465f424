"""Blobs that no record names: what a crash left between a `put` and its commit.

Why this takes no blob that is still wanted: `list_ids` leaves out what is being written and what
was stored within the grace period, and is asked first. So a listed blob's owner committed its name
long ago, or never will; the names are read after that.
"""

from collections.abc import Awaitable, Callable, Collection

from millpond.engines.objects.interface import Blob, Objects


async def collect_orphans(
    objects: Objects, list_named: Callable[[], Awaitable[Collection[str]]]
) -> int:
    """Discard every blob that is not among the ids that `list_named` answers; how many.

    `list_named` reads, in one transaction begun when it is called, the ids of all blobs that any
    record names. To be called at the start and now and then.
    """
    stored = await objects.list_ids()
    if not stored:
        return 0
    named = frozenset(await list_named())
    orphans = [blob_id for blob_id in stored if blob_id not in named]
    await objects.discard([Blob(size=0, id=blob_id) for blob_id in orphans])
    return len(orphans)
