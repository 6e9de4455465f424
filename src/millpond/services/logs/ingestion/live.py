"""What the service remembers in memory of what is going on."""

from dataclasses import dataclass, field
from typing import NamedTuple

from millpond.services.logs.ingestion.compiled import CompiledFilters
from millpond.services.logs.ingestion.measuring import Defaults
from millpond.services.logs.ingestion.tails import Tail


class Pause(NamedTuple):
    """When a subscription whose destination failed is tried again, and how long it waits."""

    until_ms: int
    length_ms: int


@dataclass(slots=True)
class Live:
    """Lost with the process, and made again as it is needed. `defaults_due_ms` is the last time
    for which the telling of default values was written down."""

    filters: CompiledFilters = field(default_factory=CompiledFilters)
    defaults: Defaults = field(default_factory=Defaults)
    defaults_due_ms: int = 0
    tails: dict[Tail, str] = field(default_factory=dict)
    """The sessions, with the accounts they belong to."""
    pauses: dict[str, Pause] = field(default_factory=dict)
    """The pauses of subscriptions whose last delivery failed, by their ids."""
