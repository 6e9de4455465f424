"""What DynamoDB is lent."""

from dataclasses import dataclass

from millpond.engines.records.interface import Records
from millpond.kernel.clock import Clock
from millpond.kernel.ids import Ids
from millpond.kernel.pages import Pages

CALLS: tuple[tuple[str, str], ...] = ()
"""The operations of other services that this one calls."""


@dataclass(frozen=True, slots=True)
class Needs:
    records: Records
    clock: Clock
    ids: Ids
    pages: Pages
