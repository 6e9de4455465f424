"""Opening the journals after a restart: what they say is done to the ledger, in order.

What is found gets synced, the last journal's end and the folder: it may be in the page cache alone,
left there by a process that was killed.

Bytes that are proven to have held groups, and of which neither index can be read, may have held
the newest entries of any log. A log whose next frame follows without a gap has lost nothing; any
other gets a loss of as many positions as could have lain there, so that none is given twice and
whoever reads there hears of it.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.log.embedded.groups import read_start
from millpond.engines.log.embedded.items import APPEND, JOURNAL, unpack
from millpond.engines.log.embedded.journal import parse_name
from millpond.engines.log.embedded.ledger import Ledger
from millpond.engines.log.embedded.scan import Scan, scan
from millpond.kernel.errors import Damaged
from millpond.kernel.files import Files, read_all

_log = logging.getLogger(__name__)
_ENTRY_SIZE_BYTES_MIN = 9
_FIRST_READ_SIZE_BYTES = 64 * 1024


@dataclass(slots=True)
class Journals:
    """The journals there are, by number: their names and where they end."""

    names: dict[int, str]
    ends: dict[int, int]


def recover(files: Files, folder: Path, ledger: Ledger, first: int) -> Journals:
    """Do to `ledger`, as the catalog has it, what the journals in `folder` from number `first` on
    say. Earlier ones are removed.

    Raises:
        Damaged: one is missing.
        OSError: one cannot be read, or synced.
    """
    names = {}
    for name in files.names(folder):
        number = parse_name(name)[0]
        if number < first:
            files.unlink(folder / name)
        else:
            names[number] = name
    stated = _stated_ends(files, folder, names)
    for number in stated.keys() - names.keys():
        if number >= first and stated[number]:
            raise Damaged(f"Journal {number} is missing in {folder}, or the catalog is.")
    ends: dict[int, int] = {}
    possible_loss_bytes = 0
    suspects: set[int] = set()
    for number in sorted(names):
        nonce = parse_name(names[number])[1]
        data = _read(files, folder / names[number], sync=number not in stated)
        found = scan(data, nonce, stated.get(number))
        ends[number] = found.end
        _report(names[number], found)
        losses = dict(found.losses)
        for count, group in enumerate(found.groups):
            if count in losses:
                possible_loss_bytes += losses[count]
                suspects = _open_logs(ledger)
            items = unpack(group.index)
            suspects -= {item[1] for item in items if item[0] == APPEND}
            ledger.apply(items, number, group.payload_offset)
        if len(found.groups) in losses:
            possible_loss_bytes += losses[len(found.groups)]
            suspects = _open_logs(ledger)
    _note_losses(ledger, suspects, possible_loss_bytes, max(names, default=0))
    if names:
        files.sync_folder(folder)
    return Journals(names, ends)


def _read(files: Files, path: Path, *, sync: bool = False, size_max: int | None = None) -> bytes:
    """A journal's bytes, all or the first; synced before, if it is not stated to be."""
    descriptor = files.open(path)
    try:
        if sync:
            files.sync(descriptor)
        size = files.size(descriptor)
        return read_all(files, descriptor, size if size_max is None else min(size, size_max), 0)
    finally:
        files.close(descriptor)


def _stated_ends(files: Files, folder: Path, names: dict[int, str]) -> dict[int, int]:
    """Where journals end, as the first groups of later ones say; the latest word counts."""
    stated: dict[int, int] = {}
    for number in sorted(names):
        nonce = parse_name(names[number])[1]
        path = folder / names[number]
        group = read_start(_read(files, path, size_max=_FIRST_READ_SIZE_BYTES), 0, nonce, 0)
        if group is None:
            group = next(iter(scan(_read(files, path), nonce, None).groups), None)
        if group is not None and not group.offset and group.index:
            header = unpack(group.index)[0]
            if header[0] == JOURNAL:
                stated.update(header[2])
    return stated


def _open_logs(ledger: Ledger) -> set[int]:
    return {log_id for log_id, log in ledger.by_id.items() if not log.sealed}


def _note_losses(ledger: Ledger, suspects: Collection[int], size_bytes: int, journal: int) -> None:
    for log_id in sorted(suspects):
        log = ledger.by_id.get(log_id)
        if log is not None:
            end = log.end + size_bytes // _ENTRY_SIZE_BYTES_MIN + 1
            log.add_loss(end, log.last_time_ms, journal)


def _report(name: str, found: Scan) -> None:
    if found.healed:
        _log.warning("Journal %s: %d damaged indexes read from their copies", name, found.healed)
    for _, size in found.losses:
        _log.error("Journal %s: %d bytes of synced groups cannot be read", name, size)
