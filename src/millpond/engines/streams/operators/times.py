"""The times of rows, in milliseconds, and of windows.

Windows of a TIMESTAMP_LTZ attribute follow the clock of the session's time zone
(`table.local-time-zone`; UTC unless it is set), as Flink's do: their bounds are that zone's local
times. Where a local time comes twice, the later one ends a window.
"""

import datetime
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millpond.engines.streams.runtime.settings import TIME_ZONE
from millpond.engines.streams.types import DataType

Millis = npt.NDArray[np.int64]

_QUARTER_MS = 900_000
_EPOCH = datetime.datetime(1970, 1, 1)
_FIRST_MS = -62_135_510_400_000
_LAST_MS = 253_402_207_200_000


def times_of(rows: pa.Table, name: str) -> tuple[Millis, npt.NDArray[np.bool_] | None]:
    """The times of a column of time in epoch milliseconds, and where there are some: None where
    all are."""
    column = rows.column(name)
    unit = pa.timestamp("us", column.type.tz)
    if column.type != unit:
        column = column.cast(unit)
    there = None
    if column.null_count:
        there = column.is_valid().to_numpy()
    whole = column.cast(pa.int64()).fill_null(pa.scalar(0)).to_numpy()
    return np.floor_divide(whole, 1000), there


class LocalTime:
    """How instants and the bounds of windows belong together."""

    def __init__(self, kind: DataType, settings: Mapping[str, str]) -> None:
        zone = settings.get(TIME_ZONE, "UTC")
        is_local = kind.name == "TIMESTAMP_LTZ" and zone.upper() not in _UTC
        self._zone = ZoneInfo(zone) if is_local else None

    def local(self, instants: Millis) -> Millis:
        """Instants as the zone's clock shows them."""
        if self._zone is None or not len(instants):
            return instants
        # Zones change their offset on a quarter of an hour.
        quarters, where = np.unique(np.floor_divide(instants, _QUARTER_MS), return_inverse=True)
        offsets = [_offset_ms(self._zone, int(quarter)) for quarter in quarters]
        return instants + np.array(offsets, np.int64)[where]

    def instant(self, local_ms: int) -> int:
        """The last instant at which the zone's clock shows this."""
        if self._zone is None or not _FIRST_MS < local_ms < _LAST_MS:
            return local_ms
        shown = _EPOCH + datetime.timedelta(milliseconds=local_ms)
        shift = shown.replace(tzinfo=self._zone, fold=1).utcoffset()
        return local_ms - round(shift.total_seconds() * 1000) if shift else local_ms

    def last_instant(self, end_ms: int) -> int:
        """The instant of the last millisecond before a window's end: complete is a window when the
        watermark has come to it."""
        return self.instant(end_ms - 1)


_UTC = ("UTC", "Z", "ETC/UTC", "GMT", "DEFAULT")


@lru_cache(4096)
def _offset_ms(zone: ZoneInfo, quarter: int) -> int:
    at_ms = min(max(quarter * _QUARTER_MS, _FIRST_MS), _LAST_MS)
    instant = (_EPOCH + datetime.timedelta(milliseconds=at_ms)).replace(tzinfo=datetime.UTC)
    shift = instant.astimezone(zone).utcoffset()
    return round(shift.total_seconds() * 1000) if shift else 0


def time_array(millis: Millis | Sequence[int], kind: pa.DataType) -> "pa.Array[Any]":
    """Epoch milliseconds as a column of time."""
    return pa.array(np.asarray(millis, np.int64) * 1000, pa.int64()).cast(kind)
