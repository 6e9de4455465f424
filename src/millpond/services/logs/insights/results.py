"""Results of a query as they are kept: a file with a line for the fields, and one for each row."""

import datetime
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from millpond.services.logs.insights.compiling.values import Kind

Row = list[tuple[str, str]]
_row = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
_kept = msgspec.json.Decoder(list[str | None])
_fields = msgspec.json.Decoder(list[str])
_encode = msgspec.json.Encoder().encode


def write_results(
    answers: Sequence[Path], columns: Sequence[tuple[str, Kind]], path: Path
) -> tuple[int, int | None]:
    """Write what the engine answered; how many rows, and what the column after the last said."""
    count, told = 0, None
    extra = f"c{len(columns)}"
    with path.open("wb") as target:
        target.write(_encode([name for name, _ in columns]) + b"\n")
        for answer in answers:
            with answer.open("rb") as source:
                for line in source:
                    values = _row.decode(line)
                    shown = [
                        _shown(values.get(f"c{place}"), kind)
                        for place, (_, kind) in enumerate(columns)
                    ]
                    target.write(_encode(shown) + b"\n")
                    count += 1
                    if told is None and isinstance(values.get(extra), int):
                        told = int(values[extra] or 0)
    return count, told


def read_results(path: Path, start: int, count: int) -> list[Row]:
    """Rows from a place on; what is missing in a row is left out."""
    with path.open("rb") as source:
        fields = _fields.decode(next(source))
        rows: Iterator[bytes] = islice(source, start, start + count)
        return [
            [
                (field, value)
                for field, value in zip(fields, _kept.decode(line), strict=True)
                if value is not None
            ]
            for line in rows
        ]


def _shown(value: str | int | float | bool | None, kind: Kind) -> str | None:
    if value is None:
        return None
    if kind is Kind.TIME:
        return shown_time(int(value))
    if kind is Kind.NUMBER:
        return shown_number(float(value))
    return str(value)


def shown_number(number: float) -> str:
    """A number with up to four decimals."""
    text = f"{number:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shown_time(time_ms: int) -> str:
    """Epoch milliseconds as `2026-11-21 10:00:00.000`."""
    moment = datetime.datetime.fromtimestamp(time_ms // 1000, datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time_ms % 1000:03d}"
