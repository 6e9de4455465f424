"""Settings that the runtime reads, in Flink's words."""

import re
from collections.abc import Mapping

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import Source

IDLE_TIMEOUT = "table.exec.source.idle-timeout"
TABLE_IDLE_TIMEOUT = "scan.watermark.idle-timeout"

_UNITS_MS = {
    ("", "ms", "milli", "millis", "millisecond", "milliseconds"): 1.0,
    ("s", "sec", "secs", "second", "seconds"): 1_000.0,
    ("m", "min", "mins", "minute", "minutes"): 60_000.0,
    ("h", "hour", "hours"): 3_600_000.0,
    ("d", "day", "days"): 86_400_000.0,
    ("µs", "us", "micro", "micros", "microsecond", "microseconds"): 0.001,
    ("ns", "nano", "nanos", "nanosecond", "nanoseconds"): 0.000_001,
}
_FACTORS = {unit: factor for units, factor in _UNITS_MS.items() for unit in units}
_DURATION = re.compile(r"\s*(\d+)\s*([a-zµ]*)\s*", re.IGNORECASE)


def duration_ms(text: str, what: str) -> int:
    """A duration of Flink (`5 s`, `1min`, `250`: milliseconds) in whole milliseconds.

    Raises:
        Refused: it is none; the text names `what`.
    """
    match = _DURATION.fullmatch(text.strip("'"))
    factor = _FACTORS.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise Refused(f"'{text}' is no duration, as {what} has to be.")
    return int(int(match[1]) * factor)


def idle_timeout_ms(source: Source, settings: Mapping[str, str]) -> int:
    """After how long a split without rows is idle; 0: never."""
    own = source.table.option(TABLE_IDLE_TIMEOUT)
    if own is not None:
        return duration_ms(own, TABLE_IDLE_TIMEOUT)
    return duration_ms(settings.get(IDLE_TIMEOUT, "0 ms"), IDLE_TIMEOUT)
