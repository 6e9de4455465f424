"""Patterns of columns between spaces: `[ip, user, ..., status = 4*, size > 1000]`.

A message is split at spaces; what stands between brackets or quotation marks is one column. It
must have as many columns as the pattern, or as many as `...` leaves room for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from millpond.services.logs.patterns.comparisons import read_comparison
from millpond.services.logs.patterns.interface import InvalidPattern, Value
from millpond.services.logs.patterns.scanner import Scanner

_Test = Callable[[str], bool]
_NAME_STOPS = '=!<>&|,()[]{}"%'
DEPTH_MAX = 50
_CLOSING = {"[": "]", '"': '"'}


@dataclass(frozen=True, slots=True)
class Column:
    name: str = ""
    test: _Test | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """`before` stand at the beginning of a message, `after` at its end; between them there is
    nothing, or anything if the pattern is `open`."""

    before: tuple[Column, ...]
    after: tuple[Column, ...]
    open: bool
    regexes: int

    def matches(self, message: bytes) -> bool:
        cells = split_cells(message.decode())
        fixed = len(self.before) + len(self.after)
        if len(cells) < fixed or (len(cells) > fixed and not self.open):
            return False
        for column, cell in zip(self.before, cells, strict=False):
            if column.test is not None and not column.test(cell):
                return False
        for column, cell in zip(reversed(self.after), reversed(cells), strict=False):
            if column.test is not None and not column.test(cell):
                return False
        return True

    def extracted(self, message: bytes) -> Mapping[str, str]:
        cells = split_cells(message.decode())
        names = [column.name for column in self.before]
        names += [""] * (len(cells) - len(self.before) - len(self.after))
        names += [column.name for column in self.after]
        return {
            f"${name or number}": cell
            for number, (name, cell) in enumerate(zip(names, cells, strict=False), 1)
        }

    def values(self, message: bytes, references: tuple[str, ...]) -> tuple[Value, ...]:
        found = self.extracted(message)
        return tuple(found.get(reference) for reference in references)

    def check_reference(self, reference: str) -> None:
        name = reference.removeprefix("$")
        names = {column.name for column in (*self.before, *self.after)}
        if name not in names and not name.isdecimal():
            raise InvalidPattern(f"{reference} is not a field of the filter pattern.")


def split_cells(text: str) -> list[str]:
    """The columns of a message."""
    if '"' not in text and "[" not in text:
        return text.split()
    cells: list[str] = []
    unclosed = set()
    position, end = 0, len(text)
    while position < end:
        character = text[position]
        if character.isspace():
            position += 1
            continue
        closing = _CLOSING.get(character)
        if closing is not None and closing not in unclosed:
            close = text.find(closing, position + 1)
            if close >= 0:
                cells.append(text[position + 1 : close])
                position = close + 1
                continue
            unclosed.add(closing)
        stop = text.find(" ", position)
        stop = end if stop < 0 else stop
        cells.extend(text[position:stop].split())
        position = stop
    return cells


def read_columns(text: str) -> Columns:
    """The pattern that a text says.

    Raises:
        InvalidPattern: it cannot be read, has two `...`, or compares a column with another's name.
    """
    scanner = Scanner(text)
    scanner.expect("[")
    sides: list[list[Column]] = [[]]
    regexes = 0
    while not scanner.take("]"):
        if scanner.take("..."):
            sides.append([])
        else:
            reader = _ColumnReader(scanner)
            test = reader.alternatives()
            sides[-1].append(Column(reader.name, test))
            regexes += reader.regexes
        if not scanner.sees("]"):
            scanner.expect(",")
            if scanner.sees("]"):
                sides[-1].append(Column())
    if not scanner.at_end or len(sides) > 2:
        raise scanner.invalid()
    named = [column.name for side in sides for column in side if column.name]
    if len(named) != len(set(named)):
        raise InvalidPattern("Invalid filter pattern: a field has the name of another.")
    before = tuple(sides[0])
    after = tuple(sides[1]) if len(sides) == 2 else ()
    is_open = len(sides) == 2 or not before
    return Columns(before, after, is_open, regexes)


class _ColumnReader:
    """Reads one column: a name, or conditions on it."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self.name = ""
        self.regexes = 0

    def alternatives(self, depth: int = 0) -> _Test | None:
        """The column's test; None where it has only a name, or none."""
        tests = [self._conjunction(depth)]
        while self._scanner.take("||"):
            tests.append(self._conjunction(depth))
        return self._join(tests, any)

    def _conjunction(self, depth: int) -> _Test | None:
        tests = [self._condition(depth)]
        while self._scanner.take("&&"):
            tests.append(self._condition(depth))
        return self._join(tests, all)

    def _condition(self, depth: int) -> _Test | None:
        scanner = self._scanner
        if depth > DEPTH_MAX:
            raise scanner.invalid()
        if scanner.take("("):
            test = self.alternatives(depth + 1)
            scanner.expect(")")
            return test
        scanner.skip_spaces()
        name = scanner.take_until(_NAME_STOPS)
        if self.name and name != self.name:
            raise InvalidPattern(
                f"Invalid filter pattern: {name or 'nothing'} stands in the place of {self.name}."
            )
        self.name = name
        comparison = read_comparison(scanner)
        if comparison is None:
            return None
        if not name:
            raise scanner.invalid()
        self.regexes += comparison.is_regex
        return comparison.test_text

    def _join(
        self, tests: list[_Test | None], how: Callable[[Iterable[bool]], bool]
    ) -> _Test | None:
        if len(tests) == 1:
            return tests[0]
        given = [test for test in tests if test is not None]
        if len(given) < len(tests):
            raise self._scanner.invalid()
        return lambda cell: how(test(cell) for test in given)
