"""Opening a folder: the catalog, then the journals after it; what a crash left over is removed."""

import logging
from dataclasses import dataclass
from pathlib import Path

from millpond.engines.log.embedded.catalog import Found, read_catalog
from millpond.engines.log.embedded.ledger import Ledger
from millpond.engines.log.embedded.recovery import Journals, recover
from millpond.engines.log.embedded.segments import SEGMENT_FOLDER, Segment
from millpond.kernel.errors import Damaged
from millpond.kernel.files import Files

_log = logging.getLogger(__name__)

JOURNAL_FOLDER = "journal"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a folder holds, and which numbers come next."""

    ledger: Ledger
    journals: Journals
    segments: dict[int, Segment]
    first_journal: int
    next_journal: int
    next_segment: int


def open_folder(files: Files, folder: Path) -> Opened:
    """Read what is in `folder`; make it if it is not there.

    Raises:
        Damaged: a file is missing, or neither copy of the catalog can be read.
        OSError: something cannot be read or made now.
    """
    for made in (folder, folder / JOURNAL_FOLDER, folder / SEGMENT_FOLDER):
        files.make_folder(made)
    files.sync_folder(folder.parent)
    files.sync_folder(folder)
    catalog = read_catalog(files, folder)
    segment_names = set(files.names(folder / SEGMENT_FOLDER))
    if catalog is None and segment_names and not files.names(folder / JOURNAL_FOLDER):
        raise Damaged(f"The catalog is missing in {folder}.")
    found = catalog or Found()
    if found.healed:
        _log.warning("One of two copies in the catalog of %s is damaged", folder)
    ledger = found.ledger()
    journals = recover(files, folder / JOURNAL_FOLDER, ledger, found.first_journal)
    segments = {segment.number: segment for segment in found.segments}
    for name in segment_names - {segment.name for segment in found.segments}:
        files.unlink(folder / SEGMENT_FOLDER / name)
    for number in segments.keys() - ledger.live.keys():
        ledger.live[number] = 0
        ledger.dead.append(number)
    return Opened(
        ledger,
        journals,
        segments,
        found.first_journal,
        max([*journals.names, found.first_journal - 1]) + 1,
        found.next_segment,
    )
