"""Result files as Athena writes them, read a page at a time.

A `.csv` has every value in quotes, quotes doubled, and NULL as nothing between commas; a `.txt` has
a line for each row. Source: Athena User Guide, "Working with query results".
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

_FIELD = re.compile(rb'(?:"((?:[^"]++|"")*+)")?([,\n])')

Values = list[str | None]


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Rows, and the byte at which the next one begins (None where there is none)."""

    rows: list[Values]
    next_byte: int | None


async def read_csv(chunks: AsyncIterator[bytes], start: int, size: int) -> ResultPage:
    """Up to `size` rows of a `.csv` whose bytes from `start` on are `chunks`."""
    rows: list[Values] = []
    buffer, position, row = b"", 0, Values()
    consumed = start
    async for chunk in chunks:
        buffer = buffer[position:] + chunk
        position = 0
        row_start = 0
        while match := _FIELD.match(buffer, position):
            value = match[1]
            row.append(None if value is None else value.replace(b'""', b'"').decode())
            position = match.end()
            if match[2] == b"\n":
                if len(rows) == size:
                    return ResultPage(rows, consumed)
                rows.append(row)
                row = Values()
                consumed += position - row_start
                row_start = position
        row = Values()
        position = row_start
    return ResultPage(rows, None)


async def read_lines(chunks: AsyncIterator[bytes], start: int, size: int) -> ResultPage:
    """Up to `size` lines of a `.txt` whose bytes from `start` on are `chunks`."""
    rows: list[Values] = []
    buffer, consumed = b"", start
    async for chunk in chunks:
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            if len(rows) == size:
                return ResultPage(rows, consumed)
            rows.append([line.decode()])
            consumed += len(line) + 1
    return ResultPage(rows, None)
