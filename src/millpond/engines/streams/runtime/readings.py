"""How far the sources of a run were read by its steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from millpond.engines.streams.connectors.interface import Arrival


@dataclass(slots=True)
class Reading:
    """Of one source: where each of its splits is."""

    table: str
    positions: dict[str, Any] = field(default_factory=dict)
    behind_ms: dict[str, int] = field(default_factory=dict)
    finished: bool = False

    def note(self, arrivals: Sequence[Arrival]) -> None:
        """These went into a step."""
        for arrival in arrivals:
            if arrival.ended:
                self.positions.pop(arrival.split, None)
                self.behind_ms.pop(arrival.split, None)
                continue
            self.positions[arrival.split] = arrival.position
            if arrival.behind_ms is not None:
                self.behind_ms[arrival.split] = arrival.behind_ms


def saved(readings: Mapping[str, Reading]) -> dict[str, Any]:
    """As checkpoints have them."""
    return {
        name: {
            "table": reading.table,
            "positions": dict(reading.positions),
            "finished": reading.finished,
        }
        for name, reading in readings.items()
    }


def most_behind_ms(readings: Iterable[Reading]) -> int | None:
    """Of the split that is the furthest behind; None: none says."""
    return max((ms for reading in readings for ms in reading.behind_ms.values()), default=None)
