"""What S3 is lent."""

from dataclasses import dataclass

from millpond.engines.objects.interface import LocalFiles, Objects
from millpond.engines.records.interface import Records
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.pages import Pages

CALLS: tuple[tuple[str, str], ...] = ()
"""The operations of other services that this one calls."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`local_files` is the objects engine once more where it keeps blobs as local files, so that
    large objects leave as files; None where it does not."""

    clock: Clock
    ids: Ids
    pages: Pages
    records: Records
    objects: Objects
    local_files: LocalFiles | None = None
