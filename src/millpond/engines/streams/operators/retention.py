"""How long state is kept that nothing else bounds: `table.exec.state.ttl`."""

import re
from collections.abc import Mapping
from typing import Final

_UNITS_MS: Final = {
    **dict.fromkeys(("ms", "milli", "millis", "millisecond", "milliseconds", ""), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
}


def retention_ms(settings: Mapping[str, str]) -> int:
    """How long a row is kept after it was last written; 0: for good. A duration is a number and a
    unit as Flink reads it; one of milliseconds may leave the unit out."""
    text = settings.get("table.exec.state.ttl", "0").strip().lower()
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", text)
    if found is None or found[2] not in _UNITS_MS:
        return 0
    return int(found[1]) * _UNITS_MS[found[2]]
