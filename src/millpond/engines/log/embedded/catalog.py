"""The catalog: all logs and segments as they are when journals have been moved into segments.

One file, `catalog`, replaced as a whole; a group without bytes, so that what it says is there twice
with a checksum each. Its index is one msgpack array:

    [version, next log number, first journal that counts, next segment number,
     [[number, nonce, size, level], …],
     [[number, name, first, stored_end, sealed, last_time_ms, rows of its chunks], …]]

It may know more of a log than the journals before that first one said; doing again what the later
ones say changes nothing that it knows.
"""

import contextlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from millpond.engines.log.embedded.groups import group_edges, read_end, read_start
from millpond.engines.log.embedded.ledger import Ledger, LogState
from millpond.engines.log.embedded.places import Places
from millpond.engines.log.embedded.segments import Segment
from millpond.kernel.errors import Damaged
from millpond.kernel.files import Files, read_all, write_all

CATALOG_NAME = "catalog"
_DRAFT_SUFFIX = ".new"
_VERSION = 1
_NONCE = 0


class Catalog:
    """What a catalog says, as values that no later change of a log touches."""

    def __init__(
        self,
        ledger: Ledger,
        first_journal: int,
        next_segment: int,
        segments: Mapping[int, Segment],
    ) -> None:
        logs = [
            (
                log.id,
                log.name,
                log.first,
                log.stored_end,
                log.sealed,
                log.last_time_ms,
                log.chunks.stored(),
            )
            for log in ledger.by_id.values()
        ]
        self._said: Any = (
            _VERSION,
            ledger.next_id,
            first_journal,
            next_segment,
            list(segments.values()),
            logs,
        )

    def write(self, files: Files, folder: Path) -> None:
        """Put it in place of the one before.

        Raises:
            OSError: whether it is in place is unknown; both must be as good.
        """
        index = msgspec.msgpack.encode(self._said)
        start, end = group_edges(_NONCE, 0, index, 0)
        draft = folder / f"{secrets.token_hex(8)}{_DRAFT_SUFFIX}"
        descriptor = files.create(draft)
        try:
            write_all(files, descriptor, start + end, 0)
            files.sync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                files.unlink(draft)
            raise
        finally:
            files.close(descriptor)
        files.rename(draft, folder / CATALOG_NAME)
        files.sync_folder(folder)


class Found(msgspec.Struct, array_like=True):
    """A catalog as it was read. `healed`: one of its copies is damaged."""

    version: int = _VERSION
    next_id: int = 1
    first_journal: int = 1
    next_segment: int = 1
    segments: list[Segment] = []
    logs: list[tuple[int, bytes, int, int, bool, int, bytes]] = []
    healed: bool = False

    def ledger(self) -> Ledger:
        ledger = Ledger()
        for log_id, name, first, stored_end, sealed, last_time_ms, rows in self.logs:
            log = LogState(log_id, name)
            log.first, log.sealed, log.last_time_ms = first, sealed, last_time_ms
            log.stored_end = log.end = stored_end
            log.chunks = Places(rows)
            for file, size in log.chunks.sizes():
                ledger.live[file] += size
                log.chunk_size_bytes += size
            ledger.add(log)
        ledger.next_id = max(ledger.next_id, self.next_id)
        return ledger


def read_catalog(files: Files, folder: Path) -> Found | None:
    """The catalog in `folder`, None if there is none yet. Drafts of others are removed.

    Raises:
        Damaged: neither of its copies can be read.
        OSError: it cannot be read now.
    """
    names = files.names(folder)
    for name in names:
        if name.endswith(_DRAFT_SUFFIX):
            files.unlink(folder / name)
    if CATALOG_NAME not in names:
        return None
    descriptor = files.open(folder / CATALOG_NAME)
    try:
        data = read_all(files, descriptor, files.size(descriptor), 0)
    finally:
        files.close(descriptor)
    start = read_start(data, 0, _NONCE, 0)
    end = read_end(data, len(data), _NONCE, 0)
    group = start or end
    if group is None:
        raise Damaged(f"Both copies in {folder / CATALOG_NAME} are damaged.")
    try:
        found = msgspec.msgpack.decode(group.index, type=Found)
    except msgspec.DecodeError as error:
        raise Damaged(f"{folder / CATALOG_NAME} is of another version: {error}.") from error
    if found.version != _VERSION:
        raise Damaged(f"{folder / CATALOG_NAME} is of version {found.version}.")
    found.healed = start is None or end is None
    return found
