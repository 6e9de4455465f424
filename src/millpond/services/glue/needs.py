"""What Glue is lent."""

from dataclasses import dataclass

from millpond.engines.records.interface import Records
from millpond.kernel.call import Caller
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.pages import Pages

CALLS: tuple[tuple[str, str], ...] = (("s3", "ListObjectsV2"), ("s3", "GetObject"))
"""The operations of other services that this one calls: crawlers read S3."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`call_aws` calls the operations in `CALLS`."""

    records: Records
    clock: Clock
    ids: Ids
    pages: Pages
    call_aws: Caller
