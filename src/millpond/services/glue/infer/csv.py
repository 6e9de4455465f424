"""Delimited text: separator, quotes, header, column types.

The rules are those that Glue documents for its built-in CSV classifier: the separators comma,
pipe, tab, semicolon and Ctrl-A; at least two columns and two rows; a header when every cell of the
first row reads as a string shorter than 150 characters and some other row has a cell that does
not. Cells read as `bigint`, `double`, `boolean` or `string`; dates stay strings, as in Glue.

Source: Glue developer guide, "Built-in classifiers", section "Built-in CSV classifier".
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from millpond.services.glue.infer.schema import Columns, CsvFacts, FileSchema, column_name
from millpond.services.glue.infer.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    STRING,
    UNSEEN,
    HiveType,
    merge,
)

DELIMITERS = (",", "|", "\t", ";", "\x01")
HEADER_CELL_CHARACTERS_MAX = 149
COLUMNS_MAX = 10_000
SNIFF_LINES = 200
REGULAR_ROWS_SHARE_MIN = 0.9

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_FRACTION = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
_TRUTHS = frozenset({"true", "false"})
_NAME = re.compile("[\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff\t]+")


@dataclass(frozen=True, slots=True)
class CsvRules:
    """What a custom classifier knows of a file: its separator (empty: to be found) and quote,
    whether it has a header (None: to be found), the names of its columns, the types that values may
    have (empty: all), whether spaces around values count for nothing, and how many columns there
    must be."""

    delimiter: str = ""
    quote: str = '"'
    header: bool | None = None
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    trims: bool = True
    columns_min: int = 2


ANY_CSV = CsvRules()


@dataclass(frozen=True, slots=True)
class _Grid:
    """The rows under one separator; `width` is the number of columns that most of them have."""

    delimiter: str
    rows: list[list[str]]
    width: int
    regular: float


def infer_csv(
    text: str, compression: str, sample_bytes: int, whole: bool, rules: CsvRules = ANY_CSV
) -> FileSchema | None:
    """The schema of delimited text, or None when `text` is not such.

    `text` ends with a whole line.
    """
    best = _best_grid(text, rules)
    if best is None:
        return None
    rows = best.rows
    width = best.width
    if rules.names and len(rules.names) != width:
        return None
    first = [cell.strip() for cell in rows[0]]
    below = _column_types(rows[1:], width, rules)
    given = [column_name(name) for name in rules.names]
    header = _has_header(first, below, width, rules)
    names = _unique(given or [column_name(cell) for cell in first], width)
    columns_below: Columns = tuple(zip(names, below, strict=True))
    if header:
        columns = columns_below
    else:
        types = [
            merge(_allowed(cell_type(cell), rules.types), kind)
            for cell, kind in zip(_fitted(first, width), below, strict=True)
        ]
        plain = names if given else [f"col{index}" for index in range(width)]
        columns = tuple(zip(plain, types, strict=True))
    facts = CsvFacts(
        delimiter=best.delimiter,
        quoted=_has_quotes(text, best.delimiter),
        header=header,
        first_row=tuple(names) if len(first) == width else (),
        columns_below=columns_below,
    )
    return FileSchema(
        classification="csv",
        compression=compression,
        columns=columns,
        records=len(rows) - header,
        sample_bytes=sample_bytes,
        whole=whole,
        csv=facts,
    )


def with_header(schema: FileSchema) -> FileSchema:
    """The same file, its first row now taken for a header."""
    facts = schema.csv
    assert facts is not None
    return FileSchema(
        classification="csv",
        compression=schema.compression,
        columns=facts.columns_below,
        records=schema.records - 1,
        sample_bytes=schema.sample_bytes,
        whole=schema.whole,
        csv=CsvFacts(facts.delimiter, facts.quoted, True, facts.first_row, facts.columns_below),
    )


def _has_header(
    first: Sequence[str], below: Sequence[HiveType], width: int, rules: CsvRules
) -> bool:
    if rules.header is not None:
        return rules.header
    if rules.names:
        return [cell.lower() for cell in first] == [name.lower() for name in rules.names]
    return _is_header(first, below, width)


def _allowed(kind: HiveType, types: Sequence[str]) -> HiveType:
    """The type, or `string` where a classifier does not take it for a value's."""
    return kind if not types or kind == UNSEEN or str(kind) in types else STRING


def _best_grid(text: str, rules: CsvRules) -> _Grid | None:
    """The separator under which the rows are most alike, and then the one with most columns."""
    if rules.delimiter:
        return _grid(text, rules.delimiter, rules)
    start = "\n".join(text.split("\n", SNIFF_LINES)[:SNIFF_LINES])
    best: _Grid | None = None
    for delimiter in DELIMITERS:
        if delimiter not in start:
            continue
        grid = _grid(start, delimiter, rules)
        if grid and (best is None or (grid.regular, grid.width) > (best.regular, best.width)):
            best = grid
    if best is None:
        return None
    return _grid(text, best.delimiter, rules)


def _grid(text: str, delimiter: str, rules: CsvRules) -> _Grid | None:
    try:
        reader = csv.reader(text.split("\n"), delimiter=delimiter, quotechar=rules.quote)
        rows = [row for row in reader if row]
    except csv.Error:
        return None
    if len(rows) < (1 if rules.delimiter else 2):
        return None
    widths = Counter(map(len, rows))
    width, count = max(widths.items(), key=lambda entry: (entry[1], entry[0]))
    if not rules.columns_min <= width <= COLUMNS_MAX or count < REGULAR_ROWS_SHARE_MIN * len(rows):
        return None
    return _Grid(delimiter, rows, width, count / len(rows))


def _column_types(rows: list[list[str]], width: int, rules: CsvRules) -> list[HiveType]:
    regular = [row for row in rows if len(row) == width]
    if not regular:
        return [UNSEEN] * width
    columns = zip(*regular, strict=True)
    return [_allowed(_values_type(set(column), rules), rules.types) for column in columns]


def _values_type(values: set[str], rules: CsvRules) -> HiveType:
    kind: HiveType = UNSEEN
    for value in values:
        is_plain = rules.trims or value == value.strip()
        kind = merge(kind, cell_type(value) if is_plain else STRING)
        if kind == STRING:
            break
    return kind


def cell_type(cell: str) -> HiveType:
    """The type of a value that is written as text."""
    text = cell.strip()
    if not text:
        return UNSEEN
    if _INTEGER.fullmatch(text):
        return BIGINT if -(2**63) <= int(text) < 2**63 else STRING
    if text in _NOT_FINITE or _FRACTION.fullmatch(text):
        return DOUBLE
    return BOOLEAN if text.lower() in _TRUTHS else STRING


def _is_header(first: Sequence[str], below: Sequence[HiveType], width: int) -> bool:
    if len(first) != width:
        return False
    for index, cell in enumerate(first):
        if not cell:
            if index < width - 1:
                return False
            continue
        if cell_type(cell) != STRING or not _NAME.fullmatch(cell):
            return False
        if len(cell) > HEADER_CELL_CHARACTERS_MAX and index < width - 1:
            return False
    return any(kind not in (STRING, UNSEEN) for kind in below)


def _fitted(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


def _unique(cells: Sequence[str], width: int) -> list[str]:
    """Column names: an empty cell becomes `col<index>`, a repeated name gets its index."""
    names: list[str] = []
    taken: set[str] = set()
    for index, cell in enumerate(_fitted(cells, width)):
        name = cell or f"col{index}"
        if name in taken:
            name = f"{name}_{index}"
        names.append(name)
        taken.add(name)
    return names


def _has_quotes(text: str, delimiter: str) -> bool:
    return re.search(f'(?:^|{re.escape(delimiter)})"', text, re.MULTILINE) is not None
