"""Settings that the runtime reads, in Flink's words."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from millpond.engines.streams.connectors import options
from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import Source

IDLE_TIMEOUT = "table.exec.source.idle-timeout"
LATENESS = "table.exec.emit.allow-lateness"
STATE_TTL = "table.exec.state.ttl"
TIME_ZONE = "table.local-time-zone"
TABLE_IDLE_TIMEOUT = "scan.watermark.idle-timeout"


def check_setting(key: str, text: str) -> None:
    """Look whether a setting that acts here has a value that can be.

    Raises:
        Refused: it has not.
    """
    if key in (IDLE_TIMEOUT, LATENESS, STATE_TTL):
        duration_ms(text, key)
    elif key == TIME_ZONE and text.upper() != "DEFAULT":
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Refused(
                f"'{text}' is no time zone that is known here, as {key} has to be; write "
                "'Europe/Berlin'.",
                needs_flink=True,
            ) from error


def duration_ms(text: str, what: str) -> int:
    """A duration of Flink (`5 s`, `1min`, `250`: milliseconds) in whole milliseconds.

    Raises:
        Refused: it is none; the text names `what`.
    """
    try:
        return options.duration_ms(text.strip("'"))
    except ValueError as error:
        raise Refused(f"'{text}' is no duration, as {what} has to be.") from error


def idle_timeout_ms(source: Source, settings: Mapping[str, str]) -> int:
    """After how long a split without rows is idle; 0: never."""
    own = source.table.option(TABLE_IDLE_TIMEOUT)
    if own is not None:
        return duration_ms(own, TABLE_IDLE_TIMEOUT)
    return duration_ms(settings.get(IDLE_TIMEOUT, "0 ms"), IDLE_TIMEOUT)
